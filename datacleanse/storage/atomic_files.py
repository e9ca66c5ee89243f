"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from datacleanse.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa


@contextmanager
def write_aside(path: Path, *, outlives_power: bool = True) -> Iterator[Path]:
    """Give a path to write to; rename it to ``path`` on success, remove it on failure.

    Args:
        path: what the file is to be called.
        outlives_power: whether to wait until the disk has it. Otherwise the file outlives a kill at
            any moment, but not a power cut soon after: enough for what is written every second.

    Raises:
        OutputError: the system does not let it be written.
    """
    aside = path.with_name(f".{path.name}.part")
    try:
        yield aside
        if outlives_power:
            with aside.open("rb+") as handle:
                os.fsync(handle.fileno())
        aside.replace(path)
    except BaseException as error:
        with suppress(OSError):
            aside.unlink()
        if isinstance(error, OSError):
            raise make_unwritable_error(path, error) from error
        raise


@contextmanager
def write_folder_aside(path: Path) -> Iterator[Path]:
    """Give a folder to fill; rename it to ``path`` on success, remove it on failure.

    An empty folder of that name gives way; anything else there is an error.

    Raises:
        OutputError: the system does not let it be written.
    """
    aside = path.with_name(f".{path.name}.part")
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        yield aside
        if path.is_dir():
            path.rmdir()
        aside.replace(path)
    except BaseException as error:
        shutil.rmtree(aside, ignore_errors=True)
        if isinstance(error, OSError):
            raise make_unwritable_error(path, error) from error
        raise


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write a whole table as a Parquet file that appears whole or not at all.

    Raises:
        OutputError: the system does not let it be written.
    """
    import pyarrow.parquet as pq

    with write_aside(path) as aside:
        pq.write_table(table, aside)


def check_place(path: Path) -> None:
    """Refuse a path at which no file can be made.

    Raises:
        OutputError: it is a folder, or lies in none.
    """
    if path.is_dir():
        raise make_unwritable_error(path, OSError(errno.EISDIR, ""))
    if not path.parent.is_dir():
        raise make_unwritable_error(path, OSError(errno.ENOTDIR, ""))


def make_folder(path: Path) -> None:
    """Make a folder and those above it, unless it is there already.

    Raises:
        OutputError: the system does not let it be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise make_unwritable_error(path, error) from error


def make_unwritable_error(path: Path, error: OSError) -> OutputError:
    """The error for a place that the operating system does not let be written."""
    if path.parent.exists() and not path.parent.is_dir():
        hint = f"Choose another place: {path.parent} is no folder."
    elif not path.parent.exists():
        hint = f"Make the folder {path.parent} first, or choose another place."
    elif path.is_dir():
        hint = "A folder of that name is in the way; choose another name."
    else:
        hint = "Free some space, allow writing there or choose another place."
    why = os.strerror(error.errno) if error.errno else str(error)
    return OutputError(f"{path} cannot be written: {why}.", slug="file-unwritable", hint=hint)
