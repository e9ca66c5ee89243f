"""JSON Lines: every byte stays but the labels that are changed and the lines that are dropped."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from datacleanse.data.lines import split_lines
from datacleanse.data.rewriting.interface import make_inseparable_error, write_pieces
from datacleanse.data.spelled_rows import is_plain_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from datacleanse.data.rewriting.interface import Rewriting

_BOM = "\ufeff"
_SPACE = re.compile(r"[ \t\r\n]*")


class JsonLinesRewriter:
    """Writes one object a line; keys keep their order and lines their spelling."""

    suffixes = (".jsonl", ".ndjson")

    def rewrite(self, task: Rewriting, sink: pa.NativeFile) -> None:
        """Write the lines again, each as it was but for its label."""
        write_pieces(sink, _rewrite_lines(task))


def _rewrite_lines(task: Rewriting) -> Iterator[bytes]:
    """Yield the lines that stay, with their new labels."""
    edits, row = task.edits, 0
    for line in split_lines(task.location.read_blocks()):
        if not line.removeprefix(_BOM.encode()).strip():  # readers skip it
            yield line
            continue
        if row in edits.labels:
            yield _replace_label(line, task.label, edits.labels[row], task.location.name)
        elif row not in edits.dropped:
            yield line
        row += 1
    if row != task.table.num_rows:
        found = f"{row:,} lines where {task.table.num_rows:,} objects were read"
        raise make_inseparable_error(task.location.name, found)


def _replace_label(line: bytes, key: str, label: str, name: str) -> bytes:
    text = line.decode("utf-8")
    try:
        start, end = _find_value(text, key)
    except (ValueError, IndexError, RecursionError) as error:
        raise make_inseparable_error(
            name, f"no value of '{key}' is found in {text[:60]!r}"
        ) from error
    is_text = text[start] == '"' or not is_plain_json(label)
    value = json.dumps(label, ensure_ascii=text.isascii()) if is_text else label
    return (text[:start] + value + text[end:]).encode("utf-8")


def _find_value(text: str, key: str) -> tuple[int, int]:
    """Where the value of a key of the outermost object stands; of the last one if it repeats.

    Raises:
        ValueError: there is none; IndexError: the text ends too early.
    """
    decoder = json.JSONDecoder()
    at = _skip_space(text, len(_BOM) if text.startswith(_BOM) else 0)
    span = None
    while text[at] in "{,":
        at = _skip_space(text, at + 1)
        if text[at] != '"':
            break
        name, at = decoder.raw_decode(text, at)
        at = _skip_space(text, at)
        start = _skip_space(text, at + 1)
        _, at = decoder.raw_decode(text, start)
        if name == key:
            span = start, at
        at = _skip_space(text, at)
    if span is None:
        raise ValueError(key)
    return span


def _skip_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None  # the pattern matches nothing, too
    return found.end()
