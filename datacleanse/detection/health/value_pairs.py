"""How seldom a row's values stand together, each given that of the column that tells most of it.

The columns are joined to a tree of pairs that depend most on each other (Chow, Liu 1968,
"Approximating Discrete Probability Distributions with Dependence Trees", eq. 11), and a row's score
is its negative log-likelihood under that tree. So a row is found whose every value is common, but
not beside the others. Numbers are cut into eight parts of about equal size; a number that many rows
have is a part of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.health.ranks import sort_known

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from datacleanse.detection.health.columns import Columns

PARTS = 8
NAMES = 32
"""Values of a column of names that count as different, the most frequent; the others are one."""

ALIKE = 5
"""Rows by which each count is lowered: the row itself, and some strange ones that are like it."""

_BLOCK = 4096

MOST_VALUES = 1024
"""Values of all columns together above which nothing is measured: it would take long."""


def measure_surprise(
    columns: Columns, data: slice, rows: slice, own: NDArray[np.int64]
) -> NDArray[np.float64] | None:
    """(n,) negative log-likelihood of some rows; None of fewer than two columns, or of too many.

    Args:
        columns: of all rows.
        data: where DATA's rows stand, which probabilities are counted in.
        rows: rows that are scored, DATA's first.
        own: (n,) the row of DATA that each row is; -1: none.
    """
    parts, ends = [], [0]
    for part in _cut_columns(columns, data, rows):
        if part.max() > 0:
            parts.append(part)
            ends.append(ends[-1] + int(part.max()) + 1)
        if ends[-1] > MOST_VALUES:
            return None
    if len(parts) < 2:
        return None
    places = np.stack(parts, axis=1) + ends[:-1]
    n_data = data.stop - data.start
    together = _count_together(places[:n_data], ends[-1])
    parents = grow_tree(measure_information(together, ends, n_data))
    lowered = np.where(own >= 0, ALIKE, ALIKE - 1)
    alone = np.maximum(np.diag(together)[places] - lowered[:, None], 0)
    surprise = np.zeros(len(places))
    for column, parent in enumerate(parents):
        # Half a row is added to each count, so that a value unseen has a probability.
        share = (alone[:, column] + 0.5) / (n_data + 1)
        if parent >= 0:
            both = together[places[:, parent], places[:, column]] - lowered
            share = (np.maximum(both, 0) + share) / (alone[:, parent] + 1)
        surprise -= np.log(share)
    return surprise


def _cut_columns(columns: Columns, data: slice, rows: slice) -> Iterator[NDArray[np.int64]]:
    """(n,) the part that each column's values fall into."""
    yield from (cut_numbers(values[rows], values[data]) for values in columns.numbers.T)
    yield from (_cut_names(values[rows], values[data]) for values in columns.codes.T)


def cut_numbers(values: NDArray[np.float64], known: NDArray[np.float64]) -> NDArray[np.int64]:
    """(n,) the part that each number falls into, from 0; missing ones are a part of their own."""
    known = sort_known(known)
    if not len(known):
        return np.zeros(len(values), np.int64)
    lower = known[np.arange(1, PARTS) * (len(known) - 1) // PARTS]
    edges, counts = np.unique(lower, return_counts=True)
    edges = np.union1d(edges, np.nextafter(edges[counts > 1], -np.inf))
    part = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values))
    return np.unique(part, return_inverse=True)[1].ravel()


def _cut_names(values: NDArray[np.int64], known: NDArray[np.int64]) -> NDArray[np.int64]:
    met, counts = np.unique(known, return_counts=True)
    frequent = met[np.argsort(-counts, kind="stable")[:NAMES]]
    other = int(met.max()) + 1
    part = np.where(np.isin(values, frequent), values, other)
    return np.unique(part, return_inverse=True)[1].ravel()


def _count_together(places: NDArray[np.int64], n_values: int) -> NDArray[np.float64]:
    """(V, V) rows that have both of two values."""
    together = np.zeros((n_values, n_values))
    for start in range(0, len(places), _BLOCK):
        here = places[start : start + _BLOCK]
        has_value = np.zeros((len(here), n_values), np.float32)
        np.put_along_axis(has_value, here, 1.0, axis=1)
        together += has_value.T @ has_value
    return together


def measure_information(
    together: NDArray[np.float64], ends: Sequence[int], n_rows: int
) -> NDArray[np.float64]:
    """(F, F) mutual information of columns, in nats.

    Args:
        together: (V, V) rows that have both of two values.
        ends: (F + 1,) where each column's values begin, and V.
        n_rows: rows that were counted.
    """
    share = together / n_rows
    alone = np.diag(share)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.nan_to_num(share * np.log(share / np.outer(alone, alone)))
    whole: NDArray[np.float64] = np.add.reduceat(
        np.add.reduceat(terms, ends[:-1], axis=0), ends[:-1], axis=1
    )
    return whole


def grow_tree(information: NDArray[np.float64]) -> NDArray[np.int64]:
    """(F,) the parent of each column in the tree of most information (Prim 1957); -1: the root."""
    n = len(information)
    parents, is_joined = np.full(n, -1), np.zeros(n, np.bool_)
    best, source = np.full(n, -np.inf), np.full(n, -1)
    place = 0
    for _ in range(n):
        is_joined[place], parents[place] = True, source[place]
        is_better = information[place] > best
        best = np.where(is_better, information[place], best)
        source = np.where(is_better, place, source)
        place = int(np.argmax(np.where(is_joined, -np.inf, best)))
    return parents
