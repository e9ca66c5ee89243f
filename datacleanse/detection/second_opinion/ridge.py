"""Ridge regression to labels, and what it would say of each row had it not seen it.

The solution without a row follows from the full one exactly (Rifkin, Lippert 2007, "Notes on
Regularized Least Squares", section 3.2), so that a row's own label cannot vouch for itself at the
price of one fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.second_opinion.pool import AbandonedError
from datacleanse.storage.mapped_files import make_rows, release_mapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

PENALTIES = (0.03, 0.3, 3.0)
"""Times the variance of all features together; added to the moments of all rows."""

MAX_FITTED = 20_000
"""Rows that a regression is solved on; the others are judged by it as it is."""

BLOCK = 2_048
"""Rows that are judged at a time: turned to the moments' axes they are as large as the features."""


def draw_rows(is_learned: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    """Positions, ascending, of the rows that a regression is solved on."""
    used = np.flatnonzero(is_learned)
    if len(used) > MAX_FITTED:
        used = np.sort(rng.choice(used, size=MAX_FITTED, replace=False))
    return used


def take_portions(
    rows: NDArray[np.int64], portion: int, is_unwanted: Callable[[], bool]
) -> Iterator[NDArray[np.int64]]:
    """Take so many positions at a time; what was read of mapped files is let go in between.

    Raises:
        AbandonedError: ``is_unwanted``, asked before each portion, said so.
    """
    for start in range(0, len(rows), portion):
        if is_unwanted():
            raise AbandonedError
        yield rows[start : start + portion]
        release_mapped()


def score_without_own_labels(
    features: Callable[[NDArray[np.int64]], Floats],
    labels: NDArray[np.int64] | NDArray[np.floating],
    used: NDArray[np.int64],
    *,
    n_classes: int,
    portion: int,
    is_unwanted: Callable[[], bool],
    axes: Floats | None = None,
    penalties: Sequence[float] = PENALTIES,
) -> list[Floats]:
    """Scores of the classes by regressions that the row's own label had no part in.

    Args:
        features: of rows at some positions, (n,) to (n, F).
        labels: (M,) as given: classes, or float numbers; or (M, C) float shares of the classes.
        used: positions that are learned from; see `draw_rows`.
        n_classes: C; of numbers 1.
        portion: rows whose features are made at a time.
        is_unwanted: asked before each portion.
        axes: (F, G) that features are turned to; None: each is scaled to variance 1 instead.
        penalties: see `PENALTIES`.

    Returns:
        (M, C) for each of the penalties.

    Raises:
        AbandonedError: ``is_unwanted`` said so.
    """
    # Filled portion by portion: held beside their copy they would take twice the memory.
    seen, done = np.empty((0, 0), dtype=np.float32), 0
    for rows in take_portions(used, portion, is_unwanted):
        part = features(rows) if axes is None else features(rows) @ axes
        if not done:
            seen = np.empty((len(used), part.shape[1]), dtype=np.float32)
        seen[done : done + len(part)] = part
        done += len(part)
    ridge = Ridge(seen, labels[used], n_classes, axes=axes, penalties=penalties)
    scores = [make_rows((len(labels), n_classes), np.float32) for _ in penalties]
    for each, found in zip(scores, ridge.score_without_own_labels(), strict=True):
        each[used] = found
    is_other = np.ones(len(labels), dtype=np.bool_)
    is_other[used] = False
    for rows in take_portions(np.flatnonzero(is_other), portion, is_unwanted):
        for each, found in zip(scores, ridge.scores(features(rows)), strict=True):
            each[rows] = found
    return scores


def make_targets(labels: NDArray[np.int64] | NDArray[np.floating], n_classes: int) -> Floats:
    """What is learned: (n, K) of (n,) classes, one column of numbers, or (n, K) shares as given."""
    if np.issubdtype(labels.dtype, np.floating):
        return labels.astype(np.float32).reshape(len(labels), -1)
    targets: Floats = np.eye(n_classes, dtype=np.float32)[labels]
    return targets


class Ridge:
    """Ridge regression with an intercept to shares of classes, or to numbers, for each penalty."""

    def __init__(
        self,
        features: Floats,
        labels: NDArray[np.int64] | NDArray[np.floating],
        n_classes: int,
        *,
        axes: Floats | None = None,
        penalties: Sequence[float] = PENALTIES,
    ) -> None:
        """Solve it.

        Args:
            features: (n, F), or (n, G) turned to ``axes`` already; scaled in place.
            labels: (n,) classes, or float numbers; or (n, K) float shares of the classes.
            n_classes: K; of numbers 1.
            axes: see `score_without_own_labels`.
            penalties: see `PENALTIES`.
        """
        centre = features.mean(axis=0)
        features -= centre
        scale = np.ones_like(centre)
        if axes is None:
            scale = features.std(axis=0) + 1e-6
            features /= scale
        self._features = features
        self._targets = make_targets(labels, n_classes)
        self._base = self._targets.mean(axis=0)
        moments = (self._features.T @ self._features).astype(np.float64)
        values, vectors = np.linalg.eigh(moments)
        self._vectors = vectors.astype(np.float32)
        variance = max(float(np.trace(moments)) / len(features), 1e-6)
        self._damped = [
            (1 / (np.maximum(values, 0) + penalty * variance)).astype(np.float32)
            for penalty in penalties
        ]
        turned = self._vectors.T @ (self._features.T @ (self._targets - self._base))
        self._solutions = [self._vectors @ (turned * each[:, None]) for each in self._damped]
        self._slopes = [each / scale[:, None] for each in self._solutions]
        self._offsets = [self._base - centre @ each for each in self._slopes]
        if axes is not None:
            # Rows that are only scored need not be turned.
            self._slopes = [axes @ each for each in self._slopes]

    def score_without_own_labels(self) -> Floats:
        """(penalties, n, K) scores of the rows, each by the solution without it.

        y - (y - f) / (1 - h) with the full solution's score f and the row's leverage h: Rifkin,
        Lippert 2007, section 3.2.
        """
        fitted: Floats = np.stack([self._features @ each + self._base for each in self._solutions])
        damped = np.stack(self._damped, axis=1)
        for start in range(0, len(self._features), BLOCK):
            rows = slice(start, start + BLOCK)
            turned = self._features[rows] @ self._vectors
            leverage = np.float32(1 / len(self._features)) + np.square(turned, out=turned) @ damped
            targets, scores = self._targets[rows], fitted[:, rows]
            residual = (targets - scores) / np.maximum(1 - leverage.T, 1e-6)[:, :, None]
            np.subtract(targets, residual, out=scores)
        return fitted

    def scores(self, features: Floats) -> Floats:
        """(penalties, n, K) scores of rows that it was not solved on, (n, F)."""
        linear = zip(self._slopes, self._offsets, strict=True)
        found: Floats = np.stack([features @ slope + offset for slope, offset in linear])
        return found
