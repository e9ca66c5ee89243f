"""Parquet: one file, or the shards of a folder or glob."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from datacleanse.data.class_names import find_class_names
from datacleanse.data.interface import ROWS_AT_ONCE, TypedValues
from datacleanse.data.messages import format_list, quote_error
from datacleanse.data.plain_types import make_plain
from datacleanse.data.sources import SHARD_SUFFIX, make_unreadable_error
from datacleanse.data.streamed_table import keep_portions
from datacleanse.errors import InputError
from datacleanse.storage.mapped_files import is_kept_on_disk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse.data.interface import Request
    from datacleanse.data.sources import Location

LARGE_TABLE = 2**28
"""Bytes of rows, about, from which on they are read in portions."""
TEXT = 16
"""Bytes of a cell of text, at least, with its place."""
_BUFFER = 1 << 20
_NO_PARTITION = "__HIVE_DEFAULT_PARTITION__"


class ParquetReader(TypedValues):
    """Reads Parquet; shards are joined in the order of their paths, ``key=value`` folders too."""

    suffixes = (SHARD_SUFFIX,)
    compressible = False

    def peek(self, location: Location, *, request: Request) -> pa.Schema:
        """The schema of the first shard."""
        del request
        with open_parquet(location, location.path) as file:
            return file.schema_arrow

    def read(self, location: Location, *, request: Request) -> pa.Table:
        """Read one file, or all shards; these must have the same columns.

        Many rows are read in portions into a mapped file, where `keep_on_disk` lets them.
        """
        heads = _read_heads(location, request.unread)
        if is_kept_on_disk(sum(head.size for head in heads), LARGE_TABLE):
            return _stream_shards(location, heads, request.unread)
        tables = [_read_shard(location, path, request.unread) for path in location.paths]
        return _join_shards(location, tables)

    def read_portions(self, location: Location, *, request: Request) -> Iterator[pa.Table]:
        """Yield a part of a row group at a time."""
        del request
        first = None
        for path in location.paths:
            with open_parquet(location, path, buffer_size=_BUFFER) as file:
                for batch in file.iter_batches(ROWS_AT_ONCE):
                    table = _add_partitions(location, path, pa.Table.from_batches([batch]))
                    first = table.slice(0, 0) if first is None else first
                    _check_same_columns(location, path, table, first=first)
                    yield table


@contextmanager
def open_parquet(
    location: Location, path: str, *, buffer_size: int = 0
) -> Iterator[pq.ParquetFile]:
    """Open one of the location's files while the block reads it.

    Args:
        location: names the file in messages.
        path: of the file.
        buffer_size: bytes of a column to hold at once; 0 holds all that a row group has.

    Raises:
        InputError: it is damaged, or may not be read.
    """
    name = location.name if len(location.paths) == 1 else path
    try:
        with location.filesystem.open_input_file(path) as handle:
            # Buffering ahead hides a network's delay; on a disk it only costs memory.
            is_remote = location.filesystem.type_name != "local" and not buffer_size
            yield pq.ParquetFile(handle, pre_buffer=is_remote, buffer_size=buffer_size)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, PermissionError):
            raise make_unreadable_error(name, error) from error
        raise InputError(
            f"{name} is not a readable Parquet file: {quote_error(error)}.",
            slug="file-damaged",
            hint="The file is cut off or not what its ending says; copy or write it again.",
        ) from error


@dataclass(frozen=True)
class _Head:
    """What the end of a shard tells of it."""

    empty: pa.Table
    """Its columns, without rows."""
    size: int
    """Bytes that its rows take in memory, about."""


def _read_heads(location: Location, unread: frozenset[str]) -> list[_Head]:
    """Read what each shard tells of itself, without its rows."""
    heads = []
    for path in location.paths:
        with open_parquet(location, path) as file:
            about, empty = file.metadata, file.schema_arrow.empty_table()
            names = [name for name in empty.column_names if name in unread]
            empty = _add_partitions(location, path, empty.drop_columns(names))
            groups = range(about.num_row_groups)
            written = sum(about.row_group(group).total_byte_size for group in groups)
        # Text that repeats is written as numbers, and may be read as text.
        width = sum(_measure_cell(field.type) for field in empty.schema)
        heads.append(_Head(empty, max(written, width * about.num_rows)))
    return heads


def _measure_cell(kind: pa.DataType) -> int:
    """Bytes of a cell, about; of text the least that it takes."""
    try:
        return max(1, int(kind.bit_width) // 8)
    except ValueError:
        return TEXT


def _stream_shards(location: Location, heads: list[_Head], unread: frozenset[str]) -> pa.Table:
    """Read all shards in portions, into one mapped table."""
    # Whether they fit together is seen before any row is read.
    joined = _join_shards(location, [head.empty for head in heads])
    return keep_portions(_read_alike(location, joined, unread))


def _read_alike(location: Location, joined: pa.Table, unread: frozenset[str]) -> Iterator[pa.Table]:
    """Yield the rows in portions that have the columns and types of ``joined``."""
    found = False
    for path in location.paths:
        with open_parquet(location, path, buffer_size=_BUFFER) as file:
            names = [name for name in file.schema_arrow.names if name not in unread]
            for batch in file.iter_batches(ROWS_AT_ONCE, columns=names if unread else None):
                portion = _add_partitions(location, path, pa.Table.from_batches([batch]))
                yield _join_shards(location, [joined, portion]).cast(joined.schema)
                found = True
    if not found:
        yield joined


def _join_shards(location: Location, tables: list[pa.Table]) -> pa.Table:
    """The rows of all shards, with types that all of them fit."""
    for path, table in zip(location.paths, tables, strict=False):
        _check_same_columns(location, path, table, first=tables[0])
        _check_same_names(location, path, table, first=tables[0])
    if len(tables) == 1:
        return tables[0]
    try:
        return pa.concat_tables(_agree_on_types(tables), promote_options="permissive")
    except pa.ArrowException as error:
        raise InputError(
            f"The shards of {location.name} do not fit together: {quote_error(error)}.",
            slug="shards-differ",
            hint="Write all shards with the same column types.",
        ) from error


def _read_shard(location: Location, path: str, unread: frozenset[str]) -> pa.Table:
    with open_parquet(location, path) as file:
        # None reads all; naming them would lose a column whose name another one has, too.
        names = file.schema_arrow.names
        columns = [name for name in names if name not in unread] if unread else None
        return _add_partitions(location, path, file.read(columns=columns))


def _add_partitions(location: Location, path: str, table: pa.Table) -> pa.Table:
    """The table, with what the names of its folders say as columns."""
    if location.root is None:
        return table
    for key, value in _parse_partitions(path[len(location.root) :]):
        if key not in table.column_names:
            cells = pa.repeat(pa.scalar(value, pa.string()), table.num_rows)
            table = table.append_column(key, cells)
    return table


def _parse_partitions(below_root: str) -> list[tuple[str, str | None]]:
    pairs = [part.split("=", 1) for part in below_root.split("/")[:-1] if "=" in part]
    return [(key, None if value == _NO_PARTITION else unquote(value)) for key, value in pairs]


def _agree_on_types(tables: list[pa.Table]) -> list[pa.Table]:
    """The shards with one type for each column that some hold as a dictionary, or as a view.

    Writers choose between text and dictionaries shard by shard. A dictionary everywhere stays one.
    """
    for name in tables[0].column_names:
        columns = [table.column(name) for table in tables]
        if len({column.type for column in columns}) == 1:
            continue
        columns = [make_plain(column) for column in columns]
        are_packed = [pa.types.is_dictionary(column.type) for column in columns]
        if all(are_packed):
            values = columns[0].type.value_type
            same = all(column.type.value_type == values for column in columns)
            kind = pa.dictionary(pa.int32(), values)
            columns = [column.cast(kind if same else column.type.value_type) for column in columns]
        else:
            columns = [
                column.cast(column.type.value_type) if is_packed else column
                for column, is_packed in zip(columns, are_packed, strict=True)
            ]
        tables = [
            table.set_column(table.column_names.index(name), name, column)
            for table, column in zip(tables, columns, strict=True)
        ]
    return tables


def _check_same_names(location: Location, path: str, table: pa.Table, *, first: pa.Table) -> None:
    """Refuse shards in which a class's number has another name."""
    if find_class_names(table.schema) != find_class_names(first.schema):
        raise InputError(
            f"The shards of {location.name} name classes differently in their metadata: "
            f"{location.paths[0]} and {path}.",
            slug="shards-differ",
            hint="Write all shards with the same names, in the same order.",
        )


def _check_same_columns(location: Location, path: str, table: pa.Table, *, first: pa.Table) -> None:
    odd = sorted(set(table.column_names) ^ set(first.column_names))
    if odd:
        raise InputError(
            f"The shards of {location.name} have different columns: {format_list(odd)} "
            f"in only one of {location.paths[0]} and {path}.",
            slug="shards-differ",
            hint="Write all shards with the same columns, or name one file.",
        )
