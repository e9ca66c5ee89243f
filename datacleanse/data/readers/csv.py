"""Tables of separated text: .csv and .tsv."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from datacleanse.data.columns import MISSING_TEXTS, is_text
from datacleanse.data.packing import encode_dictionaries, find_repeating_texts
from datacleanse.data.readers import csv_faults as faults
from datacleanse.data.readers.csv_numbers import NotFloatsError, convert_to_floats

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        delimiter = faults.check_delimiter(request.delimiter or self.delimiter)
        faults.check_head(location, delimiter)
        head = next(location.read_blocks()).decode("utf-8-sig", errors="replace").lstrip("\r\n")
        names = next(csv.reader(StringIO(head), delimiter=delimiter), [])
        return pa.schema([(name, pa.null()) for name in names])

    def read(self, location: Location, *, request: Request) -> pa.Table:
        """Read the file; empty cells and pandas' missing texts are null, unless they are names."""
        delimiter = faults.check_delimiter(request.delimiter or self.delimiter)
        faults.check_head(location, delimiter)
        table = self._parse(location, request=request, delimiter=delimiter)
        faults.check_table(location, table, delimiter)
        return _restore_names(table, location, request=request, delimiter=delimiter)

    def read_portions(self, location: Location, *, request: Request) -> Iterator[pa.Table]:
        """Yield the file's blocks one by one.

        Where one does not fit the types so far, the file is read again from its start with wider
        ones, and the rows that were given out already are skipped.
        """
        delimiter = faults.check_delimiter(request.delimiter or self.delimiter)
        faults.check_head(location, delimiter)
        types = dict.fromkeys(request.as_number, pa.float64())
        types |= dict.fromkeys(request.as_text, pa.string())
        row, last = 0, None
        try:
            for batch in _read_blocks(location, types, delimiter=delimiter):
                last = pa.Table.from_batches([batch])
                faults.check_cells(location, last, delimiter, first_row=row)
                row += last.num_rows
                yield last
        except (pa.ArrowException, UnicodeDecodeError) as error:
            raise faults.diagnose(location, delimiter, error) from error
        except OSError as error:
            raise faults.make_damaged_error(location.name, error) from error
        if last is not None:
            faults.check_end(location, last, rows=row)

    def _parse(self, location: Location, *, request: Request, delimiter: str) -> pa.Table:
        types = dict.fromkeys(request.as_text, pa.string())
        try:
            return _read_widening(location, types, delimiter=delimiter)
        except (pa.ArrowException, UnicodeDecodeError) as error:
            raise faults.diagnose(location, delimiter, error) from error
        except OSError as error:
            raise faults.make_damaged_error(location.name, error) from error


def _restore_names(
    table: pa.Table, location: Location, *, request: Request, delimiter: str
) -> pa.Table:
    """The table with names that were taken for missing values; see `Request.names`.

    Only where one is missing: so no other file is read twice.
    """
    kinds = {field.name: field.type for field in table.schema}
    lacking = [
        name
        for name in table.column_names
        if name in request.names
        and table.column_names.count(name) == 1  # a name that stands twice is refused later
        and table.column(name).null_count
        and (is_text(kinds[name]) or pa.types.is_null(kinds[name]))
    ]
    if not lacking:
        return table
    options = _make_options(
        dict.fromkeys(lacking, pa.string()), delimiter=delimiter, block=_BIG_BLOCK
    )
    options["convert_options"] = pacsv.ConvertOptions(
        null_values=sorted(MISSING_TEXTS - request.classes),
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        column_types=dict.fromkeys(lacking, pa.string()),
        include_columns=lacking,
    )
    with location.open_stream() as stream:
        again = pacsv.read_csv(stream, **options)
    for name in lacking:
        cells = pc.if_else(pc.equal(again.column(name), ""), None, again.column(name))
        place = table.column_names.index(name)
        table = table.set_column(place, pa.field(name, pa.string()), cells)
    return table


def _read_widening(
    location: Location, types: dict[str, pa.DataType], *, delimiter: str
) -> pa.Table:
    """Read in one pass with the types of the first block, again where a later value differs.

    Arrow's reader that infers from all blocks keeps the whole text until it is done, three times
    the table.
    """
    block = _BLOCK
    floats: frozenset[str] = frozenset()
    for _ in range(_ATTEMPTS):
        batches = _Batches(location, types, delimiter=delimiter, block=block, floats=floats)
        try:
            return batches.read()
        except NotFloatsError as error:
            types = {**types, **dict.fromkeys(error.names, pa.string())}
        except pa.ArrowInvalid as error:
            if "straddling" in str(error) and block < _BIG_BLOCK:
                block = _BIG_BLOCK
                continue
            types = {**types, **batches.widen_type(error, is_exact=True)}
        floats = batches.floats - types.keys()
    with location.open_stream() as stream:
        return pacsv.read_csv(stream, **_make_options(types, delimiter=delimiter, block=block))


def _read_blocks(
    location: Location, types: dict[str, pa.DataType], *, delimiter: str
) -> Iterator[pa.RecordBatch]:
    """Yield the file's blocks, each row once, with types widened where a later value needs it."""
    given, block = 0, _BLOCK
    while True:
        batches = _Batches(location, types, delimiter=delimiter, block=block)
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
        location: Location,
        types: dict[str, pa.DataType],
        *,
        delimiter: str,
        block: int,
        floats: frozenset[str] = frozenset(),
    ) -> None:
        self.schema: pa.Schema | None = None
        self.floats = floats
        self._location = location
        self._types = types
        self._delimiter, self._block = delimiter, block
        self._options = self._make_options()

    def _make_options(self) -> dict[str, object]:
        types = {**self._types, **dict.fromkeys(self.floats, pa.string())}
        return _make_options(types, delimiter=self._delimiter, block=self._block)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Read the file block by block, with types as in its first block."""
        with (
            self._location.open_stream() as stream,
            pacsv.open_csv(stream, **self._options) as reader,
        ):
            self.schema = reader.schema
            yield from reader

    def read(self) -> pa.Table:
        """All rows as one table; text that repeats is packed block by block."""
        batches: list[pa.RecordBatch] = []
        packed: list[int] = []
        self._find_floats()
        for text in self:
            batch = convert_to_floats(text, self.floats)
            if not batches:
                packed = find_repeating_texts(batch)
            batches.append(encode_dictionaries(batch, packed))
        schema = batches[0].schema if batches else self.schema
        return pa.Table.from_batches(batches, schema)

    def _find_floats(self) -> None:
        """Look at the first block for columns of floats that nothing was said of yet."""
        with (
            self._location.open_stream() as stream,
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
        name = self._read_names()[int(failed[1])]
        if self._types.get(name) != pa.float64():
            raise error
        return {name: pa.string()}

    def _read_names(self) -> list[str]:
        """The columns, by a first block whose types are as it pleases."""
        options = {**self._options, "convert_options": None}
        with self._location.open_stream() as stream, pacsv.open_csv(stream, **options) as reader:
            names: list[str] = reader.schema.names
            return names


def _make_options(
    types: dict[str, pa.DataType], *, delimiter: str, block: int
) -> dict[str, object]:
    return {
        "read_options": pacsv.ReadOptions(block_size=block),
        "parse_options": pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        "convert_options": pacsv.ConvertOptions(
            null_values=sorted(MISSING_TEXTS), strings_can_be_null=True, column_types=types
        ),
    }
