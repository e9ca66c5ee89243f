"""Rows written again with each cell as the file they come from spells it.

Two passes over the rows where the format wants to know what a column is before its first cell.
"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from datacleanse.data.interface import ROWS_AT_ONCE, SpelledRows
from datacleanse.data.readers.csv_faults import check_delimiter
from datacleanse.data.sources import split_suffix
from datacleanse.data.spelled_rows import (
    are_json_numbers,
    convert_to_type,
    find_type,
    join_types,
    spell_as_json,
    spell_as_text,
)
from datacleanse.data.write import TEXT_SUFFIXES, open_sink, write_tables_into
from datacleanse.storage.atomic_files import write_aside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Again: TypeAlias = "Callable[[], Iterator[SpelledRows]]"
"""Gives the same rows, portion by portion, whenever it is called: at least one portion."""


def write_spelled(rows: Again, path: Path, *, delimiter: str | None = None) -> None:
    """Write rows in the format of the path's suffix, ``.gz`` and ``.zst`` included.

    Args:
        rows: what is written.
        path: the file; it appears whole or not at all.
        delimiter: of a CSV; None for the format's own.

    Raises:
        OutputError: the system does not let it be written.
    """
    _, compression = split_suffix(path.as_posix())
    with write_aside(path) as aside, open_sink(aside, compression) as sink:
        write_spelled_into(rows, path, sink, delimiter=delimiter)


def write_spelled_into(
    rows: Again, path: Path, sink: pa.NativeFile, *, delimiter: str | None = None
) -> None:
    """Write rows into an open file; only the format is taken from ``path``."""
    suffix, _ = split_suffix(path.as_posix())
    if suffix in (".csv", ".tsv"):
        own = "\t" if suffix == ".tsv" else ","
        _write_csv(rows(), sink, delimiter=check_delimiter(delimiter or own))
    elif suffix in TEXT_SUFFIXES:
        _write_jsonl(rows, sink)
    else:
        write_tables_into(_type_columns(rows), path, sink)


# --- separated text -------------------------------------------------------------------------------


def _write_csv(rows: Iterator[SpelledRows], sink: pa.NativeFile, *, delimiter: str) -> None:
    for number, portion in enumerate(map(spell_as_text, _split_typed(rows))):
        names = portion.table.column_names
        if not number:
            header = pa.table({str(at): [name] for at, name in enumerate(names)})
            sink.write(_join_lines(list(header.columns), {}, delimiter))
        cells = list(portion.table.columns)
        quoted = {names.index(name): flags for name, flags in portion.quoted.items()}
        sink.write(_join_lines(cells, quoted, delimiter))


def _split_typed(rows: Iterator[SpelledRows]) -> Iterator[SpelledRows]:
    """The rows in portions of bounded size: typed ones may come all at once."""
    for portion in rows:
        if portion.notation == "typed":
            for start in range(0, max(1, portion.table.num_rows), ROWS_AT_ONCE):
                yield SpelledRows(portion.table.slice(start, ROWS_AT_ONCE), "typed")
        else:
            yield portion


def _join_lines(
    columns: list[pa.ChunkedArray], quoted: dict[int, pa.ChunkedArray], delimiter: str
) -> bytes:
    """Lines of cells; ``quoted``: which ones are to stand in quotes whatever they hold."""
    if not columns or not len(columns[0]):
        return b""
    needing = f'["\r\n{re.escape(delimiter)}]'
    cells = [
        _quote_cells(column, quoted.get(at), needing, is_only=len(columns) == 1)
        for at, column in enumerate(columns)
    ]
    lines = pc.binary_join_element_wise(*cells, pa.scalar(delimiter, pa.large_string()))
    return ("\n".join(lines.to_pylist()) + "\n").encode("utf-8")


def _quote_cells(
    column: pa.ChunkedArray, quoted: pa.ChunkedArray | None, needing: str, *, is_only: bool
) -> pa.ChunkedArray:
    column = column.cast(pa.large_string())
    is_quoted = pc.match_substring_regex(column, needing)
    if quoted is not None:
        is_quoted = pc.or_(is_quoted, quoted)
    cells = pc.fill_null(column, "")
    if is_only:
        # A blank line is no row.
        is_quoted = pc.or_(pc.fill_null(is_quoted, False), pc.equal(cells, ""))
    if not pc.any(is_quoted).as_py():
        return cells
    inner = pc.replace_substring(cells, '"', '""')
    mark = pa.scalar('"', pa.large_string())
    wrapped = pc.binary_join_element_wise(mark, inner, mark, pa.scalar("", pa.large_string()))
    return pc.if_else(pc.fill_null(is_quoted, False), wrapped, cells)


# --- JSON Lines -----------------------------------------------------------------------------------


def _write_jsonl(rows: Again, sink: pa.NativeFile) -> None:
    numbers: dict[str, bool] = {}
    for portion in rows():
        if portion.notation != "text":
            break
        for name in portion.table.column_names:
            known = numbers.get(name, True)
            numbers[name] = known and are_json_numbers(portion.table.column(name))
    for portion in _split_typed(rows()):
        sink.write(_join_objects(spell_as_json(portion, numbers)))


def _join_objects(portion: SpelledRows) -> bytes:
    """Lines of objects; a key is left out where a line of the source lacks it."""
    names = portion.table.column_names
    keys = [f"{json.dumps(name, ensure_ascii=False)}: " for name in names]
    values = [column.to_pylist() for column in portion.table.columns]
    lines = (
        ", ".join([key + cell for key, cell in zip(keys, cells, strict=True) if cell is not None])
        for cells in zip(*values, strict=True)
    )
    return "".join(f"{{{line}}}\n" for line in lines).encode("utf-8")


# --- typed formats --------------------------------------------------------------------------------


def _type_columns(rows: Again) -> Iterator[pa.Table]:
    """The rows with each column as values that give back its cells, else as text."""
    kinds: dict[str, pa.DataType] = {}
    for portion in rows():
        if portion.notation == "typed":
            yield from (each.table for each in rows())
            return
        for name in portion.table.column_names:
            kind = find_type(portion.table.column(name), portion.notation)
            kinds[name] = join_types(kinds.get(name, pa.null()), kind)
    yield from map(partial(_convert_columns, kinds=kinds), rows())


def _convert_columns(portion: SpelledRows, kinds: dict[str, pa.DataType]) -> pa.Table:
    columns = {
        name: convert_to_type(portion.table.column(name), kind, portion.notation)
        for name, kind in kinds.items()
    }
    return pa.table(columns)
