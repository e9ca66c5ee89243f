"""How far mislabel probabilities can be checked against the verified rows.

Among pairs the wrong ones are counted. Verified rows from elsewhere are right by construction: what
they do show is where right labels score. With N rows of DATA tested, of which a share pi0 is right,
and k of K verified rows in a range of scores, about pi0 N k / K right labels of DATA are to be
expected there; all other rows in that range must be wrong. `docs/method.md` says how much that
proves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.shares import NORMAL_95, find_wilson_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

EDGES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Scores that part the bins."""

LEAST_ROWS = 10
"""Rows of DATA in a bin, at least; thinner ones are joined to the next."""


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows of DATA with about the same suspicion: two estimates of the share of wrong ones."""

    rows: int
    """Rows that were compared with verified ones."""
    calibration_rows: int
    """Verified rows with such a score; all of them right where they are no pairs."""
    predicted: float
    """Mean of the rows' mislabel probabilities, in [0, 1]."""
    implied: float
    """Share of wrong rows that the verified ones imply, in [0, 1]."""
    low: float
    """Lower end of its range, by 95 % intervals of the verified rows' share and of all right
    rows'."""
    high: float
    """Upper end."""


def compare_with_verified(
    suspicion: NDArray[np.float64],
    probability: NDArray[np.float64],
    scores: NDArray[np.float64],
    null_share: float | None,
) -> tuple[ReliabilityBin, ...]:
    """Both estimates of the share of wrong labels, by bins of the suspicion, rising.

    Args:
        suspicion: (N,) of the rows of DATA that were compared with verified ones.
        probability: (N,) their mislabel probabilities.
        scores: (K,) of the verified rows that calibrate.
        null_share: pi0 in [0, 1]; None where nothing calibrates, which gives no bins.
    """
    if null_share is None or not len(scores) or not len(suspicion):
        return ()
    place = np.digitize(suspicion, EDGES)
    verified = np.bincount(np.digitize(scores, EDGES), minlength=len(EDGES) + 1)
    fewest, n_right, most_right = _bound_right_rows(null_share, len(scores), len(suspicion))
    bins = []
    for first, last in _join_thin_bins(np.bincount(place, minlength=len(EDGES) + 1)):
        here = (place >= first) & (place <= last)
        k, n = int(verified[first : last + 1].sum()), int(here.sum())
        least, most = find_wilson_interval(k, len(scores))
        bins.append(
            ReliabilityBin(
                rows=n,
                calibration_rows=k,
                predicted=float(probability[here].mean()),
                implied=_share_wrong(n_right * k / len(scores), n),
                low=_share_wrong(most_right * most, n),
                high=_share_wrong(fewest * least, n),
            )
        )
    return tuple(bins)


def compare_with_pairs(
    suspicion: NDArray[np.float64],
    probability: NDArray[np.float64],
    scores: NDArray[np.float64],
    is_wrong: NDArray[np.bool_],
) -> tuple[ReliabilityBin, ...]:
    """The predicted share of wrong labels beside that among pairs, by bins of the suspicion.

    A bin without pairs proves nothing: its range is all of [0, 1].

    Args:
        suspicion: (N,) of the rows of DATA that nobody verified.
        probability: (N,) their mislabel probabilities.
        scores: (K,) suspicions of the pairs before their labels were known.
        is_wrong: (K,) what was found.
    """
    if not len(scores) or not len(suspicion):
        return ()
    place, verified = np.digitize(suspicion, EDGES), np.digitize(scores, EDGES)
    bins = []
    for first, last in _join_thin_bins(np.bincount(place, minlength=len(EDGES) + 1)):
        here = (place >= first) & (place <= last)
        there = (verified >= first) & (verified <= last)
        n_wrong, n = int(is_wrong[there].sum()), int(there.sum())
        low, high = find_wilson_interval(n_wrong, n) if n else (0.0, 1.0)
        predicted = float(probability[here].mean())
        bins.append(
            ReliabilityBin(
                rows=int(here.sum()),
                calibration_rows=n,
                predicted=predicted,
                implied=n_wrong / n if n else predicted,
                low=low,
                high=high,
            )
        )
    return tuple(bins)


def _bound_right_rows(null_share: float, n_verified: int, n: int) -> tuple[float, float, float]:
    """How many of n rows are right: least, expected, most."""
    # Storey's estimate counts the scores beyond the middle of either sample: here is 1.96 times its
    # relative standard error. No more than all rows are right.
    error = NORMAL_95 * math.sqrt(1 / n_verified + 1 / n)
    low, high = max(0.0, null_share * (1 - error)), min(1.0, null_share * (1 + error))
    return n * low, n * null_share, n * high


def _share_wrong(n_right: float, n: int) -> float:
    """Share of n rows that is wrong where so many are right, in [0, 1]."""
    return min(1.0, max(0.0, 1.0 - n_right / n))


def _join_thin_bins(counts: NDArray[np.int64]) -> list[tuple[int, int]]:
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
