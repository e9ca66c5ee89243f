r"""The lines of a file: ended by ``\n``, ``\r\n`` or ``\r``, whichever stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa


class WholeLineEnds:
    r"""A stream of which no read ends between ``\r`` and ``\n``.

    Arrow's reader of CSV takes a ``\n`` away that begins a block if ``\r`` ended the one before,
    within a quoted cell, too.

    Args:
        stream: to read from, with the methods that pyarrow asks of a file of Python's.
    """

    closed = False

    def __init__(self, stream: pa.NativeFile) -> None:
        self._stream = stream
        self._held = b""

    def read(self, size: int) -> bytes:
        r"""At most so many bytes, of two or more, or none at the end; a last ``\r`` comes later."""
        found: bytes = self._held + self._stream.read(max(1, size - len(self._held)))
        self._held = b""
        if len(found) > 1 and found.endswith(b"\r"):
            self._held, found = b"\r", found[:-1]
        return found

    def readable(self) -> bool:
        """Return True."""
        return True


def cut_at_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    r"""The blocks cut behind line ends, a block or, where a line is longer, more at a time.

    No ``\r\n`` is cut in two. The last piece is what stands behind the last line end, or empty.
    """
    waiting: list[bytes] = []
    for block in filter(None, blocks):
        # What begins with the last \r may go on with \n.
        end = max(block.rfind(b"\n"), block.rfind(b"\r", 0, len(block) - 1)) + 1
        if waiting and waiting[-1].endswith(b"\r") and not block.startswith(b"\n") and not end:
            yield b"".join(waiting)
            waiting = [block]
        elif end:
            yield b"".join([*waiting, block[:end]])
            waiting = [block[end:]]
        else:
            waiting.append(block)
    yield b"".join(waiting)


def split_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield each line with its end; together they are the blocks."""
    for piece in cut_at_lines(blocks):
        yield from piece.splitlines(keepends=True)


def count_line_ends(text: str) -> int:
    """How many lines end in a text."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")
