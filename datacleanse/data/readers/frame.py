"""Tables that are in memory already: pandas data frames and Arrow tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Hashable


def from_memory(source: pd.DataFrame | pa.Table) -> pa.Table:
    """An Arrow table of the same rows; a named index becomes a column, another is dropped."""
    if isinstance(source, pa.Table):
        return source
    names: list[str] = []
    arrays: list[pa.Array] = []
    for level in range(source.index.nlevels):
        values = source.index.get_level_values(level)
        if values.name is not None and values.name not in source.columns:
            names.append(_name(values.name))
            arrays.append(_column(pd.Series(values.array)))
    for position, name in enumerate(source.columns):
        names.append(_name(name))
        arrays.append(_column(source.iloc[:, position]))
    return pa.Table.from_arrays(arrays, names=names)


def _name(name: Hashable) -> str:
    if isinstance(name, tuple):
        return ".".join(str(part) for part in name)
    return str(name)


def _column(series: pd.Series) -> pa.Array | pa.ChunkedArray:
    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowException, OverflowError):
        # Objects of several types: as text, in which the schema looks for numbers again.
        cells = [
            None if missing else str(cell)
            for cell, missing in zip(series, series.isna(), strict=True)
        ]
        return pa.array(cells, pa.string())
