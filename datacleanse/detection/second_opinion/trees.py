"""Bagged trees, out of bag: an opinion that shares no weakness with the network.

Half of them choose the best of some random columns at each split (Breiman 2001, "Random Forests"),
half cut at random (Geurts, Ernst, Wehenkel 2006, "Extremely randomized trees"). The latter look at
more columns, at all of few rows: where few of many columns matter, or two only together, a handful
drawn at random seldom holds them. A row is judged only by the trees that were not grown on it, so
that its own label cannot vouch for itself, at the price of one forest; cross-validation would grow
five.

Scikit-learn's forests keep all trees and the indices of all bags. Here a few trees are grown, and
forgotten once they have voted: a forest on a million rows would take more memory than the rows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.second_opinion.pool import AbandonedError
from datacleanse.storage.mapped_files import (
    make_rows,
    read_ahead,
    release_mapped,
    split_rows,
    take_spread,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from numpy.typing import NDArray
    from sklearn.tree import DecisionTreeClassifier

KINDS = (0, 1)

N_TREES = 140
"""Of each kind."""

QUICK = 3
"""Times less of them in a quick opinion."""

BAG_SHARE, MAX_BAG = 0.3, 20_000
"""Of the rows that a tree is grown on, and how many at most: each draws its own. Three such trees
take less time than two grown on as many rows as there are, and say as much."""

COMPARED = 20_000
"""Values that a split at the root of an extremely randomized tree looks at: its bag's rows times
columns. A cut at random is cheap, but of many rows all columns would take several times as long."""

FLOOR = 1e-3
"""Least probability by one kind of trees: no vote is no proof."""

PORTION = 65_536
"""Rows that trees judge at a time."""

AT_ONCE = 15
"""Trees that are held: each reading of the rows serves so many."""

SPARSE = 8
"""Times as many rows as are grown on, from which on those are few: they are held beside all rows,
and trees judge them with the others, in vain."""


def vote_out_of_bag(
    rows: NDArray[np.float32],
    labels: NDArray[np.int64],
    is_grown_on: NDArray[np.bool_],
    *,
    n_classes: int,
    seed: int,
    kinds: Collection[int] = KINDS,
    is_quick: bool = False,
    is_unwanted: Callable[[], bool] = lambda: False,
) -> list[NDArray[np.float32]]:
    """Log-probabilities of the classes by trees that did not see the row.

    Args:
        rows: (M, F), NaN where missing.
        labels: (M,) as given.
        is_grown_on: (M,) whether trees may be grown on the row; all trees judge the others.
        n_classes: C.
        seed: of bags and trees.
        kinds: which are grown: 0 those that choose the best column, 1 those that cut at random.
            Each kind is the same whether the other one is grown or not.
        is_quick: a third of the trees.
        is_unwanted: asked before each tree.

    Returns:
        (M, C) of each kind.

    Raises:
        AbandonedError: ``is_unwanted`` said so.
    """
    from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

    opinions = []
    bags = _Bags(rows, labels, np.flatnonzero(is_grown_on), np.random.default_rng(seed))
    n_trees = math.ceil(N_TREES / QUICK) if is_quick else N_TREES
    for number, kind in enumerate((DecisionTreeClassifier, ExtraTreeClassifier)):
        if number not in kinds:
            # The same draws, so that the kinds after it get theirs.
            for _ in range(n_trees):
                bags.draw()
            continue
        votes = make_rows((len(rows), n_classes), np.float32)
        for start in range(0, n_trees, AT_ONCE):
            grown = []
            for _ in range(min(AT_ONCE, n_trees - start)):
                if is_unwanted():
                    raise AbandonedError
                grown.append(bags.grow(kind))
            _vote(votes, grown, rows, is_unwanted)
        for part in split_rows(votes):
            np.divide(part, np.maximum(part.sum(axis=1, keepdims=True), 1), out=part)
            np.log(np.maximum(part, FLOOR, out=part), out=part)
        opinions.append(votes)
    return opinions


class _Bags:
    """Trees of some rows, each grown on a bag of its own."""

    def __init__(
        self,
        rows: NDArray[np.float32],
        labels: NDArray[np.int64],
        used: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> None:
        self._rows, self._labels, self._used, self._rng = rows, labels, used, rng
        self._size = min(math.ceil(BAG_SHARE * len(used)), MAX_BAG)
        # A small part of many rows is read once, and not for each tree.
        self._seen = take_spread(rows, used) if SPARSE * len(used) < len(rows) else None

    def draw(self) -> tuple[NDArray[np.int64], int]:
        """Draw the places of a bag's rows among those used, with repetition, and a tree's seed."""
        drawn = self._rng.choice(len(self._used), size=self._size)
        return drawn, int(self._rng.integers(2**31))

    def grow(
        self, kind: type[DecisionTreeClassifier]
    ) -> tuple[DecisionTreeClassifier, NDArray[np.int64]]:
        """Grow the next tree; and the rows, sorted, that it was grown on."""
        drawn, seed = self.draw()
        drawn, counts = np.unique(drawn, return_counts=True)
        bag = self._used[drawn]
        tree = kind(
            max_features=count_tried(kind, self._size, self._rows.shape[1]), random_state=seed
        )
        _fit(
            tree,
            self._rows[bag] if self._seen is None else self._seen[drawn],
            self._labels[bag],
            counts,
        )
        return tree, bag


def count_tried(kind: type[DecisionTreeClassifier], n_rows: int, n_columns: int) -> int:
    """How many columns a tree looks at for each split.

    Args:
        kind: of tree.
        n_rows: that it is grown on.
        n_columns: of the rows, >= 1.
    """
    from sklearn.tree import ExtraTreeClassifier

    some = math.isqrt(n_columns)
    if kind is not ExtraTreeClassifier:
        return some
    return min(n_columns, max(some, COMPARED // n_rows))


def _fit(
    tree: DecisionTreeClassifier,
    rows: NDArray[np.float32],
    labels: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    """Fit a tree to a bag's (n, F) rows, each counted (n,) times.

    Scikit-learn warns where more than half of a bag's rows have a class of their own, as where
    classes are many and small. Such a bag is handed over twice, the second time with weight 0:
    splitters pass over rows without weight, so that the tree is the same one.
    """
    if 2 * len(np.unique(labels)) > len(labels):
        rows, labels = np.concatenate([rows, rows]), np.concatenate([labels, labels])
        counts = np.concatenate([counts, np.zeros_like(counts)])
    from sklearn import config_context

    # The arrays are our own: what scikit-learn looks through for each tree is in order.
    with config_context(assume_finite=True, skip_parameter_validation=True):
        tree.fit(rows, labels, sample_weight=counts)


def _vote(
    votes: NDArray[np.float32],
    grown: list[tuple[DecisionTreeClassifier, NDArray[np.int64]]],
    rows: NDArray[np.float32],
    is_unwanted: Callable[[], bool],
) -> None:
    """Add each tree's probabilities of all rows that it was not grown on: those of its bag."""
    for start in range(0, len(rows), PORTION):
        if is_unwanted():
            raise AbandonedError
        read_ahead(rows, start, start + 2 * PORTION)
        part = rows[start : start + PORTION]
        for tree, bag in grown:
            first, end = np.searchsorted(bag, (start, start + len(part)))
            own = bag[first:end] - start
            if SPARSE * len(own) < len(part) and len(tree.classes_) == votes.shape[1]:
                # Of very many rows: nothing is chosen or copied, and no sum changes by a bit.
                given = tree.predict_proba(part, check_input=False)
                given[own] = 0.0
                votes[start : start + PORTION] += given
                continue
            is_judged = np.ones(len(part), dtype=np.bool_)
            is_judged[own] = False
            judged = np.flatnonzero(is_judged)
            if len(judged):
                given = tree.predict_proba(part[judged], check_input=False)
                # A leaf knows few classes: of many, most get nothing.
                at, found = np.nonzero(given)
                votes[start + judged[at], tree.classes_[found]] += given[at, found]
        release_mapped()
