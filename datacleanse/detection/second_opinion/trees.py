"""Bagged trees, out of bag: an opinion that shares no weakness with the network.

Half of them choose the best of some random columns at each split (Breiman 2001, "Random Forests"),
half cut at random (Geurts, Ernst, Wehenkel 2006, "Extremely randomized trees"). A row is judged
only by the trees that were not grown on it, so that its own label cannot vouch for itself, at the
price of one forest; cross-validation would grow five.

Scikit-learn's forests keep all trees and the indices of all bags. Here each tree is forgotten once
it has voted: a forest on a million rows would take more memory than the rows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.second_opinion.pool import AbandonedError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from numpy.typing import NDArray
    from sklearn.tree import DecisionTreeClassifier

KINDS = (0, 1)

N_TREES = 150
"""Of each kind."""

BAG_SHARE, MAX_BAG = 0.3, 20_000
"""Of the rows that a tree is grown on, and how many at most: each draws its own. Three such trees
take less time than two grown on as many rows as there are, and say as much."""

FLOOR = 1e-3
"""Least probability by one kind of trees: no vote is no proof."""

PORTION = 65_536
"""Rows that a tree judges at a time."""


def vote_out_of_bag(
    rows: NDArray[np.float32],
    labels: NDArray[np.int64],
    is_grown_on: NDArray[np.bool_],
    *,
    n_classes: int,
    seed: int,
    kinds: Collection[int] = KINDS,
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
        is_unwanted: asked before each tree.

    Returns:
        (M, C) of each kind.

    Raises:
        AbandonedError: ``is_unwanted`` said so.
    """
    from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

    opinions = []
    rng = np.random.default_rng(seed)
    used = np.flatnonzero(is_grown_on)
    size = min(math.ceil(BAG_SHARE * len(used)), MAX_BAG)
    for number, kind in enumerate((DecisionTreeClassifier, ExtraTreeClassifier)):
        if number not in kinds:
            # The same draws, so that the kinds after it get theirs.
            for _ in range(N_TREES):
                rng.choice(used, size=size)
                rng.integers(2**31)
            continue
        votes = np.zeros((len(rows), n_classes), dtype=np.float32)
        for _ in range(N_TREES):
            if is_unwanted():
                raise AbandonedError
            bag, counts = np.unique(rng.choice(used, size=size), return_counts=True)
            tree = kind(max_features="sqrt", random_state=int(rng.integers(2**31)))
            _grow(tree, rows[bag], labels[bag], counts)
            _vote(votes, tree, rows, bag)
        votes /= np.maximum(votes.sum(axis=1, keepdims=True), 1)
        opinions.append(np.log(np.maximum(votes, FLOOR, out=votes), out=votes))
    return opinions


def _grow(
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
    tree.fit(rows, labels, sample_weight=counts)


def _vote(
    votes: NDArray[np.float32],
    tree: DecisionTreeClassifier,
    rows: NDArray[np.float32],
    bag: NDArray[np.int64],
) -> None:
    """Add a tree's probabilities of all rows that it was not grown on."""
    is_judged = np.ones(len(rows), dtype=np.bool_)
    is_judged[bag] = False
    for start in range(0, len(rows), PORTION):
        judged = start + np.flatnonzero(is_judged[start : start + PORTION])
        if len(judged):
            given = tree.predict_proba(rows[judged])
            # A leaf knows few classes: of many, most get nothing.
            at, found = np.nonzero(given)
            votes[judged[at], tree.classes_[found]] += given[at, found]
