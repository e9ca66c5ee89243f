"""How well one column alone predicts a number: by the numbers of rows with values near its own.

What is learned are medians, first of rows with the same value, then of five neighbouring values, so
that single wrong labels count little. Between two values it is on the line that joins them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from datacleanse.detection.health.halves import draw_half

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MANY = 5
"""Rows with one value from which their median stands alone."""

REACH = 2
"""Neighbouring values on either side that the others' medians are taken over."""


def measure_number_skill(values: Floats, numbers: Floats, trust: Floats) -> float:
    """The share of a constant guess's errors that one column avoids on rows it has not seen.

    Errors are absolute. It is 0 where the column or the numbers do not vary.

    Args:
        values: (n,) the column, NaN where missing.
        numbers: (n,) labels as given.
        trust: (n,) how much each row counts, in [0, 1]; of those at 0 nothing is learned.
    """
    is_counted = trust > 0
    if len(np.unique(values[is_counted])) < 2:  # NaN is one value here
        return 0.0
    values, numbers, trust = values[is_counted], numbers[is_counted], trust[is_counted]
    half = draw_half(len(numbers))
    error = np.empty(len(numbers))
    for learned in (half, ~half):
        said = predict_numbers(values[learned], numbers[learned], values[~learned])
        error[~learned] = np.abs(said - numbers[~learned])
    by_chance = float(np.abs(numbers - find_median(numbers, trust)) @ trust)
    return float(1.0 - (error @ trust) / by_chance) if by_chance > 0 else 0.0


def predict_numbers(values: Floats, numbers: Floats, asked: Floats) -> Floats:
    """(a,) numbers for the values asked about.

    Args:
        values: (n,) of the rows learned from, n >= 1; NaN where missing.
        numbers: (n,) theirs.
        asked: (a,) values.
    """
    missing = np.isnan(values)
    found = np.full(len(asked), np.median(numbers[missing] if missing.any() else numbers))
    if missing.all():
        return found
    places, medians, counts = _summarise(values[~missing], numbers[~missing])
    smooth = np.where(counts < MANY, _smooth(medians), medians)
    is_known = ~np.isnan(asked)
    with np.errstate(over="ignore", invalid="ignore"):  # between values as far apart as can be
        said = np.interp(asked[is_known], places, smooth)
    found[is_known] = np.where(np.isfinite(said), said, np.median(numbers))
    return found


def _smooth(medians: Floats) -> Floats:
    """(v,) medians of neighbours, as many on either side, so that slopes cancel out."""
    smooth = medians.copy()
    for reach in range(1, REACH + 1):
        if len(medians) > 2 * reach:
            windows = sliding_window_view(medians, 2 * reach + 1)
            smooth[reach:-reach] = np.median(windows, axis=1)
    return smooth


def _summarise(values: Floats, numbers: Floats) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """The distinct values, ascending, the median number of each, and its rows."""
    order = np.lexsort((numbers, values))
    places, first, counts = np.unique(values[order], return_index=True, return_counts=True)
    ordered = numbers[order]
    low, high = ordered[first + (counts - 1) // 2], ordered[first + counts // 2]
    return places, low / 2 + high / 2, counts


def find_median(numbers: Floats, weight: Floats) -> float:
    """The number on either side of which half of the weight lies."""
    order = np.argsort(numbers, kind="stable")
    total = np.cumsum(weight[order])
    return float(numbers[order[int(np.searchsorted(total, total[-1] / 2))]])
