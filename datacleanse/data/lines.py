r"""The lines of a file: ended by ``\n``, ``\r\n`` or ``\r``, whichever stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


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
