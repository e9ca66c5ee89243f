"""Rows whose numbers are written more finely than their columns': whole numbers with decimals.

Noise that is added to a row takes its numbers off the grid that a column keeps to, and so does a
program that makes rows up. A row counts where that holds for many of its numbers at once: single
values of a few more decimals are common.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.data.number_labels import MOST_DECIMALS, ON_GRID, count_decimals, is_on_grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

MANY = 0.5
"""Share of a row's numbers in columns that keep to a grid, from which the row is a fine one."""


def find_fine_rows(numbers: NDArray[np.float64], is_usual: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(n,) rows with more decimals than their columns keep to, in many columns at once.

    Args:
        numbers: (n, F), NaN where missing.
        is_usual: (n,) rows that tell how many decimals a column has.
    """
    n_fine, n_known = np.zeros(len(numbers)), np.zeros(len(numbers))
    for values in numbers.T:
        is_known = ~np.isnan(values)
        usual = values[is_known & is_usual]
        # Most numbers keep to no grid, which the finest one tells at once.
        if not len(usual) or np.mean(is_on_grid(usual, MOST_DECIMALS)) <= ON_GRID:
            continue
        decimals = count_decimals(usual)
        if decimals is None:
            continue
        n_known += is_known
        n_fine += ~is_on_grid(np.where(is_known, values, 0.0), decimals)
    found: NDArray[np.bool_] = n_fine >= np.maximum(MANY * n_known, 1)
    return found
