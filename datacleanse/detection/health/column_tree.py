"""A tree of one column: cuts that leave few classes on each side (Breiman et al. 1984, "CART").

Written out, since scikit-learn's takes longer to import than all else here takes to run.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAF = 8
"""Rows of a leaf, at least: among fewer, wrong labels may be the most."""

LEAST_GAIN = 5.0
"""Of a cut, in rows (sums of squares of classes' counts over rows): one that parts off some wrong
labels among right ones gains two or three."""


def predict_by_column(
    values: NDArray[np.generic],
    labels: NDArray[np.int64],
    asked: NDArray[np.generic],
    *,
    n_classes: int,
    n_leaves: int,
) -> NDArray[np.int64]:
    """(a,) the commonest class of the leaf that each value asked about falls into.

    Args:
        values: (n,) of the rows learned from, n >= 1, none of them NaN; only their order counts.
        labels: (n,) their classes.
        asked: (a,) values.
        n_classes: C.
        n_leaves: leaves, at most; the cuts that gain most come first.
    """
    order = np.argsort(values)
    rows = _Rows(values[order], labels[order], _count_earlier(labels[order], n_classes), n_classes)
    leaves = _grow(rows, n_leaves)
    ends = np.array([rows.values[end - 1] for _, end in leaves])
    classes = np.array([int(np.argmax(rows.count(start, end))) for start, end in leaves])
    leaf = np.minimum(np.searchsorted(ends, asked), len(ends) - 1)
    found: NDArray[np.int64] = classes[leaf]
    return found


@dataclass(frozen=True)
class _Rows:
    """Rows in the order of their values."""

    values: NDArray[np.generic]
    """(n,) ascending."""
    classes: NDArray[np.int64]
    """(n,)."""
    earlier: NDArray[np.int64]
    """(n,) rows of the same class that stand before."""
    n_classes: int

    def count(self, start: int, end: int) -> NDArray[np.int64]:
        """(C,) the rows of each class in a range."""
        return np.bincount(self.classes[start:end], minlength=self.n_classes)


def _count_earlier(classes: NDArray[np.int64], n_classes: int) -> NDArray[np.int64]:
    # Small integers are sorted by their digits.
    grouped = np.argsort(classes.astype(np.min_scalar_type(n_classes)), kind="stable")
    sizes = np.bincount(classes, minlength=n_classes)
    earlier = np.empty(len(classes), np.int64)
    earlier[grouped] = np.arange(len(classes)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return earlier


def _grow(rows: _Rows, n_leaves: int) -> list[tuple[int, int]]:
    """The leaves, as ranges of the ordered rows."""
    leaves: list[tuple[int, int]] = []
    waiting: list[tuple[float, int, int, int]] = []

    def add(start: int, end: int) -> None:
        gain, cut = _find_cut(rows, start, end)
        if cut < 0:
            leaves.append((start, end))
        else:
            heapq.heappush(waiting, (-gain, start, end, cut))

    add(0, len(rows.values))
    while waiting:
        _, start, end, cut = heapq.heappop(waiting)
        if len(leaves) + len(waiting) + 2 > n_leaves:
            leaves.append((start, end))
        else:
            add(start, cut)
            add(cut, end)
    return sorted(leaves)


def _find_cut(rows: _Rows, start: int, end: int) -> tuple[float, int]:
    """What the best cut of a range gains, and where it is; -1 where none gains.

    The sums of squares on both sides are counted up from row to row: a row of a class that had b
    rows before adds 2 b + 1 to the square on its side, and where the class has t rows in all,
    (t - b) ** 2 is t ** 2 - 2 t b + b ** 2.
    """
    n, total = end - start, rows.count(start, end)
    if n < 2 * LEAF or np.count_nonzero(total) < 2:
        return 0.0, -1
    places = slice(start + LEAF, end - LEAF + 1)
    is_cut = rows.values[places] != rows.values[places.start - 1 : places.stop - 1]
    if not is_cut.any():
        return 0.0, -1
    classes = rows.classes[start : places.stop - 1]
    earlier = rows.earlier[start : places.stop - 1] - rows.count(0, start)[classes]
    squares = np.cumsum(2 * earlier + 1)[LEAF - 1 :]
    mixed = np.cumsum(total[classes])[LEAF - 1 :]
    whole = int(np.square(total).sum())
    sizes = np.arange(LEAF, n - LEAF + 1)
    purity = squares / sizes + (whole - 2 * mixed + squares) / (n - sizes)
    best = int(np.argmax(np.where(is_cut, purity, -1.0)))
    gain = float(purity[best]) - whole / n
    return (gain, start + LEAF + best) if gain >= LEAST_GAIN else (0.0, -1)
