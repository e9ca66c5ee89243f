"""Numbers that only name something, as codes of products, towns or diagnoses do.

Their order tells nothing: codes side by side differ in their labels as much as any two. A model
that takes such a column for a quantity sees none of it, one that gives each code a column of its
own sees it all. What the column is, its labels tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

MOST_CODES = 200
"""Different numbers in a column of codes."""

LEAST_EXPECTED = 5.0
"""Rows of a class that a code has on the mean, where the class is compared: Cochran's rule (1954)
for the chi-squared statistic. Rarer classes differ between codes by chance, and greatly."""

LEAST_SPREAD = 6.0
"""Codes that the rows are spread over, as 1 / (sum of squared shares). Counts, which are mostly 0,
1 or 2, have few; of few values a model of their order tells all that there is to tell."""

LEAST_DEVIATIONS = 6.0
"""By which codes side by side must differ more than chance lets them."""

LEAST_RATIO = 0.6
"""Of how codes side by side differ to how any two do: 1 where the order tells nothing, near 0 where
labels change smoothly along the column."""

_GLANCE = 500
"""Rows by which most columns are known to hold too many different numbers."""


def find_nominal(numbers: Floats, labels: NDArray[np.int64]) -> list[int]:
    """Which columns of numbers are codes.

    Args:
        numbers: (n, F), NaN where missing.
        labels: (n,) classes as given.
    """
    found = []
    for place, column in enumerate(numbers.T):
        if len(np.unique(column[:_GLANCE])) > MOST_CODES:
            continue
        is_known = ~np.isnan(column)
        codes, code = np.unique(column[is_known], return_inverse=True)
        most = min(MOST_CODES, len(code) / LEAST_EXPECTED / 2)
        is_possible = LEAST_SPREAD <= len(codes) <= most
        if is_possible and _is_nominal(code, labels[is_known]):
            found.append(place)
    return found


def _is_nominal(code: NDArray[np.int64], labels: NDArray[np.int64]) -> bool:
    """Whether neighbours among the codes, (n,) with labels (n,), are no more alike than others.

    Squared differences of the codes' shares of classes are scaled as Pearson's chi-squared
    statistic is, and freed of what chance alone adds; their ratio is von Neumann's (1941).
    """
    table = np.zeros((int(code.max()) + 1, int(labels.max()) + 1))
    np.add.at(table, (code, labels), 1.0)
    n_rows, total = table.sum(axis=1), len(code)
    if total**2 < LEAST_SPREAD * np.square(n_rows).sum():
        return False
    is_compared = table.sum(axis=0) >= LEAST_EXPECTED * len(table)
    if not is_compared.any():
        return False
    table = table[:, is_compared]
    overall = table.sum(axis=0) / total
    shares = table / n_rows[:, None]
    by_chance = (len(n_rows) - 1) * (1 - overall).sum()
    weight = n_rows[1:] * n_rows[:-1] / (n_rows[1:] + n_rows[:-1])
    beside = (np.square(np.diff(shares, axis=0)) / overall).sum(axis=1) @ weight - by_chance
    apart = (np.square(shares - overall) / overall).sum(axis=1) @ n_rows - by_chance
    # Each code has a part in two differences, which raises the variance by a half.
    if apart <= 0 or beside < LEAST_DEVIATIONS * np.sqrt(3.0 * by_chance):
        return False
    return bool(beside > LEAST_RATIO * 2 * apart * weight.sum() / total)
