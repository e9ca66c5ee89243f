"""A moment as numbers: the time itself and, cyclically, month, weekday and hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

N_PARTS = 7
"""Numbers that a moment becomes."""

MISSING = np.iinfo(np.int64).min
"""The int64 that stands for a missing moment: NumPy's not-a-time."""

DAY = 86_400_000_000
"""Microseconds of a day."""

DIGITS = 12
"""Decimals of sines and cosines. Processors and libraries differ in the 16th, which would tell June
(sin π = 1.2e-16) from a clean zero by a bin of its own."""

FIRST_WEEKDAY = 3
"""1970-01-01 was a Thursday; Monday is 0."""


def split_moments(moments: NDArray[np.int64]) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield name and values, (N,) float64 with NaN for missing, of each part.

    Args:
        moments: (N,) microseconds since 1970-01-01 UTC; int64's minimum is missing.
    """
    missing = moments == MISSING
    known = np.where(missing, 0, moments)
    month = known.view("datetime64[us]").astype("datetime64[M]").astype(np.int64) % 12
    weekday = (known // DAY + FIRST_WEEKDAY) % 7
    hour = (known % DAY) / (DAY / 24)
    yield "days", _mark_missing(known / DAY, missing)
    for name, value, period in (("month", month, 12), ("weekday", weekday, 7), ("hour", hour, 24)):
        angle = 2 * np.pi * value / period
        yield f"{name} sin", _mark_missing(np.sin(angle).round(DIGITS), missing)
        yield f"{name} cos", _mark_missing(np.cos(angle).round(DIGITS), missing)


def _mark_missing(values: NDArray[np.float64], missing: NDArray[np.bool_]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = np.where(missing, np.nan, values)
    return result
