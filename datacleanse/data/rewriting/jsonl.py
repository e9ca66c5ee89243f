"""JSON Lines: every byte stays but the labels that are changed and the lines that are dropped."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from datacleanse.data.rewriting.damage import not_row_by_row
from datacleanse.data.rewriting.pieces import write_pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from datacleanse.data.rewriting.interface import Rewriting
    from datacleanse.data.sources import Location

_BOM = "\ufeff"
_SPACE = re.compile(r"[ \t\r\n]*")
_PLAIN = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false")
"""Labels that JSON has without quotes."""


class JsonLinesRewriter:
    """One object a line; keys keep their order and lines their spelling."""

    suffixes = (".jsonl", ".ndjson")

    def rewrite(self, task: Rewriting, sink: pa.NativeFile) -> None:
        """See `Rewriter`."""
        write_pieces(sink, _rewritten(task))


def _rewritten(task: Rewriting) -> Iterator[bytes]:
    """The lines that stay, changed where that is asked for."""
    edits, row = task.edits, 0
    for line in _lines(task.location):
        if not line.removeprefix(_BOM.encode()).strip():  # readers skip it
            yield line
            continue
        if row in edits.labels:
            yield _replaced(line, task.label, edits.labels[row], task.location.name)
        elif row not in edits.dropped:
            yield line
        row += 1
    if row != task.table.num_rows:
        found = f"{row:,} lines where {task.table.num_rows:,} objects were read"
        raise not_row_by_row(task.location.name, found)


def _lines(location: Location) -> Iterator[bytes]:
    waiting = [b""]
    for block in location.blocks():
        waiting.append(block)
        if b"\n" in block:
            *lines, last = b"".join(waiting).split(b"\n")
            yield from (line + b"\n" for line in lines)
            waiting = [last]
    if last := b"".join(waiting):
        yield last


def _replaced(line: bytes, key: str, label: str, name: str) -> bytes:
    text = line.decode("utf-8")
    try:
        start, end = _value_span(text, key)
    except (ValueError, IndexError, RecursionError) as error:
        raise not_row_by_row(name, f"no value of '{key}' is found in {text[:60]!r}") from error
    is_text = text[start] == '"' or not _PLAIN.fullmatch(label)
    value = json.dumps(label, ensure_ascii=text.isascii()) if is_text else label
    return (text[:start] + value + text[end:]).encode("utf-8")


def _value_span(text: str, key: str) -> tuple[int, int]:
    """Where the value of a key of the outermost object stands; of the last one if it repeats.

    Raises:
        ValueError: there is none; IndexError: the text ends too early.
    """
    decoder = json.JSONDecoder()
    at = _after_space(text, len(_BOM) if text.startswith(_BOM) else 0)
    span = None
    while text[at] in "{,":
        at = _after_space(text, at + 1)
        if text[at] != '"':
            break
        name, at = decoder.raw_decode(text, at)
        at = _after_space(text, at)
        start = _after_space(text, at + 1)
        _, at = decoder.raw_decode(text, start)
        if name == key:
            span = start, at
        at = _after_space(text, at)
    if span is None:
        raise ValueError(key)
    return span


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None  # the pattern matches nothing, too
    return found.end()
