"""Cells of every Arrow type as one of the plain types that all the rest knows.

Types are walked to their leaves: a dictionary of views and a list of dictionaries are no plainer
than what they hold.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Callable

_SPELLED = ("pandas.period", "pandas.interval", "arrow.uuid")
"""Extension types whose storage is not what people see: ordinals, pairs of ends, bytes."""


@functools.cache
def register_pandas_types() -> None:
    """Let Arrow know pandas' types before it reads a file that holds them."""
    pa.array(pd.Series(pd.PeriodIndex([], freq="D")))
    pa.array(pd.Series(pd.IntervalIndex([])))


def make_plain(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column with plain types down to its leaves; itself where they are plain already."""
    kind = cells.type
    if is_plain(kind):
        return cells
    if isinstance(kind, pa.BaseExtensionType):
        return _convert_extension(cells)
    for is_type, convert in _CONVERSIONS:
        if is_type(kind):
            return convert(cells)
    return _spell_cells(cells)


def is_plain(kind: pa.DataType) -> bool:
    """Whether a type and all that it is made of need no conversion."""
    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return False
    if types.is_dictionary(kind):
        return not types.is_nested(kind.value_type) and is_plain(kind.value_type)
    if types.is_struct(kind):
        return all(is_plain(field.type) for field in kind)
    if types.is_map(kind):
        return is_plain(kind.key_type) and is_plain(kind.item_type)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return is_plain(kind.value_type)
    return _is_plain_leaf(kind)


@functools.cache
def _is_plain_leaf(kind: pa.DataType) -> bool:
    types = pa.types
    if types.is_string_view(kind) or types.is_binary_view(kind) or types.is_nested(kind):
        return False
    return not types.is_run_end_encoded(kind) and _is_storable(kind)


def _is_storable(kind: pa.DataType) -> bool:
    """Whether Parquet has such cells: it knows no intervals and no unions."""
    try:
        pq.ParquetWriter(pa.BufferOutputStream(), pa.schema([("", kind)])).close()
    except pa.ArrowException:
        return False
    return True


def _convert_extension(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = cells.type
    if kind.extension_name in _SPELLED:
        return _spell_cells(cells)
    storage = [chunk.storage for chunk in cells.chunks]
    stored = make_plain(pa.chunked_array(storage, kind.storage_type))
    return stored.cast(pa.bool_()) if kind.extension_name == "arrow.bool8" else stored


def _spell_cells(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Each cell's text, as Python or pandas shows it."""
    if isinstance(cells.type, pa.BaseExtensionType) and "pandas" in cells.type.extension_name:
        series = cells.to_pandas()
        values = [
            None if absent else value for value, absent in zip(series, series.isna(), strict=True)
        ]
    else:
        values = cells.to_pylist()
    texts = [None if value is None else str(value) for value in values]
    return pa.chunked_array([pa.array(texts, pa.string())])


def _decode_dictionary(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Plain values behind the same indices; the values alone where they are nested."""
    chunks = []
    for chunk in cells.chunks or [pa.array([], cells.type)]:
        values = make_plain(pa.chunked_array([chunk.dictionary])).combine_chunks()
        indices = chunk.indices.cast(pa.int32())
        if pa.types.is_dictionary(values.type) or pa.types.is_nested(values.type):
            chunks.append(values.take(indices))
        else:
            chunks.append(pa.DictionaryArray.from_arrays(indices, values))
    return make_plain(pa.chunked_array(chunks))


def _decode_runs(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    chunks = [pa.chunked_array([], cells.type.value_type)]
    for chunk in cells.chunks:
        ends = np.clip(chunk.run_ends.to_numpy() - chunk.offset, 0, len(chunk))
        places = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
        chunks.append(make_plain(pa.chunked_array([chunk.values])).take(pa.array(places)))
    plain = [make_plain(chunks[0]), *chunks[1:]] if len(chunks) == 1 else chunks[1:]
    return pa.chunked_array([part for chunk in plain for part in chunk.chunks], plain[0].type)


def _rebuild_nested(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = _find_plain_type(cells.type)
    if kind is not None:
        try:
            return pa.chunked_array([pa.array(cells.to_pylist(), kind)])
        except (pa.ArrowException, TypeError, ValueError):
            pass
    return _spell_cells(cells)


def _find_plain_type(kind: pa.DataType) -> pa.DataType | None:
    """The plain type that holds the same Python values; None where there is none."""
    types = pa.types
    if is_plain(kind):
        return kind
    if types.is_string_view(kind) or types.is_binary_view(kind):
        return pa.large_string() if types.is_string_view(kind) else pa.large_binary()
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return _find_plain_type(kind.value_type)
    if not types.is_nested(kind) or types.is_union(kind):
        return None
    return _build_nested_type(kind)


def _build_nested_type(kind: pa.DataType) -> pa.DataType | None:
    types = pa.types
    found = [_find_plain_type(kind.field(at).type) for at in range(kind.num_fields)]
    inner = [each for each in found if each is not None]
    if len(inner) < len(found):
        return None
    if types.is_struct(kind):
        return pa.struct(list(zip([field.name for field in kind], inner, strict=True)))
    if types.is_map(kind):
        return pa.map_(*(inner[0].field(at).type for at in range(2)))
    return pa.list_(inner[0], kind.list_size if types.is_fixed_size_list(kind) else -1)


_CONVERSIONS: tuple[
    tuple[Callable[[pa.DataType], bool], Callable[[pa.ChunkedArray], pa.ChunkedArray]], ...
] = (
    (pa.types.is_string_view, lambda cells: cells.cast(pa.large_string())),
    (pa.types.is_binary_view, lambda cells: cells.cast(pa.large_binary())),
    (pa.types.is_dictionary, _decode_dictionary),
    (pa.types.is_run_end_encoded, _decode_runs),
    (pa.types.is_nested, _rebuild_nested),
)
"""The first that fits a type that is not plain; what none fits is spelled."""
