"""P-values and flags with a stated false-discovery rate.

Calibration rows are verified rows that are trained on exactly like any other row, so under "this
label is right" a row's score is exchangeable with theirs. Bates, Candès, Lei, Romano, Sesia 2023,
"Testing for outliers with conformal p-values", arXiv 2104.08279: such p-values with the procedure
of Benjamini and Hochberg (1995) keep the expected share of false alarms among the flags at most at
(share of right labels) x q. Storey (2002) estimates that share and gives the power back.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

STOREY_LAMBDA = 0.5
"""p-values above it are taken to come from right labels only (the customary choice)."""

MIN_CALIBRATION = 10
"""With fewer calibration rows neither p-values nor probabilities are worth stating."""


def conformal_p_values(
    scores: NDArray[np.float64], calibration: NDArray[np.float64]
) -> NDArray[np.float64]:
    """P = (1 + #{calibration scores >= score}) / (n + 1): 2104.08279, eq. 3.

    Args:
        scores: (N,) suspicion of rows to be tested; higher is more suspicious.
        calibration: (n,) suspicion of rows known to be right.

    Returns:
        (N,) in [1 / (n + 1), 1].
    """
    ordered = np.sort(calibration)
    n_at_least = len(ordered) - np.searchsorted(ordered, scores, side="left")
    p_values: NDArray[np.float64] = ((1 + n_at_least) / (len(ordered) + 1)).astype(np.float64)
    return p_values


def null_share(p_values: NDArray[np.float64]) -> float:
    """Storey's estimate of the share of right labels, in (0, 1]: Storey 2002, eq. 6.

    With the + 1 in the numerator that keeps the false-discovery control valid in finite samples.
    """
    if len(p_values) == 0:
        return 1.0
    n_large = int(np.count_nonzero(p_values > STOREY_LAMBDA))
    return min(1.0, (n_large + 1) / (len(p_values) * (1 - STOREY_LAMBDA)))


def benjamini_hochberg(p_values: NDArray[np.float64], level: float) -> NDArray[np.bool_]:
    """(N,) True for the largest set k with k-th smallest p <= level k / N."""
    n = len(p_values)
    ordered = np.sort(p_values)
    passing = np.flatnonzero(ordered <= level * np.arange(1, n + 1) / max(n, 1))
    if passing.size == 0:
        return np.zeros(n, dtype=np.bool_)
    result: NDArray[np.bool_] = p_values <= ordered[passing[-1]]
    return result


def calibration_rows_needed(
    scores: NDArray[np.float64], calibration: NDArray[np.float64], level: float
) -> int | None:
    """How many calibration rows would let the rows beyond all present ones be flagged.

    The least p-value is 1 / (n + 1); k rows share it. They are flagged when 1 / (n + 1) <=
    level k / N. Supposes that the k rows stay beyond the added calibration rows, so it is a lower
    estimate. None where no row is beyond all calibration rows.
    """
    beyond = int(np.count_nonzero(scores > calibration.max(initial=-np.inf)))
    if beyond == 0:
        return None
    return math.ceil(len(scores) / (level * beyond)) - 1
