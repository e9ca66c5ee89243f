"""Files of JSON objects, one a line, that are only ever added to: decisions and verdicts.

What a line holds is the business of `decisions` and `verified_file`; here it is read, whatever is
wrong with it, and written so that it is on the disk when the caller goes on.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, TypeGuard

from datacleanse.storage.atomic_files import make_unwritable_error, open_to_append

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_LONGEST_LINE = 1 << 20
"""Bytes; a line takes a few hundred."""
_LONGEST_SHOWN = 60
"""Characters of a value that a message repeats."""


class UnusableLineError(ValueError):
    """A line that holds no decision and no verdict; says why."""

    def __init__(self, why: str, *, is_cut: bool = False) -> None:
        super().__init__(why)
        self.is_cut = is_cut
        """Whether it is the file's last line and ends before its end."""


def read_lines(file: Any) -> Iterator[tuple[int, bytes | None]]:  # noqa: ANN401  # a binary file
    """Number from 1 and content of the lines that are not blank; None for one that is too long."""
    number = 0
    while line := file.readline(_LONGEST_LINE + 1):
        number += 1
        is_long = len(line) > _LONGEST_LINE
        if is_long:
            while line and not line.endswith(b"\n"):
                line = file.readline(_LONGEST_LINE)
        if is_long or line.strip():
            yield number, None if is_long else line


def parse_line(line: bytes | None) -> object:
    """What the JSON of a line holds; None: it was too long to be read.

    Raises:
        UnusableLineError: it is too long, or no JSON.
    """
    if line is None:
        raise UnusableLineError(f"it is longer than {_LONGEST_LINE:,} bytes")
    try:
        return json.loads(line.removeprefix(b"\xef\xbb\xbf").decode("utf-8"))
    except RecursionError as error:
        raise UnusableLineError("it is nested too deep") from error
    except ValueError as error:
        is_cut = not line.endswith(b"\n")
        start = line[:40].decode("utf-8", "replace").rstrip("\n")
        why = f"it is not JSON{', and cut off' if is_cut else ''}: {shorten_value(start)}"
        raise UnusableLineError(why, is_cut=is_cut) from error


def is_row(value: object) -> TypeGuard[int]:
    """Whether JSON gave the position of a row."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def take_row(record: dict[str, Any]) -> int:
    """The row that a line is about.

    Raises:
        UnusableLineError: it names none.
    """
    row = record.get("row")
    if not is_row(row):
        raise UnusableLineError(f"its row is {shorten_value(row)}, not a whole number from 0 on")
    return row


def take_text(record: dict[str, Any], name: str) -> str | None:
    """The text that a line has under a name; None where it has none.

    Raises:
        UnusableLineError: it has something else there.
    """
    value = record.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise UnusableLineError(f"its {name} is {shorten_value(value)}, no text")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UnusableLineError(f"its {name} holds half a sign (a lone surrogate)") from error
    return value


def append_records(
    path: Path, records: Iterable[dict[str, Any]], *, drops_cut_line: bool = False
) -> None:
    """Add lines to the end of a file; they are on the disk when this returns.

    Whole lines that stand there are never changed.

    Args:
        path: the file, which is made where it is missing.
        records: what the lines are to hold.
        drops_cut_line: whether a line that a crash or a full disk cut off is removed, so that no
            damaged line stays; only for a file that nobody else writes to. Otherwise it is closed.

    Raises:
        OutputError: it is a link or no file, or the system does not let it be written.
    """
    text = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in records)
    content = text.encode("utf-8")
    if not content:
        return  # an empty file would be taken for one that lost its lines
    try:
        is_new = not path.exists()
        with os.fdopen(open_to_append(path), "ab+", buffering=0) as file:
            rest = _find_open_line(file)
            if rest and drops_cut_line and not _is_whole(rest):
                file.truncate(file.seek(0, os.SEEK_END) - len(rest))
            elif rest:
                content = b"\n" + content
            # In one go: another program may be appending, too.
            while content:
                content = content[file.write(content) :]
            os.fsync(file.fileno())
        if is_new:
            _sync_folder(path.parent)
    except OSError as error:
        raise make_unwritable_error(path, error) from error


def _find_open_line(file: Any) -> bytes:  # noqa: ANN401  # a binary file
    """What stands behind the last line break; nothing where the last line is closed."""
    end = file.seek(0, os.SEEK_END)
    start = max(0, end - _LONGEST_LINE)
    file.seek(max(0, end - 1))
    if file.read(1) in (b"", b"\n"):
        return b""
    file.seek(start)
    tail: bytes = file.read(end - start)
    return tail[tail.rfind(b"\n") + 1 :]


def _is_whole(line: bytes) -> bool:
    """Whether a line lacks nothing but its end."""
    try:
        parse_line(line)
    except UnusableLineError:
        return False
    return True


def _sync_folder(path: Path) -> None:
    """Bring a new file's name to the disk, where the system lets folders be opened."""
    if os.name == "nt":
        return
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def shorten_value(value: object) -> str:
    """A value as messages quote it."""
    try:
        text = ascii(value) if not isinstance(value, str) else repr(value)
    except (RecursionError, ValueError):  # a whole number of more digits than Python writes
        text = type(value).__name__
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"
