"""Linear discriminant analysis on a pretrained network's features, each row without its own label.

Each class is a normal distribution, all of one covariance: that within classes, drawn far towards a
multiple of the identity (Friedman 1989, "Regularized Discriminant Analysis", eqs. 16 and 18). A
class is known by the mean of its rows alone, which a few wrong labels hardly move, where a
regression bends to each of them: on such features class means stay a good guide however labels go
wrong (Lee et al. 2019, "Robust Inference via Generative Classifiers for Handling Noisy Labels",
arXiv 1901.11300).

Without a row its class has another mean, and the scatter lacks one product: a rank-one change,
which Sherman and Morrison's formula takes in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.second_opinion import ridge
from datacleanse.detection.second_opinion.kernel_ridge import Columns
from datacleanse.storage.mapped_files import make_rows, take_spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

SHRINKAGE = 0.8
"""Part of the covariance that is a multiple of the identity. Covariances of hundreds of features by
some thousand rows tell little; decision 89 has the figures for other parts."""

LEAST_COUNT = 0.5
"""Rows that a class without any counts for; it is taken to lie at the mean of all rows."""

PORTION = 4_096
"""Rows that are held as points at a time."""


def score_without_own_labels(
    rows: Floats,
    labels: NDArray[np.int64],
    is_learned: NDArray[np.bool_],
    *,
    n_classes: int,
    seed: int,
    is_unwanted: Callable[[], bool],
) -> Floats:
    """Log-densities of the classes, with their frequencies, that the row's label had no part in.

    Args:
        rows: (M, F) features; what is missing, NaN, is taken to be the mean.
        labels: (M,) as given.
        is_learned: (M,) whether the row's label may be learned; all others are judged too.
        n_classes: C.
        seed: of the rows that are learned where they are many.
        is_unwanted: asked before each portion of rows.

    Returns:
        (M, C) up to a constant for each row.

    Raises:
        AbandonedError: ``is_unwanted`` said so.
    """
    used = ridge.draw_rows(is_learned, np.random.default_rng(seed))
    columns = Columns.learned(take_spread(rows, used), rows.shape[1])

    def portions(some: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], Floats]]:
        for at in ridge.take_portions(some, PORTION, is_unwanted):
            yield at, columns.points(rows[at])[:, : rows.shape[1]]

    learned = ((points, labels[at]) for at, points in portions(used))
    classes = Discriminant.learned(learned, n_classes, rows.shape[1])
    scores: Floats = make_rows((len(rows), n_classes), np.float32)
    for at, points in portions(used):
        scores[at] = classes.score_without(points, labels[at])
    is_other = np.ones(len(rows), dtype=np.bool_)
    is_other[used] = False
    for at, points in portions(np.flatnonzero(is_other)):
        scores[at] = classes.score(points)
    return scores


@dataclass(frozen=True)
class Discriminant:
    """Normal classes of one covariance S."""

    counts: NDArray[np.float64]
    """(C,) rows of each class."""
    means: Floats
    """(C, F) of the classes, whitened."""
    whitening: Floats
    """(F, F) W with W W' = S^-1."""
    part: float
    """Of the product of a row's deviations that is in S."""

    @staticmethod
    def learned(
        portions: Iterable[tuple[Floats, NDArray[np.int64]]], n_classes: int, n_features: int
    ) -> Discriminant:
        """From points (n, F), of mean 0 over all portions, and their classes (n,)."""
        counts, sums = np.zeros(n_classes), np.zeros((n_classes, n_features))
        moments = np.zeros((n_features, n_features))
        for points, labels in portions:
            own = np.eye(n_classes, dtype=np.float32)[labels]
            counts += own.sum(axis=0)
            sums += own.T @ points
            moments += points.T @ points
        means = sums / np.maximum(counts, 1)[:, None]
        n = counts.sum()
        within = (moments - (means.T * counts) @ means) / n
        covariance = (1 - SHRINKAGE) * within
        covariance.flat[:: n_features + 1] += SHRINKAGE * np.trace(within) / n_features + 1e-6
        whitening = np.linalg.inv(np.linalg.cholesky(covariance)).T
        return Discriminant(
            counts,
            (means @ whitening).astype(np.float32),
            whitening.astype(np.float32),
            float((1 - SHRINKAGE) / n),
        )

    def score(self, points: Floats) -> Floats:
        """(n, F) points that were not learned to (n, C): -d^2 / 2 + log(count)."""
        return self._weigh(self._measure_distances(points @ self.whitening))

    def score_without(self, points: Floats, labels: NDArray[np.int64]) -> Floats:
        """The same of points that were learned, had each not been there.

        With u = x - m_y, r = n_y / (n_y - 1) and k = r `part`, the class's own mean is off by r u,
        and S lacks k u u'. So with v = x - m_c, for the own class r u, the squared distance is

            v' S^-1 v + k (u' S^-1 v)^2 / (1 - k u' S^-1 u).

        How much is added to S for the identity's part, and by what the scatter is divided, stays.
        """
        at = np.arange(len(labels)), labels
        white = points @ self.whitening
        off = white - self.means[labels]
        count = self.counts[labels]
        is_alone = count < 2
        ratio = (count / np.maximum(count - 1, 1)).astype(np.float32)
        length = np.square(off).sum(axis=1)
        squared = self._measure_distances(white)
        squared[at] = np.where(is_alone, np.square(white).sum(axis=1), ratio**2 * length)
        along = (off * white).sum(axis=1)[:, None] - off @ self.means.T
        along[at] = ratio * length
        part = ratio * np.float32(self.part)
        squared += np.square(along) * (part / np.maximum(1 - part * length, 1e-6))[:, None]
        scores = self._weigh(squared)
        scores[at] += np.log(np.maximum(count - 1, LEAST_COUNT) / count).astype(np.float32)
        return scores

    def _measure_distances(self, white: Floats) -> Floats:
        """(n, F) whitened points to (n, C) squared distances from the means."""
        squared: Floats = white @ (-2 * self.means.T)
        squared += np.square(white).sum(axis=1)[:, None]
        squared += np.square(self.means).sum(axis=1)
        return squared

    def _weigh(self, squared: Floats) -> Floats:
        """Make squared distances, (n, C), scores in place: each class by its count."""
        squared /= -2
        squared += np.log(np.maximum(self.counts, LEAST_COUNT)).astype(np.float32)
        return squared
