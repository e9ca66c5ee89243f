"""How long something takes on many rows, from how long it takes on some."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SIZES = (3_000, 6_000)
"""Rows that it is tried on where there are more; it takes longer further on as between them. With
fewer, what does not depend on their number hides a third of what a row takes: decision 68."""


def foresee_seconds(work: Callable[[NDArray[np.int64]], object], n: int) -> float:
    """Seconds that work on n rows takes.

    Args:
        work: does it on some rows, given (K,) ascending positions spread over all.
        n: number of all rows, at least 1.
    """
    small, large = SIZES
    if n <= large:
        return _time(work, n, n)
    few, many = _time(work, small, n), _time(work, large, n)
    return many + max(0.0, many - few) / (large - small) * (n - large)


def _time(work: Callable[[NDArray[np.int64]], object], size: int, n: int) -> float:
    rows = np.unique(np.linspace(0, n - 1, size).astype(np.int64))
    started = perf_counter()
    work(rows)
    return perf_counter() - started
