"""A regression that is additive in a table's columns: numbers in bins, categories one by one.

It sees what trees are slow to see: the sum of many small effects, as in embeddings. Each number
enters as it is, with a piecewise-linear bin between quantiles beside it and an indicator where it
may be missing (Gorishniy, Rubachev, Babenko 2022, arXiv 2203.05556, section 3.2.1); `ridge` judges
each row without its own label.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from datacleanse import ridge

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

N_BINS = 8
"""Between quantiles of a number."""

MANY_COLUMNS = 1_000
"""Of the regression, from which numbers get no bins and no further category gets a column."""

MAX_COLUMNS = 2_500
"""From which there is no regression: its time grows with their third power."""

LEAST_ROWS = 5
"""Of a category that gets a column."""

PORTION = 4_096
"""Rows that are spread out at a time."""


def left_out(
    rows: Floats,
    labels: NDArray[np.int64],
    is_learned: NDArray[np.bool_],
    *,
    n_numbers: int,
    n_classes: int,
    seed: int,
    is_unwanted: Callable[[], bool],
) -> list[Floats]:
    """Scores of the classes by a regression that the row's own label had no part in.

    Args:
        rows: (M, F): ``n_numbers`` numbers, NaN where missing, then category codes.
        labels: (M,) as given.
        is_learned: (M,) whether the row's label may be learned; all others are judged too.
        n_numbers: columns that are numbers.
        n_classes: C.
        seed: of the rows that are learned where they are many.
        is_unwanted: asked before each portion of rows.

    Returns:
        (M, C) for each penalty; nothing where there are too many columns.

    Raises:
        AbandonedError: ``is_unwanted`` said so.
    """
    used = ridge.drawn(is_learned, np.random.default_rng(seed))
    columns = _Columns.learned(rows[used], n_numbers)
    if columns.n_features > MAX_COLUMNS:
        return []
    return ridge.left_out(
        lambda some: columns.features(rows[some]),
        labels,
        used,
        n_classes=n_classes,
        portion=PORTION,
        is_unwanted=is_unwanted,
    )


@dataclass(frozen=True)
class _Columns:
    """From a table's rows to what the regression sees."""

    n_numbers: int
    is_missing: NDArray[np.int64]
    """Numbers that may be missing."""
    of_bin: NDArray[np.int64]
    """Number of each bin."""
    low: Floats
    width: Floats
    categories: tuple[tuple[int, Floats], ...]
    """A column and the codes in it that get a column of their own."""

    @staticmethod
    def learned(rows: Floats, n_numbers: int) -> _Columns:
        """From (n, F) rows."""
        numbers = rows[:, :n_numbers]
        is_missing = np.flatnonzero(np.isnan(numbers).any(axis=0))
        room = MANY_COLUMNS - n_numbers - len(is_missing)
        found = [np.unique(column, return_counts=True) for column in rows[:, n_numbers:].T]
        counts = np.concatenate([count for _, count in found]) if found else np.zeros(0)
        # The most frequent ones of all columns.
        least = max(LEAST_ROWS, np.sort(counts)[-room] if 0 < room < len(counts) else 0)
        kept = [(n_numbers + k, codes[count >= least]) for k, (codes, count) in enumerate(found)]
        room -= sum(len(codes) for _, codes in kept)
        edges = [_edges(column) for column in numbers.T] if room >= N_BINS * n_numbers else []
        return _Columns(
            n_numbers,
            is_missing,
            np.repeat(np.arange(len(edges)), [max(len(e) - 1, 0) for e in edges]),
            np.concatenate([e[:-1] for e in edges] or [np.zeros(0, np.float32)]),
            np.concatenate([np.diff(e) for e in edges] or [np.zeros(0, np.float32)]),
            tuple(kept),
        )

    @property
    def n_features(self) -> int:
        """Columns of `features`."""
        n_codes = sum(len(codes) for _, codes in self.categories)
        return self.n_numbers + len(self.is_missing) + len(self.low) + n_codes

    def features(self, rows: Floats) -> Floats:
        """(n, F) to (n, `n_features`)."""
        numbers = rows[:, : self.n_numbers]
        filled = np.nan_to_num(numbers, nan=0.0)
        bins = np.clip((filled[:, self.of_bin] - self.low) / self.width, 0, 1)
        missing = np.isnan(numbers[:, self.is_missing])
        codes = [rows[:, at, None] == kept for at, kept in self.categories]
        parts = [filled, bins, missing, *codes]
        return np.concatenate(parts, axis=1, dtype=np.float32)


def _edges(column: Floats) -> Floats:
    """Distinct quantiles, none where nothing is known or all is the same."""
    known = column[~np.isnan(column)]
    if not len(known):
        return known
    quantiles = np.quantile(known, np.linspace(0, 1, N_BINS + 1)).astype(np.float32)
    edges: Floats = np.unique(quantiles)
    return edges
