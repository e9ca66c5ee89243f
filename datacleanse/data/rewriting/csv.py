"""Separated text: every byte stays but the cells that are changed and the rows that are dropped."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacleanse.data.columns import MISSING_TEXTS
from datacleanse.data.lines import cut_at_lines
from datacleanse.data.readers.csv_faults import check_delimiter
from datacleanse.data.rewriting.interface import make_inseparable_error, write_pieces

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    import pyarrow as pa

    from datacleanse.data.rewriting.interface import Rewriting

_BOM = b"\xef\xbb\xbf"
_ENDS = (b"\n", b"\r\n", b"\r")
BLANK = frozenset({*_ENDS, *(_BOM + end for end in _ENDS)})
"""Records that readers pass over."""
_QUOTED = re.compile(rb'"((?:[^"]|"")*)"(.*)', re.DOTALL)


@dataclass(frozen=True)
class CsvRewriter:
    """Takes a file apart as Arrow reads it: quotes count at the start of a cell only.

    Attributes:
        suffixes: file endings.
        delimiter: what separates cells unless the task says otherwise.
    """

    suffixes: tuple[str, ...]
    delimiter: str

    def rewrite(self, task: Rewriting, sink: pa.NativeFile) -> None:
        """Write the file again, cell by cell, with all bytes that need not change."""
        grammar = Grammar(check_delimiter(task.delimiter or self.delimiter))
        write_pieces(sink, _rewrite_records(task, grammar))


class Grammar:
    """How bytes are divided into records and cells.

    Args:
        delimiter: one ASCII sign.
    """

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter.encode()
        sign = re.escape(self._delimiter)
        plain = rb"[^" + sign + rb"\r\n]*+"
        # A quote within a cell that does not begin with one is a sign like any other, and so is
        # what stands behind a closing quote.
        cell = rb'(?:"(?:[^"]++|"")*+"' + plain + rb'|(?!")' + plain + rb")"
        line = cell + rb"(?:" + sign + cell + rb")*+"
        self._cell = re.compile(cell)
        self._record = re.compile(line + rb"(?:\r\n|\n|\r)")

    def split_records(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield each record with its line end, blank lines too; together they are the blocks."""
        rest = b""
        for piece in cut_at_lines(blocks):
            rest = yield from self._split_whole_records(rest + piece)
        if rest:
            yield rest

    def _split_whole_records(self, text: bytes) -> Generator[bytes, None, bytes]:
        """Yield whole records; return what is left: one that is not closed yet."""
        if b'"' not in text:
            lines = text.splitlines(keepends=True)  # \n, \r\n and \r
            rest = lines.pop() if lines and not lines[-1].endswith((b"\n", b"\r")) else b""
            yield from lines
            return rest
        at = 0
        while found := self._record.match(text, at):
            yield found[0]
            at = found.end()
        return text[at:]

    def split_cells(self, record: bytes) -> list[bytes]:
        """The values of the cells of a record, without their quotes."""
        record = record.removeprefix(_BOM)
        return [_unquote_cell(record[start:end]) for start, end in self._find_spans(record)]

    def replace_cell(self, record: bytes, place: int, value: bytes) -> bytes:
        """The record with the cell at ``place`` changed; it stays in quotes if it was."""
        start, end = self._find_spans(record)[place]
        # A label that reads like a missing value is known to be a name by its quotes.
        needs_quotes = value.decode() in MISSING_TEXTS or any(
            sign in value for sign in (b'"', b"\r", b"\n", self._delimiter)
        )
        if needs_quotes or record[start : start + 1] == b'"':
            value = b'"' + value.replace(b'"', b'""') + b'"'
        return record[:start] + value + record[end:]

    def _find_spans(self, record: bytes) -> list[tuple[int, int]]:
        spans, at = [], 0
        while found := self._cell.match(record, at):
            spans.append(found.span())
            at = found.end() + 1
            if record[at - 1 : at] != self._delimiter:
                break
        return spans


def _rewrite_records(task: Rewriting, grammar: Grammar) -> Iterator[bytes]:
    """Yield the records that stay, with their new labels."""
    edits, place, row = task.edits, -1, 0
    for record in grammar.split_records(task.location.read_blocks()):
        if record in BLANK:  # readers skip it
            yield record
        elif place < 0:
            names = [name.decode("utf-8", "replace") for name in grammar.split_cells(record)]
            if task.label not in names:
                raise make_inseparable_error(task.location.name, f"its header lacks '{task.label}'")
            place = names.index(task.label)
            yield record
        else:
            if row in edits.labels:
                yield grammar.replace_cell(record, place, edits.labels[row].encode())
            elif row not in edits.dropped:
                yield record
            row += 1
    if row != task.table.num_rows:
        found = f"{row:,} rows where {task.table.num_rows:,} were read"
        raise make_inseparable_error(task.location.name, found)


def _unquote_cell(cell: bytes) -> bytes:
    found = _QUOTED.fullmatch(cell)
    return cell if found is None else found[1].replace(b'""', b'"') + found[2]
