"""Tables of separated text: .csv and .tsv."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from datacleanse.data.interface import SpelledRows
from datacleanse.data.lines import WholeLineEnds
from datacleanse.data.packing import encode_dictionaries, find_repeating_texts
from datacleanse.data.readers import csv_faults as faults
from datacleanse.data.readers.csv_missing import (
    QuotedCells,
    count_missing_texts,
    find_quoted,
    make_missing_null,
    may_be_quoted,
)
from datacleanse.data.readers.csv_numbers import NotFloatsError, convert_to_floats

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from datacleanse.data.interface import Request
    from datacleanse.data.sources import Location

_BLOCK = 1 << 21
_BIG_BLOCK = 1 << 26
"""Bytes to read at once when a single row does not fit into an ordinary block."""
_ATTEMPTS = 6
"""Passes in which a column may turn out to be of another type than at the file's start."""
_FAILED_COLUMN = re.compile(r"In CSV column #(\d+)")


@dataclass(frozen=True)
class CsvReader:
    """Reads RFC 4180 text in UTF-8, with or without a byte order mark; line breaks in quotes too.

    Attributes:
        suffixes: file endings.
        delimiter: what separates cells unless the request says otherwise.
    """

    suffixes: tuple[str, ...]
    delimiter: str
    compressible: bool = True

    def peek(self, location: Location, *, request: Request) -> pa.Schema:
        """The names in the header."""
        text = self._open(location, request)
        faults.check_head(location, text.delimiter)
        try:
            names = _read_names(text)
        except (pa.ArrowException, UnicodeDecodeError, OSError):
            names = []  # `read` says why
        return pa.schema([(name, pa.null()) for name in names])

    def read(self, location: Location, *, request: Request) -> pa.Table:
        """Read the file; cells that stand for a missing value are null, unless they are names."""
        text = self._open(location, request)
        faults.check_head(location, text.delimiter)
        types = dict.fromkeys(request.as_text, pa.string())
        with _diagnosed(text):
            table = _read_widening(text, types, request)
        faults.check_table(location, table, text.delimiter)
        return table

    def read_portions(self, location: Location, *, request: Request) -> Iterator[pa.Table]:
        """Yield the file's blocks one by one.

        Where one does not fit the types so far, the file is read again from its start with wider
        ones, and the rows that were given out already are skipped.
        """
        text = self._open(location, request)
        faults.check_head(location, text.delimiter)
        types = dict.fromkeys(request.as_number, pa.float64())
        types |= dict.fromkeys(request.as_text, pa.string())
        quotes = _find_quotes(text)
        row, last = 0, None
        with _diagnosed(text):
            for block in _read_blocks(text, types):
                batch = make_missing_null(block, request, quotes, first=row)
                last = pa.Table.from_batches([batch])
                faults.check_cells(location, last, text.delimiter, first_row=row)
                row += last.num_rows
                yield last
        if last is not None:
            faults.check_end(location, last, rows=row)

    def count_missing(
        self, location: Location, *, request: Request, table: pa.Table
    ) -> dict[str, dict[str, int]]:
        """Read the columns again in which cells are missing: only their text tells why."""
        names = [name for name in table.column_names if table.column(name).null_count]
        if not names:
            return {}
        text = replace(self._open(location, request), columns=tuple(names))
        counts: dict[str, Counter[str]] = {name: Counter() for name in names}
        with _diagnosed(text):
            for batch in _read_blocks(text, dict.fromkeys(names, pa.string())):
                count_missing_texts(batch, request, counts)
        return {name: dict(found) for name, found in counts.items()}

    def read_spelled(
        self,
        location: Location,
        *,
        request: Request,
        columns: Sequence[str],
        rows: NDArray[np.int64] | None = None,
    ) -> Iterator[SpelledRows]:
        """Yield the file's blocks as text; those without a row that is wanted are left out."""
        text = self._open(location, request)
        quotes, first = _find_quotes(text), 0
        with _diagnosed(text):
            for batch in _read_blocks(text, dict.fromkeys(columns, pa.string())):
                table = pa.Table.from_batches([batch])
                end = first + table.num_rows
                here = None if rows is None else rows[(rows >= first) & (rows < end)] - first
                if here is None:
                    yield SpelledRows(
                        table, "text", find_quoted(table, quotes, first=first, texts=text.missing)
                    )
                elif len(here):
                    yield _take_wanted(text, table, here, quotes, first=first)
                first = end

    def _open(self, location: Location, request: Request) -> _Text:
        delimiter = faults.check_delimiter(request.delimiter or self.delimiter)
        return _Text(location, delimiter, request.missing | {""})


@dataclass(frozen=True)
class _Text:
    """A file of separated text, and how its cells are told apart."""

    location: Location
    delimiter: str
    missing: frozenset[str]
    """Texts that are null in columns of numbers and the like, the empty one among them."""
    is_bare_null: bool = False
    """Whether they are null in columns of text, too, where they stand without quotes."""
    columns: tuple[str, ...] = ()
    """The only columns to look at; none: all."""

    def make_options(self, types: dict[str, pa.DataType], *, block: int) -> dict[str, object]:
        """What Arrow is told."""
        return {
            "read_options": pacsv.ReadOptions(block_size=block),
            "parse_options": pacsv.ParseOptions(delimiter=self.delimiter, newlines_in_values=True),
            "convert_options": pacsv.ConvertOptions(
                null_values=sorted(self.missing),
                strings_can_be_null=self.is_bare_null,
                quoted_strings_can_be_null=not self.is_bare_null,
                column_types=types,
                include_columns=list(self.columns),
            ),
        }


def _find_quotes(text: _Text) -> QuotedCells:
    bare = replace(text, is_bare_null=True)

    def open_blocks() -> Iterator[pa.RecordBatch]:
        return _read_blocks(bare, dict.fromkeys(_read_names(bare), pa.string()))

    return QuotedCells(open_blocks)


def _take_wanted(
    text: _Text, table: pa.Table, here: NDArray[np.int64], quotes: QuotedCells, *, first: int
) -> SpelledRows:
    """Some rows of a block; what stands in quotes is only looked for if it matters to them."""
    taken = table.take(pa.array(here))
    if not may_be_quoted(taken, text.missing):
        return SpelledRows(taken, "text")
    quoted = find_quoted(table, quotes, first=first, texts=text.missing)
    chosen = {name: cells.take(pa.array(here)) for name, cells in quoted.items()}
    return SpelledRows(taken, "text", chosen)


@contextmanager
def _diagnosed(text: _Text) -> Iterator[None]:
    """Say what is wrong with a file that Arrow gives up within the block."""
    try:
        yield
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise faults.diagnose(text.location, text.delimiter, error) from error
    except OSError as error:
        raise faults.make_damaged_error(text.location.name, error) from error


def _read_widening(text: _Text, types: dict[str, pa.DataType], request: Request) -> pa.Table:
    """Read in one pass with the types of the first block, again where a later value differs.

    Arrow's reader that infers from all blocks keeps the whole text until it is done, three times
    the table.
    """
    block = _BLOCK
    floats: frozenset[str] = frozenset()
    for _ in range(_ATTEMPTS):
        batches = _Batches(text, types, block=block, floats=floats)
        try:
            return batches.read(request)
        except NotFloatsError as error:
            types = {**types, **dict.fromkeys(error.names, pa.string())}
        except pa.ArrowInvalid as error:
            if "straddling" in str(error) and block < _BIG_BLOCK:
                block = _BIG_BLOCK
                continue
            types = {**types, **batches.widen_type(error, is_exact=True)}
        floats = batches.floats - types.keys()
    with text.location.open_stream() as stream:
        table = pacsv.read_csv(WholeLineEnds(stream), **text.make_options(types, block=block))
    return _make_missing_null(table, text, request)


def _make_missing_null(table: pa.Table, text: _Text, request: Request) -> pa.Table:
    quotes, row, batches = _find_quotes(text), 0, []
    for batch in table.to_batches():
        batches.append(make_missing_null(batch, request, quotes, first=row))
        row += batch.num_rows
    return pa.Table.from_batches(batches, table.schema)


def _read_blocks(text: _Text, types: dict[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    """Yield the file's blocks, each row once, with types widened where a later value needs it."""
    given, block = 0, _BLOCK
    while True:
        batches = _Batches(text, types, block=block)
        skipped = 0
        try:
            for batch in batches:
                rest = batch.slice(min(given - skipped, batch.num_rows))
                skipped += batch.num_rows - rest.num_rows
                if rest.num_rows:
                    given, skipped = given + rest.num_rows, skipped + rest.num_rows
                    yield rest
            return
        except pa.ArrowInvalid as error:
            if "straddling" in str(error) and block < _BIG_BLOCK:
                block = _BIG_BLOCK
                continue
            types = {**types, **batches.widen_type(error)}


def _widen_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_integer(kind):
        return pa.float64()
    # Text that is no UTF-8 is kept as bytes, so that the cell can be named.
    return pa.binary() if pa.types.is_string(kind) else pa.string()


class _Batches:
    """One pass over a file, block by block.

    Attributes:
        schema: of the first block, None until it was read.
        floats: columns that are taken as text, and made floats if they lose no digit so.
    """

    def __init__(
        self,
        text: _Text,
        types: dict[str, pa.DataType],
        *,
        block: int,
        floats: frozenset[str] = frozenset(),
    ) -> None:
        self.schema: pa.Schema | None = None
        self.floats = floats
        self._text = text
        self._types = types
        self._block = block
        self._options = self._make_options()

    def _make_options(self) -> dict[str, object]:
        types = {**self._types, **dict.fromkeys(self.floats, pa.string())}
        return self._text.make_options(types, block=self._block)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Read the file block by block, with types as in its first block."""
        with (
            self._text.location.open_stream() as stream,
            pacsv.open_csv(WholeLineEnds(stream), **self._options) as reader,
        ):
            self.schema = reader.schema
            yield from reader

    def read(self, request: Request) -> pa.Table:
        """All rows as one table; text that repeats is packed block by block."""
        batches: list[pa.RecordBatch] = []
        packed: list[int] = []
        quotes, row = _find_quotes(self._text), 0
        self._find_floats()
        for block in self:
            batch = make_missing_null(block, request, quotes, first=row)
            row += batch.num_rows
            batch = convert_to_floats(batch, self.floats)
            if not batches:
                packed = find_repeating_texts(batch)
            batches.append(encode_dictionaries(batch, packed))
        schema = batches[0].schema if batches else self.schema
        return pa.Table.from_batches(batches, schema)

    def _find_floats(self) -> None:
        """Look at the first block for columns of floats that nothing was said of yet."""
        with (
            self._text.location.open_stream() as stream,
            pacsv.open_csv(stream, **self._options) as reader,
        ):
            self.schema = reader.schema
        found = {f.name for f in self.schema if pa.types.is_floating(f.type)}
        self.floats |= found - self._types.keys()
        self._options = self._make_options()

    def widen_type(
        self, error: pa.ArrowInvalid, *, is_exact: bool = False
    ) -> dict[str, pa.DataType]:
        """The column whose type was too narrow, with a wider one; any other error is raised.

        With ``is_exact``, a column of whole numbers joins `floats` instead.
        """
        failed = _FAILED_COLUMN.search(str(error))
        if failed is None:
            raise error
        if self.schema is not None:
            field = self.schema.field(int(failed[1]))
            if is_exact and pa.types.is_integer(field.type):
                self.floats |= {field.name}
                return {}
            return {field.name: _widen_type(field.type)}
        # The first block already: only a type that was asked for can be too narrow there.
        name = _read_names(self._text)[int(failed[1])]
        if self._types.get(name) != pa.float64():
            raise error
        return {name: pa.string()}


def _read_names(text: _Text) -> list[str]:
    """The columns, by a first block whose types are as it pleases."""
    for block in (_BLOCK, _BIG_BLOCK):
        options = {**text.make_options({}, block=block), "convert_options": None}
        try:
            with text.location.open_stream() as stream:
                names: list[str] = pacsv.open_csv(stream, **options).schema.names
                return names
        except pa.ArrowInvalid as error:
            if "straddling" not in str(error) or block == _BIG_BLOCK:
                raise
    raise AssertionError  # the last one returns or raises
