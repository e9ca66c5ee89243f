"""Rows that repeat others: equal ones, and near ones as copies are near.

Two rows can be copies only if they have the same names, texts and missing cells. Their numbers are
compared in standard deviations; the distance is the root of the mean square over the columns. Near
pairs count where there are more than by nature (`natural_distances`): pairs that are much nearer to
each other than to anything else, and pairs of which one row is written more finely (`fine_rows`).

Neighbours are found by a k-d tree over the numbers, above `TREE_DIMENSIONS` columns over as many
random sums of them, which keep distances on the mean (Johnson, Lindenstrauss 1984, "Extensions of
Lipschitz mappings into a Hilbert space"); what is found so is measured in full.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from datacleanse.detection.health.fine_rows import find_fine_rows
from datacleanse.detection.health.natural_distances import (
    Nearest,
    choose_fine,
    choose_isolated,
    estimate_dimension,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.detection.health.columns import Columns

TREE_DIMENSIONS = 8

NEIGHBOURS = 4
"""Of each row; two of them besides the copy show how far others are."""

_SPREAD = 1e4
"""How far apart rows with other names, texts or missing cells are laid, so that a tree for all
finds neighbours of a row among its likes."""

_LEAD = 16
"""Columns that tell most rows apart."""

_BLOCK = 64
"""Rows that are measured at once."""


@dataclass(frozen=True)
class NearPairs:
    """Groups of rows that repeat each other."""

    group: NDArray[np.int64]
    """(n,) number of the row's group, from 0; -1 where nothing repeats it."""
    exact: NDArray[np.int64]
    """(n,) the same of groups of equal rows alone."""
    scale: float | None
    """Largest distance of a near pair, in standard deviations; None: equal ones alone."""


def find_near_pairs(columns: Columns, is_usual: NDArray[np.bool_]) -> NearPairs:
    """Find rows that are equal, or near as copies are.

    Args:
        columns: of n rows.
        is_usual: (n,) those of DATA that are like others, whose spread distances are measured by:
            a few wild rows would make all others near.
    """
    numbers, likes = _standardise(columns, is_usual)
    first, equal = _find_equal(numbers, likes)
    exact = _number_groups(equal)
    is_fine = find_fine_rows(columns.numbers, is_usual)
    near, scale = _find_near(numbers[first], likes[first], is_fine[first])
    joined = _join(len(first), near)[equal] if scale is not None else equal
    return NearPairs(_number_groups(joined), exact, scale)


def _standardise(
    columns: Columns, is_usual: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(n, F) numbers in standard deviations, missing ones 0, and (n,) which rows are likes."""
    varying, told, same = [np.empty((0, len(columns.numbers)))], [], []
    for values in columns.numbers.T:
        is_missing = np.isnan(values)
        if is_missing.any():
            told.append(is_missing.astype(np.int64))
        known = values[is_usual & ~is_missing]
        with np.errstate(over="ignore", invalid="ignore"):
            spread = known.std() if len(known) else 0.0
            is_varying = np.isfinite(spread) and spread > 0
            scaled = (values - known.mean()) / spread if is_varying else values
        # Zeros of either sign are equal.
        plain = (np.where(is_missing, 0.0, scaled) if is_missing.any() else scaled) + 0.0
        if is_varying:
            varying.append(plain[None])
        else:
            # What is the same in all of DATA may be another number elsewhere.
            same.append(plain.view(np.int64))
    rows = np.column_stack([*told, columns.codes, *same])
    return np.ascontiguousarray(np.concatenate(varying).T), _identify_rows(rows)


def _identify_rows(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) the same number for equal rows, from 0."""
    group = _identify_wholly(rows[:, :_LEAD])
    is_open = np.bincount(group)[group] > 1
    if rows.shape[1] > _LEAD and is_open.any():
        # Only rows that begin alike are compared as a whole: that takes long.
        group *= len(rows)
        group[is_open] += _identify_wholly(rows[is_open])
        group = np.unique(group, return_inverse=True)[1]
    return group


def _identify_wholly(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    if not rows.shape[1]:
        return np.zeros(len(rows), np.int64)
    whole = np.ascontiguousarray(rows).view(
        np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))
    )
    found: NDArray[np.int64] = np.unique(whole.ravel(), return_inverse=True)[1]
    return found.ravel()


def _find_equal(
    numbers: NDArray[np.float64], likes: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(u,) the first of each set of equal rows, and (n,) the set of each row."""
    group = _identify_rows(np.hstack([numbers.view(np.int64), likes[:, None]]))
    first = np.unique(group, return_index=True)[1]
    return first, group


def _number_groups(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) numbers from 0, by first row, of groups with more than one row; else -1."""
    sizes = np.bincount(group)
    _, first, found = np.unique(group, return_index=True, return_inverse=True)
    is_group = sizes[np.unique(group)] > 1
    order = np.full(len(first), -1)
    kept = np.flatnonzero(is_group)
    order[kept[np.argsort(first[kept])]] = np.arange(len(kept))
    numbered: NDArray[np.int64] = order[found.ravel()]
    return numbered


def _find_near(
    numbers: NDArray[np.float64], likes: NDArray[np.int64], is_fine: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], float | None]:
    """(p, 2) near pairs of distinct rows, and the largest distance; None where there are none."""
    if not numbers.shape[1] or len(numbers) < 2:
        return np.empty((0, 2), np.int64), None
    nearest = _list_nearest(numbers, likes)
    dimension = estimate_dimension(nearest, numbers.shape[1])
    one, other = is_fine[nearest.pairs].T
    found = np.zeros(len(one), np.bool_)
    for kind, choose in ((one == other, choose_isolated), (one != other, choose_fine)):
        found[kind] = choose(nearest.take(kind), dimension)
    return nearest.pairs[found], float(nearest.first[found].max()) if found.any() else None


def _list_nearest(numbers: NDArray[np.float64], likes: NDArray[np.int64]) -> Nearest:
    """Each row and its nearest, a mutual pair once."""
    rng = np.random.default_rng(0)
    n_numbers = numbers.shape[1]
    points = numbers
    if n_numbers > TREE_DIMENSIONS:
        points = numbers @ (rng.normal(size=(n_numbers, TREE_DIMENSIONS)) / TREE_DIMENSIONS**0.5)
    points = points / np.sqrt(n_numbers)
    apart = rng.normal(size=(int(likes.max()) + 1, points.shape[1])) * _SPREAD
    points = points + apart[likes]
    count = min(NEIGHBOURS + 1, len(points))
    _, found = KDTree(points).query(points, k=count, distance_upper_bound=_SPREAD / 100)
    is_other = (found < len(points)) & (found != np.arange(len(points))[:, None])
    other = np.where(is_other, found, 0)
    rows = np.arange(len(points))
    gaps = np.where(
        is_other & (likes[:, None] == likes[other]), _measure_gaps(numbers, other), np.inf
    )
    order = np.argsort(gaps, axis=1)
    ranked = np.take_along_axis(gaps, order, axis=1)
    nearest = other[rows, order[:, 0]]
    is_first = (rows < nearest) | (nearest[nearest] != rows)
    is_kept = np.isfinite(ranked[:, 0]) & is_first
    second, third = ranked[:, 1:3].T if count > 2 else np.full((2, len(rows)), np.inf)
    return Nearest(np.stack([rows, nearest], axis=1), ranked[:, 0], second, third).take(is_kept)


def _measure_gaps(numbers: NDArray[np.float64], other: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n, k) distances of each row to k others, a few rows at a time: these stay in the cache."""
    gaps = np.empty(other.shape)
    for start in range(0, len(numbers), _BLOCK):
        block = slice(start, start + _BLOCK)
        for place, there in enumerate(other[block].T):
            apart = numbers[block] - numbers[there]
            gaps[block, place] = np.sqrt(np.square(apart, out=apart).mean(axis=1))
    return gaps


def _join(n_rows: int, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) the group of each row, where pairs join."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), (n_rows, n_rows))
    found: NDArray[np.int64] = connected_components(links, directed=False)[1].astype(np.int64)
    return found
