"""Rows parted into halves: one is learned from, the other is asked about, and the other way."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]


@lru_cache(maxsize=1)
def draw_halves(n_rows: int) -> tuple[tuple[Rows, Rows], tuple[Rows, Rows]]:
    """Positions of the rows learned from and of those asked about, twice; alike for all columns.

    They ascend, and cannot be written to.
    """
    is_first = np.random.default_rng(0).permutation(n_rows) % 2 == 0
    first, second = np.flatnonzero(is_first), np.flatnonzero(~is_first)
    first.flags.writeable = second.flags.writeable = False
    return (first, second), (second, first)
