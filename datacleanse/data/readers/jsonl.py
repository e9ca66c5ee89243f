"""JSON Lines: one object a line."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.json as pajson

from datacleanse.data.exact_numbers import find_lost_digits
from datacleanse.data.half_signs import replace_half_signs
from datacleanse.data.interface import OwnMissing, SpelledRows
from datacleanse.data.lines import cut_at_lines, split_lines
from datacleanse.data.messages import format_rows, quote_value
from datacleanse.data.readers.csv_faults import make_damaged_error
from datacleanse.data.readers.json_digits import lose_digits
from datacleanse.data.sources import BLOCK
from datacleanse.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from datacleanse.data.interface import Request
    from datacleanse.data.sources import Location

_BOM = b"\xef\xbb\xbf"
_BARE_NULL = re.compile(rb"[\r\n}](?:\xef\xbb\xbf)?\s*null")
_TAIL = 64
"""Bytes of a block that are looked at again with the next."""


class JsonLinesReader(OwnMissing):
    """Reads objects by Arrow; by Python where Arrow declines (mixed types, big numbers)."""

    suffixes = (".jsonl", ".ndjson")
    compressible = True

    def peek(self, location: Location, *, request: Request) -> pa.Schema:
        """The keys of the first line."""
        del request
        try:
            first = next(_parse_records(location.name, split_lines(location.read_blocks())), {})
        except OSError as error:
            raise make_damaged_error(location.name, error) from error
        return pa.schema([(name, pa.null()) for name in first])

    def read(self, location: Location, *, request: Request) -> pa.Table:
        """Read all lines; keys that a line lacks are null, nested objects stay nested."""
        try:
            if not _holds_bare_null(location.read_blocks()):
                with location.open_stream() as stream:
                    table = _read_by_arrow(stream, request)
                if table is not None and not _lose_digits(table, _split_at_lines(location)):
                    return table
            records = _parse_records(
                location.name, split_lines(location.read_blocks()), parse=_parse_floats
            )
            return _read_by_python(records, location.name, request)
        except OSError as error:
            raise make_damaged_error(location.name, error) from error

    def read_portions(self, location: Location, *, request: Request) -> Iterator[pa.Table]:
        """Yield as many whole lines at a time as fit into a block."""
        row = line = 0
        try:
            for block in _split_at_lines(location):
                table = _read_portion(location.name, block, request, row=row, line=line)
                line += len(block.splitlines())
                if table is not None:
                    row += table.num_rows
                    yield _add_expected(table, location, request)
        except OSError as error:
            raise make_damaged_error(location.name, error) from error

    def read_spelled(
        self,
        location: Location,
        *,
        request: Request,
        columns: Sequence[str],
        rows: NDArray[np.int64] | None = None,
    ) -> Iterator[SpelledRows]:
        """Yield JSON values as the lines have them, some whole lines at a time."""
        del request
        row = line = 0
        try:
            for block in _split_at_lines(location):
                lines = [text for text in block.splitlines() if text.removeprefix(_BOM).strip()]
                end = row + len(lines)
                if rows is not None:
                    wanted = rows[(rows >= row) & (rows < end)] - row
                    lines = [lines[at] for at in wanted.tolist()]
                if lines:
                    records = _parse_records(
                        location.name, lines, row=row, line=line, parse=_parse_literals
                    )
                    yield SpelledRows(_tabulate_literals(list(records), columns), "json")
                row, line = end, line + len(block.splitlines())
        except OSError as error:
            raise make_damaged_error(location.name, error) from error


class _Literal(str):
    """A number as a line has it."""

    __slots__ = ()


class _Float(float):
    """A number with a fraction or an exponent that knows how it is written."""

    __slots__ = ("text",)

    text: str

    def __new__(cls, text: str) -> _Float:
        number = super().__new__(cls, text)
        number.text = text
        return number


def _parse_literals(text: str) -> Any:  # noqa: ANN401  # JSON
    return json.loads(text, parse_float=_Literal, parse_int=_Literal, parse_constant=_Literal)


def _parse_floats(text: str) -> Any:  # noqa: ANN401  # JSON
    return json.loads(text, parse_float=_Float)


def _tabulate_literals(records: list[dict[str, object]], columns: Sequence[str]) -> pa.Table:
    """The values of each key as JSON text, null where a line lacks it."""
    absent = object()
    cells = {}
    for name in columns:
        values = (record.get(name, absent) for record in records)
        texts = [None if value is absent else _write_literal(value) for value in values]
        cells[name] = pa.array(texts, pa.string())
    return pa.table(cells)


def _write_literal(value: object) -> str:
    match value:
        case _Literal():
            return str(value)
        case _Float():
            return value.text
        case list():
            return f"[{', '.join(map(_write_literal, value))}]"
        case dict():
            items = [f"{_write_literal(k)}: {_write_literal(item)}" for k, item in value.items()]
            return f"{{{', '.join(items)}}}"
        case _:
            text = json.dumps(value, ensure_ascii=False)
            # Half a sign stays as it is spelled: no file could hold it otherwise.
            return text if replace_half_signs(text) == text else json.dumps(value)


def _read_portion(
    name: str, block: bytes, request: Request, *, row: int, line: int
) -> pa.Table | None:
    """The rows of some lines, None if all are blank."""
    if not block.strip():
        return None
    if not _holds_bare_null([block]):
        table = _read_by_arrow(pa.BufferReader(block), request)
        if table is not None and not _lose_digits(table, [block]):
            return table
    lines = block.splitlines()
    records = _parse_records(name, lines, row=row, line=line, parse=_parse_floats)
    return _read_by_python(records, name, request)


def _add_expected(table: pa.Table, location: Location, request: Request) -> pa.Table:
    """The portion with the expected columns that only other rows of the file name, as nulls."""
    missing = request.expected - set(table.column_names)
    if missing:
        # A pass over the whole file, once for each portion that lacks something: a rare thing.
        for record in _parse_records(location.name, split_lines(location.read_blocks())):
            for key in sorted(missing & record.keys()):
                table = table.append_column(key, pa.nulls(table.num_rows))
                missing -= {key}
            if not missing:
                break
    return table


def _split_at_lines(location: Location) -> Iterator[bytes]:
    """The file cut behind line ends, a block or, where a line is longer, more at a time."""
    return cut_at_lines(location.read_blocks())


def _holds_bare_null(blocks: Iterable[bytes]) -> bool:
    """Whether null may stand where an object should: Arrow's parser crashes on it."""
    tail = b"\n"
    for block in blocks:
        if _BARE_NULL.search(tail + block):
            return True
        tail = block[-_TAIL:]
    return False


def _read_by_arrow(stream: pa.NativeFile, request: Request) -> pa.Table | None:
    try:
        options = pajson.ReadOptions(block_size=16 * BLOCK)
        table = pajson.read_json(stream, read_options=options)
        table.validate(full=True)  # Arrow's parser takes any bytes for text.
        names = table.column_names
    except (pa.ArrowException, UnicodeDecodeError):
        return None
    # Arrow makes moments of text such as 2020-01-01 and floats of 1.10, which as an id must stay as
    # they are written.
    respelled = any(
        name in request.as_text
        and (pa.types.is_timestamp(column.type) or pa.types.is_floating(column.type))
        for name, column in zip(names, table.columns, strict=True)
    )
    return None if respelled else table


def _lose_digits(table: pa.Table, blocks: Iterable[bytes]) -> bool:
    """Whether floats that Arrow made are other numbers than the lines have."""
    names = [field.name for field in table.schema if pa.types.is_floating(field.type)]
    return lose_digits(names, blocks)


def _read_by_python(records: Iterable[dict[str, object]], name: str, request: Request) -> pa.Table:
    columns: dict[str, list[object]] = {}
    row = -1
    for row, record in enumerate(records):
        for key in record:
            if key not in columns:
                columns[key] = [None] * row
        for key, cells in columns.items():
            cells.append(record.get(key))
    if row < 0:
        raise InputError(
            f"{name} holds nothing but blank lines.",
            slug="file-empty",
            hint="Check the program that wrote it; a table needs rows.",
        )
    return pa.table(
        {
            name: _make_column(cells, is_text=name in request.as_text)
            for name, cells in columns.items()
        }
    )


def _make_column(cells: list[object], *, is_text: bool) -> pa.Array:
    floats = [cell for cell in cells if isinstance(cell, _Float)]
    if not (is_text and floats) and not any(find_lost_digits(each.text, each) for each in floats):
        try:
            return pa.array(cells)
        except (pa.ArrowException, OverflowError, UnicodeEncodeError):
            pass
    # Types that do not mix, digits that a float loses, or halves of signs: as text, in which the
    # schema looks for numbers again.
    spelled = (_spell_cell(cell) for cell in cells)
    return pa.array([text and replace_half_signs(text) for text in spelled], pa.string())


def _spell_cell(cell: object) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    is_nan = isinstance(cell, float) and math.isnan(cell)
    return None if is_nan else _write_literal(cell)


def _parse_records(
    name: str,
    lines: Iterable[bytes],
    *,
    row: int = 0,
    line: int = 0,
    parse: Callable[[str], Any] = json.loads,
) -> Iterator[dict[str, object]]:
    """The objects of lines; ``row`` and ``line`` come before the first, for messages."""
    for number, content in enumerate(lines, start=line + 1):
        text = content.removeprefix(_BOM) if number == 1 else content
        if not text.strip():
            continue
        try:
            record = parse(text.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise InputError(
                f"{name} is not UTF-8: {format_rows([row])} (line {number}) holds the byte "
                f"0x{text[error.start]:02x}.",
                slug="encoding-not-utf8",
                hint="Save it as UTF-8, for example: iconv -f latin1 -t UTF-8 old > new.",
            ) from error
        except ValueError as error:
            raise _make_json_error(name, row, line=number, text=text, why=str(error)) from error
        if not isinstance(record, dict):
            raise _make_json_error(name, row, line=number, text=text, why="it is not an object")
        yield record
        row += 1


def _make_json_error(name: str, row: int, *, line: int, text: bytes, why: str) -> InputError:
    start = text[:60].decode("utf-8", errors="replace")
    return InputError(
        f"{name}: {format_rows([row])} (line {line}) is not a JSON object: {quote_value(start)} "
        f"({why}).",
        slug="json-invalid",
        hint="Write one object a line; jq -c '.[]' turns an array into such lines.",
    )
