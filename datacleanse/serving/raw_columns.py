"""Rows as an exported model takes them: one array a column, before anything learned is applied.

| kind of column | array | missing |
|---|---|---|
| numeric, boolean (0 and 1) | float64 (N,) | NaN |
| embedding | float64 (N, width) | NaN throughout |
| categorical | strings (N,) | ``""`` |
| datetime | int64 (N,), microseconds since 1970-01-01 UTC | int64's minimum, NumPy's NaT |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from datacleanse.data import read_categories, read_moments, read_numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.records import Column, Dataset

RawColumns: TypeAlias = "dict[str, NDArray[Any]]"
"""Column name to its array."""


def read_raw_columns(data: Dataset) -> RawColumns:
    """The features of a dataset, in the order of its schema."""
    return {column.name: _read_raw(data, column) for column in data.schema.columns}


def _read_raw(data: Dataset, column: Column) -> NDArray[Any]:
    if column.kind == "datetime":
        return read_moments(data, column)
    if column.kind != "categorical":
        return read_numbers(data, column)
    codes, names = read_categories(data, column)
    spelled: NDArray[Any] = np.array([*names, ""], dtype=object)[codes]  # -1 picks the last entry
    return spelled
