"""Rows whose order tells the label: sorted by class, or by what the class depends on.

Neighbours in the file have the same label more often than chance has it. Under chance their number
is about normal, with the moments of Wald and Wolfowitz's runs test for several classes (Mood 1940,
"The Distribution Theory of Runs"). Of numbers the ranks of neighbours are compared: Bartels 1982,
"The Rank Version of von Neumann's Ratio Test for Randomness".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from datacleanse.detection.health.interface import Found, Material
from datacleanse.storage.manifest.health import HealthFinding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.storage.manifest.health import HealthKind

LEVEL = 0.0001
"""Chance of a false alarm."""

LEAST_GAP = 0.05
"""How much more often than by chance neighbours are alike, at least: less does no harm."""

LEAST_CORRELATION = 0.1
"""Of the ranks of neighbouring numbers, at least."""


class RowOrder:
    """Compares each row's label with the next one's."""

    kind: HealthKind = "row-order"

    def look(self, seen: Material) -> Found:
        """Count neighbours with one label."""
        if seen.is_part:
            return Found(skipped="only a part of the rows was looked at.")
        said = (_compare_numbers if seen.is_of_numbers else _compare_classes)(seen.data.labels)
        if said is None:
            return Found()
        found, test = said
        finding = HealthFinding(
            kind="row-order",
            message=f"The order of the rows tells the label: {found}.",
            advice="A split into first and last rows is none at random. Where rows follow time, "
            "test on the latest.",
            method=f"{test} on the labels in the order of the file (level {LEVEL:g}).",
            certainty="tested",
            is_warning=False,
        )
        return Found((finding,))


def _compare_classes(labels: NDArray[np.int64]) -> tuple[str, str] | None:
    """What is found of classes, and the test's name; None: nothing."""
    share, chance, p_value = compare_neighbours(labels)
    if not (p_value < LEVEL and share - chance >= LEAST_GAP):
        return None
    found = f"{share:.0%} of neighbouring rows have the same one, {chance:.0%} would by chance"
    return found, "Runs test"


def _compare_numbers(codes: NDArray[np.int64]) -> tuple[str, str] | None:
    """The same of numbers, whose codes ascend with them."""
    correlation, p_value = correlate_neighbours(codes)
    if not (p_value < LEVEL and correlation >= LEAST_CORRELATION):
        return None
    found = f"ranks of neighbouring numbers have a correlation of {correlation:.2f}"
    return found, "Rank version of von Neumann's ratio test"


def correlate_neighbours(codes: NDArray[np.int64]) -> tuple[float, float]:
    """Correlation of the ranks of neighbours, about, and a one-sided p-value.

    Args:
        codes: (n,) in the order of the rows, larger ones for larger numbers.
    """
    n = len(codes)
    counts = np.bincount(codes)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[codes]
    spread = float(np.square(rank - rank.mean()).sum())
    if n < 3 or not spread > 0:
        return 0.0, 1.0
    ratio = float(np.square(np.diff(rank)).sum()) / spread
    variance = 4 * (n - 2) * (5 * n**2 - 2 * n - 9) / (5 * n * (n + 1) * (n - 1) ** 2)
    return 1 - ratio / 2, float(special.ndtr((ratio - 2) / np.sqrt(variance)))


def compare_neighbours(labels: NDArray[np.int64]) -> tuple[float, float, float]:
    """Share of neighbours that are alike, the share by chance, and a one-sided p-value.

    Args:
        labels: (n,) classes in the order of the rows.
    """
    n = len(labels)
    if n < 3:
        return 0.0, 0.0, 1.0
    alike = float((labels[1:] == labels[:-1]).sum())
    sizes = np.bincount(labels).astype(np.float64)
    squares, cubes = (sizes**2).sum(), (sizes**3).sum()
    expected = squares / n - 1
    # Of the number of runs, which is n less the alike ones.
    variance = (squares * (squares + n * (n + 1)) - 2 * n * cubes - n**3) / (n**2 * (n - 1))
    if not variance > 0:
        return alike / (n - 1), expected / (n - 1), 1.0
    p_value = float(special.ndtr(-(alike - expected) / np.sqrt(variance)))
    return alike / (n - 1), float(expected / (n - 1)), p_value
