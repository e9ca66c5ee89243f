"""A table's cells as its file spells them, and as another format has to write them.

What people get holds ``00501``, ``1.10``, ``1e5`` and ``NA`` as they found them. A value read from
such a cell is another thing: many cells have one value. So rows that are written again are taken
from the file anew, as text; `docs/decisions/0056-cells-keep-their-spelling.md` has the rules.
"""

from __future__ import annotations

import decimal
import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from datacleanse.data.columns import MISSING_TEXTS, is_text, is_vector, spell_values
from datacleanse.data.half_signs import replace_half_signs
from datacleanse.data.interface import ReadOptions, Request, SpelledRows
from datacleanse.data.packing import unpack_table
from datacleanse.data.readers import find_reader
from datacleanse.data.sources import Location, locate
from datacleanse.data.write import (
    TEXT_SUFFIXES,
    convert_for_json,
    spell_cell_as_json,
    widen_narrow_floats,
)
from datacleanse.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from datacleanse.data.interface import Notation

SPELLED_MARK = {b"datacleanse": b"as spelled"}
"""Field metadata of a column whose values, as Python shows them, are spelled as in the file."""

_JSON_NUMBER = r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$"


@dataclass(frozen=True)
class RowSource:
    """The rows of a table that was read, as its file spells them; to be had again and again."""

    columns: tuple[str, ...]
    """Names of all columns, in the order in which they were read."""
    n_rows: int
    """Rows that were read."""
    location: Location | None
    """Of its file, where that is text; None: its values are all there is."""
    values: pa.Table | None = None
    """(n_rows) what was read, where its values are all there is."""
    delimiter: str | None = None
    """Of a CSV; None: the format's own."""
    missing: frozenset[str] = MISSING_TEXTS
    """Texts that stand for a missing value in a CSV."""

    def read(self, rows: NDArray[np.int64] | None = None) -> Iterator[SpelledRows]:
        """Yield all rows, or those of ``rows``, (K,) ascending, a portion at a time.

        Raises:
            InputError: the file has other rows now than when it was read.
        """
        if self.values is not None:
            table = self.values if rows is None else self.values.take(pa.array(rows))
            yield SpelledRows(unpack_table(table), "typed")
        if self.location is None:
            return
        wanted, count = self.n_rows if rows is None else len(rows), 0
        for portion in self._read_text(self.location, rows):
            count += portion.table.num_rows
            yield portion
        if count != wanted:
            found = f"{count:,} of {wanted:,} rows are found"
            raise InputError(
                f"{self.location.name} has changed since it was read: {found}.",
                slug="table-changed",
                hint="Leave the file as it is until the work on it is done, then try again.",
            )

    def _read_text(
        self, location: Location, rows: NDArray[np.int64] | None
    ) -> Iterator[SpelledRows]:
        request = Request(delimiter=self.delimiter, missing=self.missing)
        spelled = find_reader(location).read_spelled(
            location, request=request, columns=self.columns, rows=rows
        )
        assert spelled is not None  # of text, whose readers all do
        return spelled


def find_row_source(
    place: str | Location | None, table: pa.Table, options: ReadOptions | None = None
) -> RowSource:
    """How the rows of a table are spelled.

    Args:
        place: path or address that the table was read from; None: it is in memory.
        table: as it was read; it is held only where its values are all there is.
        options: how it was read.
    """
    options = options or ReadOptions()
    location = locate(place) if isinstance(place, str) else place
    names, n_rows = tuple(table.column_names), table.num_rows
    if location is None or location.suffix not in TEXT_SUFFIXES:
        return RowSource(names, n_rows, None, table)
    missing = MISSING_TEXTS if options.missing is None else frozenset(options.missing)
    return RowSource(names, n_rows, location, delimiter=options.delimiter, missing=missing)


# --- as text --------------------------------------------------------------------------------------


def spell_as_text(rows: SpelledRows) -> SpelledRows:
    """The same rows as a CSV holds them: text, null where there is no value at all."""
    if rows.notation == "text":
        return rows
    convert = _read_json_text if rows.notation == "json" else spell_typed
    table = rows.table
    cells = {name: convert(table.column(name)) for name in table.column_names}
    # Text of a format that has nulls is never a missing value.
    texts = pa.array(sorted(MISSING_TEXTS), pa.string())
    quoted = {name: pc.is_in(column, value_set=texts) for name, column in cells.items()}
    return SpelledRows(pa.table(cells), "text", quoted)


def _read_json_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """JSON values as text: strings without their quotes and escapes, all others as they are."""
    is_string = pc.starts_with(column, '"')
    cells = pc.if_else(pc.equal(column, "null"), pa.scalar(None, pa.string()), column)
    if not pc.any(is_string).as_py():
        return cells
    decoded = [
        replace_half_signs(json.loads(cell)) if cell and cell.startswith('"') else cell
        for cell in cells.to_pylist()
    ]
    return pa.chunked_array([pa.array(decoded, pa.string())])


def spell_typed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Typed values as text: floats as Python shows them, so that files agree; NaN is null."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return spell_typed(column.cast(kind.value_type))
    if is_text(kind):
        return column.cast(pa.string())
    if pa.types.is_floating(kind):
        present = pc.fill_null(pc.invert(pc.is_nan(column)), False)
        texts = pa.array(spell_values(column.combine_chunks()), pa.string())
        return pc.if_else(present, texts, pa.scalar(None, pa.string()))
    if pa.types.is_nested(kind) or pa.types.is_duration(kind) or _is_bytes(kind):
        cells = [spell_cell_as_json(cell) for cell in column.to_pylist()]
        return pa.chunked_array([pa.array(cells, pa.string())])
    return column.cast(pa.string())


def _is_bytes(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)
    )


def join_rows(portions: Sequence[SpelledRows]) -> SpelledRows:
    """At least one portion of rows as one, where they are few."""
    quoted = {}
    for name in {name for portion in portions for name in portion.quoted}:
        flags = []
        for portion in portions:
            none = pa.chunked_array([pa.array([False] * portion.table.num_rows)])
            flags += portion.quoted.get(name, none).chunks
        quoted[name] = pa.chunked_array(flags)
    tables = [portion.table for portion in portions]
    return SpelledRows(pa.concat_tables(tables), portions[0].notation, quoted)


def digest_cells(rows: Iterator[SpelledRows], columns: Sequence[str]) -> dict[str, str]:
    """By column, the sha256 (hex) of all of its cells as text, whatever the portions.

    A flag counts the same in any case, since formats with flags of their own have one spelling.
    """
    digests = {name: hashlib.sha256() for name in columns}
    for portion in map(spell_as_text, rows):
        for name, digest in digests.items():
            cells = pc.fill_null(portion.table.column(name).cast(pa.large_string()), "")
            is_flag = pc.is_in(cells, value_set=pa.array(["True", "False"], pa.large_string()))
            cells = pc.if_else(is_flag, pc.utf8_lower(cells), cells)
            lengths = pc.binary_length(cells).cast(pa.large_string())
            ends = pa.scalar(",", pa.large_string())
            whole = pc.binary_join_element_wise(lengths, cells, ends, pa.scalar(":", ends.type))
            digest.update("".join(whole.to_pylist()).encode("utf-8"))
    return {name: digest.hexdigest() for name, digest in digests.items()}


# --- as JSON --------------------------------------------------------------------------------------


def is_plain_json(text: str) -> bool:
    """Whether JSON has this number or truth without quotes."""
    return text in ("true", "false") or re.fullmatch(_JSON_NUMBER, text) is not None


def are_json_numbers(column: pa.ChunkedArray) -> bool:
    """Whether all cells of text that are not empty are numbers as JSON writes them."""
    is_number = pc.or_(pc.equal(column, ""), pc.match_substring_regex(column, _JSON_NUMBER))
    return pc.all(is_number).as_py() is not False


def spell_as_json(rows: SpelledRows, numbers: Mapping[str, bool]) -> SpelledRows:
    """The same rows as JSON values.

    Args:
        rows: in any notation.
        numbers: for rows of text, whether all cells of a column, in all portions, are numbers as
            JSON writes them, or empty.
    """
    if rows.notation == "json":
        return rows
    table = widen_narrow_floats(rows.table) if rows.notation == "typed" else rows.table
    cells = {}
    for name in table.column_names:
        if rows.notation == "typed":
            texts = iter([_spell_value_as_json(cell) for cell in table.column(name).to_pylist()])
        else:
            texts = _spell_text_as_json(table.column(name), are_numbers=numbers[name])
        cells[name] = pa.array(texts, pa.string())
    return SpelledRows(pa.table(cells), "json")


def _spell_text_as_json(column: pa.ChunkedArray, *, are_numbers: bool) -> Iterator[str]:
    """Cells of text as JSON: an empty one is null, the others numbers as they are, or strings."""
    encode = json.encoder.encode_basestring
    for cell in column.to_pylist():
        yield "null" if not cell else cell if are_numbers else encode(cell)


def _spell_value_as_json(value: object) -> str:
    if isinstance(value, decimal.Decimal) and is_plain_json(str(value)):
        return str(value)
    return json.dumps(convert_for_json(value), ensure_ascii=False)


# --- as values ------------------------------------------------------------------------------------


def find_type(column: pa.ChunkedArray, notation: Notation) -> pa.DataType:
    """The type whose values, as Python shows them, are the cells; else that of text.

    Null, and an empty cell of a CSV, stand for null in every type.
    """
    if notation == "typed":
        return column.type
    if notation == "json":
        kind = _find_type_of_json(column)
        if kind is not None:
            return kind
        column = _read_json_text(column)
    cells = _make_empty_null(column)
    for kind, pattern in _PATTERNS:
        if _all_match(cells, pattern) and _gives_back(cells, kind):
            return pa.null() if cells.null_count == len(cells) else kind
    return pa.string()


def _find_type_of_json(column: pa.ChunkedArray) -> pa.DataType | None:
    """The type that JSON itself says; None where its cells are numbers, or of several kinds."""
    values = pc.if_else(pc.equal(column, "null"), pa.scalar(None, pa.string()), column).drop_null()
    if not len(values):
        return None
    if pc.any(pc.starts_with(values, '"')).as_py():
        return pa.string()
    if pc.all(pc.is_in(values, value_set=pa.array(["true", "false"]))).as_py():
        return pa.bool_()
    if pc.all(pc.starts_with(values, "[")).as_py():
        texts = values.to_pylist()
        lists = [json.loads(text) for text in texts]
        if is_vector(kind := _guess_type(lists)) and list(map(json.dumps, lists)) == texts:
            return kind
    return None


def _guess_type(lists: list[object]) -> pa.DataType:
    try:
        return pa.array(lists).type
    except (pa.ArrowException, OverflowError):
        return pa.string()


def join_types(first: pa.DataType, second: pa.DataType) -> pa.DataType:
    """The type of a column whose portions are of these types by `find_type`."""
    if first == second or pa.types.is_null(second):
        return first
    return second if pa.types.is_null(first) else pa.string()


def convert_to_type(
    column: pa.ChunkedArray, kind: pa.DataType, notation: Notation
) -> pa.ChunkedArray:
    """Cells as values of a type that fits all of them by `find_type`."""
    if notation == "typed":
        return column
    text = _read_json_text(column) if notation == "json" else column
    if is_vector(kind):
        lists = [None if cell is None else json.loads(cell) for cell in text.to_pylist()]
        return pa.chunked_array([pa.array(lists, kind)])
    if pa.types.is_string(kind) and notation == "json":
        return text
    return _make_empty_null(text).cast(pa.string() if pa.types.is_null(kind) else kind)


def type_rows(rows: SpelledRows) -> pa.Table:
    """Rows as typed values, marked where these give back how cells are spelled."""
    table = rows.table
    columns, fields = [], []
    for field in table.schema:
        cells = table.column(field.name)
        kind = find_type(cells, rows.notation)
        columns.append(convert_to_type(cells, kind, rows.notation))
        # Flags and lists of JSON are no text that Python shows, nor are values of other sources.
        is_own = rows.notation == "json" and (pa.types.is_boolean(kind) or is_vector(kind))
        mark = None if rows.notation == "typed" or is_own else SPELLED_MARK
        fields.append(pa.field(field.name, columns[-1].type, metadata=mark))
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _make_empty_null(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)


def _all_match(cells: pa.ChunkedArray, pattern: str) -> bool:
    is_like: bool | None = pc.all(pc.match_substring_regex(cells, pattern)).as_py()
    return is_like is not False


def _gives_back(cells: pa.ChunkedArray, kind: pa.DataType) -> bool:
    """Whether Python shows the value of each cell as the cell is written."""
    texts = cells.unique().drop_null()
    try:
        values = texts.cast(kind)
    except pa.ArrowInvalid:
        return False
    written: list[str] = texts.to_pylist()
    return list(map(str, values.to_pylist())) == written


_PATTERNS: tuple[tuple[pa.DataType, str], ...] = (
    (pa.int64(), r"^-?[0-9]{1,19}$"),
    (pa.float64(), r"^-?[0-9]+(?:\.[0-9]+)?(?:e[+-][0-9]+)?$"),
    (pa.bool_(), r"^(?:True|False)$"),
    (pa.date32(), r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
)
"""Types, and what their values look like at least; the first that fits is taken."""
