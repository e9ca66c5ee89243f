"""The ways in which numbers go wrong alike: times a unit, or shifted by a constant.

Verified rows show them: a given number that is ten times the verified one, over and over, or
always 300 more. Without verified pairs none is supposed: small numbers of a wide column would all
look like tenths of others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from datacleanse.data.number_labels import count_decimals, is_on_grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NEAR = 0.02
"""Relative difference up to which two shifts are the same."""

NEVER = -8.0
"""Log-likelihood of a number off the grid that a slip would leave it on."""


@dataclass(frozen=True)
class Slip:
    """A wrong number is ``factor * right + shift``."""

    factor: float = 1.0
    shift: float = 0.0
    seen: int = 0
    """Verified rows that show it."""

    def undo(self, numbers: Floats) -> Floats:
        """(N,) what the numbers were before the slip."""
        found: Floats = (numbers - self.shift) / self.factor
        return found

    def is_like(self, other: Slip) -> bool:
        """Whether both are the same slip, seen on different rows."""
        near = abs(self.shift - other.shift) <= NEAR * abs(self.shift)
        return self.factor == other.factor and near

    def describe(self) -> str:
        """The slip as people write it, e.g. ``× 10`` or ``+ 300``."""
        if self.shift:
            return f"{'+' if self.shift > 0 else '−'} {abs(self.shift):g}"
        if self.factor == -1.0:
            return "sign"
        return f"× {self.factor:g}" if self.factor > 1 else f"÷ {1 / self.factor:g}"


PLAIN = tuple(Slip(factor) for factor in (10.0, 0.1, 100.0, 0.01, 1000.0, 0.001, -1.0))
"""Decimals lost or gained, kilo, the sign: they leave all digits as they are."""

UNITS = (
    *(Slip(factor) for factor in (2.54, 1 / 2.54, 0.45359237, 1 / 0.45359237)),
    Slip(1.8, 32.0),
    Slip(1 / 1.8, -32 / 1.8),
)
"""Inches, pounds, Fahrenheit."""

LEAST_PLAIN, LEAST_SEEN = 2, 3
"""Verified rows that must show a plain slip, or any other, for it to be supposed of others: two
rounded numbers may be so related by chance."""

CHANCE = 0.01
"""How likely any slip must be, at most, to be seen so often where wrong numbers are other rows'
numbers. Among few distinct numbers, as of ratings, most are so related."""

MOST_OTHERS = 1_000
"""Numbers of other rows that tell it."""


def find_slips(given: Floats, true: Floats, others: Floats) -> tuple[tuple[Slip, ...], int]:
    """The slips that wrong pairs show beyond chance, and how many of them show none.

    Args:
        given: (n,) numbers that are wrong.
        true: (n,) the verified ones.
        others: (M,) numbers of rows of which a wrong one may be another's, M >= 1.
    """
    if not len(given):
        return (), 0
    decimals = count_decimals(given)
    places = np.linspace(0, len(others) - 1, min(len(others), MOST_OTHERS)).round().astype(int)
    by_chance = np.sort(others)[places]
    left = np.ones(len(given), dtype=np.bool_)
    found: list[Slip] = []

    def take(slip: Slip, least: int, tried: int) -> None:
        is_it = left & _is_explained(slip, given, true, decimals)
        n_seen = int(is_it.sum())
        if n_seen < least:
            return
        expected = _expect_by_chance(slip, true[left], by_chance, decimals)
        if tried * float(special.pdtrc(n_seen - 1, expected)) <= CHANCE:
            found.append(replace(slip, seen=n_seen))
            left[is_it] = False

    known = (*PLAIN, *UNITS)
    for slip in known:
        take(slip, LEAST_PLAIN if slip in PLAIN else LEAST_SEEN, len(known))
    # Each number that is left brings a shift of its own.
    tried = int(left.sum())
    for shift in _list_shifts((given - true)[left]):
        take(Slip(shift=shift), LEAST_SEEN, tried)
    return tuple(found), int(left.sum())


def _is_explained(
    slip: Slip, given: Floats, true: Floats, decimals: int | None
) -> NDArray[np.bool_]:
    """Whether a slip makes the given number of the true one, but for rounding; both (...,)."""
    made = slip.factor * true + slip.shift
    rounding = 1e-6 * np.maximum(np.abs(made), 1e-300)
    if decimals is not None:
        rounding = np.maximum(rounding, 0.5 * 10.0**-decimals)
    near = NEAR * abs(slip.shift) if slip.factor == 1.0 else rounding
    # 0 stays 0 by any factor: it shows nothing.
    result: NDArray[np.bool_] = (np.abs(given - made) <= near) & (given != true) & (made != true)
    return result


def _expect_by_chance(slip: Slip, true: Floats, others: Floats, decimals: int | None) -> float:
    """How many of (n,) true numbers seem to show a slip where (m,) others stand in their place."""
    is_other = others != true[:, None]
    seeming = _is_explained(slip, others, true[:, None], decimals)
    return float((seeming.sum(axis=1) / np.maximum(is_other.sum(axis=1), 1)).sum())


def _list_shifts(differences: Floats) -> list[float]:
    """Differences that occur `LEAST_SEEN` times and more, the most frequent first."""
    seen: list[tuple[int, float]] = []
    for difference in differences:
        near = differences[np.abs(differences - difference) <= NEAR * abs(difference)]
        if len(near) >= LEAST_SEEN:
            seen.append((len(near), float(np.median(near))))
    return [shift for _, shift in sorted(seen, key=lambda pair: (-pair[0], pair[1]))]


def weigh_grid(slip: Slip, numbers: Floats, decimals: int | None, right: Floats) -> Floats:
    """(N,) log-likelihood ratio of a number's last digits under a slip and as they mostly are.

    Ten times a whole number ends in 0: so do a tenth of the right ones.

    Args:
        slip: what may have made them.
        numbers: (N,) as given.
        decimals: of the column; None: it keeps to none.
        right: (N,) P(the label is right).
    """
    if decimals is None or slip.shift or slip.factor <= 1:
        return np.zeros(len(numbers))
    is_on = is_on_grid(slip.undo(numbers), decimals)
    usual = np.average(is_on, weights=right) if right.sum() else 1.0
    found: Floats = np.where(is_on, -np.log(max(float(usual), 1 / len(numbers))), NEVER)
    return found
