"""A run folder in use: begun, gone on with or read, while others are kept from changing it."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain, count
from typing import TYPE_CHECKING

from datacleanse.errors import OutputError, RunFolderError
from datacleanse.storage.atomic_files import (
    clear_abandoned,
    is_aside,
    make_link_error,
    make_own_folder,
    write_aside,
)
from datacleanse.storage.file_locks import InUseError, hold_lock
from datacleanse.storage.manifest.file import write_removed
from datacleanse.storage.run_folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_TRIES = 10
"""Times that a folder is made again which others remove."""


@contextmanager
def begin_folder(
    path: Path, *, force: bool, tell_kept: Callable[[Path], None] = lambda _: None
) -> Iterator[RunFolder]:
    """Make an empty folder for a run, and keep others out while the block fills it.

    What a reviewer decided about a run that gives way is work of hours: it is kept beside.

    Args:
        path: of the folder.
        force: whether a run there gives way.
        tell_kept: called with the file that keeps its decisions, where there are any.

    Raises:
        RunFolderError: there is a run and ``force`` is off, the place holds something that is
            no run, another program writes there, or nothing can be written there.
    """
    folder = RunFolder(path)
    with ExitStack() as stack:
        try:
            # Before anything is made there, and again once nobody else can change it.
            _check_run(folder, force=force)
            stack.enter_context(_make_and_hold(folder))
            _check_run(folder, force=force)
            _check_unfinished(folder, force=force)
            if not _is_vacant(folder):
                _keep_decisions(folder, tell_kept)
                empty_folder(folder)
            for directory in (folder.weights_dir, folder.model_dir, folder.reports_dir):
                make_own_folder(directory)
        except OSError as error:
            raise _make_unwritable_error(path, error) from error
        yield folder


@contextmanager
def reopen_folder(path: Path) -> Iterator[RunFolder]:
    """Give the folder of an unfinished run, and keep others out while the block fills it.

    Raises:
        RunFolderError: another program writes there, or nothing can be written there.
        OutputError: it holds links where a run has folders of its own.
    """
    folder = RunFolder(path)
    own = (folder.weights_dir, folder.model_dir, folder.reports_dir, folder.checkpoint_dir)
    with _make_and_hold(folder):
        for directory in own:
            make_own_folder(directory)
        for directory in (path, *own):
            clear_abandoned(directory)
        yield folder


def check_place(path: Path, *, force: bool) -> None:
    """See whether a run may begin at a place, before anything is read for it.

    Raises:
        RunFolderError: a run that is finished or can be gone on with lies there, and ``force`` does
            not replace it; or what lies there is no run.
    """
    folder = RunFolder(path)
    # What may not be looked at is told when the folder is made.
    with suppress(OSError):
        _check_run(folder, force=force)
        _check_unfinished(folder, force=force)


@contextmanager
def keep_folder(folder: RunFolder) -> Iterator[None]:
    """Keep a run from being replaced while the block reads it or adds to it.

    Several may do so at once. Where no lock can be had, as on a medium that is only read, none is.

    Raises:
        RunFolderError: an audit writes there.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(hold_lock(folder.lock_file, is_shared=True))
        except InUseError as error:
            raise _make_in_use_error(folder.path) from error
        except OSError:
            pass
        yield


def _keep_decisions(folder: RunFolder, tell_kept: Callable[[Path], None]) -> None:
    """Move the decisions beside the folder, under a name that is free."""
    given = folder.decisions_file
    if given.is_symlink() or not given.is_file() or not given.stat().st_size:
        return
    own = folder.path if folder.path.name not in ("", "..") else folder.path.resolve()
    marks = chain([""], (f"-{number}" for number in count(2)))
    names = (f"{own.name}.decisions{mark}.jsonl" for mark in marks)
    kept = next(each for name in names if not os.path.lexists(each := own.with_name(name)))
    given.rename(kept)
    tell_kept(kept)


def say_kept(decisions: Path) -> str:
    """The sentence that tells where the decisions on a run that gave way are kept."""
    return f"The decisions on the run that is replaced are kept: {decisions} (--decisions)."


def empty_folder(folder: RunFolder) -> None:
    """Remove all of a run; one killed meanwhile leaves a folder that gives way."""
    write_removed(folder.manifest_file)
    folder.forget_checkpoint()
    last = (folder.lock_file, folder.manifest_file)
    for entry in folder.path.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry not in last:
            entry.unlink()
    folder.manifest_file.unlink()


def discard_folder(folder: RunFolder) -> None:
    """Remove what a run that failed has left, as far as the system allows."""
    with suppress(OSError, OutputError):
        empty_folder(folder)
        return
    # A full disk, which does not even let it be said that the run is being removed.
    with suppress(OSError):
        for entry in folder.path.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            elif entry != folder.lock_file:
                with suppress(OSError):
                    entry.unlink()


def copy_folder(source: RunFolder, target: RunFolder) -> None:
    """Copy a finished run into an empty folder; `run.json`, which makes it a run, comes last.

    Raises:
        OutputError: the system does not let it be written.
    """
    try:
        write_removed(target.manifest_file)
        own = (source.lock_file, source.manifest_file, source.review_address_file)
        left = shutil.ignore_patterns(*(file.name for file in own))
        shutil.copytree(source.path, target.path, ignore=left, dirs_exist_ok=True)
        with write_aside(target.manifest_file) as aside:
            aside.write_bytes(source.manifest_file.read_bytes())
    except BaseException as error:
        discard_folder(target)
        if isinstance(error, OSError):
            raise _make_unwritable_error(target.path, error) from error
        raise


@contextmanager
def _make_and_hold(folder: RunFolder) -> Iterator[None]:
    """Hold a folder, which is made where it is missing and goes where it is empty in the end."""
    with ExitStack() as stack:
        try:
            _enter(folder, stack)
        except InUseError as error:
            raise _make_in_use_error(folder.path) from error
        except OSError as error:
            raise _make_unwritable_error(folder.path, error) from error
        yield


def _enter(folder: RunFolder, stack: ExitStack) -> None:
    stack.enter_context(_remove_if_empty(folder.path))
    for left in reversed(range(_TRIES)):
        folder.path.mkdir(parents=True, exist_ok=True)
        if folder.lock_file.is_symlink():
            raise make_link_error(folder.lock_file)
        try:
            stack.enter_context(hold_lock(folder.lock_file))
        except FileNotFoundError:
            # A run that failed may have removed the folder between the two.
            if not left:
                raise
        else:
            return


@contextmanager
def _remove_if_empty(path: Path) -> Iterator[None]:
    try:
        yield
    finally:
        with suppress(OSError):
            path.rmdir()


def _check_run(folder: RunFolder, *, force: bool) -> None:
    """Refuse a place that holds a finished run, or something that is none."""
    path = folder.path
    if _is_vacant(folder):
        return
    if not folder.manifest_file.is_file():
        raise RunFolderError(
            f"{path} exists and is no run folder (it has no run.json).",
            slug="run-in-the-way",
            hint="Choose another place with --out; nothing was changed there.",
        )
    if not force and folder.is_finished():
        raise RunFolderError(
            f"{path} already holds a run.",
            slug="run-exists",
            hint="Choose another place with --out, or replace it with --force.",
        )


def _check_unfinished(folder: RunFolder, *, force: bool) -> None:
    """Refuse a run that can be gone on with."""
    if not force and folder.has_checkpoint():
        raise RunFolderError(
            f"{folder.path} holds an unfinished run.",
            slug="run-unfinished",
            hint="Go on with it by --resume, or replace it with --force.",
        )


def _is_vacant(folder: RunFolder) -> bool:
    """Whether nothing lies there but what a run killed in its first moment leaves."""
    path = folder.path
    if not path.exists():
        return True
    first = folder.manifest_file.name
    return path.is_dir() and all(
        is_aside(entry.name, first)
        or entry == folder.lock_file
        or (entry.is_dir() and not entry.is_symlink() and not any(entry.iterdir()))
        for entry in path.iterdir()
    )


def _make_in_use_error(path: Path) -> RunFolderError:
    return RunFolderError(
        f"{path} is in use: another datacleanse is at work there.",
        slug="run-in-use",
        hint="Wait until it is done, or choose another place with --out.",
    )


def _make_unwritable_error(path: Path, error: OSError) -> RunFolderError:
    return RunFolderError(
        f"The run folder {path} cannot be made: {error.strerror or error}.",
        slug="run-not-writable",
        hint="Choose another place with --out.",
    )
