"""Locks on files that the system lets go of however their holder ends."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TAKEN = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
"""What systems say of a lock that somebody else holds."""

_OPENED = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


_held: set[int] = set()
"""Open files of the locks that this process holds."""


def _let_go() -> None:
    """Leave the locks to the parent: a lock lasts until all who hold its open file have closed it.

    A child that outlives its parent by a moment would keep the run from being resumed.
    """
    for handle in _held:
        os.close(handle)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


class InUseError(Exception):
    """Somebody else holds the lock."""


if sys.platform == "win32":
    import msvcrt

    def try_lock(handle: int, *, is_shared: bool = False) -> bool:
        """Lock an open file until its handle is closed; whether nobody else holds it.

        Windows has no locks that several may hold: a shared one is not taken at all.
        """
        if is_shared:
            return True
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            return error.errno not in _TAKEN
        return True

else:
    import fcntl

    def try_lock(handle: int, *, is_shared: bool = False) -> bool:
        """Lock an open file until its handle is closed; whether nobody else holds it.

        A file system that knows no locks lets everybody have them.
        """
        kind = fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno not in _TAKEN
        return True


@contextmanager
def hold_lock(path: Path, *, is_shared: bool = False) -> Iterator[None]:
    """Hold a lock file, which is made for the time of the block.

    Args:
        path: the lock file.
        is_shared: whether others may hold it at the same time, if they share it, too.

    Raises:
        InUseError: somebody else holds it.
        OSError: the system does not let the file be made; a link of its name is not followed.
    """
    handle = _open_locked(path, is_shared=is_shared)
    _held.add(handle)
    try:
        yield
    finally:
        _held.discard(handle)
        # The last holder removes the file, while nobody else can take the lock.
        if os.name != "nt" and try_lock(handle) and _is_same(handle, path):
            with suppress(OSError):
                path.unlink()
        os.close(handle)
        if os.name == "nt":
            with suppress(OSError):  # somebody else has it open
                path.unlink()


def _open_locked(path: Path, *, is_shared: bool) -> int:
    while True:
        handle = os.open(path, _OPENED, 0o666)
        try:
            if not try_lock(handle, is_shared=is_shared):
                raise InUseError
            if os.name == "nt" or _is_same(handle, path):
                return handle
        except BaseException:
            os.close(handle)
            raise
        # Its last holder removed it between the two calls: the lock is on nothing.
        os.close(handle)


def _is_same(handle: int, path: Path) -> bool:
    """Whether an open file still has this name."""
    try:
        named = path.lstat()
    except OSError:
        return False
    return os.path.samestat(os.fstat(handle), named)
