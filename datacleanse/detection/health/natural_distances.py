"""How many rows lie near each other by nature, and from which distance on there are more.

Where rows lie evenly in D dimensions around a row whose third neighbour is at distance r, two of
the others are within r, and either is within s with probability (s / r) ** D. So the nearest is
within s with probability 1 - (1 - (s / r) ** D) ** 2, whatever the density: dense rows and sparse
ones are held to their own scale. D is taken from the second and third neighbours, which a copy
leaves as they are (after Levina, Bickel 2004, "Maximum Likelihood Estimation of Intrinsic
Dimension", eq. 8): the mean of log(third / second) is 1 / (2 D).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCALES = tuple(0.03 / 2.0 ** (step / 4) for step in range(25))
"""Distances, in standard deviations, up to which rows may be copies with jitter; largest first."""

ISOLATED = 0.25
"""A pair's distance over that to the third neighbour, at most, where that is asked for."""

LEAST_PAIRS = 3
"""Near pairs below which nothing is said: chance."""

EXCESS = 2
"""Times as many pairs as there are by nature must be within a scale, beside `LEAST_PAIRS`."""

DEVIATIONS = 4
"""Standard deviations by which fine rows must be nearer than by nature."""

_LEAST_ROWS = 20
"""Rows that a dimension is estimated from; of fewer it is the number of columns."""


@dataclass(frozen=True)
class Nearest:
    """Each of p rows and its nearest one."""

    pairs: NDArray[np.int64]
    """(p, 2)."""
    first: NDArray[np.float64]
    """(p,) distance of the pair."""
    second: NDArray[np.float64]
    """(p,) distance of the row's second neighbour; infinite where there is none."""
    third: NDArray[np.float64]
    """(p,) the same of the third."""

    def take(self, chosen: NDArray[np.bool_]) -> Nearest:
        """Some of the pairs."""
        return Nearest(
            self.pairs[chosen], self.first[chosen], self.second[chosen], self.third[chosen]
        )


def estimate_dimension(nearest: Nearest, n_columns: int) -> float:
    """In how many dimensions rows lie around each other, from 1 to the number of columns."""
    is_told = np.isfinite(nearest.third) & (nearest.second > 0)
    if is_told.sum() < _LEAST_ROWS:
        return float(n_columns)
    mean = float(np.log(nearest.third[is_told] / nearest.second[is_told]).mean())
    return float(np.clip(0.5 / max(mean, 1e-9), 1.0, n_columns))


def expect_nearer(
    reach: NDArray[np.float64], third: NDArray[np.float64], dimension: float
) -> NDArray[np.float64]:
    """(p,) how likely a row's nearest one is within reach by nature.

    Args:
        reach: (p,) distances, at most `third`.
        third: (p,) distance of the third neighbour; infinite: none is near by nature.
        dimension: D.
    """
    is_told = np.isfinite(third) & (third > 0)
    share = np.zeros(len(third))
    share[is_told] = (reach[is_told] / third[is_told]) ** dimension
    likely: NDArray[np.float64] = 1.0 - np.square(1.0 - share)
    return likely


def choose_isolated(nearest: Nearest, dimension: float) -> NDArray[np.bool_]:
    """(p,) pairs that are much nearer than the next rows, up to a scale at which nature has few.

    Rows of some tables are partly equal by nature, at all scales. So those of twice to four times
    the scale are counted as well.
    """
    is_isolated = nearest.first <= ISOLATED * nearest.third
    distance = nearest.first[is_isolated]
    for scale in SCALES:
        reach = np.minimum(scale, ISOLATED * nearest.third)
        by_nature = float(expect_nearer(reach, nearest.third, dimension).sum())
        around = float(((distance > 2 * scale) & (distance <= 4 * scale)).sum())
        within = float((distance <= scale).sum())
        if within >= LEAST_PAIRS + EXCESS * max(around, by_nature):
            chosen: NDArray[np.bool_] = is_isolated & (nearest.first <= scale)
            return chosen
    return np.zeros(len(nearest.first), np.bool_)


def choose_fine(nearest: Nearest, dimension: float) -> NDArray[np.bool_]:
    """(p,) pairs with one fine row, up to a scale within which more lie than by nature.

    That they differ in how they are written is evidence already: the next rows may be near, too.
    """
    for scale in SCALES:
        within = np.count_nonzero(nearest.first <= scale)
        around = np.count_nonzero((nearest.first > 2 * scale) & (nearest.first <= 4 * scale))
        likely = expect_nearer(np.minimum(scale, nearest.third), nearest.third, dimension)
        deviation = float(np.sqrt((likely * (1 - likely)).sum()))
        is_beyond = within >= likely.sum() + DEVIATIONS * deviation
        if is_beyond and within >= LEAST_PAIRS + EXCESS * around:
            chosen: NDArray[np.bool_] = nearest.first <= scale
            return chosen
    return np.zeros(len(nearest.first), np.bool_)
