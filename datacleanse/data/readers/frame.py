"""Tables in memory: pandas data frames, Arrow tables, and frames that speak Arrow (polars)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Protocol, TypeAlias, TypeGuard, runtime_checkable

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from datacleanse.data.half_signs import replace_half_signs
from datacleanse.data.messages import quote_error
from datacleanse.data.readers.loose_tables import find_loose_kind, make_no_table_error
from datacleanse.errors import InputError, is_shortage


@runtime_checkable
class ArrowStream(Protocol):
    """What any library hands out as a stream of Arrow's C interface, e.g. a polars frame."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """A PyCapsule of the stream, as the C interface asks for."""


Frame: TypeAlias = (
    pd.DataFrame
    | pa.Table
    | ArrowStream
    | Mapping[str, Any]
    | Iterable[Mapping[str, Any]]
    | NDArray[np.void]
)
"""A table in memory; pyarrow's other tables and Hugging Face's are of no type that is known here.
`loose_tables` has the kinds beside data frames."""


def is_frame(source: object) -> TypeGuard[Frame]:
    """Whether it is a table in memory, not a path."""
    is_known = isinstance(source, pd.DataFrame | pa.Table) or find_loose_kind(source) is not None
    return is_known or _speaks_arrow(source) or _is_lazy(source)


def hold_frame(source: Frame) -> Frame:
    """The table in a form that can be read more than once.

    Streams and iterators are read, lazy frames collected; data frames stay what they are.

    Raises:
        InputError: it is no table.
    """
    # Streams have no length, and a single column has no columns.
    is_foreign = hasattr(source, "__len__") and hasattr(type(source), "columns")
    if isinstance(source, pd.DataFrame | pa.Table) or (is_foreign and _speaks_arrow(source)):
        return source
    return convert_frame(source)


def convert_frame(source: Frame) -> pa.Table:
    """An Arrow table of the same rows; a named index becomes a column, another is dropped.

    Raises:
        InputError: it is no table, or a column cannot be read.
    """
    if isinstance(source, pa.Table):
        return source
    if isinstance(source, pd.DataFrame):
        return _convert_pandas(source)
    if _is_lazy(source):
        return convert_frame(_collect(source))
    convert = find_loose_kind(source)
    if convert is not None:
        return convert(source)
    if _speaks_arrow(source) and not isinstance(source, pd.Series):
        return _read_stream(source)
    raise make_no_table_error(source)


def _convert_pandas(source: pd.DataFrame) -> pa.Table:
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


def _speaks_arrow(source: object) -> TypeGuard[ArrowStream]:
    """Whether it hands out a stream or a batch of Arrow's C interface."""
    return isinstance(source, ArrowStream) or hasattr(source, "__arrow_c_array__")


def _is_lazy(source: object) -> bool:
    """Whether it is a query that makes a frame when it is collected, as polars has them."""
    return hasattr(source, "collect") and hasattr(source, "collect_schema")


def _collect(source: Any) -> Any:  # noqa: ANN401  # polars need not be installed
    try:
        return source.collect()
    except Exception as error:  # whatever the other library raises
        if is_shortage(error):
            raise
        raise InputError(
            f"<{type(source).__name__}> cannot be collected: {quote_error(error)}.",
            slug="query-failed",
            hint="Mend the query, or collect it first and give the frame.",
        ) from error


def _read_stream(source: ArrowStream) -> pa.Table:
    try:
        return pa.table(source)
    except Exception as error:  # whatever the other library raises
        if not hasattr(source, "columns") and "non-struct" in str(error):
            raise make_no_table_error(source) from error
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


def name_rows(source: object) -> pa.Array | None:
    """(N,) string: what the index of a data frame calls its rows; None: nothing but their numbers.

    Names may repeat.
    """
    if not isinstance(source, pd.DataFrame) or source.index.equals(pd.RangeIndex(len(source))):
        return None
    return pa.array([str(name) for name in source.index.tolist()], pa.string())


def name_columns(source: pd.DataFrame) -> list[str]:
    """The names of a data frame's columns as they are known here, in order."""
    return [_format_name(name) for name in source.columns]


def name_column(source: object, name: object) -> object:
    """The name by which a data frame's column is known here: of column 0 ``"0"``.

    What is a text already, or no column of the frame, is returned as it is.
    """
    if isinstance(name, str) or not isinstance(source, pd.DataFrame):
        return name
    is_column = isinstance(name, Hashable) and name in source.columns
    return _format_name(name) if is_column else name


def _format_name(name: Hashable) -> str:
    if isinstance(name, tuple):
        # Levels of a MultiIndex; where some columns have fewer, pandas fills up with empty names.
        return ".".join(_format_name(part) for part in name if part != "")
    return replace_half_signs(str(name))


def _convert_column(series: pd.Series) -> pa.Array | pa.ChunkedArray:
    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        # Objects of several types, or halves of signs: as text, in which the schema looks for
        # numbers again.
        cells = [
            None if missing else replace_half_signs(str(cell))
            for cell, missing in zip(series, series.isna(), strict=True)
        ]
        return pa.array(cells, pa.string())
