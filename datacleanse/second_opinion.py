"""A second opinion that shares no weakness with the network: bagged trees, out of bag.

Half of them choose the best of some random columns at each split (Breiman 2001, "Random Forests"),
half cut at random (Geurts, Ernst, Wehenkel 2006, "Extremely randomized trees"). A row is judged
only by the trees that were not grown on it, so that its own label cannot vouch for itself, at the
price of one forest; cross-validation would grow five.

Scikit-learn's forests keep all trees and the indices of all bags. Here each tree is forgotten once
it has voted: a forest on a million rows would take more memory than the rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from sklearn.tree import DecisionTreeClassifier

N_TREES = 100
"""Of each kind."""

MAX_BAG = 20_000
"""Rows that a tree is grown on at most: each draws its own."""

FLOOR = 1e-3
"""Least probability by one kind of trees: no vote is no proof."""

MAX_FITTED = 20_000
"""Rows, about, that the weights of the pool are fitted on."""

PORTION = 65_536
"""Rows that a tree judges at a time."""


class AbandonedError(Exception):
    """The opinion was not wanted any more."""


def out_of_bag(
    rows: NDArray[np.float32],
    labels: NDArray[np.int64],
    is_grown_on: NDArray[np.bool_],
    *,
    n_classes: int,
    seed: int,
    is_unwanted: Callable[[], bool] = lambda: False,
) -> NDArray[np.float32]:
    """Class probabilities by trees that did not see the row.

    Args:
        rows: (M, F), NaN where missing.
        labels: (M,) as given.
        is_grown_on: (M,) whether trees may be grown on the row; all trees judge the others.
        n_classes: C.
        seed: of bags and trees.
        is_unwanted: asked before each tree.

    Returns:
        (M, C), rows sum to 1: both kinds, pooled.

    Raises:
        AbandonedError: ``is_unwanted`` said so.
    """
    from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

    opinions = []
    rng = np.random.default_rng(seed)
    used = np.flatnonzero(is_grown_on)
    for kind in (DecisionTreeClassifier, ExtraTreeClassifier):
        votes = np.zeros((len(rows), n_classes), dtype=np.float32)
        for _ in range(N_TREES):
            if is_unwanted():
                raise AbandonedError
            bag, counts = np.unique(
                rng.choice(used, size=min(len(used), MAX_BAG)), return_counts=True
            )
            tree = kind(max_features="sqrt", random_state=int(rng.integers(2**31)))
            tree.fit(rows[bag], labels[bag], sample_weight=counts)
            _vote(votes, tree, rows, bag)
        votes /= np.maximum(votes.sum(axis=1, keepdims=True), 1)
        opinions.append(np.log(np.maximum(votes, FLOOR, out=votes), out=votes))
    return pooled(opinions, labels, used[:: max(1, len(used) // MAX_FITTED)])


def pooled(
    opinions: list[NDArray[np.float32]], labels: NDArray[np.int64], fitted: NDArray[np.int64]
) -> NDArray[np.float32]:
    """S ~ exp(sum_k b_k log p_k): a logarithmic pool, b >= 0 of the greatest likelihood.

    The weights decide which kind to believe and how sharply: votes of trees tend to be too mild.
    Ranjan, Gneiting 2010, "Combining probability forecasts", on why a pool needs calibration.

    Args:
        opinions: (M, C) log-probabilities of each kind.
        labels: (M,) as given.
        fitted: positions to fit the weights on.
    """
    from scipy.optimize import minimize

    seen = np.stack([opinion[fitted].astype(np.float64) for opinion in opinions])
    own = seen[:, np.arange(len(fitted)), labels[fitted]]

    def mean_loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits = np.tensordot(weights, seen, 1)
        top = logits.max(axis=1, keepdims=True)
        sums = np.exp(logits - top).sum(axis=1, keepdims=True)
        probability = np.exp(logits - top) / sums
        loss = (top + np.log(sums))[:, 0] - weights @ own
        return float(loss.mean()), ((probability * seen).sum(axis=2) - own).mean(axis=1)

    start = np.full(len(opinions), 1 / len(opinions))
    bounds = [(0.0, None)] * len(opinions)
    weights = minimize(mean_loss, start, jac=True, bounds=bounds, method="L-BFGS-B").x
    pooled = np.zeros_like(opinions[0])
    for weight, opinion in zip(weights, opinions, strict=True):
        pooled += np.float32(weight) * opinion
    pooled -= pooled.max(axis=1, keepdims=True)
    np.exp(pooled, out=pooled)
    pooled /= pooled.sum(axis=1, keepdims=True)
    return pooled


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
            votes[np.ix_(judged, tree.classes_)] += tree.predict_proba(rows[judged])
