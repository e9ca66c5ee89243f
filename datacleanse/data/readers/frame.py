"""Tables in memory: pandas data frames, Arrow tables, and frames that speak Arrow (polars)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeGuard, runtime_checkable

import pandas as pd
import pyarrow as pa

from datacleanse.data.messages import quote_error
from datacleanse.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Hashable


@runtime_checkable
class ArrowStream(Protocol):
    """What any library hands out as a stream of Arrow's C interface, e.g. a polars frame."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """A PyCapsule of the stream, as the C interface asks for."""


Frame: TypeAlias = pd.DataFrame | pa.Table | ArrowStream


def is_frame(source: object) -> TypeGuard[Frame]:
    """Whether it is a table in memory, not a path."""
    return isinstance(source, pd.DataFrame | pa.Table | ArrowStream)


def convert_frame(source: Frame) -> pa.Table:
    """An Arrow table of the same rows; a named index becomes a column, another is dropped."""
    if not isinstance(source, pd.DataFrame):
        return source if isinstance(source, pa.Table) else _read_stream(source)
    names: list[str] = []
    arrays: list[pa.Array] = []
    for level in range(source.index.nlevels):
        values = source.index.get_level_values(level)
        if values.name is not None and values.name not in source.columns:
            names.append(_format_name(values.name))
            arrays.append(_convert_column(pd.Series(values.array)))
    for position, name in enumerate(source.columns):
        names.append(_format_name(name))
        arrays.append(_convert_column(source.iloc[:, position]))
    return pa.Table.from_arrays(arrays, names=names)


def _read_stream(source: ArrowStream) -> pa.Table:
    try:
        return pa.table(source)
    except Exception as error:  # whatever the other library raises
        name = _find_unreadable_column(source)
        column = "one of its columns" if name is None else f"column '{name}'"
        raise InputError(
            f"<{type(source).__name__}>: {column} is of a type that Arrow does not know: "
            f"{quote_error(error)}.",
            slug="column-type-unknown",
            hint="Turn it into text or numbers, or leave it out of the frame.",
        ) from error


def _find_unreadable_column(source: ArrowStream) -> str | None:
    """The first column that cannot be handed over alone; None where columns have no names."""
    for name in getattr(source, "columns", ()):
        try:
            pa.chunked_array(source[name])  # type: ignore[index]  # frames of all libraries do
        except Exception:  # the same, whatever it is
            return str(name)
    return None


def _format_name(name: Hashable) -> str:
    if isinstance(name, tuple):
        return ".".join(str(part) for part in name)
    return str(name)


def _convert_column(series: pd.Series) -> pa.Array | pa.ChunkedArray:
    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        # Objects of several types: as text, in which the schema looks for numbers again.
        cells = [
            None if missing else str(cell)
            for cell, missing in zip(series, series.isna(), strict=True)
        ]
        return pa.array(cells, pa.string())
