"""JSON Lines: one object a line."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.json as pajson

from datacleanse.data.messages import rows_text, shown
from datacleanse.data.readers.csv_faults import damaged
from datacleanse.data.sources import BLOCK
from datacleanse.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse.data.interface import Request
    from datacleanse.data.sources import Location

_BOM = b"\xef\xbb\xbf"
_BARE_NULL = re.compile(rb"[\n}](?:\xef\xbb\xbf)?\s*null")
_TAIL = 64
"""Bytes of a block that are looked at again with the next."""


class JsonLinesReader:
    """Reads objects by Arrow; by Python where Arrow declines (mixed types, big numbers)."""

    suffixes = (".jsonl", ".ndjson")
    compressible = True

    def peek(self, location: Location, *, request: Request) -> pa.Schema:
        """The keys of the first line."""
        del request
        try:
            first = next(_records(location), {})
        except OSError as error:
            raise damaged(location.name, error) from error
        return pa.schema([(name, pa.null()) for name in first])

    def read(self, location: Location, *, request: Request) -> pa.Table:
        """Read all lines; keys that a line lacks are null, nested objects stay nested."""
        try:
            if not _holds_bare_null(location):
                table = _read_by_arrow(location, request)
                if table is not None:
                    return table
            return _read_by_python(location)
        except OSError as error:
            raise damaged(location.name, error) from error


def _holds_bare_null(location: Location) -> bool:
    """Whether null may stand where an object should: Arrow's parser crashes on it."""
    tail = b"\n"
    for block in location.blocks():
        if _BARE_NULL.search(tail + block):
            return True
        tail = block[-_TAIL:]
    return False


def _read_by_arrow(location: Location, request: Request) -> pa.Table | None:
    try:
        with location.stream() as stream:
            options = pajson.ReadOptions(block_size=16 * BLOCK)
            table = pajson.read_json(stream, read_options=options)
        table.validate(full=True)  # Arrow's parser takes any bytes for text.
        names = table.column_names
    except (pa.ArrowException, UnicodeDecodeError):
        return None
    # Arrow makes moments of text such as 2020-01-01, which as an id must stay as written.
    respelled = any(
        name in request.as_text and pa.types.is_timestamp(column.type)
        for name, column in zip(names, table.columns, strict=True)
    )
    return None if respelled else table


def _read_by_python(location: Location) -> pa.Table:
    columns: dict[str, list[object]] = {}
    row = -1
    for row, record in enumerate(_records(location)):
        for key in record.keys() - columns.keys():
            columns[key] = [None] * row
        for key, cells in columns.items():
            cells.append(record.get(key))
    if row < 0:
        raise InputError(
            f"{location.name} holds nothing but blank lines.",
            slug="file-empty",
            hint="Check the program that wrote it; a table needs rows.",
        )
    return pa.table({name: _column(cells) for name, cells in columns.items()})


def _column(cells: list[object]) -> pa.Array:
    try:
        return pa.array(cells)
    except (pa.ArrowException, OverflowError):
        # Types that do not mix: as text, in which the schema looks for numbers again.
        return pa.array([_as_text(cell) for cell in cells], pa.string())


def _as_text(cell: object) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    return json.dumps(cell)


def _records(location: Location) -> Iterator[dict[str, object]]:
    row = 0
    for number, line in enumerate(_lines(location), start=1):
        text = line.removeprefix(_BOM) if number == 1 else line
        if not text.strip():
            continue
        try:
            record = json.loads(text.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise InputError(
                f"{location.name} is not UTF-8: {rows_text([row])} (line {number}) holds the byte "
                f"0x{text[error.start]:02x}.",
                slug="encoding-not-utf8",
                hint="Save it as UTF-8, for example: iconv -f latin1 -t UTF-8 old > new.",
            ) from error
        except ValueError as error:
            raise _not_json(location, row, line=number, text=text, why=str(error)) from error
        if not isinstance(record, dict):
            raise _not_json(location, row, line=number, text=text, why="it is not an object")
        yield record
        row += 1


def _lines(location: Location) -> Iterator[bytes]:
    rest = b""
    for block in location.blocks():
        *lines, rest = (rest + block).split(b"\n")
        yield from lines
    yield rest


def _not_json(location: Location, row: int, *, line: int, text: bytes, why: str) -> InputError:
    start = text[:60].decode("utf-8", errors="replace")
    return InputError(
        f"{location.name}: {rows_text([row])} (line {line}) is not a JSON object: {shown(start)} "
        f"({why}).",
        slug="json-invalid",
        hint="Write one object a line; jq -c '.[]' turns an array into such lines.",
    )
