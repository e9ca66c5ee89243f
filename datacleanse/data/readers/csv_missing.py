"""Cells of separated text that stand for a missing value, and those that are names in quotes."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from datacleanse.data.exact_numbers import is_float_of

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator

    from datacleanse.data.interface import Request

_NUMBER = r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$"
"""With zeros in front it is a name, such as a postal code."""
_WHOLE_LIMIT = 2**63


def make_missing_null(
    batch: pa.RecordBatch, request: Request, quotes: QuotedCells, *, first: int
) -> pa.RecordBatch:
    """The block with null where a cell of text stands for a missing value; see `Request`.

    Args:
        batch: of the file, with the text of every cell in its columns of text.
        request: says which texts stand for one, and which columns hold names.
        quotes: tells cells in quotes from others.
        first: row number of the block's first row.
    """
    arrays = batch.columns
    names: list[str] = batch.schema.names
    for position, name in enumerate(names):
        cells = arrays[position]
        if _is_plain_number(cells.type):
            absent = _find_missing_numbers(cells, request.missing)
        elif pa.types.is_string(cells.type):
            # A name that stands twice is refused later.
            is_name = name in request.names and names.count(name) == 1
            absent = _find_absent(cells, name, request, is_name=is_name)
            if is_name:
                absent = _except_quoted(absent, cells, quotes, name=name, first=first)
        else:
            continue
        if pc.any(absent).as_py():
            arrays[position] = pc.if_else(absent, pa.scalar(None, cells.type), cells)
    return pa.RecordBatch.from_arrays(arrays, names=names)


def _find_absent(cells: pa.Array, name: str, request: Request, *, is_name: bool) -> pa.Array:
    """Which cells of text stand for a missing value: by their text or, unless names, as numbers."""
    absent = pc.is_in(cells, value_set=_list_missing(name, request, is_name=is_name))
    if is_name or name in request.words:
        return absent
    return pc.or_(absent, _find_missing_number_texts(cells, request.missing))


def _list_missing(name: str, request: Request, *, is_name: bool) -> pa.Array:
    """The texts that stand for a missing value in a column, the empty one among them."""
    texts = frozenset() if name in request.words else request.missing
    return pa.array(sorted((texts - request.classes if is_name else texts) | {""}), pa.string())


def count_missing_texts(
    batch: pa.RecordBatch, request: Request, counts: dict[str, Counter[str]]
) -> None:
    """Add to the counts, by column, how many cells of a block stand for a missing value as text."""
    for name, found in counts.items():
        cells = batch.column(batch.schema.names.index(name))
        absent = _find_absent(cells, name, request, is_name=False)
        for each in cells.filter(absent).value_counts().to_pylist():
            found[each["values"]] += each["counts"]


def _except_quoted(
    absent: pa.Array, cells: pa.Array, quotes: QuotedCells, *, name: str, first: int
) -> pa.Array:
    """Which of the cells are missing where those in quotes are names; an empty one never is."""
    is_empty = pc.equal(cells, "")
    if not pc.any(pc.and_not(absent, is_empty)).as_py():
        return absent
    quoted = quotes.find(name, first, len(cells)).combine_chunks()
    return pc.and_(absent, pc.or_(is_empty, pc.invert(quoted)))


def may_be_quoted(table: pa.Table, texts: frozenset[str]) -> bool:
    """Whether a cell reads like a missing value, so that quotes would make a name of it."""
    wanted = pa.array(sorted(texts - {""}), pa.string())
    return any(pc.any(pc.is_in(cells, value_set=wanted)).as_py() for cells in table.columns)


def find_quoted(
    table: pa.Table, quotes: QuotedCells, *, first: int, texts: frozenset[str]
) -> dict[str, pa.ChunkedArray]:
    """By column, which cells that read like a missing value stand in quotes; see `SpelledRows`.

    Args:
        table: consecutive rows of the file, all columns as text.
        quotes: tells cells in quotes from others.
        first: row number of the first row.
        texts: those that read like a missing value.
    """
    wanted = pa.array(sorted(texts - {""}), pa.string())
    found = {}
    for name, cells in zip(table.column_names, table.columns, strict=True):
        is_like = pc.is_in(cells, value_set=wanted)
        if pc.any(is_like).as_py():
            found[name] = pc.and_(is_like, quotes.find(name, first, table.num_rows))
    return found


class QuotedCells:
    """Tells cells in quotes from others, where either reads like a missing value.

    The file is read a second time for it, but only as far as it is asked for.

    Args:
        open_blocks: reads the file's blocks anew, each row once, all columns as text, in which
            cells without quotes are null if they read like a missing value.
    """

    def __init__(self, open_blocks: Callable[[], Iterator[pa.RecordBatch]]) -> None:
        self._open_blocks = open_blocks
        self._blocks: Iterator[pa.RecordBatch] | None = None
        self._waiting: list[pa.RecordBatch] = []
        self._first = 0

    def find(self, name: str, first: int, count: int) -> pa.ChunkedArray:
        """Whether each cell of a column stands in quotes, (count,), from the row ``first`` on.

        Only of cells that read like a missing value. Rows are asked for in the file's order.
        """
        self._move_to(first, first + count)
        chunks = [batch.column(batch.schema.names.index(name)) for batch in self._waiting]
        cells = pa.chunked_array(chunks, pa.string()).slice(first - self._first, count)
        return cells.is_valid()

    def _move_to(self, first: int, end: int) -> None:
        if self._blocks is None:
            self._blocks = self._open_blocks()
        while self._waiting and self._first + self._waiting[0].num_rows <= first:
            self._first += self._waiting.pop(0).num_rows
        while self._first + sum(batch.num_rows for batch in self._waiting) < end:
            batch = next(self._blocks)
            if not self._waiting and self._first + batch.num_rows <= first:
                self._first += batch.num_rows
            else:
                self._waiting.append(batch)


def _is_plain_number(kind: pa.DataType) -> bool:
    """Whether cells of this Arrow type are numbers as a reader of text makes them."""
    return bool(pa.types.is_integer(kind) or pa.types.is_float64(kind))


def _find_missing_numbers(cells: pa.Array, missing: frozenset[str]) -> pa.Array:
    """Which numbers, (n,), are one of the texts that stand for a missing value.

    They are compared digit by digit and not as floats, so that no other number is taken for one.

    Args:
        cells: whole numbers or float64.
        missing: the texts.
    """
    numbers = [Decimal(text) for text in sorted(missing) if re.match(_NUMBER, text)]
    if pa.types.is_integer(cells.type):
        known = {int(n) for n in numbers if n == int(n) and abs(n) < _WHOLE_LIMIT}
        return pc.is_in(cells, value_set=pa.array(sorted(known), pa.int64()).cast(cells.type))
    floats = {float(n) for n in numbers if is_float_of(n, float(n))}
    return pc.is_in(cells, value_set=pa.array(sorted(floats), cells.type))


def _find_missing_number_texts(cells: pa.Array, missing: frozenset[str]) -> pa.Array:
    """Which texts, (n,), spell a number that is one of the texts that stand for a missing value."""
    known = [text for text in sorted(missing) if re.match(_NUMBER, text)]
    if not known:
        return pc.is_in(cells, value_set=pa.array([], pa.string()))
    wanted = _shorten(pa.array(known, pa.string()))
    is_number = pc.match_substring_regex(cells, _NUMBER)
    return pc.and_(is_number, pc.is_in(_shorten(cells), value_set=wanted))


def _shorten(numbers: pa.Array) -> pa.Array:
    """Numbers without zeros behind their last digit."""
    ended = pc.replace_substring_regex(numbers, r"(\.[0-9]*[1-9])0+$", r"\1")
    return pc.replace_substring_regex(ended, r"\.0+$", "")
