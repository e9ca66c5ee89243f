"""How far the probabilities can be checked against the verified rows, and what reading finds.

Verified rows are right by construction, so no share of wrong ones can be counted among them. What
they do show is where right labels score. With N rows of DATA tested, of which a share pi0 is right,
and k of K verified rows in a range of scores, about pi0 N k / K right labels of DATA are to be
expected there; all other rows in that range must be wrong. `docs/method.md` says how much that
proves.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from datacleanse_reports.records import ReadingPoint, ReliabilityBin

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

EDGES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Scores that part the bins."""

LEAST_ROWS = 10
"""Rows of DATA in a bin, at least; thinner ones are joined to the next."""

_Z = 1.96
_POINTS = 80
_BEYOND = 2.0
"""The reading curve is drawn for so many times the expected number of wrong labels."""


def reliability(
    table: pa.Table, scores: NDArray[np.float64], null_share: float | None
) -> tuple[ReliabilityBin, ...]:
    """Both estimates by bins of the suspicion.

    Args:
        table: the audit's narrow columns, (N,).
        scores: (K,) of the verified rows that calibrate.
        null_share: pi0; None where nothing calibrates, which gives no bins.
    """
    import numpy as np

    # Rows that were compared with verified ones have a p-value, and no others.
    tested = table["p_value"].is_valid().to_numpy()
    if null_share is None or not len(scores) or not tested.any():
        return ()
    suspicion = table["suspicion"].to_numpy()[tested]
    probability = table["mislabel_probability"].to_numpy()[tested]
    place = np.digitize(suspicion, EDGES)
    verified = np.bincount(np.digitize(scores, EDGES), minlength=len(EDGES) + 1)
    fewest, n_right, most_right = _right_rows(null_share, len(scores), len(suspicion))
    bins = []
    for first, last in _joined(np.bincount(place, minlength=len(EDGES) + 1)):
        here = (place >= first) & (place <= last)
        k, n = int(verified[first : last + 1].sum()), int(here.sum())
        least, most = _wilson(k, len(scores))
        bins.append(
            ReliabilityBin(
                rows=n,
                calibration_rows=k,
                predicted=float(probability[here].mean()),
                implied=_wrong(n_right * k / len(scores), n),
                low=_wrong(most_right * most, n),
                high=_wrong(fewest * least, n),
            )
        )
    return tuple(bins)


def _right_rows(null_share: float, n_verified: int, n: int) -> tuple[float, float, float]:
    """How many of n rows are right: least, expected, most."""
    # Storey's estimate counts the scores beyond the middle of either sample: here is 1.96 times its
    # relative standard error. No more than all rows are right.
    error = _Z * math.sqrt(1 / n_verified + 1 / n)
    low, high = max(0.0, null_share * (1 - error)), min(1.0, null_share * (1 + error))
    return n * low, n * null_share, n * high


def _wrong(n_right: float, n: int) -> float:
    return min(1.0, max(0.0, 1.0 - n_right / n))


def _joined(counts: NDArray[np.int64]) -> list[tuple[int, int]]:
    """First and last of the bins that make up each one with rows enough."""
    parts: list[tuple[int, int]] = []
    first, n = 0, 0
    for place, count in enumerate(counts):
        n += int(count)
        if n >= LEAST_ROWS:
            parts.append((first, place))
            first, n = place + 1, 0
    if first < len(counts) and parts:
        parts[-1] = (parts[-1][0], len(counts) - 1)
    return parts


def _wilson(k: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval (1927) of a share of which k in n were seen."""
    share, z2 = k / n, _Z * _Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def reading_curve(table: pa.Table) -> tuple[ReadingPoint, ...]:
    """Running sum of the mislabel probabilities by rank, at up to `_POINTS` places."""
    import numpy as np

    order = np.argsort(table["rank"].to_numpy())
    found = np.cumsum(np.nan_to_num(table["mislabel_probability"].to_numpy()[order]))
    last = min(len(found), max(20, math.ceil(_BEYOND * found[-1])))
    places = np.unique(np.linspace(1, last, min(last, _POINTS)).round().astype(np.int64))
    return tuple(ReadingPoint(int(n), float(found[n - 1])) for n in places)
