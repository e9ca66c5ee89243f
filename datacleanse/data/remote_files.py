"""Remote file systems by fsspec, whose libraries raise errors of their own kinds.

Each of them says what went wrong, so it goes on as an `OSError`, which every reader turns into a
sentence.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.fs as pafs

if TYPE_CHECKING:
    from collections.abc import Iterator


def hold_remote(filesystem: Any) -> pafs.FileSystem:  # noqa: ANN401  # fsspec is untyped
    """Arrow's view of a file system of fsspec's, from which files are read."""
    return pafs.PyFileSystem(_Handler(filesystem))


@contextmanager
def _speak_plainly() -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException):
        raise
    except Exception as error:
        raise OSError(str(error) or type(error).__name__) from error


class _Handler(pafs.FSSpecHandler):  # type: ignore[misc]  # pyarrow is untyped
    """What is needed for reading."""

    def get_file_info(self, paths: list[str]) -> list[pafs.FileInfo]:
        with _speak_plainly():
            found: list[pafs.FileInfo] = super().get_file_info(paths)
            return found

    def get_file_info_selector(self, selector: pafs.FileSelector) -> list[pafs.FileInfo]:
        with _speak_plainly():
            found: list[pafs.FileInfo] = super().get_file_info_selector(selector)
            return found

    def open_input_stream(self, path: str) -> pa.PythonFile:
        return self.open_input_file(path)

    def open_input_file(self, path: str) -> pa.PythonFile:
        with _speak_plainly():
            return pa.PythonFile(_File(self.fs.open(path, mode="rb")), mode="r")


class _File:
    """An open file whose errors of reading are `OSError`s."""

    def __init__(self, file: Any) -> None:  # noqa: ANN401  # of any library
        self._file = file

    def read(self, size: int = -1) -> bytes:
        with _speak_plainly():
            content: bytes = self._file.read(size)
            return content

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._file, name)
