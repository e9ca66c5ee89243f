"""scikit-learn's classifiers as their users run them: defaults, categories as ordinal codes."""

from __future__ import annotations

import warnings
from time import process_time
from typing import TYPE_CHECKING

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from benchmarks.detection.features import ordinal_matrices
from benchmarks.model.network_candidates import Trial

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from sklearn.base import ClassifierMixin

    from benchmarks.detection.cells import Cell
    from benchmarks.tables import Rows

FOREST, BOOSTED = "random forest", "boosted trees"
PEERS = (FOREST, BOOSTED)

N_FOLDS = 5
MANY_CLASSES = 20
"""From here on boosted trees, which grow a tree a class, stop after `FEW_ROUNDS`."""
FEW_ROUNDS = 50


def train_and_test_peer(name: str, rows: Rows, labels: NDArray[np.int64], *, seed: int) -> Trial:
    """Fit on the given labels, test on true ones."""
    fitted, tested, is_categorical = ordinal_matrices(rows)
    model = _forest(seed) if name == FOREST else _boosted(is_categorical, seed)
    started = process_time()
    model.fit(fitted, labels)
    seconds = process_time() - started
    return Trial(float(np.mean(model.predict(tested) == rows.test.labels)), seconds)


def folds(cell: Cell) -> NDArray[np.int64]:
    """(M,) the fold of each row that a method trains on, drawn at random."""
    return np.random.default_rng(cell.name.seed).permutation(len(cell.labels)) % N_FOLDS


def out_of_fold(model: str, cell: Cell) -> NDArray[np.float64]:
    """Probabilities of a scikit-learn classifier that has not seen the row.

    Args:
        model: "logistic", "boosted" or "forest".
        cell: its noisy and clean rows are all trained on.

    Returns:
        (M, C), rows sum to 1; 0 for classes that the training rows lack.
    """
    matrix, make = _learner(model, cell)
    labels, fold = cell.labels, folds(cell)
    probability = np.zeros((len(labels), len(cell.drawn.classes)))
    for k in range(N_FOLDS):
        learner, held_out = make(), fold == k
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            learner.fit(matrix[~held_out], labels[~held_out])
        places = np.ix_(held_out, learner.classes_)
        probability[places] = learner.predict_proba(matrix[held_out])
    return probability


def in_sample(model: str, cell: Cell) -> NDArray[np.float64]:
    """As `out_of_fold`, by a classifier that learned the labels of the very rows."""
    matrix, make = _learner(model, cell)
    learner = make().fit(matrix, cell.labels)
    probability = np.zeros((len(cell.labels), len(cell.drawn.classes)))
    probability[:, learner.classes_] = learner.predict_proba(matrix)
    return probability


def _learner(model: str, cell: Cell) -> tuple[NDArray[np.float64], Callable[[], ClassifierMixin]]:
    seed, drawn = cell.name.seed, cell.drawn
    if model == "logistic":
        return drawn.matrix[cell.used], lambda: LogisticRegression(max_iter=1000)
    fitted, tested, is_categorical = ordinal_matrices(drawn.rows)
    matrix = np.vstack([fitted, tested])[cell.used]
    if model == "forest":
        return matrix, lambda: _forest(seed)
    rounds = FEW_ROUNDS if len(drawn.classes) >= MANY_CLASSES else 100
    return matrix, lambda: _boosted(is_categorical, seed, rounds)


def _forest(seed: int) -> RandomForestClassifier:
    return RandomForestClassifier(200, n_jobs=1, random_state=seed)


def _boosted(
    is_categorical: NDArray[np.bool_], seed: int, rounds: int = 100
) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_iter=rounds, categorical_features=is_categorical, random_state=seed
    )
