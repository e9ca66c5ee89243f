"""Predictions of each row's number by models that did not see it: trees and regressions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.second_opinion import kernel_ridge, ridge
from datacleanse.detection.second_opinion.trees import BAG_SHARE, MAX_BAG, PORTION

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_TREES = 100
"""Of each kind."""

KERNEL_PENALTIES = (0.001, 0.01, 0.1, 1.0)
"""Of kernel ridge regression; see `ridge.PENALTIES`. Numbers may follow from columns exactly."""

LINEAR_PENALTIES = (0.01, 0.3)
"""Of linear ridge regression."""


def predict_without_own_labels(
    rows: NDArray[np.float32],
    numbers: NDArray[np.float64],
    is_learned: NDArray[np.bool_],
    *,
    n_numbers: int,
    seed: int,
) -> NDArray[np.float64]:
    """Predict each row's number by models that its own label had no part in.

    Args:
        rows: (M, F): ``n_numbers`` numbers, NaN where missing, then category codes.
        numbers: (M,) labels as given, in robust deviations.
        is_learned: (M,) whether the row's label may be learned; all others are predicted too.
        n_numbers: columns that are numbers.
        seed: of bags, trees and landmarks.

    Returns:
        (M, K), a column for each model.
    """
    by_trees = _predict_by_trees(rows, numbers, is_learned, seed=seed)
    by_kernel = kernel_ridge.score_without_own_labels(
        rows,
        numbers,
        is_learned,
        n_numbers=n_numbers,
        n_classes=1,
        seed=seed,
        is_unwanted=lambda: False,
        penalties=KERNEL_PENALTIES,
    )
    by_lines = _predict_by_lines(rows, numbers, is_learned, n_numbers=n_numbers, seed=seed)
    scores = [each[:, 0].astype(np.float64) for each in (*by_kernel, *by_lines)]
    return np.column_stack([*by_trees, *scores])


def _predict_by_lines(
    rows: NDArray[np.float32],
    numbers: NDArray[np.float64],
    is_learned: NDArray[np.bool_],
    *,
    n_numbers: int,
    seed: int,
) -> list[NDArray[np.float32]]:
    """(M, 1) by linear ridge regression, for each penalty."""
    used = ridge.draw_rows(is_learned, np.random.default_rng(seed))
    columns = kernel_ridge.Columns.learned(rows[used], n_numbers)
    return ridge.score_without_own_labels(
        lambda some: columns.points(rows[some]),
        numbers,
        used,
        n_classes=1,
        portion=PORTION,
        is_unwanted=lambda: False,
        penalties=LINEAR_PENALTIES,
    )


def _predict_by_trees(
    rows: NDArray[np.float32],
    numbers: NDArray[np.float64],
    is_learned: NDArray[np.bool_],
    *,
    seed: int,
) -> list[NDArray[np.float64]]:
    """(M,) means over the trees of each kind that were not grown on the row."""
    from sklearn.tree import DecisionTreeRegressor, ExtraTreeRegressor

    rng = np.random.default_rng(seed)
    used = np.flatnonzero(is_learned)
    size = min(math.ceil(BAG_SHARE * len(used)), MAX_BAG)
    found = []
    for kind in (DecisionTreeRegressor, ExtraTreeRegressor):
        total, count = np.zeros(len(rows)), np.zeros(len(rows))
        for _ in range(N_TREES):
            bag, times = np.unique(rng.choice(used, size=size), return_counts=True)
            tree = kind(random_state=int(rng.integers(2**31)))
            tree.fit(rows[bag], numbers[bag], sample_weight=times)
            is_judged = np.ones(len(rows), dtype=np.bool_)
            is_judged[bag] = False
            for start in range(0, len(rows), PORTION):
                judged = start + np.flatnonzero(is_judged[start : start + PORTION])
                if len(judged):
                    total[judged] += tree.predict(rows[judged])
                    count[judged] += 1
        # Of very few rows one may be in every bag.
        found.append(np.where(count > 0, total / np.maximum(count, 1), numbers[used].mean()))
    return found
