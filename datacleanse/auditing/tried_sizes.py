"""How long something takes on many rows, from how long it takes on some."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SIZES = (3_000, 6_000)
"""Rows that it is tried on; it takes longer further on as between them. With fewer, what does not
depend on their number hides a third of what a row takes: decision 68."""


def foresee_seconds(work: Callable[[NDArray[np.int64]], object], n: int) -> float:
    """Seconds that work on n rows takes.

    Args:
        work: does it on some rows, given (K,) ascending positions spread over all.
        n: number of all rows, at least 1.
    """
    found = []
    for size in (min(size, n) for size in SIZES):
        rows = np.unique(np.linspace(0, n - 1, size).astype(np.int64))
        started = perf_counter()
        work(rows)
        found.append(perf_counter() - started)
    small, large = found
    if n <= SIZES[0]:
        return large
    tried = min(SIZES[1], n)
    a_row = max(0.0, (large - small) / (tried - SIZES[0]))
    return large + a_row * (n - tried)
