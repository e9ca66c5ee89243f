"""Rows that stand for very many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def draw_spread(n_rows: int, at_most: int) -> NDArray[np.int64]:
    """Positions among n rows, ascending: one at random in each of so many stretches of equal size.

    Every k-th row instead would be of one kind where kinds take turns, as where rows were handed to
    k annotators one after the other.

    Args:
        n_rows: n.
        at_most: positions, >= 1; all where rows are no more than that.
    """
    if n_rows <= at_most:
        return np.arange(n_rows)
    ends = np.arange(at_most + 1) * n_rows // at_most
    drawn: NDArray[np.int64] = np.random.default_rng(0).integers(ends[:-1], ends[1:])
    return drawn


def draw_about(n_rows: int, about: int) -> NDArray[np.int64]:
    """As `draw_spread`, but all rows where they are less than twice as many as are wanted."""
    return draw_spread(n_rows, about if n_rows >= 2 * about else n_rows)
