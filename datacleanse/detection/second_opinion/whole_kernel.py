"""Kernel ridge regression of few rows with many numbers, each compared with all others.

The kernel is that of `kernel_ridge`, with all rows as landmarks: of a pretrained network's features
the spectrum falls slowly, so that each further landmark tells more. One eigendecomposition serves
every penalty, and whatever labels the rows are given: a second look is almost free.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.second_opinion.kernel_ridge import PORTION, Columns, Landmarks
from datacleanse.detection.second_opinion.pool import AbandonedError
from datacleanse.detection.second_opinion.ridge import PENALTIES, make_targets, take_portions
from datacleanse.storage.mapped_files import make_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

MOST_ROWS = 4_000
"""That are all compared with each other: time grows with the cube of their number."""


class WholeKernel:
    """The kernel between all rows that are learned from, decomposed.

    Args:
        rows: (M, F) numbers.
        used: (n,) positions, ascending, of the rows that are learned from.
        is_unwanted: asked before what takes long.

    Raises:
        AbandonedError: ``is_unwanted`` said so.
    """

    def __init__(
        self, rows: Floats, used: NDArray[np.int64], is_unwanted: Callable[[], bool]
    ) -> None:
        self._rows, self._used, self._is_unwanted = rows, used, is_unwanted
        self._columns = Columns.learned(rows[used], rows.shape[1])
        self._landmarks, squared = Landmarks.among(self._columns.points(rows[used]))
        # Scores differ by a millionth from those of float64, in half of its memory.
        kernel = self._landmarks.measure(squared)
        self._mean: Floats = kernel.mean(axis=0, dtype=np.float64).astype(np.float32)
        kernel -= self._mean
        kernel -= kernel.mean(axis=1, dtype=np.float64, keepdims=True).astype(np.float32)
        if is_unwanted():
            raise AbandonedError
        values, self._vectors = np.linalg.eigh(kernel)
        variance = max(float(values.sum()) / len(used), 1e-6)
        added = np.array(PENALTIES)[:, None] * variance
        # Each penalty's (K + penalty I)^-1, times the penalty: (penalties, n) along the vectors.
        self._shrunk: Floats = (added / (np.maximum(values, 0) + added)).astype(np.float32)
        self._penalties: Floats = added[:, 0].astype(np.float32)
        # 1 - h of `ridge.Ridge`, (penalties, n), with the intercept's part of each leverage.
        kept = self._shrunk @ np.square(self._vectors).T - np.float32(1 / len(used))
        self._kept: Floats = np.maximum(kept, 1e-6)

    def score_without_own_labels(
        self, labels: NDArray[np.int64] | NDArray[np.floating], *, n_classes: int
    ) -> list[Floats]:
        """Scores of the classes by regressions that the row's own label had no part in.

        A row that is learned from misses its label y by r = y - f, and by r / (1 - h) without it;
        see `ridge.Ridge`. In terms of the kernel K r is the penalty times (K + penalty I)^-1 y.

        Args:
            labels: (M,) classes as given; or (M, C) float shares of the classes.
            n_classes: C.

        Returns:
            (M, C) for each of `ridge.PENALTIES`.

        Raises:
            AbandonedError: ``is_unwanted`` said so.
        """
        targets = make_targets(labels[self._used], n_classes)
        base = targets.mean(axis=0)
        turned = self._vectors.T @ (targets - base)
        misses = [self._vectors @ (each[:, None] * turned) for each in self._shrunk]
        scores = [make_rows((len(labels), n_classes), np.float32) for _ in PENALTIES]
        for told, miss, kept in zip(scores, misses, self._kept, strict=True):
            told[self._used] = targets - miss / kept[:, None]
        others = np.setdiff1d(np.arange(len(labels)), self._used)
        for some in take_portions(others, PORTION, self._is_unwanted):
            alike = self._landmarks.values(self._columns.points(self._rows[some])) - self._mean
            for told, miss, penalty in zip(scores, misses, self._penalties, strict=True):
                told[some] = base + alike @ (miss / penalty)
        return scores
