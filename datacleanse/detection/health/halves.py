"""Rows parted into halves: one is learned from, the other is asked about, and the other way."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@lru_cache(maxsize=1)
def draw_half(n_rows: int) -> NDArray[np.bool_]:
    """(n,) rows of the first half, drawn; the same for every column. It cannot be written to."""
    half: NDArray[np.bool_] = np.random.default_rng(0).permutation(n_rows) % 2 == 0
    half.flags.writeable = False
    return half
