"""Files and folders that appear whole or not at all: the one way to write.

What is written lies under a name that nobody can foresee until it is whole, and is opened so that
no link is followed: a folder from elsewhere may hold links under every name that is known before.
What is replaced is the name itself, never what a link of that name leads to.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shlex
import shutil
import stat
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from datacleanse.errors import OutputError, SettingsError
from datacleanse.storage.file_locks import try_lock
from datacleanse.storage.run_places import find_run_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)
"""A pipe of the name that is opened must not be waited for."""
_IS_WINDOWS = os.name == "nt"
_LONG = 24 * 3600
"""Seconds after which what lies aside counts as abandoned on Windows, which has no such locks."""

_KEPT = 50
"""Letters of a file's name that its temporary name begins with; any name may be 255 bytes long."""
_ASIDE = re.compile(r"\.(?P<kept>.{1,50})\.[0-9a-f]{16}\.part", re.DOTALL)


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
    try:
        with hold_aside(path) as aside:
            yield aside
            if outlives_power:
                with aside.open("rb+") as handle:
                    os.fsync(handle.fileno())
            aside.replace(path)
    except OSError as error:
        raise make_unwritable_error(path, error) from error


@contextmanager
def hold_aside(path: Path) -> Iterator[Path]:
    """Give an empty file beside ``path``, which goes when the block is left.

    What a program that was killed left of the same file is cleared away.

    Raises:
        OSError: the system does not let it be made.
    """
    clear_abandoned(path.parent, path.name)
    aside = _name_aside(path)
    handle = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o666)
    lock = _keep_locked(handle)
    try:
        yield aside
    finally:
        # While it is still locked: nobody takes it for abandoned.
        with suppress(OSError):
            aside.unlink()
        if lock is not None:
            os.close(lock)


@contextmanager
def write_folder_aside(path: Path, *, replaces: bool = False) -> Iterator[Path]:
    """Give a folder to fill; rename it to ``path`` on success, remove it on failure.

    An empty folder of that name gives way; anything else there is an error.

    Args:
        path: what the folder is to be called.
        replaces: whether a folder of that name with all that it holds gives way, too. It stands
            until the new one is whole, and stays where that cannot take its place.

    Raises:
        OutputError: the system does not let it be written.
    """
    aside, lock = _name_aside(path), None
    try:
        clear_abandoned(path.parent, path.name)
        aside.mkdir()
        lock = _lock_folder(aside)
        yield aside
        if replaces:
            _swap_folder(aside, path)
        else:
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            aside.replace(path)
    except BaseException as error:
        shutil.rmtree(aside, ignore_errors=True)
        if isinstance(error, OSError):
            raise make_unwritable_error(path, error) from error
        raise
    finally:
        if lock is not None:
            os.close(lock)


def _swap_folder(aside: Path, path: Path) -> None:
    """Put a folder in the place of another one, which goes only when the new one stands."""
    if not path.is_dir() or path.is_symlink():
        aside.replace(path)
        return
    before = _name_aside(path)
    path.replace(before)
    try:
        aside.replace(path)
    except BaseException:
        before.replace(path)
        raise
    shutil.rmtree(before, ignore_errors=True)


def is_aside(name: str, of: str | None) -> bool:
    """Whether a name is one that `write_aside` gives, where said for a file of that name."""
    found = _ASIDE.fullmatch(name)
    return found is not None and (of is None or found["kept"] == of[:_KEPT])


def clear_abandoned(folder: Path, of: str | None = None) -> None:
    """Remove what programs that were killed left aside in a folder; what is in use stays.

    Args:
        folder: the folder; one that cannot be read is left as it is.
        of: the name of the file or folder that was to be written; None: any.
    """
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in [entry for entry in entries if is_aside(entry.name, of)]:
            with suppress(OSError):
                _remove_abandoned(Path(entry.path))


def _remove_abandoned(path: Path) -> None:
    about = path.lstat()
    is_folder = stat.S_ISDIR(about.st_mode)
    if not is_folder and not stat.S_ISREG(about.st_mode):
        return
    if _IS_WINDOWS:
        if time.time() - about.st_mtime > _LONG:
            shutil.rmtree(path) if is_folder else path.unlink()
        return
    if about.st_uid != os.geteuid():
        return
    handle = os.open(path, (os.O_RDONLY if is_folder else os.O_RDWR) | _NO_LINK | _NO_WAIT)
    try:
        if try_lock(handle):
            shutil.rmtree(path) if is_folder else path.unlink()
    finally:
        os.close(handle)


def open_to_append(path: Path) -> int:
    """Open a file to read it and add to its end; it is made where it is missing.

    Returns:
        The handle, which the caller closes.

    Raises:
        OutputError: a link or something else that is no file has that name, or the system does not
            let it be opened.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | _NO_LINK | _NO_WAIT | getattr(os, "O_BINARY", 0)
    check_appendable(path)
    try:
        handle = os.open(path, flags, 0o666)
    except OSError as error:
        raise make_unwritable_error(path, error) from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise _make_no_file_error(path)
    return handle


def check_appendable(path: Path) -> None:
    """Refuse what `open_to_append` would refuse; a file that is missing can be made.

    Raises:
        OutputError: a link or something else that is no file has that name.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise make_unwritable_error(path, error) from error
    if stat.S_ISLNK(mode):
        raise make_link_error(path)
    if stat.S_ISDIR(mode):
        raise make_unwritable_error(path, OSError(errno.EISDIR, ""))
    if not stat.S_ISREG(mode):
        raise _make_no_file_error(path)


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
        OutputError: it is a folder, or lies in none, or where it lies may not be entered.
    """
    try:
        if stat.S_ISDIR(path.stat().st_mode):
            raise make_unwritable_error(path, OSError(errno.EISDIR, ""))
    except (FileNotFoundError, NotADirectoryError) as error:
        if not os.path.isdir(path.parent):  # noqa: PTH112 - says no where Path would raise
            raise make_unwritable_error(path, error) from None
    except OSError as error:
        raise make_unwritable_error(path, error) from error


def check_free(path: Path, *, force: bool) -> None:
    """Refuse a place that is taken.

    Args:
        path: the place.
        force: whether what lies there may be replaced.

    What belongs to a run stays in any case: a slip in the name would cost a reviewer's work.

    Raises:
        SettingsError: something is there.
    """
    # Of `os.path`, which says no where it may not be looked.
    if not os.path.exists(path):  # noqa: PTH110
        return
    run = find_run_of(path)
    if run is not None:
        raise SettingsError(
            f"{path} is part of the run in {run}, and is not written over.",
            slug="output-is-input",
            hint="Choose another name with -o.",
        )
    if not force:
        raise SettingsError(
            f"{path} exists already.",
            slug="file-exists",
            hint=f"Choose another name, for example -o {shlex.quote(str(find_free(path)))}, or "
            "replace it with --force.",
        )


def find_free(path: Path) -> Path:
    """The path, or the first of ``NAME-2``, ``NAME-3``, ... that is free."""
    # Of a packed file both endings stay.
    n_endings = 2 if path.suffix.lower() in (".gz", ".zst") else 1
    ending = "".join(path.suffixes[-n_endings:])
    stem = path.name.removesuffix(ending)
    free, count = path, 1
    while os.path.exists(free):  # noqa: PTH110 - as above
        count += 1
        free = path.with_name(f"{stem}-{count}{ending}")
    return free


def make_folder(path: Path) -> None:
    """Make a folder and those above it, unless it is there already.

    Raises:
        OutputError: the system does not let it be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise make_unwritable_error(path, error) from error


def make_own_folder(path: Path) -> None:
    """Make a folder unless it is there; one that is a link is refused: it may lead anywhere.

    Raises:
        OutputError: it is a link or no folder, or the system does not let it be made.
    """
    try:
        if path.is_symlink():
            raise make_link_error(path)
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise make_unwritable_error(path, error) from error


def make_link_error(path: Path) -> OutputError:
    """The error for a link where a run folder has a file or a folder of its own."""
    return OutputError(
        f"{path} is a link, and nothing is written through links in a run folder.",
        slug="output-is-link",
        hint="Remove the link, or put what it leads to in its place, then repeat the command.",
    )


def _make_no_file_error(path: Path) -> OutputError:
    return OutputError(
        f"{path} is a pipe or a device, not a file.",
        slug="file-unwritable",
        hint="Remove it, then repeat the command.",
    )


def make_unwritable_error(path: Path, error: OSError) -> OutputError:
    """The error for a place that the operating system does not let be written."""
    # Of `os.path`, which says no where the system does not let it look.
    parent = path.parent
    if os.path.exists(parent) and not os.path.isdir(parent):  # noqa: PTH110, PTH112
        hint = f"Choose another place: {parent} is no folder."
    elif error.errno not in (errno.EACCES, errno.EPERM) and not os.path.exists(parent):  # noqa: PTH110
        hint = f"Make the folder {parent} first, or choose another place."
    elif os.path.isdir(path):  # noqa: PTH112
        hint = "A folder of that name is in the way; choose another name."
    else:
        hint = "Free some space, allow writing there or choose another place."
    why = os.strerror(error.errno) if error.errno else str(error)
    return OutputError(f"{path} cannot be written: {why}.", slug="file-unwritable", hint=hint)


def _name_aside(path: Path) -> Path:
    return path.with_name(f".{path.name[:_KEPT]}.{secrets.token_hex(8)}.part")


def _lock_folder(path: Path) -> int | None:
    """Lock a folder so that it is not taken for abandoned."""
    return None if _IS_WINDOWS else _keep_locked(os.open(path, os.O_RDONLY | _NO_LINK))


def _keep_locked(handle: int) -> int | None:
    """Lock what is open, until the handle is closed; Windows, which would keep us out, does not."""
    if _IS_WINDOWS:
        os.close(handle)
        return None
    try_lock(handle)
    return handle
