"""Paths as a caller in Python hands them over."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from datacleanse.errors import SettingsError

_WANTED = "Give a path as text, or as a pathlib.Path."


def read_path(name: str, given: object) -> Path:
    """The path that an argument names, with ``~`` for the user's own folder; see `read_place`."""
    return expand_home(read_place(name, given))


def expand_home(path: str | os.PathLike[str]) -> Path:
    """The path with ``~`` and ``~NAME`` for the folders of users; as it is where nobody is NAME."""
    with suppress(RuntimeError):
        return Path(path).expanduser()
    return Path(path)


def read_place(name: str, given: object) -> str:
    """The path or the address that an argument names.

    Args:
        name: of the argument.
        given: a text, or what has a path: a `Path`, a run folder, the result of an audit.

    Raises:
        SettingsError: it is neither, or no file can have such a path.
    """
    try:
        text: str | bytes = os.fspath(given)  # type: ignore[call-overload]  # that is the question
    except TypeError as error:
        raise _refuse(name, f"an object of the type {type(given).__name__}", _WANTED) from error
    if isinstance(text, bytes):
        raise _refuse(name, "bytes", "Give a path as text (os.fsdecode).")
    if not text:
        raise _refuse(name, "an empty text", _WANTED)
    try:
        is_possible = b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        is_possible = False
    if not is_possible:
        raise _refuse(name, ascii(text), "Give a path of letters that a file's name can have.")
    return text


def _refuse(name: str, met: str, hint: str) -> SettingsError:
    return SettingsError(f"{name} is {met}, which is no path.", slug="path-unusable", hint=hint)
