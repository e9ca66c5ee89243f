"""Predictions of each row's number by models that did not see it: trees and regressions.

Of a table they read the encoded columns. Pictures, and features of them, are columns too, but many:
see `wide_rows.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.regression.spread import pool_predictions
from datacleanse.detection.regression.wide_rows import (
    average_pixels,
    find_components,
)
from datacleanse.detection.second_opinion import kernel_ridge, ridge
from datacleanse.detection.second_opinion.features import draw_compared
from datacleanse.detection.second_opinion.patches import encode_patches
from datacleanse.detection.second_opinion.question import load_libraries
from datacleanse.detection.second_opinion.trees import BAG_SHARE, MAX_BAG, PORTION
from datacleanse.scheduling.forked import can_fork, fork
from datacleanse.thread_limit import use_one_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from datacleanse.pictures.joined import Joined
    from datacleanse.scheduling.interface import Running

N_TREES = 100
"""Of each kind."""

KERNEL_PENALTIES = (0.001, 0.01, 0.1, 1.0)
"""Of kernel ridge regression; see `ridge.PENALTIES`. Numbers may follow from columns exactly."""

LINEAR_PENALTIES = (0.01, 0.3)
"""Of linear ridge regression."""


NEAR = 3.0
"""Robust deviations beyond which a label of a picture counts as if it were just so far. A number
ten times too large would else draw all predictions; the pool hears regressions on the labels as
they are, too."""


@dataclass(frozen=True)
class NumberOpinions:
    """What the second opinions say of M rows."""

    predictions: NDArray[np.float64]
    """(M, K) a column for each model that the row's own label had no part in, in robust
    deviations."""
    rows: NDArray[np.float32]
    """(M, F) few enough columns for trees, which tell how far right numbers lie."""


@dataclass(frozen=True)
class NumberQuestion:
    """What the second opinions on numbers are formed on, M rows; a `Task` of the scheduler."""

    rows: NDArray[np.float32] | None
    """(M, F): ``n_numbers`` numbers, NaN where missing, then category codes; None: the rows are
    pictures."""
    numbers: NDArray[np.float64]
    """(M,) labels as given, in robust deviations."""
    is_learned: NDArray[np.bool_]
    """(M,) whether the row's label may be learned; all others are predicted too."""
    n_numbers: int
    """Columns that are numbers."""
    seed: int
    """Of bags, trees and landmarks."""
    images: NDArray[np.uint8] | Joined | None = None
    """(M, C, H, W) pictures whose patches are looked at."""
    features: NDArray[np.float32] | None = None
    """(M, E) what a pretrained network made of them, or a user's; None: none saw them."""

    needs_device: bool = False

    @property
    def n_rows(self) -> int:
        """M."""
        return len(self.numbers)

    def take_rows(self, at: NDArray[np.int64]) -> NumberQuestion:
        """The question on some of its rows alone."""
        rows, images, features = self.rows, self.images, self.features
        return replace(
            self,
            rows=None if rows is None else rows[at],
            numbers=self.numbers[at],
            is_learned=self.is_learned[at],
            images=None if images is None else images[at],
            features=None if features is None else features[at],
        )

    def split(self) -> tuple[NumberQuestion, ...]:
        """It stays whole."""
        return (self,)

    def load(self) -> None:
        """Load what the opinions are formed with."""
        load_libraries(has_trees=True)

    def answer(self) -> NumberOpinions:
        """Form the opinions."""
        self.load()
        with use_one_thread():  # libraries can be limited once they are there
            if self.rows is None:
                return self._look_at_pictures()
            labels = self.numbers, self.is_learned
            found = predict_without_own_labels(
                self.rows, *labels, n_numbers=self.n_numbers, seed=self.seed
            )
            return NumberOpinions(found, self.rows)

    def _look_at_pictures(self) -> NumberOpinions:
        """All models on components of all that is seen, regressions on the whole of it.

        Regressions learn from near labels, too: see `NEAR`.
        """
        near, seed = (np.clip(self.numbers, -NEAR, NEAR), self.is_learned), self.seed
        components, told = [], []
        if self.images is not None:
            seen = encode_patches(self.images, self.is_learned, seed=seed)
            pixels = average_pixels(self.images)
            components += [find_components(each, self.is_learned) for each in (seen, pixels)]
            for each in (seen, pixels):
                told += _predict_by_lines(each, *near, seed=seed, penalties=ridge.PENALTIES)
        if self.features is not None:
            components.append(find_components(self.features, self.is_learned))
            n_features = self.features.shape[1]
            told += _predict_by_kernel(self.features, *near, n_numbers=n_features, seed=seed)
        rows = np.concatenate(components, axis=1)
        told += _predict_by_kernel(rows, *near, n_numbers=rows.shape[1], seed=seed)
        found = predict_without_own_labels(
            rows, self.numbers, self.is_learned, n_numbers=rows.shape[1], seed=seed
        )
        return NumberOpinions(np.column_stack([found, *(each[:, 0] for each in told)]), rows)

    def start(self, device: str | None) -> Running[NumberOpinions] | None:
        """Form them in a forked process; None where that cannot be."""
        del device
        return fork(lambda parent: self.answer()) if can_fork() else None

    def run_here(self) -> NumberOpinions:
        """Form them in this process."""
        return self.answer()


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
        rows: (M, F); see `NumberQuestion`, also for what follows.
        numbers: (M,) labels as given.
        is_learned: (M,) whether the row's label may be learned.
        n_numbers: columns that are numbers.
        seed: of all draws.

    Returns:
        (M, K), a column for each model.
    """
    labels = numbers, is_learned
    by_trees = _predict_by_trees(rows, *labels, seed=seed)
    by_kernel = _predict_by_kernel(rows, *labels, n_numbers=n_numbers, seed=seed)
    used = ridge.draw_rows(is_learned, np.random.default_rng(seed))
    points = kernel_ridge.Columns.learned(rows[used], n_numbers).points
    by_lines = _predict_by_lines(rows, *labels, seed=seed, points=points)
    scores = [each[:, 0].astype(np.float64) for each in (*by_kernel, *by_lines)]
    return np.column_stack([*by_trees, *scores])


def compare_with_pixels(
    features: NDArray[np.float32],
    images: NDArray[np.uint8] | Joined,
    numbers: NDArray[np.float64],
    rows: NDArray[np.int64],
    *,
    seed: int,
) -> tuple[float, float]:
    """How far labels lie from what features, and pixels and their patches, tell of them.

    Both are learned from the given labels of some rows, each predicted without its own.

    Args:
        features: (M, F) by a pretrained network.
        images: (M, C, H, W).
        numbers: (M,) labels as given, of verified rows the true ones, in robust deviations.
        rows: positions, ascending, whose labels may be learned.
        seed: of all draws.

    Returns:
        Median distance by features and by pixels, in the unit of ``numbers``: wrong labels hardly
        change it.
    """
    rows = draw_compared(rows, seed)
    own, every = np.clip(numbers[rows], -NEAR, NEAR), np.ones(len(rows), dtype=np.bool_)

    def measure(told: Sequence[NDArray[np.float32]]) -> float:
        opinions = np.concatenate(told, axis=1).astype(np.float64)
        found = pool_predictions(opinions, own, every.astype(np.float64))
        return float(np.median(np.abs(own - found)))

    seen, shown = features[rows], images[rows]
    by_features = _predict_by_kernel(seen, own, every, n_numbers=seen.shape[1], seed=seed)
    by_pixels = [
        told
        for each in (encode_patches(shown, every, seed=seed), average_pixels(shown))
        for told in _predict_by_lines(each, own, every, seed=seed, penalties=ridge.PENALTIES)
    ]
    return measure(by_features), measure(by_pixels)


def _predict_by_kernel(
    rows: NDArray[np.float32],
    numbers: NDArray[np.float64],
    is_learned: NDArray[np.bool_],
    *,
    n_numbers: int,
    seed: int,
) -> list[NDArray[np.float32]]:
    """(M, 1) by kernel ridge regression, for each penalty."""
    return kernel_ridge.score_without_own_labels(
        rows,
        numbers,
        is_learned,
        n_numbers=n_numbers,
        n_classes=1,
        seed=seed,
        is_unwanted=lambda: False,
        penalties=KERNEL_PENALTIES,
    )


def _predict_by_lines(
    rows: NDArray[np.float32],
    numbers: NDArray[np.float64],
    is_learned: NDArray[np.bool_],
    *,
    seed: int,
    points: Callable[[NDArray[np.float32]], NDArray[np.float32]] = lambda rows: rows,
    penalties: Sequence[float] = LINEAR_PENALTIES,
) -> list[NDArray[np.float32]]:
    """(M, 1) by linear ridge regression on ``points`` of the rows, for each penalty."""
    return ridge.score_without_own_labels(
        lambda some: points(rows[some]),
        numbers,
        ridge.draw_rows(is_learned, np.random.default_rng(seed)),
        n_classes=1,
        portion=PORTION,
        is_unwanted=lambda: False,
        penalties=penalties,
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
