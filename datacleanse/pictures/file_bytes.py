"""One file of a picture: its bytes, or why they cannot be read."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from datacleanse.pictures.signatures import PictureError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_BYTES = 1 << 29
"""Encoded bytes of one picture that are read: half a gibibyte."""

_OPENED = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
"""A pipe that is named like a picture must not be waited for."""
_SAID = {
    errno.ENOENT: "does not exist",
    errno.ENOTDIR: "does not exist",
    errno.EACCES: "may not be read: permission denied",
    errno.EPERM: "may not be read: permission denied",
    errno.ELOOP: "is a loop of links",
    errno.EISDIR: "is a folder",
    errno.ENAMETOOLONG: "has a name that is too long for a file",
}


def read_file(path: str | PictureError) -> bytes:
    """Read the bytes of a file.

    Raises:
        PictureError: they cannot be read, or ``path`` is such an error.
    """
    if isinstance(path, PictureError):
        raise path
    try:
        handle = os.open(path, _OPENED)
        try:
            about = os.fstat(handle)
            if stat.S_ISDIR(about.st_mode):
                raise IsADirectoryError(errno.EISDIR, "")
            if not stat.S_ISREG(about.st_mode):
                raise PictureError("is a pipe or a device, not a file")
            check_length(about.st_size)
            with os.fdopen(handle, "rb", closefd=False) as file:
                return file.read()
        finally:
            os.close(handle)
    except (OSError, ValueError) as error:
        raise PictureError(explain_error(error)) from error


def explain_error(error: OSError | ValueError) -> str:
    """Why a file cannot be read, as the end of a sentence about it."""
    if isinstance(error, ValueError):
        return "has a name that no file can have"
    known = _SAID.get(error.errno or 0)
    return known or f"cannot be read: {error.strerror or error}"


def try_blob(blob: Callable[[], bytes]) -> bytes | PictureError:
    """The bytes that a blob gives, or why it gives none."""
    try:
        return blob()
    except PictureError as error:
        return error


def give_bytes(content: bytes | PictureError) -> bytes:
    """Give bytes that were read before: what makes a blob of them.

    Raises:
        PictureError: they could not be read.
    """
    if isinstance(content, PictureError):
        raise content
    return content


def check_length(n_bytes: int) -> None:
    """Refuse what is longer than any picture.

    Raises:
        PictureError: it has more than `MAX_BYTES`.
    """
    if n_bytes > MAX_BYTES:
        raise PictureError(
            f"takes {n_bytes / 2**20:,.0f} MiB; at most {MAX_BYTES >> 20} MiB are read"
        )
