"""The tables of a run, from what training and scoring found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from datacleanse.data import read_ids, seal_rows
from datacleanse.detection.assessment import likely_classes
from datacleanse.detection.conflicts import conflicts
from datacleanse.storage.atomic_files import write_aside, write_parquet
from datacleanse.storage.ledger import weights_by_epoch
from datacleanse.storage.mapped_files import release_mapped
from datacleanse.storage.schemas import AUDIT_SCHEMA, ROW_GROUP

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from datacleanse.detection.evidence import Assessment, Evidence
    from datacleanse.records import Dataset
    from datacleanse.storage.run_folder import RunFolder

LIKELY_CLASSES = 9
"""Classes that are told of a stored suspect: as many as there are digits to choose them by."""

STORED_SUSPECTS = 1000
"""Rows whose own columns are kept in the run folder, at least, so that reports can be rendered
again without DATA."""


@dataclass(frozen=True)
class AuditColumns:
    """Every column of `ledger.AUDIT_COLUMNS` but the weights by epoch, made when asked for."""

    data: Dataset
    evidence: Evidence
    assessment: Assessment
    rank: NDArray[np.int64]
    """(N,) 1 = most suspicious."""
    stability: NDArray[np.float64] | None
    """(N,) share of the repeated runs that flag the row; None where there are none."""
    n_stored: int
    """Rows of the lowest ranks that are kept, and known again, beyond the run."""

    def portion(self, rows: slice) -> dict[str, pa.Array]:
        """The columns of some rows."""
        names, labels = self.data.given_labels, self.data.labels
        assessment, dynamics = self.assessment, self.evidence.reweighted
        measured: dict[str, NDArray[np.floating]] = {
            "suspicion": assessment.suspicion,
            "mislabel_probability": assessment.probability,
            "p_value": assessment.p_value,
            "mean_weight": dynamics.weight,
            "zero_weight_share": dynamics.zero_weight_share,
            "mean_influence": dynamics.influence,
            "mean_margin": dynamics.margin,
            "mean_loss": dynamics.loss,
            "control_margin": self.evidence.control.margin,
        }
        if self.stability is not None:
            measured["flag_stability"] = self.stability
        release_mapped()  # of the portion before
        part = replace(self.data, table=self.data.table[rows], labels=labels[rows])
        return {
            "row": pa.array(np.arange(rows.start, rows.stop)),
            "id": read_ids(part) if self.data.schema.id else _numbered(rows),
            "given_label": _names(labels[rows], names),
            "suggested_label": _names(assessment.suggested[rows], names),
            "rank": pa.array(self.rank[rows]),
            "flagged": pa.array(assessment.flagged[rows]),
            "in_training": pa.array(self.evidence.trained[rows]),
            "verified_label": _names(self.evidence.verified[rows], names),
            "flag_stability": pa.nulls(len(labels[rows]), pa.float64()),
            "row_sha256": self._seals(part, self.rank[rows]),
            **{
                name: pa.array(values[rows], type=pa.float64(), from_pandas=True)
                for name, values in measured.items()
            },
        }

    def _seals(self, part: Dataset, rank: NDArray[np.int64]) -> pa.Array:
        """(n,) what the stored suspects among these rows are known by again, else null."""
        seals = np.full(len(rank), None, dtype=object)
        stored = np.flatnonzero(rank <= self.n_stored)
        seals[stored] = seal_rows(part, stored)
        return pa.array(seals, pa.string())


def write_tables(
    folder: RunFolder,
    data: Dataset,
    evidence: Evidence,
    assessment: Assessment,
    *,
    stability: NDArray[np.float64] | None,
    top: int,
) -> None:
    """Write the audit table, what is kept of the suspects, conflicts and calibration scores."""
    n_stored = max(STORED_SUSPECTS, top, int(assessment.flagged.sum()))
    rank = ranks(assessment.suspicion)
    columns = AuditColumns(data, evidence, assessment, rank, stability, n_stored)
    write_audit(folder.audit_file, columns.portion, folder.epoch_files())
    write_parquet(folder.suspects_file, _suspects(data, columns.rank, n_stored))
    stored = np.flatnonzero(columns.rank <= n_stored)
    write_parquet(folder.likelihoods_file, _likelihoods(data, evidence, assessment, stored))
    if data.schema.columns:
        write_parquet(folder.conflicts_file, conflicts(data, columns.rank))
    score = assessment.calibration_score
    calibration = {
        "row": pa.array(np.arange(len(score))),
        "part": _parts(evidence, len(score)),
        "score": pa.array(score, from_pandas=True),
    }
    write_parquet(folder.calibration_file, pa.table(calibration))


def _parts(evidence: Evidence, n_clean: int) -> pa.Array:
    """(CLEAN,) what each row of CLEAN is there for; those that steer and calibrate calibrate."""
    parts = np.full(n_clean, "held back", dtype=object)
    for name in ("meta", "calibration"):
        for fold in evidence.folds:
            parts[getattr(fold, name) - evidence.n_data] = name
    parts[n_clean - evidence.n_reviewed :] = "reviewed"
    return pa.array(parts, pa.string())


def _likelihoods(
    data: Dataset, evidence: Evidence, assessment: Assessment, rows: NDArray[np.int64]
) -> pa.Table:
    """One line a row and place: ``row``, ``place`` from 1, ``label``, ``probability``."""
    classes, probability = likely_classes(evidence, assessment, rows, places=LIKELY_CLASSES)
    places = classes.shape[1]
    return pa.table(
        {
            "row": pa.array(np.repeat(rows, places)),
            "place": pa.array(np.tile(np.arange(1, places + 1, dtype=np.int32), len(rows))),
            "label": _names(classes.ravel(), data.given_labels),
            "probability": pa.array(probability.ravel().astype(np.float32)),
        }
    )


def _suspects(data: Dataset, rank: NDArray[np.int64], count: int) -> pa.Table:
    """The most suspicious rows as they stand in DATA, their position in the first column."""
    rows = np.flatnonzero(rank <= count)
    taken = _taken(data.table, rows).take(pa.array(np.argsort(rank[rows])))
    name = "row"
    while name in data.table.column_names:
        name = f"{name}_"
    return taken.add_column(0, name, pa.array(rows[np.argsort(rank[rows])]))


def _taken(table: pa.Table, rows: NDArray[np.int64]) -> pa.Table:
    """Some rows, in order, taken a portion at a time: Arrow would first join a column's parts."""
    parts = []
    for start in range(0, table.num_rows, ROW_GROUP):
        here = rows[(rows >= start) & (rows < start + ROW_GROUP)] - start
        parts.append(table.slice(start, ROW_GROUP).take(pa.array(here)))
        release_mapped()
    return pa.concat_tables(parts).unify_dictionaries()


def ranks(suspicion: NDArray[np.float64]) -> NDArray[np.int64]:
    """(N,) distinct scores to (N,) ranks, 1 = highest."""
    result = np.empty(len(suspicion), dtype=np.int64)
    result[np.argsort(-suspicion)] = np.arange(1, len(suspicion) + 1)
    return result


def _numbered(rows: slice) -> pa.Array:
    return pa.array(np.arange(rows.start, rows.stop)).cast(pa.string())


def _names(codes: NDArray[np.int64], names: tuple[str, ...]) -> pa.Array:
    """Class indices to names; -1 to null."""
    indices = pa.array(codes, mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string())).cast(pa.string())


def write_audit(
    path: Path, columns: Callable[[slice], dict[str, pa.Array]], epochs: Sequence[Path]
) -> None:
    """Write the audit table, a row group at a time so that many rows need little memory.

    Args:
        path: where to.
        columns: given a slice of rows, every column of `AUDIT_COLUMNS` but ``weight_by_epoch``.
        epochs: the epoch files in order; their weights become ``weight_by_epoch``.
    """
    with write_aside(path) as aside, pq.ParquetWriter(aside, AUDIT_SCHEMA) as writer:
        start = 0
        for weights in weights_by_epoch(epochs):
            rows = slice(start, start + weights.shape[1])
            group = {**columns(rows), "weight_by_epoch": _as_lists(weights)}
            writer.write_table(
                pa.Table.from_arrays([group[f.name] for f in AUDIT_SCHEMA], schema=AUDIT_SCHEMA),
                row_group_size=ROW_GROUP,
            )
            start = rows.stop


def _as_lists(weights: NDArray[np.float32]) -> pa.Array:
    """(E, n) to n lists of E; the weights of rows that were not trained on are null."""
    n_epochs, n_rows = weights.shape
    offsets = pa.array(np.arange(n_rows + 1, dtype=np.int32) * n_epochs)
    values = pa.array(np.ascontiguousarray(weights.T).ravel(), from_pandas=True)
    return pa.ListArray.from_arrays(offsets, values)
