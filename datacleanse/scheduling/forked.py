"""A task in a forked process: it sees all that this one holds, and copies none of it.

The child is bound to its parent: it ignores the terminal's signals, which are the parent's affair,
and ends when the parent does, however that ends. What it says goes through a pipe: see `messages`.
"""

from __future__ import annotations

import ctypes
import gc
import os
import pickle
import signal
import sys
import traceback
import warnings
from contextlib import suppress
from mmap import mmap
from multiprocessing.connection import Connection, Pipe, wait
from typing import TYPE_CHECKING, Any, NoReturn

from datacleanse.scheduling.interface import CannotBeDoneThereError
from datacleanse.scheduling.messages import receive, send

if TYPE_CHECKING:
    from collections.abc import Callable

_DIE_WITH_PARENT = 1
"""``PR_SET_PDEATHSIG`` of Linux."""

_ASKED, _TOLD, _DONE, _FAILED, _SHORT = range(5)


def can_fork() -> bool:
    """Whether tasks may run in forked processes here.

    Only Linux: on macOS libraries of the system break in a forked process, Windows has none. Not
    where a GPU is in use: its driver serves the process alone that spoke to it first. Not in a rank
    of several: threads of it talk to the others, and would be missing in the child.
    """
    torch = sys.modules.get("torch")
    if sys.platform != "linux" or (torch is not None and torch.cuda.is_initialized()):
        return False
    ranks = sys.modules.get("torch.distributed")
    return ranks is None or not (ranks.is_available() and ranks.is_initialized())


class Parent:
    """The parent as a child sees it."""

    def __init__(self, connection: Connection, pid: int, flag: mmap) -> None:
        self._connection, self._pid, self._flag = connection, pid, flag

    def is_unwanted(self) -> bool:
        """Whether the child is asked to stop, or nobody waits for it any more."""
        return self._flag[0] != 0 or os.getppid() != self._pid

    def tell(self, name: str, *what: object) -> None:
        """Tell the parent something."""
        self._send(_TOLD, (name, what))

    def ask(self, name: str, *what: object) -> None:
        """Tell the parent something, and wait until it has dealt with it."""
        self._send(_ASKED, (name, what))
        self._connection.recv_bytes()

    def _send(self, kind: int, what: object) -> None:
        send(self._connection, (kind, what))


class Child:
    """A child as its parent sees it; a `Running`."""

    def __init__(
        self,
        pid: int,
        connection: Connection,
        flag: mmap,
        listen: Callable[[str, tuple[Any, ...]], None] | None,
    ) -> None:
        self._pid: int | None = pid
        self.is_served = listen is not None
        self.connection = connection
        self._flag, self._listen = flag, listen
        self._end: tuple[int, Any] | None = None

    def attend(self) -> bool:
        """Deal with what the child has said; whether it is through.

        Raises:
            Exception: whatever the listener raises.
        """
        while self._end is None and self.connection.poll():
            try:
                kind, what = receive(self.connection)
            except (EOFError, OSError):
                # It was killed, for want of memory perhaps.
                self._end = (_SHORT, None)
                break
            if kind in (_TOLD, _ASKED):
                if self._listen is not None:
                    self._listen(*what)
                if kind == _ASKED:
                    with suppress(OSError):  # it is noticed at the next look
                        self.connection.send_bytes(b"")
            else:
                self._end = (kind, what)
        return self._end is not None

    def ask_to_stop(self) -> None:
        """Ask the child to stop as soon as nothing is lost by it."""
        self._flag[0] = 1

    def take(self) -> Any:  # noqa: ANN401  # whatever the task gives
        """What the task gave.

        Raises:
            CannotBeDoneThereError: the child had too little memory, or was killed.
            Exception: what the task raised.
        """
        while not self.attend():
            wait([self.connection])
        self.end()
        assert self._end is not None
        kind, what = self._end
        if kind == _FAILED:
            raise _unpack_error(*what)
        if kind == _SHORT:
            raise CannotBeDoneThereError
        return what

    def end(self) -> None:
        """Kill the child if it still runs."""
        if self._pid is None:
            return
        pid, self._pid = self._pid, None
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)
        self.connection.close()


def fork(
    work: Callable[[Parent], Any],
    listen: Callable[[str, tuple[Any, ...]], None] | None = None,
) -> Child | None:
    """Begin work in a forked process.

    Args:
        work: given the parent; returns what can be pickled. A `CannotBeDoneThereError` of its own
            says that the work is to be done elsewhere.
        listen: told here of what the child says; None: it says nothing before its end.

    Returns:
        The child; None where the system does not let a process be started.
    """
    ours, theirs = Pipe()
    flag, parent = mmap(-1, 1), os.getpid()
    for stream in (sys.stdout, sys.stderr):
        # What waits in them would be written twice.
        with suppress(Exception):
            stream.flush()
    try:
        with warnings.catch_warnings():
            # Of threads beside this one: the child computes, and takes no lock that they may hold.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
    except OSError:
        ours.close()
        theirs.close()
        return None
    if pid == 0:
        ours.close()
        _be_child(work, Parent(theirs, parent, flag))
    theirs.close()
    return Child(pid, ours, flag, listen)


def _be_child(work: Callable[[Parent], Any], parent: Parent) -> NoReturn:
    """Do the work, tell its end, and leave without what Python does at an exit."""
    code = 1
    try:
        _bind_to(parent)
        # Nothing is freed that the parent made: its pages stay shared.
        gc.freeze()
        parent._send(*_work_through(work, parent))
        code = 0
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    finally:
        os._exit(code)


def _bind_to(parent: Parent) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent._pid:
        os._exit(1)


def _work_through(work: Callable[[Parent], Any], parent: Parent) -> tuple[int, Any]:
    try:
        return _DONE, work(parent)
    except CannotBeDoneThereError:
        return _SHORT, None
    except BaseException as error:
        return _FAILED, _pack_error(error)


def _pack_error(error: BaseException) -> tuple[BaseException | None, str, str]:
    """The error if it can be pickled and read again, its last line, and its traceback."""
    told = "".join(traceback.format_exception(error))
    last = traceback.format_exception_only(error)[-1].strip()
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # whatever a foreign class raises
        return None, last, told
    return error, last, told


class _RaisedThereError(Exception):
    """Where an error arose: the traceback of the child."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def _unpack_error(error: BaseException | None, last: str, told: str) -> BaseException:
    found = RuntimeError(last) if error is None else error
    found.__cause__ = _RaisedThereError(told)
    return found
