"""P(true class | row, given label): three opinions and the noise matrix in one formula.

- S, of the second opinion (trees, or patches of images), and u, of plain training (mean over
  epochs, before each update), learn the labels as given; `noise_matrix.deconvolved` takes the
  errors out of them.
- r, of the reweighted network, was steered by true labels and is taken as it is.

With a noise matrix T, p(c | x) is their geometric mean, made to sum to 1 (a product of experts,
Hinton 2002), and by Bayes' rule

    q(c | x, g) = T[c, g] p(c | x) / sum_k T[k, g] p(k | x),    P(wrong) = 1 - q(g | x, g).

Two noise matrices are held, the free one and the one-rate one; q is their mean by trust.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.noise_matrix import NoiseModel, deconvolved, fit_noise, floored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

POOL_LEAST = 2e-3
"""Floor under each opinion in the mean."""


class Opinions:
    """What is thought of M rows, each (M, C) with rows that sum to 1."""

    def __init__(
        self, of_given: Sequence[NDArray[np.float32]], of_true: Sequence[NDArray[np.float32]]
    ) -> None:
        """Take both kinds.

        Args:
            of_given: P(given label | x), one at least, the most independent first.
            of_true: P(true class | x).
        """
        self._of_given, self._of_true = of_given, of_true

    def noise(self, rows: NDArray[np.int64], labels: NDArray[np.int64]) -> NoiseModel:
        """The noise model by some clean rows, (m,) positions and (m,) true classes."""
        return fit_noise(_at(self._of_given[0], rows), labels)

    def posterior(
        self, rows: NDArray[np.int64], labels: NDArray[np.int64], noise: NoiseModel
    ) -> Matrix:
        """Q, (n, C), of (n,) positions with (n,) given labels."""
        given = [_at(opinion, rows) for opinion in self._of_given]
        true = [_at(opinion, rows) for opinion in self._of_true]
        both = ((noise.full, noise.trust), (noise.one_rate, 1 - noise.trust))
        parts = [trust * _bayes(_pooled(given, true, m), m, labels) for m, trust in both]
        result: Matrix = parts[0] + parts[1]
        return result


def _at(opinion: NDArray[np.float32], rows: NDArray[np.int64]) -> Matrix:
    return floored(opinion[rows].astype(np.float64))


def _pooled(given: list[Matrix], true: list[Matrix], matrix: Matrix) -> Matrix:
    """P(c | x), (n, C)."""
    experts = [*(deconvolved(s, matrix) for s in given), *true]
    mean = np.mean([np.log(floored(p, POOL_LEAST)) for p in experts], axis=0)
    p = np.exp(mean - mean.max(axis=1, keepdims=True))
    result: Matrix = p / p.sum(axis=1, keepdims=True)
    return result


def _bayes(p: Matrix, matrix: Matrix, labels: NDArray[np.int64]) -> Matrix:
    joint = matrix.T[labels] * p
    result: Matrix = joint / joint.sum(axis=1, keepdims=True)
    return result
