"""Columns of numbers in their order: each is sorted once for its quantiles, or its ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def is_constant(values: NDArray[np.float64]) -> bool:
    """Whether (n,) numbers are all one value, or none; NaN, where one is missing, counts as one."""
    n_missing = np.count_nonzero(np.isnan(values))
    if n_missing or not len(values):
        return bool(n_missing == len(values))
    return bool(values.min() == values.max())


def sort_known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(k,) the numbers that are not missing, ascending."""
    return np.sort(values)[: len(values) - np.count_nonzero(np.isnan(values))]


def pick_quantiles(ordered: NDArray[np.float64], shares: Sequence[float]) -> NDArray[np.float64]:
    """(q,) what `numpy.quantile` says, to the last bit, without sorting again.

    Args:
        ordered: (k,) ascending, k >= 1.
        shares: (q,) in [0, 1].
    """
    place = (len(ordered) - 1) * np.asarray(shares)
    below = place.astype(np.int64)
    part = place - below
    low, high = ordered[below], ordered[np.minimum(below + 1, len(ordered) - 1)]
    gap = high - low
    return np.where(part < 0.5, low + gap * part, high - gap * (1 - part))


def rank_among(values: NDArray[np.float64], n_known: int) -> tuple[NDArray[np.int64], int]:
    """(n,) twice the mean rank of each number among the known ones, and how many are known.

    Of a number that is none of them it is the rank that it would have as one more. The ranks of
    missing numbers say nothing.

    Args:
        values: (n,), NaN where missing.
        n_known: the first so many are the known ones.
    """
    order = np.argsort(values)
    ordered = values[order]
    is_known = (order < n_known) & ~np.isnan(ordered)
    within = np.cumsum(is_known)
    below: NDArray[np.int64] = within - is_known
    is_first = np.append(True, ordered[1:] != ordered[:-1])
    if not is_first.all():
        first = np.flatnonzero(is_first)
        run = np.cumsum(is_first) - 1
        below = below[first][run]
        within = within[np.append(first[1:], len(order)) - 1][run]
    twice = np.empty(len(order), np.int64)
    twice[order] = below + within + 1
    return twice, int(is_known.sum())
