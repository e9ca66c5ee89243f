"""stdout and stderr as the program needs them: open, lasting, and with nothing hidden in the text.

A stream that is closed, or whose reader has left (`| head`), is no fault of the command: what is
written there goes nowhere, and the exit code says how the command itself went. Only results that
find no room (a full disk) are an error.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

from datacleanse_cli.printing import make_printable

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_NOBODY_READS = frozenset(
    {errno.EPIPE, errno.EBADF, errno.EIO, errno.ECONNRESET, errno.ESHUTDOWN, errno.ENXIO}
)
"""Reader gone, closed or opened for reading only, terminal gone, socket gone."""


class LastingFile(io.RawIOBase):
    """A stream's file that outlives its reader: what nobody can receive goes nowhere."""

    def __init__(self, stream: TextIO, *, holds_results: bool) -> None:
        super().__init__()
        self._stream = stream  # which would close its file if nothing held it
        self._file = getattr(stream.buffer, "raw", stream.buffer)
        self._holds_results = holds_results
        self._is_over = False

    def writable(self) -> bool:
        """Say that it can be written to, always."""
        return True

    def fileno(self) -> int:
        """The number of the file beneath."""
        return self._file.fileno()

    def isatty(self) -> bool:
        """Whether the file beneath is a terminal."""
        return self._file.isatty()

    def write(self, data: ReadableBuffer, /) -> int | None:
        """Write bytes; how many are dealt with.

        Raises:
            OSError: results find no room.
        """
        if not self._is_over:
            try:
                return self._file.write(data)
            except OSError as error:
                if self._holds_results and not _is_left(error):
                    raise
                self._is_over = True
        return memoryview(data).nbytes


class VisibleText(io.TextIOWrapper):
    """Text that goes to people by other ways than `printing`: of libraries, and tracebacks.

    Rich, which writes sequences of its own, finds the plain stream under the name by which it looks
    for what stands behind its own proxies; `console.Terminal` sees to the text there.
    """

    def __init__(self, file: LastingFile, *, encoding: str, by_line: bool) -> None:
        buffer = io.BufferedWriter(file)
        super().__init__(
            buffer, encoding, "backslashreplace", line_buffering=by_line, write_through=True
        )
        self.rich_proxied_file = io.TextIOWrapper(
            buffer, encoding, "backslashreplace", line_buffering=by_line, write_through=True
        )

    def write(self, text: str, /) -> int:
        """Write text with what hides in it spelled out; newlines and tabs stay."""
        super().write(make_printable(text, self.encoding, keep_lines=True))
        return len(text)


def guard_streams() -> None:
    """Make the standard streams open, lasting and visible, for the rest of the process."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, _open_void(number))
    sys.stdout = _guard(sys.stdout, holds_results=True)
    sys.stderr = _guard(sys.stderr, holds_results=False)


def _open_void(number: int) -> TextIO:
    """Open the void in a closed stream's place, lest a file of the program's take its number."""
    opened = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
    os.set_inheritable(opened, opened == number)
    return open(opened, "r" if number == 0 else "w", encoding="utf-8", closefd=False)


def _guard(stream: TextIO, *, holds_results: bool) -> TextIO:
    """The stream's lasting and visible form."""
    file = LastingFile(stream, holds_results=holds_results)
    # Where Python was asked not to buffer, lines are the most that waits.
    by_line = bool(stream.line_buffering or getattr(stream, "write_through", False))
    return VisibleText(file, encoding=stream.encoding, by_line=by_line)


def _is_left(error: OSError) -> bool:
    """Whether the error says that nobody reads any more."""
    return isinstance(error, BrokenPipeError) or error.errno in _NOBODY_READS
