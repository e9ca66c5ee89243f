"""The tables of a run, from what training and scoring found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from datacleanse.atomic import written_aside
from datacleanse.data import ids
from datacleanse.ledger import write_audit

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from datacleanse.records import Dataset
    from datacleanse.runfolder import RunFolder
    from datacleanse.score import Assessment, Evidence

STORED_SUSPECTS = 1000
"""Rows whose own columns are kept in the run folder, at least, so that reports can be rendered
again without DATA."""


def audit_columns(data: Dataset, evidence: Evidence, assessment: Assessment) -> dict[str, pa.Array]:
    """Every column of `ledger.AUDIT_COLUMNS` but the weights by epoch, (N,) each."""
    n = data.n_rows
    dynamics = evidence.reweighted
    measured = {
        "suspicion": assessment.suspicion,
        "mislabel_probability": assessment.probability,
        "p_value": assessment.p_value,
        "mean_weight": dynamics.weight[:n],
        "zero_weight_share": dynamics.zero_weight_share[:n],
        "mean_influence": dynamics.influence[:n],
        "mean_margin": dynamics.margin[:n],
        "mean_loss": dynamics.loss[:n],
        "control_margin": evidence.control.margin[:n],
    }
    return {
        "row": pa.array(np.arange(n)),
        "id": ids(data),
        "given_label": _names(data.labels, data.given_labels),
        "suggested_label": _names(assessment.suggested, data.given_labels),
        "rank": pa.array(ranks(assessment.suspicion)),
        "flagged": pa.array(assessment.flagged),
        "in_training": pa.array(evidence.trained[:n]),
        "verified_label": _names(evidence.verified, data.given_labels),
        **{
            name: pa.array(values, type=pa.float64(), from_pandas=True)
            for name, values in measured.items()
        },
    }


def write_tables(
    folder: RunFolder, data: Dataset, evidence: Evidence, assessment: Assessment, *, top: int
) -> None:
    """Write the audit table, the suspects' own columns and the calibration scores."""
    columns = audit_columns(data, evidence, assessment)
    write_audit(folder.audit_file, columns, folder.epoch_files())
    n_stored = max(STORED_SUSPECTS, top, int(assessment.flagged.sum()))
    _write(folder.suspects_file, _suspects(data, assessment.suspicion, n_stored))
    score = assessment.calibration_score
    calibration = {
        "row": pa.array(np.arange(len(score))),
        "part": pa.array(np.where(np.isnan(score), "meta", "calibration")),
        "score": pa.array(score, from_pandas=True),
    }
    _write(folder.calibration_file, pa.table(calibration))


def _suspects(data: Dataset, suspicion: NDArray[np.float64], count: int) -> pa.Table:
    """The most suspicious rows as they stand in DATA, their position in the first column."""
    rows = pa.array(ranks(suspicion).argsort()[:count])
    name = "row"
    while name in data.table.column_names:
        name = f"{name}_"
    return data.table.take(rows).add_column(0, name, rows)


def _write(path: Path, table: pa.Table) -> None:
    with written_aside(path) as aside:
        pq.write_table(table, aside)


def ranks(suspicion: NDArray[np.float64]) -> NDArray[np.int64]:
    """(N,) distinct scores to (N,) ranks, 1 = highest."""
    result = np.empty(len(suspicion), dtype=np.int64)
    result[np.argsort(-suspicion)] = np.arange(1, len(suspicion) + 1)
    return result


def _names(codes: NDArray[np.int64], names: tuple[str, ...]) -> pa.Array:
    """Class indices to names; -1 to null."""
    indices = pa.array(codes, mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string())).cast(pa.string())
