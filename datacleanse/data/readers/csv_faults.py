"""What is wrong with a CSV that does not read: found in a second, slow pass, or in its head."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from datacleanse.data.checks import make_empty_error
from datacleanse.data.columns import is_text
from datacleanse.data.lines import count_line_ends, cut_at_lines
from datacleanse.data.messages import format_count, format_rows, quote_error, quote_value
from datacleanse.data.sources import make_unreadable_error
from datacleanse.errors import InputError, SettingsError

if TYPE_CHECKING:
    from datacleanse.data.sources import Location

_HEAD = 1 << 16
_LONG_CELL = 16 << 20
"""Bytes that no cell is taken to have when a file is broken anyway."""
_OTHER_DELIMITERS = (";", "\t", "|", ",")
_WIDE_TEXT = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_OTHER_FORMATS = {
    b"PAR1": ("Parquet", "Rename it so that it ends in .parquet."),
    b"ARROW1": ("an Arrow file", "Rename it so that it ends in .arrow."),
    b"\x1f\x8b": ("packed by gzip", "Add .gz to its name."),
    b"\x28\xb5\x2f\xfd": ("packed by zstd", "Add .zst to its name."),
    b"PK\x03\x04": (
        "an Excel or zip file",
        "Export the sheet to CSV, or unpack the file, and give that.",
    ),
}
"""First bytes of what is sometimes named .csv, what it is, and the cure."""
_EXCEL_LINE = re.compile(rb"""["']?sep=(.)["']?[;,\t]*\s*""", re.IGNORECASE | re.DOTALL)
"""What Excel takes for the delimiter of the lines below, and no other program does."""


def check_delimiter(delimiter: str) -> str:
    """The delimiter, a tab where it is spelled out; refuse what no CSV can have."""
    if delimiter == "\\t":
        return "\t"
    if len(delimiter) == 1 and delimiter.isascii() and delimiter not in '"\r\n':
        return delimiter
    raise SettingsError(
        f"The delimiter {quote_value(delimiter)} is not one ASCII sign.",
        slug="delimiter-invalid",
        hint="Give one sign, for example --delimiter ';'.",
    )


def check_head(location: Location, delimiter: str) -> None:
    """Look at the first bytes for what would make every later message misleading."""
    try:
        with location.open_stream() as stream:
            head = stream.read(_HEAD)
    except OSError as error:
        raise make_damaged_error(location.name, error) from error
    for start, (what, cure) in _OTHER_FORMATS.items():
        if head.startswith(start):
            raise InputError(
                f"{location.name} is {what} inside, not text.", slug="format-other", hint=cure
            )
    if head.startswith(_WIDE_TEXT):
        raise _make_encoding_error(location.name, "it is written in UTF-16", source="UTF-16")
    if b"\0" in head:
        raise _make_nul_error(location.name, f"byte {head.index(0)} is NUL")
    if not head.strip(b"\xef\xbb\xbf \t\r\n"):
        raise InputError(
            f"{location.name} holds nothing but blank lines.",
            slug="file-empty",
            hint="Check the program that wrote it; a table needs a header and rows.",
        )
    header = head.lstrip(b"\xef\xbb\xbf\r\n").splitlines()[0]
    _check_no_excel_line(location.name, header, delimiter)
    _check_header(location.name, header, delimiter)


def _check_no_excel_line(name: str, line: bytes, delimiter: str) -> None:
    """Refuse the line that tells Excel the delimiter: to all other programs it is a header."""
    found = _EXCEL_LINE.fullmatch(line)
    if found is not None:
        sign = found[1].decode("ascii", "replace")
        shown = "\\t" if sign == "\t" else sign
        option = "" if sign == delimiter else f" and say --delimiter '{shown}'"
        raise InputError(
            f"{name} begins with {quote_value(line.decode('ascii', 'replace'))}, a line for Excel "
            "that is no header.",
            slug="header-excel",
            hint=f"Remove that line (tail -n +2 old.csv > new.csv){option}.",
        )


def _check_header(name: str, header: bytes, delimiter: str) -> None:
    try:
        text = header.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.end >= len(header) and len(header) >= _HEAD - 4:
            return
        found = f"its header holds the byte 0x{header[error.start]:02x}, which is not UTF-8"
        raise _make_encoding_error(name, found) from error
    if delimiter in text:
        return
    for other in _OTHER_DELIMITERS:
        if other in text and not text.startswith('"'):
            shown_sign = "\\t" if other == "\t" else other
            raise InputError(
                f"{name} has a single column when split at {quote_value(delimiter)}: "
                f"{quote_value(text)}.",
                slug="delimiter-wrong",
                hint=f"Say --delimiter '{shown_sign}'.",
            )


def diagnose(location: Location, delimiter: str, error: Exception) -> InputError:
    """Say why Arrow gave the file up; ``error`` is what it said."""
    try:
        # In this order: Arrow tells of ragged rows only in UTF-8.
        found = _find_undecodable(location) or _find_ragged(location, delimiter)
    except OSError as broken:
        return make_damaged_error(location.name, broken)
    if found is not None:
        return found
    if _has_odd_quotes(location):
        return _make_unclosed_error(location.name, "its quotes do not come in pairs")
    if "Empty CSV file" in str(error):  # a header that no line end closes
        return make_empty_error(location.name)
    return InputError(
        f"{location.name} cannot be read as separated text: {quote_error(error)}.",
        slug="file-damaged",
        hint="Open it in a text editor near that place and mend it.",
    )


def make_damaged_error(name: str, error: OSError) -> InputError:
    """The error for a compressed file that ends early or is none, else for an unreadable one."""
    text = str(error).lower()
    if any(word in text for word in ("truncated", "inflate", "decompress", "zstd", "gzip", "zlib")):
        return InputError(
            f"{name} cannot be unpacked: {quote_error(error)}.",
            slug="file-damaged",
            hint="The file is cut off or not what its ending says; copy or download it again.",
        )
    return make_unreadable_error(name, error)


def check_table(location: Location, table: pa.Table, delimiter: str) -> None:
    """Refuse what Arrow accepts silently: other encodings, NUL bytes, a quote never closed."""
    check_cells(location, table, delimiter, first_row=0)
    check_end(location, table, rows=table.num_rows)


def check_cells(location: Location, table: pa.Table, delimiter: str, *, first_row: int) -> None:
    """Refuse other encodings and NUL bytes in a portion that begins at ``first_row``."""
    try:
        names = table.column_names
    except UnicodeDecodeError as error:
        raise diagnose(location, delimiter, error) from error
    for name, column in zip(names, table.columns, strict=True):
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            raise _make_cell_error(location.name, name, column, first_row=first_row)
        if is_text(kind):
            _check_nul(location.name, name, column, first_row=first_row)


def check_end(location: Location, last: pa.Table, *, rows: int) -> None:
    """Refuse a quote that is never closed, from the file's last portion and its number of rows."""
    if not last.num_rows:
        return
    cells = [column[-1].as_py() for column in last.columns if is_text(column.type)]
    goes_on = any(cell is not None and ("\n" in cell or "\r" in cell) for cell in cells)
    if goes_on and _has_odd_quotes(location):
        where = f"a quote is opened at or before {format_rows([rows - 1])}"
        raise _make_unclosed_error(location.name, f"{where} and never closed")


def _has_odd_quotes(location: Location) -> bool:
    return sum(block.count(b'"') for block in location.read_blocks()) % 2 == 1


def _check_nul(file: str, name: str, column: pa.ChunkedArray, *, first_row: int) -> None:
    start = first_row
    for chunk in column.chunks:
        values = chunk.dictionary if pa.types.is_dictionary(chunk.type) else chunk
        if pc.any(pc.match_substring(values, "\0")).as_py():
            cells = chunk.cast(values.type)
            row = start + pc.index(pc.match_substring(cells, "\0"), True).as_py()
            raise _make_nul_error(file, f"column '{name}', {format_rows([row])}, holds a NUL byte")
        start += len(chunk)


def _make_unclosed_error(file: str, found: str) -> InputError:
    return InputError(
        f"{file} has an open quote: {found}.",
        slug="quote-unclosed",
        hint="Close the quote, or write a quote inside a cell twice.",
    )


def _make_nul_error(file: str, where: str) -> InputError:
    return InputError(
        f"{file} is not plain text: {where}.",
        slug="nul-byte",
        hint="If it is UTF-16, save it as UTF-8; else remove the bytes (tr -d '\\000').",
    )


def _make_encoding_error(file: str, found: str, *, source: str = "latin1") -> InputError:
    return InputError(
        f"{file} is not UTF-8: {found}.",
        slug="encoding-not-utf8",
        hint=f"Save it as UTF-8, for example: iconv -f {source} -t UTF-8 old.csv > new.csv.",
    )


def _make_cell_error(
    file: str, name: str, column: pa.ChunkedArray, *, first_row: int
) -> InputError:
    for row, cell in enumerate(column.to_pylist(), start=first_row):
        try:
            (cell or b"").decode("utf-8")
        except UnicodeDecodeError as error:
            found = f"column '{name}', {format_rows([row])}, holds {quote_value(cell)}"
            return _make_encoding_error(file, f"{found} (byte 0x{cell[error.start]:02x})")
    return _make_encoding_error(file, f"column '{name}' holds bytes that are no text")


@dataclass
class _Parsed:
    """What a pass over the rows found."""

    delimiter: str
    """What separates cells."""
    first: pacsv.InvalidRow | None = None
    """The first row that has not as many cells as the header."""
    invalid: int = 0
    """How many such rows there are."""
    longer_by_one: int = 0
    """Those among them with one cell more than the header."""
    ending_open: int = 0
    """Those of these that end in a delimiter."""
    rows: int = 0
    """All other rows."""
    runs_on: bool = False
    """A cell never ended."""

    def note(self, row: pacsv.InvalidRow) -> str:
        """Count an invalid row and go on."""
        self.first = row if self.first is None else self.first
        self.invalid += 1
        if row.actual_columns == row.expected_columns + 1:
            self.longer_by_one += 1
            self.ending_open += row.text.rstrip("\r\n").endswith(self.delimiter)
        return "skip"

    def find_cure(self) -> str:
        """What to do about the rows, by how they differ from the header."""
        first, sign = self.first, quote_value(self.delimiter)
        assert first is not None
        if self.longer_by_one == self.invalid and self.ending_open == self.invalid:
            rows = "The rows end" if self.invalid > 1 else "The row ends"
            return f"{rows} in {sign}, and the header does not: remove that sign from their ends."
        if self.longer_by_one == self.invalid and not self.rows:
            return (
                "Every row has one cell more than the header: where R wrote the file, write it "
                "with row.names=FALSE (or write.csv); else name the first column in the header."
            )
        if first.actual_columns < first.expected_columns:
            return (
                "Write the cells that are missing, empty ones too. A line break within a cell "
                "must stand in quotes."
            )
        return "Quote cells that hold the delimiter, or remove the row."


def _parse(location: Location, delimiter: str) -> _Parsed:
    """Split the file into cells without reading them as values."""
    found = _Parsed(delimiter)
    with location.open_stream() as stream:
        header = pa.py_buffer(stream.read(_LONG_CELL))
    try:
        names = pacsv.open_csv(
            pa.BufferReader(header), parse_options=_split(delimiter, _Parsed(delimiter))
        ).schema.names
        with (
            location.open_stream() as stream,
            pacsv.open_csv(
                stream,
                # Only the single-threaded reader knows row numbers.
                read_options=pacsv.ReadOptions(use_threads=False, block_size=_LONG_CELL),
                parse_options=_split(delimiter, found),
                convert_options=pacsv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.binary())
                ),
            ) as reader,
        ):
            for batch in reader:
                found.rows += batch.num_rows
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        found.runs_on = "straddling" in str(error)
    return found


def _split(delimiter: str, found: _Parsed) -> pacsv.ParseOptions:
    return pacsv.ParseOptions(
        delimiter=delimiter,
        newlines_in_values=True,
        invalid_row_handler=found.note,
    )


def _find_ragged(location: Location, delimiter: str) -> InputError | None:
    found = _parse(location, delimiter)
    if found.runs_on:
        where = f"a cell in or after {format_rows([found.rows])} runs on for {_LONG_CELL >> 20} MB"
        return _make_unclosed_error(location.name, where)
    first = found.first
    if first is None or first.number is None:
        return None
    row = first.number - 2  # Arrow counts from 1 and counts the header.
    if first.text.count('"') % 2:
        return _make_unclosed_error(
            location.name, f"{format_rows([row])} begins {quote_value(first.text[:60])}"
        )
    others = found.invalid - 1
    more = f"; {format_count(others, 'more row')} like it" if others else ""
    return InputError(
        f"{location.name} is ragged: {format_rows([row])} has "
        f"{format_count(first.actual_columns, 'cell')}, the header has "
        f"{first.expected_columns}{more}. It reads {quote_value(first.text)}.",
        slug="row-ragged",
        hint=found.find_cure(),
    )


def _find_undecodable(location: Location) -> InputError | None:
    """The first byte that is no UTF-8, by the line it stands on."""
    line = 1
    for piece in cut_at_lines(location.read_blocks()):
        try:
            line += count_line_ends(piece.decode("utf-8"))
        except UnicodeDecodeError as error:
            line += count_line_ends(piece[: error.start].decode("utf-8"))
            found = f"line {line} holds the byte 0x{piece[error.start]:02x}"
            return _make_encoding_error(location.name, found)
    return None
