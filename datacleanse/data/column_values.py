"""The features of a `Dataset`, one column at a time, in the shape that encoders want."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.data.columns import (
    MISSING_TEXTS,
    parse_categories,
    parse_moments,
    parse_numbers,
    parse_vectors,
)
from datacleanse.data.conventions import rewrite_plainly

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.records import Column, Dataset, Schema


def read_numbers(dataset: Dataset, column: Column) -> NDArray[np.float64]:
    """A numeric or boolean column (N,), an embedding (N, width); missing is NaN, inf stays."""
    cells = dataset.table.column(column.name)
    if column.kind == "embedding":
        return parse_vectors(cells, width=column.width)
    return parse_numbers(
        rewrite_plainly(cells, column), flags=column.kind == "boolean"
    ).read_floats()


def read_categories(dataset: Dataset, column: Column) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Codes (N,) int32 into the returned sorted distinct values of this file; -1 is missing."""
    missing = list_missing_texts(dataset.schema, column)
    return parse_categories(dataset.table.column(column.name), missing)


def read_texts(dataset: Dataset, column: Column) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Codes (N,) int32 into the returned sorted distinct texts; -1 is missing or blank."""
    codes, texts = read_categories(dataset, column)
    is_blank = np.array([*(not text.strip() for text in texts), True])
    return np.where(is_blank[codes], np.int32(-1), codes), texts


def list_missing_texts(schema: Schema, column: Column) -> frozenset[str]:
    """The texts that stand for a missing value among names or texts, whatever the format."""
    if column.na_is_word:
        return frozenset()
    return MISSING_TEXTS if schema.missing is None else frozenset(schema.missing)


def read_moments(dataset: Dataset, column: Column) -> NDArray[np.int64]:
    """A date/time column (N,) in microseconds since 1970-01-01 UTC; int64's minimum is missing."""
    cells = rewrite_plainly(dataset.table.column(column.name), column)
    return parse_moments(cells).values.astype(np.int64, copy=False)
