"""The tables of a run, from what training and scoring found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from datacleanse.data import read_ids, seal_rows
from datacleanse.detection.assessment import find_likely_classes
from datacleanse.detection.conflicts import find_conflicts
from datacleanse.detection.ranking import UNVERIFIED, score_ranks
from datacleanse.detection.telling_cells import find_telling_cells
from datacleanse.detection.telling_terms import find_telling_terms
from datacleanse.detection.verdicts import VERDICTS, judge_rows
from datacleanse.storage.atomic_files import write_aside, write_parquet
from datacleanse.storage.ledger import gather_weights
from datacleanse.storage.mapped_files import release_mapped
from datacleanse.storage.schemas import (
    AUDIT_SCHEMA,
    CALIBRATION_SCHEMA,
)
from datacleanse.storage.suspect_schemas import CLUES_SCHEMA, LIKELIHOODS_SCHEMA
from datacleanse.storage.table_column import ROW_GROUP

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from datacleanse.detection.evidence import Assessment, Evidence
    from datacleanse.detection.health.look import Health
    from datacleanse.records import Dataset
    from datacleanse.storage.run_folder import RunFolder

LIKELY_CLASSES = 9
"""Classes that are told of a stored suspect: as many as there are digits to choose them by."""

MOST_CLUES = 20_000
"""Rows of the ranking of which a later round can know what was thought."""

STORED_SUSPECTS = 1000
"""Rows whose own columns are kept in the run folder, at least, so that reports can be rendered
again without DATA."""


@dataclass(frozen=True)
class AuditColumns:
    """Every column of `AUDIT_COLUMNS` but the weights by epoch, made when asked for."""

    data: Dataset
    evidence: Evidence
    assessment: Assessment
    score: NDArray[np.float64]
    """(N,) the column ``suspicion``; see `score_ranks`."""
    stability: NDArray[np.float64] | None
    """(N,) share of the repeated runs that flag the row; None where there are none."""
    health: Health
    """What was seen beside wrong labels."""
    verdict: NDArray[np.int8]
    """(N,) places in `VERDICTS`."""
    final_weight: NDArray[np.float32]
    """(N,) how much each row counts in the final model, in [0, 1]."""
    n_stored: int
    """Rows of the lowest ranks that are kept, and known again, beyond the run."""

    def take_rows(self, rows: slice) -> dict[str, pa.Array]:
        """Make every column of some rows but the weights by epoch."""
        names, labels = self.data.given_labels, self.data.labels
        assessment, dynamics = self.assessment, self.evidence.reweighted
        measured: dict[str, NDArray[np.floating]] = {
            "suspicion": self.score,
            "mislabel_probability": assessment.probability,
            "p_value": assessment.p_value,
            "mean_weight": dynamics.weight,
            "zero_weight_share": dynamics.zero_weight_share,
            "mean_influence": dynamics.influence,
            "mean_margin": dynamics.margin,
            "mean_loss": dynamics.loss,
            "control_margin": self.evidence.control.margin,
            "unlike_p_value": self.health.unlike_p_value,
            "final_weight": self.final_weight,
        }
        if self.stability is not None:
            measured["flag_stability"] = self.stability
        release_mapped()  # of the portion before
        part = replace(self.data, table=self.data.table[rows], labels=labels[rows])
        return {
            "row": pa.array(np.arange(rows.start, rows.stop)),
            "id": read_ids(part) if self.data.schema.id else name_rows(self.data, rows),
            "given_label": _name_classes(labels[rows], names),
            "suggested_label": _name_classes(assessment.suggested[rows], names),
            "rank": pa.array(assessment.rank[rows]),
            "flagged": pa.array(assessment.flagged[rows]),
            "in_training": pa.array(self.evidence.is_trained[rows]),
            "verified_label": _name_classes(self.evidence.verified[rows], names),
            "flag_stability": pa.nulls(len(labels[rows]), pa.float64()),
            "false_at_most": tell_bound(assessment, rows),
            "verdict": _name_classes(self.verdict[rows].astype(np.int64), VERDICTS),
            "copy_group": pa.array(
                self.health.copy_group[rows], mask=self.health.copy_group[rows] < 0
            ),
            "row_sha256": seal_known_rows(
                part, assessment.rank[rows], self.evidence.verified[rows], self.n_stored
            ),
            **{
                name: pa.array(values[rows], type=pa.float64(), from_pandas=True)
                for name, values in measured.items()
            },
        }


def tell_bound(assessment: Assessment, rows: slice) -> pa.Array:
    """The column ``false_at_most`` of some rows."""
    bound = assessment.false_at_most
    if bound is None:
        return pa.nulls(rows.stop - rows.start, pa.int64())
    return pa.array(bound[rows], mask=bound[rows] < 0)


def seal_known_rows(
    part: Dataset, rank: NDArray[np.int64], verified: NDArray[np.int64], n_stored: int
) -> pa.Array:
    """Seal stored suspects and verified rows, to know them again; null at all others.

    Args:
        part: n rows of DATA.
        rank: (n,) theirs.
        verified: (n,) label that CLEAN gives each, -1 where it gives none.
        n_stored: rows of the lowest ranks that are kept.
    """
    seals = np.full(len(rank), None, dtype=object)
    stored = np.flatnonzero((rank <= n_stored) | (verified >= 0))
    seals[stored] = seal_rows(part, stored)
    return pa.array(seals, pa.string())


def count_stored(assessment: Assessment, top: int) -> int:
    """Count the rows of the lowest ranks whose own columns are kept."""
    return max(STORED_SUSPECTS, top, int(assessment.flagged.sum()))


def write_suspects(
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


def write_tables(
    folder: RunFolder,
    data: Dataset,
    evidence: Evidence,
    assessment: Assessment,
    *,
    health: Health,
    stability: NDArray[np.float64] | None,
    final_weight: NDArray[np.float32],
    top: int,
    take: Callable[[NDArray[np.int64]], pa.Table],
) -> None:
    """Write the audit table, what is kept of the suspects, conflicts and calibration scores.

    Args:
        folder: of the run.
        data: DATA.
        evidence: what training showed.
        assessment: what it says of each row.
        health: what was seen beside wrong labels.
        stability: see `AuditColumns`.
        final_weight: see `AuditColumns`.
        top: rows that the reports list.
        take: gives rows of DATA, whose numbers ascend, with all their columns.
    """
    n_stored = count_stored(assessment, top)
    rank = assessment.rank
    score = score_ranks(assessment.suspicion, assessment.verdict, rank)
    verdict = judge_rows(evidence, assessment, health.is_unlike)
    columns = AuditColumns(
        data, evidence, assessment, score, stability, health, verdict, final_weight, n_stored
    )
    write_audit(folder.audit_file, columns.take_rows, folder.epoch_files(), data.n_rows)
    stored = write_suspects(folder, rank, n_stored, take)
    write_parquet(
        folder.likelihoods_file, _tabulate_likelihoods(data, evidence, assessment, stored)
    )
    if data.schema.columns:
        write_parquet(folder.conflicts_file, find_conflicts(data, rank))
    write_telling(folder, data, assessment.probability, assessment.suggested, stored)
    write_parquet(folder.calibration_file, tabulate_calibration(data, evidence, assessment))
    write_clues(folder, assessment)


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


def write_clues(folder: RunFolder, assessment: Assessment) -> None:
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


def tabulate_calibration(data: Dataset, evidence: Evidence, assessment: Assessment) -> pa.Table:
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
        "given_label": _name_classes(
            np.where(is_other, -1, evidence.labels[at]), data.given_labels
        ),
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


def _tabulate_likelihoods(
    data: Dataset, evidence: Evidence, assessment: Assessment, rows: NDArray[np.int64]
) -> pa.Table:
    """One line a row and place, with the columns of `LIKELIHOODS_COLUMNS`."""
    classes, probability = find_likely_classes(evidence, assessment, rows, places=LIKELY_CLASSES)
    places = classes.shape[1]
    return pa.table(
        {
            "row": pa.array(np.repeat(rows, places)),
            "place": pa.array(np.tile(np.arange(1, places + 1, dtype=np.int32), len(rows))),
            "label": _name_classes(classes.ravel(), data.given_labels),
            "probability": pa.array(probability.ravel().astype(np.float32)),
        },
        schema=LIKELIHOODS_SCHEMA,
    )


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


def name_rows(data: Dataset, rows: slice) -> pa.Array:
    """What rows without ids are called: by a data frame's index, else by their numbers."""
    if data.row_names is not None:
        return data.row_names[rows]
    return pa.array(np.arange(rows.start, rows.stop)).cast(pa.string())


def _name_classes(codes: NDArray[np.int64], names: tuple[str, ...]) -> pa.Array:
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
