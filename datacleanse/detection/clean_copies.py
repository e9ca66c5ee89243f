"""Verified rows that are copies of each other, more often than in a draw of rows.

Rows drawn one by one are independent, whatever copies DATA holds: each is wrong as often as DATA
is. Copies that were verified together are not, since whether a label is wrong is mostly the same
for all of them; n such rows tell as much as n divided by the design effect (Kish 1965, "Survey
Sampling", section 5.4), at a correlation of 1 within copies:

    1 + (mean number of a pair's copies among the pairs - the number that a draw of rows has)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.detection.equal_rows import EqualRows

BY_CHANCE = 0.1
"""Copies of a pair beyond those of a draw that are taken for chance."""


def name_copies(equal: EqualRows, n_rows: int) -> NDArray[np.int64]:
    """(``n_rows``,) the same number for rows of equal inputs and label, -1 without such a one."""
    copies = np.full(n_rows, -1)
    copies[equal.rows] = equal.group * equal.learned.shape[1] + equal.labels
    return copies


def measure_design_effect(
    copies: NDArray[np.int64] | None, n_data: int, pairs: NDArray[np.int64]
) -> float:
    """How many pairs tell as much as one that was drawn by itself, 1 at least.

    Args:
        copies: (M,) see `name_copies`; None where no rows are equal.
        n_data: N, rows of DATA, the first of the M; 2 at least where there are copies.
        pairs: (n,) rows of DATA.
    """
    if copies is None or len(pairs) < 2:
        return 1.0
    in_data = _count_copies(copies[:n_data]) / n_data
    expected = in_data * (len(pairs) - 1) / (n_data - 1)
    beyond = _count_copies(copies[pairs]) / len(pairs) - expected
    return 1.0 + beyond if beyond > BY_CHANCE else 1.0


def _count_copies(copies: NDArray[np.int64]) -> float:
    """The sum over rows of the other rows that are copies of each."""
    _, times = np.unique(copies[copies >= 0], return_counts=True)
    return float((times * (times - 1)).sum())
