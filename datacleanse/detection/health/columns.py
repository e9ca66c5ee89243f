"""The columns of DATA, CLEAN and TEST as numbers and codes, one row behind the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.data import read_categories, read_moments, read_numbers, read_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from datacleanse.records import Column, Dataset

FAR = 1e100
"""Numbers beyond it count as this one, infinities too: their squares are still finite."""


@dataclass(frozen=True)
class Columns:
    """The feature columns of some rows."""

    number_names: tuple[str, ...]
    """(F,) column of each number; a vector's column stands once for each entry."""
    numbers: NDArray[np.float64]
    """(n, F), NaN where missing; of moments seconds. They lie in memory column by column."""
    code_names: tuple[str, ...]
    """(K,) column of each code."""
    codes: NDArray[np.int64]
    """(n, K) which of a column's distinct values, from 0; -1 where missing. Texts are values."""

    def take(self, rows: slice) -> Columns:
        """Some of the rows."""
        return Columns(self.number_names, self.numbers[rows], self.code_names, self.codes[rows])


def read_columns(parts: Sequence[Dataset]) -> Columns:
    """Read the feature columns of data sets that were held to one schema, the first one's."""
    data = parts[0]
    names: list[str] = []
    numbers: list[NDArray[np.float64]] = []
    codes: list[tuple[str, NDArray[np.int64]]] = []
    for place, column in enumerate(data.schema.columns):
        # Another file may write the column in a way of its own.
        own = [(each, each.schema.columns[place]) for each in parts]
        if column.kind in ("categorical", "text"):
            codes.append((column.name, _join_codes(own)))
            continue
        values = np.concatenate([_read_values(each, its) for each, its in own])
        numbers.append(values.reshape(len(values), -1).T)
        names += [column.name] * len(numbers[-1])
    n_rows = sum(each.n_rows for each in parts)
    joined = np.empty((len(names), n_rows))
    if numbers:
        np.concatenate(numbers, out=joined)
    return Columns(
        tuple(names),
        np.clip(joined, -FAR, FAR, out=joined).T,
        tuple(name for name, _ in codes),
        np.stack([each for _, each in codes], axis=1) if codes else np.empty((n_rows, 0), np.int64),
    )


def _read_values(dataset: Dataset, column: Column) -> NDArray[np.float64]:
    if column.kind == "datetime":
        micros = read_moments(dataset, column)
        return np.where(micros == np.iinfo(np.int64).min, np.nan, micros / 1e6)
    return read_numbers(dataset, column)


def _join_codes(own: Sequence[tuple[Dataset, Column]]) -> NDArray[np.int64]:
    """(n,) codes into the distinct values of all files."""
    known: dict[str, int] = {}
    parts = []
    for dataset, column in own:
        read = read_texts if column.kind == "text" else read_categories
        codes, names = read(dataset, column)
        lookup = np.array([*(known.setdefault(name, len(known)) for name in names), -1], np.int64)
        parts.append(lookup[codes])
    return np.concatenate(parts)
