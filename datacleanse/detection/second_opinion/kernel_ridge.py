"""Kernel ridge regression on a table's rows.

It sees what trees are slow to see: smooth effects of many columns together, as in embeddings. Two
rows are alike by exp(-d^2 / m): d is their distance in standardised numbers and one-hot categories,
m the median of d^2 between landmarks that differ. These are some of the rows: the kernel becomes
features through its values at them (Williams, Seeger 2000, "Using the Nystroem Method to Speed Up
Kernel Machines"), and `ridge` judges each row without its own label.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.second_opinion import ridge
from datacleanse.detection.second_opinion.nominal_numbers import find_nominal
from datacleanse.storage.mapped_files import take_spread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

LEAST_LANDMARKS, MOST_LANDMARKS = 300, 1_000
"""Time grows with the square of their number, and of solving with its cube; of few it takes next to
none."""

PER_NUMBER = 16
"""Landmarks for each column of numbers, at least."""

PER_CATEGORY = 3
"""Landmarks for each category that gets a column, at least: with fewer landmarks than categories,
the effects of some could not be told apart."""

LEAST_EIGENVALUE = 1e-4
"""Of the landmarks' kernel matrix along an axis that is kept: below, float32 holds noise."""

MOST_DEVIATIONS = 3.0
"""That a number lies off its mean: rare values would leave a row alike to none."""

MOST_CATEGORIES = 1_000
"""That get a column, at most: the most frequent ones of all columns."""

LEAST_ROWS = 2
"""Of a category that gets a column: of fewer no other row tells anything."""

PORTION = 4_096
"""Rows that are compared with the landmarks at a time."""


def score_without_own_labels(
    rows: Floats,
    labels: NDArray[np.int64] | NDArray[np.floating],
    is_learned: NDArray[np.bool_],
    *,
    n_numbers: int,
    n_classes: int,
    seed: int,
    is_unwanted: Callable[[], bool],
    penalties: Sequence[float] = ridge.PENALTIES,
    n_landmarks: int | None = None,
) -> list[Floats]:
    """Scores of the classes by a regression that the row's own label had no part in.

    Args:
        rows: (M, F): ``n_numbers`` numbers, NaN where missing, then category codes.
        labels: (M,) as given: classes, or float numbers; or (M, C) float shares of the classes.
        is_learned: (M,) whether the row's label may be learned; all others are judged too.
        n_numbers: columns that are numbers.
        n_classes: C; of labels that are numbers 1.
        seed: of the landmarks, and of the rows that are learned where they are many.
        is_unwanted: asked before each portion of rows.
        penalties: see `ridge`.
        n_landmarks: how many rows others are compared with; None: see `count_landmarks`.

    Returns:
        (M, C) for each penalty.

    Raises:
        AbandonedError: ``is_unwanted`` said so.
    """
    rng = np.random.default_rng(seed)
    used = ridge.draw_rows(is_learned, rng)
    columns = learn_columns(take_spread(rows, used), labels[used], n_numbers)
    n_categories = sum(len(codes) for _, codes in columns.categories)
    wanted = n_landmarks or count_landmarks(len(used), n_numbers, n_categories)
    chosen = np.sort(rng.permutation(used)[:wanted])
    # Copies would be landmarks in vain.
    landmarks, squared = Landmarks.among(np.unique(columns.points(rows[chosen]), axis=0))
    return ridge.score_without_own_labels(
        lambda some: landmarks.values(columns.points(rows[some])),
        labels,
        used,
        n_classes=n_classes,
        portion=PORTION,
        is_unwanted=is_unwanted,
        axes=landmarks.find_axes(squared),
        penalties=penalties,
    )


def learn_columns(
    rows: Floats, labels: NDArray[np.int64] | NDArray[np.floating], n_numbers: int
) -> Columns:
    """Columns of (n, F) rows; classes, (n,), say which numbers are codes."""
    if not np.issubdtype(labels.dtype, np.integer):
        # Of shares of classes all columns are features, and none of them names anything.
        return Columns.learned(rows, n_numbers)
    classes = labels.astype(np.int64, copy=False)
    return Columns.learned(rows, n_numbers, find_nominal(rows[:, :n_numbers], classes))


def count_landmarks(n_rows: int, n_numbers: int, n_categories: int = 0) -> int:
    """How many landmarks serve a table.

    About sqrt(n) log(n) lose nothing against all n rows (Rudi, Camoriano, Rosasco 2015, "Less is
    More: Nystroem Computational Regularization", arXiv 1507.04717, theorem 1), where the kernel's
    spectrum falls fast. Of embeddings it falls slowly, hence at least `PER_NUMBER` a column. Of
    many categories it does not fall at all, hence at least `PER_CATEGORY` for each.

    Args:
        n_rows: that are learned from, >= 1.
        n_numbers: columns that are numbers.
        n_categories: that get a column.
    """
    enough = math.ceil(math.sqrt(n_rows) * math.log(n_rows))
    spanned = max(PER_NUMBER * n_numbers, PER_CATEGORY * n_categories)
    return min(MOST_LANDMARKS, max(enough, spanned, LEAST_LANDMARKS))


@dataclass(frozen=True)
class Columns:
    """From a table's rows to points."""

    n_numbers: int
    is_missing: NDArray[np.int64]
    """Numbers that may be missing."""
    centre: Floats
    scale: Floats
    categories: tuple[tuple[int, Floats], ...]
    """A column and the codes in it that get a column of their own."""

    @staticmethod
    def learned(rows: Floats, n_numbers: int, nominal: Sequence[int] = ()) -> Columns:
        """From (n, F) rows.

        Args:
            rows: ``n_numbers`` numbers, NaN where missing, then category codes.
            n_numbers: columns that are numbers.
            nominal: those among them that are taken for categories.
        """
        numbers = rows[:, :n_numbers]
        # Column by column, so that no copy of all is made.
        scales = np.array([_standardise(column) for column in numbers.T], dtype=np.float32)
        centre, scale = scales.reshape(-1, 2).T
        # Nothing is left of it as a number.
        scale[list(nominal)] = np.inf
        places = [*nominal, *range(n_numbers, rows.shape[1])]
        found = [_count_codes(rows[:, place]) for place in places]
        counts = np.concatenate([count for _, count in found] or [np.zeros(0, np.int64)])
        least = LEAST_ROWS
        if len(counts) > MOST_CATEGORIES:
            # Those as frequent as the first one that is left out are left out too.
            least = max(least, np.sort(counts)[-MOST_CATEGORIES - 1] + 1)
        return Columns(
            n_numbers,
            np.flatnonzero(np.isnan(numbers).any(axis=0)),
            centre,
            scale,
            tuple(
                (place, codes[n >= least]) for place, (codes, n) in zip(places, found, strict=True)
            ),
        )

    def points(self, rows: Floats) -> Floats:
        """(n, F) to (n, P): what is missing lies at the mean, with an indicator beside it."""
        numbers = (rows[:, : self.n_numbers] - self.centre) / self.scale
        np.clip(numbers, -MOST_DEVIATIONS, MOST_DEVIATIONS, out=numbers)
        missing = np.isnan(numbers[:, self.is_missing])
        codes = [rows[:, at, None] == kept for at, kept in self.categories]
        parts = [np.nan_to_num(numbers, copy=False, nan=0.0), missing, *codes]
        return np.concatenate(parts, axis=1, dtype=np.float32)


@dataclass(frozen=True)
class Landmarks:
    """Points that others are compared with."""

    points: Floats
    """(L, P)."""
    width: float
    """m."""

    @staticmethod
    def among(points: Floats) -> tuple[Landmarks, Floats]:
        """These points, (L, P), and the squared distances between them, (L, L).

        m is the median between those that differ: where most are equal, as all are of which nothing
        is known, it would be 0, and the others alike to none.
        """
        squared = _compute_squared_distances(points, points)
        first = np.unique(points, axis=0, return_index=True)[1]
        between = squared if len(first) == len(points) else squared[np.ix_(first, first)]
        return Landmarks(points, float(np.median(between)) or 1.0), squared

    def find_axes(self, squared: Floats) -> Floats:
        """(L, R) from `values` to features whose products are the kernel's between landmarks."""
        values, axes = np.linalg.eigh(np.exp(-squared.astype(np.float64) / self.width))
        is_kept = values > LEAST_EIGENVALUE
        scaled: Floats = (axes[:, is_kept] / np.sqrt(values[is_kept])).astype(np.float32)
        return scaled

    def values(self, points: Floats) -> Floats:
        """The kernel between points and landmarks: (n, P) to (n, L)."""
        return self.measure(_compute_squared_distances(points, self.points))

    def measure(self, squared: Floats) -> Floats:
        """Make squared distances the kernel, in place."""
        squared /= np.float32(-self.width)
        return np.exp(squared, out=squared)


def _standardise(column: Floats) -> tuple[float, float]:
    """Mean and standard deviation of what is known; the latter above 0."""
    known = column[~np.isnan(column)].astype(np.float64)
    return (float(known.mean()), float(known.std()) + 1e-6) if len(known) else (0.0, 1.0)


def _count_codes(column: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Different values, ascending, and the rows that have each; missing ones are none."""
    codes, counts = np.unique(column[~np.isnan(column)], return_counts=True)
    return codes, counts


def _compute_squared_distances(a: Floats, b: Floats) -> Floats:
    """(n, P) and (L, P) to (n, L)."""
    products = a @ b.T
    products *= -2
    products += np.square(a).sum(axis=1)[:, None]
    products += np.square(b).sum(axis=1)
    found: Floats = np.maximum(products, 0, out=products)
    return found
