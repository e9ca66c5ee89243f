"""The audit table's columns, from what training and scoring found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.data import ids

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.records import Dataset
    from datacleanse.score import Assessment, Evidence


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


def ranks(suspicion: NDArray[np.float64]) -> NDArray[np.int64]:
    """(N,) distinct scores to (N,) ranks, 1 = highest."""
    result = np.empty(len(suspicion), dtype=np.int64)
    result[np.argsort(-suspicion)] = np.arange(1, len(suspicion) + 1)
    return result


def _names(codes: NDArray[np.int64], names: tuple[str, ...]) -> pa.Array:
    """Class indices to names; -1 to null."""
    indices = pa.array(codes, mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string())).cast(pa.string())
