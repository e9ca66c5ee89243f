"""Rows to verify by hand, so that a clean set exists at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.data.number_labels import group_by_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.records import Dataset


def sample_rows(dataset: Dataset, n: int, *, seed: int) -> NDArray[np.int64]:
    """Draw rows in proportion to the labels, two of each class first if there is room.

    Args:
        dataset: to draw from, without replacement. Where labels are numbers, groups of like numbers
            stand for classes.
        n: rows wanted; all rows if there are no more.
        seed: the same seed draws the same rows.

    Returns:
        (min(n, N),) int64 sorted row numbers.
    """
    if n >= dataset.n_rows:
        return np.arange(dataset.n_rows)
    labels = dataset.labels if dataset.numbers is None else group_by_size(dataset.labels)
    strata, members = np.unique(labels, return_inverse=True)
    quotas = _allot_rows(np.bincount(members, minlength=len(strata)), n)
    draw = np.random.default_rng(seed)
    chosen = [
        draw.choice(np.flatnonzero(members == stratum), size=quota, replace=False)
        for stratum, quota in enumerate(quotas)
    ]
    return np.sort(np.concatenate(chosen)).astype(np.int64)


@dataclass(frozen=True)
class DrawnRows:
    """Rows drawn to be verified one after the other."""

    rows: NDArray[np.int64]
    """(n,) positions in the order in which they were drawn: at any time those done so far are a
    random part of all."""
    probability: NDArray[np.float64]
    """(n,) in (0, 1], of each being drawn."""


def draw_rows(dataset: Dataset, n: int, *, seed: int, by_class: bool) -> DrawnRows:
    """Draw rows, each with the same probability, or by class as `sample_rows` does.

    Args:
        dataset: to draw from, without replacement.
        n: rows wanted; all rows if there are no more.
        seed: the same seed draws the same rows. Where the draw is not by class, a larger one
            begins with the rows of a smaller one.
        by_class: whether every class gets its share, and two rows at least if there is room.
    """
    order = np.random.default_rng(seed).permutation(dataset.n_rows)
    if not by_class:
        rows = order[:n]
        return DrawnRows(rows, np.full(len(rows), len(rows) / dataset.n_rows))
    rows = order[np.isin(order, sample_rows(dataset, n, seed=seed))]
    classes, members = np.unique(dataset.labels, return_inverse=True)
    share = np.bincount(members[rows], minlength=len(classes)) / np.bincount(members)
    return DrawnRows(rows, share[members[rows]])


def take_rows(dataset: Dataset, rows: NDArray[np.int64]) -> Dataset | None:
    """A dataset of these rows; None where there are none."""
    if not len(rows):
        return None
    return replace(dataset, table=dataset.table.take(pa.array(rows)), labels=dataset.labels[rows])


def _allot_rows(counts: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Share ``n`` < N rows among strata, (C,): a floor for each, the rest in proportion."""
    room = next((floor for floor in (2, 1) if floor * len(counts) <= n), 0)
    floors = np.minimum(counts, room)
    quotas = floors.astype(np.float64)
    is_open = np.ones(len(counts), dtype=bool)
    while True:
        left = n - floors[~is_open].sum()
        quotas[is_open] = left * counts[is_open] / counts[is_open].sum()
        short = is_open & (quotas < floors)
        if not short.any():
            break
        # What the floor adds to the rare strata is taken from the others in proportion.
        quotas[short] = floors[short]
        is_open &= ~short
    whole = np.floor(quotas).astype(np.int64)
    remainders = np.argsort(whole - quotas, kind="stable")
    whole[remainders[: n - int(whole.sum())]] += 1
    return whole
