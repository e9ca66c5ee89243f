"""Tables out, in the formats that are read; a file appears whole or not at all."""

from __future__ import annotations

import base64
import datetime
import decimal
import json
import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from datacleanse.data.exact_numbers import is_float_of, widen_floats
from datacleanse.data.interface import ROWS_AT_ONCE
from datacleanse.data.packing import unpack_table
from datacleanse.data.readers import format_suffixes
from datacleanse.data.sources import is_same_file, split_suffix
from datacleanse.errors import SettingsError
from datacleanse.storage.atomic_files import check_place, write_aside

if TYPE_CHECKING:
    from pathlib import Path


def check_target(path: Path, *, source: str, suffix: str | None = None) -> None:
    """Refuse, before any work is done, what `write_table` would refuse after it.

    Args:
        path: where a table is to be written.
        source: the table that is read; it is never written over.
        suffix: as for `write_tables`.

    Raises:
        SettingsError: the suffix is none that is written, or the path is the source.
        OutputError: the path is a folder, or lies in none.
    """
    _find_writer(path, suffix)
    check_place(path)
    if is_same_file(source, str(path)):
        raise SettingsError(
            f"{path} is the table that is read.",
            slug="output-is-input",
            hint="Choose another name with -o.",
        )


def write_table(table: pa.Table, path: Path, *, delimiter: str | None = None) -> None:
    """Write a table in the format of the path's suffix, ``.gz`` and ``.zst`` included.

    Lists and structs become JSON text in CSV, bytes become base64 text in CSV and JSON Lines.

    Args:
        table: what is written.
        path: the file; it appears whole or not at all.
        delimiter: of a CSV; None for the format's own.

    Raises:
        SettingsError: the suffix is none that is written.
        OutputError: the system does not let it be written.
    """
    write_tables([table], path, delimiter=delimiter)


def write_tables_into(tables: Iterator[pa.Table], path: Path, sink: pa.NativeFile) -> None:
    """Write tables into an open file; only the format is taken from ``path``."""
    write, _ = _find_writer(path, None)
    write(map(unpack_table, tables), sink)


def write_tables(
    tables: Iterable[pa.Table],
    path: Path,
    *,
    suffix: str | None = None,
    delimiter: str | None = None,
) -> int:
    """Write tables of the same columns one below the other, each before the next is asked for.

    Args:
        tables: at least one.
        path: the file; it appears whole or not at all.
        suffix: of the format, such as ``.jsonl``; None: the path's.
        delimiter: of a CSV; None for the format's own.

    Returns:
        The number of rows.

    Raises:
        SettingsError: the suffix is none that is written.
        OutputError: the system does not let it be written.
    """
    write, compression = _find_writer(path, suffix)
    if delimiter is not None and write in (_write_csv, _write_tsv):
        write = partial(_write_csv, delimiter=delimiter)
    rows = 0

    def count_and_unpack() -> Iterator[pa.Table]:
        nonlocal rows
        for table in tables:
            rows += table.num_rows
            yield unpack_table(table)

    with write_aside(path) as aside, open_sink(aside, compression) as sink:
        write(count_and_unpack(), sink)
    return rows


Write = Callable[[Iterator[pa.Table], pa.NativeFile], None]


def _find_writer(path: Path, suffix: str | None) -> tuple[Write, str | None]:
    own, compression = split_suffix(path.as_posix())
    suffix = own if suffix is None else suffix
    write = _WRITERS.get(suffix)
    if write is None or (compression is not None and suffix not in TEXT_SUFFIXES):
        raise SettingsError(
            f"{path} cannot be written: accepted endings are {format_suffixes()}.",
            slug="format-unwritable",
            hint="Choose one of these endings.",
        )
    return write, compression


def open_sink(path: Path, compression: str | None) -> pa.NativeFile:
    """Open a file to write to; what is written is packed by Arrow's codec of that name."""
    sink = pa.OSFile(str(path), "wb")
    return sink if compression is None else pa.CompressedOutputStream(sink, compression)


def _write_csv(tables: Iterator[pa.Table], sink: pa.NativeFile, *, delimiter: str = ",") -> None:
    options = pacsv.WriteOptions(delimiter=delimiter)
    _write_all(
        map(_flatten_table, tables),
        lambda schema: pacsv.CSVWriter(sink, schema, write_options=options),
    )


def _write_tsv(tables: Iterator[pa.Table], sink: pa.NativeFile) -> None:
    _write_csv(tables, sink, delimiter="\t")


def _write_parquet(tables: Iterator[pa.Table], sink: pa.NativeFile) -> None:
    _write_all(tables, lambda schema: pq.ParquetWriter(sink, schema, compression="zstd"))


def _write_feather(tables: Iterator[pa.Table], sink: pa.NativeFile) -> None:
    options = pa.ipc.IpcWriteOptions(compression="lz4" if pa.Codec.is_available("lz4") else None)
    # An Arrow file holds one dictionary a column, a table may hold one a chunk.
    unified = (table.unify_dictionaries() for table in tables)
    _write_all(unified, lambda schema: pa.ipc.new_file(sink, schema, options=options))


def _write_all(tables: Iterator[pa.Table], open_writer: Callable[[pa.Schema], Any]) -> None:
    """Write tables by one of Arrow's writers, which want to know the columns first."""
    first = next(tables)
    with open_writer(first.schema) as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table)


def _write_jsonl(tables: Iterator[pa.Table], sink: pa.NativeFile) -> None:
    for table in map(widen_narrow_floats, tables):
        for batch in table.to_batches(max_chunksize=ROWS_AT_ONCE):
            lines = [
                json.dumps(convert_for_json(row), ensure_ascii=False) for row in batch.to_pylist()
            ]
            sink.write("".join(f"{line}\n" for line in lines).encode("utf-8"))


def widen_narrow_floats(table: pa.Table) -> pa.Table:
    """The table with float32 as the float64 of its shortest text: 0.1, not 0.10000000149011612."""
    for position, field in enumerate(table.schema):
        if pa.types.is_float32(field.type) or pa.types.is_float16(field.type):
            cells = pa.array(widen_floats(table.column(position)), from_pandas=True)
            table = table.set_column(position, field.name, cells)
    return table


_WRITERS: dict[str, Write] = {
    ".csv": _write_csv,
    ".tsv": _write_tsv,
    ".jsonl": _write_jsonl,
    ".ndjson": _write_jsonl,
    ".parquet": _write_parquet,
    ".feather": _write_feather,
    ".arrow": _write_feather,
}
TEXT_SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson")
"""Of formats that are written as text, and so also packed."""


def _flatten_table(table: pa.Table) -> pa.Table:
    """The table with nested and binary columns as text, the rest as it is."""
    for position, field in enumerate(table.schema):
        if _is_flat(field.type):
            continue
        cells = [spell_cell_as_json(cell) for cell in table.column(position).to_pylist()]
        table = table.set_column(position, field.name, pa.array(cells, pa.string()))
    return table


def _is_flat(kind: pa.DataType) -> bool:
    types = pa.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    is_bytes = types.is_binary(kind) or types.is_large_binary(kind)
    is_odd = types.is_fixed_size_binary(kind) or types.is_duration(kind)
    return not (types.is_nested(kind) or is_bytes or is_odd)


def spell_cell_as_json(cell: object) -> str | None:
    """A value as text for a format that has none of its type: JSON, bytes in base64."""
    value = convert_for_json(cell)
    return value if value is None or isinstance(value, str) else json.dumps(value)


def convert_for_json(value: object) -> object:
    """A value as JSON has it, types that it lacks as text."""
    if isinstance(value, dict):
        return {str(key): convert_for_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [convert_for_json(item) for item in value]
    if isinstance(value, float) and math.isnan(value):
        return None
    return _convert_scalar(value)


def _convert_scalar(value: object) -> object:
    match value:
        case bytes():
            plain: object = base64.b64encode(value).decode("ascii")
        case datetime.timedelta():
            plain = value.total_seconds()
        case datetime.date() | datetime.time():
            plain = value.isoformat()
        case decimal.Decimal():
            # As text where a number of JSON, which readers take for a float, would lose digits.
            plain = float(value) if is_float_of(value, float(value)) else str(value)
        case _:
            plain = value
    return plain
