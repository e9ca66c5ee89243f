"""The tables of a run that are alike for classes and numbers, from what was found of each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from datacleanse.detection.ranking import UNVERIFIED
from datacleanse.detection.telling_cells import find_telling_cells
from datacleanse.detection.telling_terms import find_telling_terms
from datacleanse.storage.atomic_files import write_aside, write_parquet
from datacleanse.storage.ledger import gather_weights
from datacleanse.storage.schemas import (
    AUDIT_SCHEMA,
    CALIBRATION_SCHEMA,
)
from datacleanse.storage.suspect_schemas import CLUES_SCHEMA
from datacleanse.storage.table_column import ROW_GROUP

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from datacleanse.auditing.found_rows import FoundRows
    from datacleanse.detection.evidence import Assessment, Evidence
    from datacleanse.records import Dataset
    from datacleanse.storage.run_folder import RunFolder

MOST_CLUES = 20_000
"""Rows of the ranking of which a later round can know what was thought."""


def write_found(
    folder: RunFolder,
    found: FoundRows,
    take: Callable[[NDArray[np.int64]], pa.Table],
    tell_labels: Callable[[slice], dict[str, pa.Array]],
    schema: pa.Schema = AUDIT_SCHEMA,
) -> NDArray[np.int64]:
    """Write the audit table, what is kept of the suspects, and what became of CLEAN's rows.

    Args:
        folder: of the run.
        found: of DATA's rows.
        take: gives rows of DATA, whose numbers ascend, with all their columns.
        tell_labels: given a slice of rows, makes the columns that `FoundRows.take_columns` lacks.
        schema: of the audit table.

    Returns:
        (K,) the suspects whose own columns are kept, ascending.
    """
    data, assessment = found.data, found.assessment

    def make(rows: slice) -> dict[str, pa.Array]:
        return found.take_columns(rows) | tell_labels(rows)

    write_audit(folder.audit_file, make, folder.epoch_files(), data.n_rows, schema)
    stored = _write_suspects(folder, assessment.rank, found.n_stored, take)
    calibration = _tabulate_calibration(data, found.evidence, assessment)
    write_parquet(folder.calibration_file, calibration)
    _write_clues(folder, assessment)
    return stored


def _write_suspects(
    folder: RunFolder,
    rank: NDArray[np.int64],
    n_stored: int,
    take: Callable[[NDArray[np.int64]], pa.Table],
) -> NDArray[np.int64]:
    """Write the stored suspects' own columns, by rank.

    Args:
        folder: of the run.
        rank: (N,) of DATA's rows.
        n_stored: rows of the lowest ranks that are kept.
        take: gives rows of DATA, whose numbers ascend, with all their columns.

    Returns:
        (K,) the stored rows, ascending.
    """
    stored = np.flatnonzero(rank <= n_stored)
    order = np.argsort(rank[stored])
    suspects = number_rows(take(stored).take(pa.array(order)), stored[order], "row")
    write_parquet(folder.suspects_file, suspects)
    return stored


def write_telling(
    folder: RunFolder,
    data: Dataset,
    probability: NDArray[np.float64],
    suggested: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> None:
    """Write which cells and words of some rows tell most, where there are columns.

    Args:
        folder: of the run.
        data: DATA, its labels classes.
        probability: (N,) that the given label is wrong.
        suggested: (N,) class, -1 where there is none.
        rows: (K,) ascending.
    """
    if data.schema.columns:
        told = find_telling_cells(data, probability, suggested, rows)
        write_parquet(folder.telling_file, told)
    if any(column.kind == "text" for column in data.schema.columns):
        write_parquet(folder.terms_file, find_telling_terms(data, probability, suggested, rows))


def _write_clues(folder: RunFolder, assessment: Assessment) -> None:
    """Write what was thought of the rows that may be reviewed, where pairs calibrate it."""
    clues = assessment.clues
    if clues is None:
        return
    n_unverified = int(np.count_nonzero(assessment.verdict == UNVERIFIED))
    first = min(MOST_CLUES, n_unverified)
    rows = np.flatnonzero(assessment.rank <= first)
    taken = clues.take(rows)
    columns = {
        "row": pa.array(rows),
        "log_odds": pa.array(taken.log_odds),
        "views": pa.array(list(taken.views), CLUES_SCHEMA.field("views").type),
    }
    write_parquet(folder.clues_file, pa.table(columns, schema=CLUES_SCHEMA))


def _tabulate_calibration(data: Dataset, evidence: Evidence, assessment: Assessment) -> pa.Table:
    """One line a row of CLEAN, with the columns of `CALIBRATION_COLUMNS`."""
    at, scored = evidence.clean_at, assessment.calibration_score
    is_other = at >= evidence.n_data
    is_wrong = evidence.labels[at] != evidence.truth[at]
    columns = {
        "row": pa.array(np.arange(len(at))),
        "part": _name_parts(evidence),
        "score": pa.array(scored, from_pandas=True),
        "data_row": pa.array(at, mask=is_other),
        "is_wrong": pa.array(is_wrong, mask=is_other),
        "given_label": name_classes(np.where(is_other, -1, evidence.labels[at]), data.given_labels),
    }
    return pa.table(columns, schema=CALIBRATION_SCHEMA)


def _name_parts(evidence: Evidence) -> pa.Array:
    """Name the part of each row of CLEAN; one that steers in one fold calibrates in another."""
    at = evidence.clean_at
    parts = np.full(len(at), "held back", dtype=object)
    for fold in evidence.folds:
        parts[np.isin(at, fold.steering)] = "steering"
    for fold in evidence.folds:
        parts[np.isin(at, fold.calibration)] = "calibration"
    parts[len(at) - evidence.n_reviewed :] = "reviewed"
    return pa.array(parts, pa.string())


def number_rows(originals: pa.Table, rows: NDArray[np.int64], name: str) -> pa.Table:
    """Put the rows' positions before their original columns, one of which may have that name."""
    while name in originals.column_names:
        name = f"{name}_"
    # A table without columns does not know how many rows it has.
    columns = zip(originals.schema, originals.columns, strict=True)
    fields, arrays = zip((pa.field(name, pa.int64()), pa.array(rows)), *columns, strict=True)
    return pa.Table.from_arrays(list(arrays), schema=pa.schema(fields, originals.schema.metadata))


def take_clean_rows(clean: Dataset, neighbours: pa.Table) -> pa.Table:
    """The cells of the rows of CLEAN that are shown beside a suspect."""
    rows = np.unique(neighbours["clean_row"].to_numpy())
    return number_rows(clean.table.take(pa.array(rows)), rows, "clean_row")


def name_classes(codes: NDArray[np.int64], names: tuple[str, ...]) -> pa.Array:
    """Name classes by their indices; -1 becomes null."""
    indices = pa.array(codes, mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string())).cast(pa.string())


def write_audit(
    path: Path,
    columns: Callable[[slice], dict[str, pa.Array]],
    epochs: Sequence[Path],
    n_rows: int,
    schema: pa.Schema = AUDIT_SCHEMA,
) -> None:
    """Write the audit table, a row group at a time so that many rows need little memory.

    Args:
        path: where to.
        columns: given a slice of rows, every column of `AUDIT_COLUMNS` but ``weight_by_epoch``.
        epochs: the epoch files in order; their weights become ``weight_by_epoch``.
        n_rows: of DATA.
        schema: `AUDIT_SCHEMA`, or one with further columns.
    """
    with write_aside(path) as aside, pq.ParquetWriter(aside, schema) as writer:
        start = 0
        for weights in gather_weights(epochs, n_rows):
            rows = slice(start, start + weights.shape[1])
            group = {**columns(rows), "weight_by_epoch": _list_by_row(weights)}
            writer.write_table(
                pa.Table.from_arrays([group[f.name] for f in schema], schema=schema),
                row_group_size=ROW_GROUP,
            )
            start = rows.stop


def _list_by_row(weights: NDArray[np.float32]) -> pa.Array:
    """List (E, n) weights by row, n lists of E; those of rows not trained on are null."""
    n_epochs, n_rows = weights.shape
    offsets = pa.array(np.arange(n_rows + 1, dtype=np.int32) * n_epochs)
    values = pa.array(np.ascontiguousarray(weights.T).ravel(), from_pandas=True)
    return pa.ListArray.from_arrays(offsets, values)
