"""How well one column alone predicts a number: by the numbers of rows with values near its own.

What is learned are medians, first of rows with the same value, then of five neighbouring values, so
that single wrong labels count little. Between two values it is on the line that joins them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from datacleanse.detection.health.halves import draw_halves
from datacleanse.detection.health.ranks import is_constant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MANY = 5
"""Rows with one value from which their median stands alone."""


def measure_number_skill(values: Floats, numbers: Floats, trust: Floats, by_chance: float) -> float:
    """The share of a constant guess's errors that one column avoids on rows it has not seen.

    Errors are absolute. It is 0 where the column or the numbers do not vary.

    Args:
        values: (n,) the column, NaN where missing.
        numbers: (n,) labels as given.
        trust: (n,) how much each row counts, in (0, 1].
        by_chance: errors of the guess, see `measure_chance`.
    """
    if is_constant(values) or not by_chance > 0:
        return 0.0
    error = np.empty(len(numbers))
    for learned, asked in draw_halves(len(numbers)):
        said = predict_numbers(values[learned], numbers[learned], values[asked])
        error[asked] = np.abs(said - numbers[asked])
    return float(1.0 - (error @ trust) / by_chance)


def measure_chance(numbers: Floats, trust: Floats) -> float:
    """The sum of the errors of the best constant guess, the median; arguments as above."""
    order = np.argsort(numbers, kind="stable")
    total = np.cumsum(trust[order])
    if not len(total):
        return 0.0
    median = numbers[order[int(np.searchsorted(total, total[-1] / 2))]]
    return float(np.abs(numbers - median) @ trust)


def predict_numbers(values: Floats, numbers: Floats, asked: Floats) -> Floats:
    """(a,) numbers for the values asked about.

    Args:
        values: (n,) of the rows learned from, n >= 1; NaN where missing.
        numbers: (n,) theirs.
        asked: (a,) values.
    """
    missing, median = np.isnan(values), np.median(numbers)
    found = np.full(len(asked), np.median(numbers[missing]) if missing.any() else median)
    if missing.all():
        return found
    places, medians, counts = _summarise(values[~missing], numbers[~missing])
    smooth = np.where(counts < MANY, _smooth(medians), medians)
    is_known = ~np.isnan(asked)
    with np.errstate(over="ignore", invalid="ignore"):  # between values as far apart as can be
        said = np.interp(asked[is_known], places, smooth)
    found[is_known] = np.where(np.isfinite(said), said, median)
    return found


def _smooth(medians: Floats) -> Floats:
    """(v,) medians of neighbours, as many on either side, so that slopes cancel out."""
    smooth = medians.copy()
    if len(medians) > 2:
        smooth[1:-1] = _take_middle(medians[:-2], medians[1:-1], medians[2:])
    if len(medians) > 4:
        a, b, c, d, e = sliding_window_view(medians, 5).T
        # The least and the most of four are no medians of five.
        low = np.maximum(np.minimum(a, b), np.minimum(d, e))
        high = np.minimum(np.maximum(a, b), np.maximum(d, e))
        smooth[2:-2] = _take_middle(low, c, high)
    return smooth


def _take_middle(a: Floats, b: Floats, c: Floats) -> Floats:
    """(v,) the median of three, which `numpy.median` takes ten times as long for."""
    middle: Floats = np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c))
    return middle


def _summarise(values: Floats, numbers: Floats) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """The distinct values, ascending, the median number of each, and its rows."""
    order = np.argsort(values)
    places = values[order]
    first = np.flatnonzero(np.append(True, places[1:] != places[:-1]))
    counts = np.diff(np.append(first, len(order)))
    is_shared = np.repeat(counts > 1, counts)
    shared = order[is_shared]
    order[is_shared] = shared[np.lexsort((numbers[shared], values[shared]))]
    ordered = numbers[order]
    low, high = ordered[first + (counts - 1) // 2], ordered[first + counts // 2]
    return places[first], low / 2 + high / 2, counts
