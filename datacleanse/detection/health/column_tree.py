"""A tree of one column: cuts that leave few classes on each side (Breiman et al. 1984, "CART").

Written out, since scikit-learn's takes longer to import than all else here takes to run.
"""

from __future__ import annotations

import heapq
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
    values: NDArray[np.int64],
    labels: NDArray[np.int64],
    asked: NDArray[np.int64],
    *,
    n_classes: int,
    n_leaves: int,
) -> NDArray[np.int64]:
    """(a,) the commonest class of the leaf that each value asked about falls into.

    Args:
        values: (n,) of the rows learned from, n >= 1; only their order counts.
        labels: (n,) their classes.
        asked: (a,) values.
        n_classes: C.
        n_leaves: leaves, at most; the cuts that gain most come first.
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    counts = np.zeros((len(values) + 1, n_classes))
    counts[np.arange(1, len(values) + 1), labels[order]] = 1.0
    np.cumsum(counts, axis=0, out=counts)
    leaves = _grow(ordered, counts, n_leaves)
    ends = np.array([ordered[end - 1] for _, end in leaves])
    classes = np.array([int(np.argmax(counts[end] - counts[start])) for start, end in leaves])
    leaf = np.minimum(np.searchsorted(ends, asked), len(ends) - 1)
    found: NDArray[np.int64] = classes[leaf]
    return found


def _grow(
    ordered: NDArray[np.int64], counts: NDArray[np.float64], n_leaves: int
) -> list[tuple[int, int]]:
    """The leaves, as ranges of the ordered rows."""
    leaves: list[tuple[int, int]] = []
    waiting: list[tuple[float, int, int, int]] = []

    def add(start: int, end: int) -> None:
        gain, cut = _find_cut(ordered, counts, start, end)
        if cut < 0:
            leaves.append((start, end))
        else:
            heapq.heappush(waiting, (-gain, start, end, cut))

    add(0, len(ordered))
    while waiting:
        _, start, end, cut = heapq.heappop(waiting)
        if len(leaves) + len(waiting) + 2 > n_leaves:
            leaves.append((start, end))
        else:
            add(start, cut)
            add(cut, end)
    return sorted(leaves)


def _find_cut(
    ordered: NDArray[np.int64], counts: NDArray[np.float64], start: int, end: int
) -> tuple[float, int]:
    """What the best cut of ``ordered[start:end]`` gains, and where it is; -1 where none gains."""
    total = counts[end] - counts[start]
    if end - start < 2 * LEAF or np.count_nonzero(total) < 2:
        return 0.0, -1
    places = np.arange(start + LEAF, end - LEAF + 1)
    places = places[ordered[places] != ordered[places - 1]]
    if not len(places):
        return 0.0, -1
    before = counts[places] - counts[start]
    after = total - before
    purity = np.square(before).sum(axis=1) / (places - start)
    purity += np.square(after).sum(axis=1) / (end - places)
    best = int(np.argmax(purity))
    whole = float(np.square(total).sum() / (end - start))
    gain = float(purity[best]) - whole
    return (gain, int(places[best])) if gain >= LEAST_GAIN else (0.0, -1)
