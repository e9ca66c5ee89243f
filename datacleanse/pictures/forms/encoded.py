"""A table that holds the encoded pictures themselves: Parquet, Feather, or a table in memory."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datacleanse.data.identity import check_ids
from datacleanse.data.raw_table import peek, read_raw
from datacleanse.data.readers.parquet import open_parquet
from datacleanse.data.sources import SHARD_SUFFIX, locate
from datacleanse.pictures.forms.manifest import choose_label_column, make_request, note_columns
from datacleanse.pictures.interface import Listing
from datacleanse.pictures.signatures import SIGNATURES, PictureError
from datacleanse.pictures.stores import ColumnStore, ParquetStore, make_parquet_store, select_bytes

if TYPE_CHECKING:
    from datacleanse.data import Source
    from datacleanse.pictures.interface import Asked

IMAGE = "image"
"""Usual name of the column; a single column of bytes may have any other."""

PATH = "path"
"""Field beside the bytes, and the column that is made of it."""

LOOKED_AT = 20
"""Cells of a column of another name than `IMAGE`."""

NUMBER = "row"
"""Column of a table that would have none beside the pictures."""


@dataclass(frozen=True)
class EncodedColumn:
    """A column of bytes, or of structs with a field ``bytes``."""

    name = "encoded pictures in a table"

    def find(self, source: Source, asked: Asked) -> Listing | None:
        """List the pictures that a table holds as bytes; None for any other source."""
        request = make_request(asked)
        schema = peek(source, request)
        column = find_image_column(schema, asked.drop)
        if column is None:
            return None
        is_alone = schema.names == [column]
        unread = frozenset() if is_alone else frozenset({column})
        raw = read_raw(source, replace(request, unread=unread))
        store: ParquetStore | ColumnStore
        if column in raw.table.column_names:
            cells = raw.table.column(column)
            store, paths = ColumnStore(select_bytes(cells)), _select_paths(cells)
            raw = replace(raw, table=raw.table.drop_columns([column]))
        else:
            assert isinstance(source, str | os.PathLike)  # only files have unread columns
            store, paths = _leave_in_file(source, column, schema)
        if column != IMAGE and not _look_like_pictures(store):
            return None
        if is_alone:  # Arrow counts no rows where there is no column
            raw = replace(raw, table=pa.table({NUMBER: np.arange(len(store))}))
        table, id_ = _add_paths(raw.table, paths, asked.id)
        raw = replace(raw, table=table)
        check_ids(table, asked.id, source=raw.name, unique=asked.role == "DATA")
        label = choose_label_column(raw, asked)
        notices = note_columns(raw, asked, label, used=[] if id_ is None else [id_])
        is_declared = label in raw.declared
        return Listing(raw.name, self.name, table, label, id_, None, store, notices, is_declared)


def find_image_column(schema: pa.Schema, drop: tuple[str, ...]) -> str | None:
    """The column that holds encoded pictures; None where there is none."""
    fitting = [f.name for f in schema if f.name not in drop and holds_bytes(f.type)]
    if IMAGE in fitting:
        return IMAGE
    return fitting[0] if len(fitting) == 1 else None


def holds_bytes(kind: pa.DataType) -> bool:
    """Whether cells of this Arrow type are bytes, or structs with such a field ``bytes``."""
    types = pa.types
    if types.is_struct(kind):
        at = kind.get_field_index("bytes")
        return at >= 0 and holds_bytes(kind.field(at).type)
    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def _look_like_pictures(store: ParquetStore | ColumnStore) -> bool:
    """Whether one of the first cells begins like a picture: bytes may be anything."""
    for _, blob in store.iterate_blobs(np.arange(min(len(store), LOOKED_AT))):
        with suppress(PictureError):
            if blob().startswith(SIGNATURES):
                return True
    return False


def _leave_in_file(
    source: str | os.PathLike[str], column: str, schema: pa.Schema
) -> tuple[ParquetStore, pa.ChunkedArray | None]:
    location = locate(source)
    assert location.suffix == SHARD_SUFFIX  # the only format that leaves columns unread
    kind = schema.field(column).type
    if not pa.types.is_struct(kind):
        return make_parquet_store(location, column), None
    store = make_parquet_store(location, f"{column}.bytes")
    return store, _read_paths(store, column) if kind.get_field_index(PATH) >= 0 else None


def _read_paths(store: ParquetStore, column: str) -> pa.ChunkedArray:
    parts = []
    for path in store.location.paths:
        with open_parquet(store.location, path) as file:
            parts += file.read(columns=[f"{column}.{PATH}"]).column(0).chunks
    return pc.struct_field(pa.chunked_array(parts), 0).cast(pa.string())


def _select_paths(cells: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """The field beside the bytes that names each picture."""
    if not pa.types.is_struct(cells.type) or cells.type.get_field_index(PATH) < 0:
        return None
    return pc.struct_field(cells, cells.type.get_field_index(PATH)).cast(pa.string())


def _add_paths(
    table: pa.Table, paths: pa.ChunkedArray | None, wanted: str | None
) -> tuple[pa.Table, str | None]:
    """The table with the pictures' own paths as a column, and the column that names rows."""
    name = None
    if paths is not None and not paths.null_count and PATH not in table.column_names:
        table, name = table.add_column(0, PATH, paths), PATH
    if wanted is not None and wanted in table.column_names:
        name = wanted
    return table, name
