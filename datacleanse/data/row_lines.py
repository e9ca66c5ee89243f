"""Where rows stand in their file: the line that each begins on, as editors count them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.data.lines import count_line_ends, split_lines
from datacleanse.data.readers.csv_faults import check_delimiter
from datacleanse.data.rewriting.csv import BLANK, Grammar
from datacleanse.data.sources import locate

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from datacleanse.data.sources import Location

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_JSON_LINES = (".jsonl", ".ndjson")


def find_lines(
    source: str, rows: Collection[int], *, delimiter: str | None = None
) -> dict[int, int]:
    """The lines, from 1, on which rows of a table begin.

    Args:
        source: a file, as it was read.
        rows: positions, from 0.
        delimiter: of a CSV; None for the format's own.

    Returns:
        Lines by row; nothing for formats without lines, compressed files and several files.

    Raises:
        InputError: the file is not there, or may not be read.
    """
    location = locate(source)
    is_plain = location.compression is None and location.root is None and len(location.paths) == 1
    if not rows or not is_plain:
        return {}
    if location.suffix in _JSON_LINES:
        starts = _list_json_starts(location)
    elif location.suffix in _DELIMITERS:
        starts = _list_csv_starts(location, delimiter or _DELIMITERS[location.suffix])
    else:
        return {}
    wanted, last = frozenset(rows), max(rows)
    found = {}
    for row, line in enumerate(starts):
        if row in wanted:
            found[row] = line
        if row >= last:
            break
    return found


def _list_json_starts(location: Location) -> Iterator[int]:
    for number, line in enumerate(split_lines(location.read_blocks()), start=1):
        if line.removeprefix(b"\xef\xbb\xbf").strip():
            yield number


def _list_csv_starts(location: Location, delimiter: str) -> Iterator[int]:
    """The first lines of all records but the header; a cell in quotes may hold line ends."""
    line, is_header = 1, True
    for record in Grammar(check_delimiter(delimiter)).split_records(location.read_blocks()):
        start = line
        line += count_line_ends(record.decode("latin-1"))
        if record in BLANK:
            continue
        if not is_header:
            yield start
        is_header = False
