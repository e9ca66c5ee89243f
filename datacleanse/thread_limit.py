"""One thread for whatever a result depends on, so that no number of cores shows in its bytes.

How a matrix product is shared among threads decides in which order its terms are added, and with
it the last digits, which trees and rankings then turn into other rows. The number of threads is one
for a whole process (BLAS, torch) or one a thread (OpenMP), and libraries are loaded on the way: so
it is limited from the first to the last computation of an audit, not around each, and computations
beside it hold the limit too.

One thread is also the fastest for tables, whose products are too small to share: a second one saves
at most a tenth of a step on an idle machine and, where another program wants that core too, makes
it 3.5 times slower (`benchmarks/cost/threads.py`).
"""

from __future__ import annotations

import sys
import threading
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from threadpoolctl import OpenBLASController, ThreadpoolController

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from types import ModuleType


class _ProcessLimit:
    """The limit on what all threads of the process share; whoever leaves last takes it away."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_holders = 0
        self._undo = ExitStack()

    def take(self, torch: ModuleType | None, torch_threads: int) -> None:
        """Hold the limit, and extend it to libraries loaded since it was taken first."""
        with self._lock:
            self._n_holders += 1
            _take_control()
            self._undo.enter_context(_limit("blas"))
            if torch is not None:
                self._undo.callback(torch.set_num_threads, torch_threads)
                torch.set_num_threads(1)

    def give_back(self) -> None:
        """Let go of the limit."""
        with self._lock:
            self._n_holders -= 1
            if not self._n_holders:
                _take_control()
                self._undo.close()


_PROCESS = _ProcessLimit()


def _limit(api: str) -> AbstractContextManager[object]:
    """Limit the libraries of one kind, ``blas`` or ``openmp``, and restore no other one after."""
    found = _find_libraries(len(sys.modules))
    limited: AbstractContextManager[object] = found.select(user_api=api).limit(limits=1)
    return limited


@lru_cache(maxsize=1)
def _find_libraries(n_modules: int) -> ThreadpoolController:
    """Find all libraries with threads: 5 ms, so anew only where modules were loaded since."""
    del n_modules
    return ThreadpoolController()


def _take_control() -> None:
    """Let this thread set OpenBLAS's number.

    Later versions of threadpoolctl let only the first thread that does, and pass over others in
    silence; here a lock keeps them apart.
    """
    let_go = getattr(OpenBLASController, "clear_controlling_thread", None)
    if let_go is not None:
        let_go(force=True)


@contextmanager
def use_one_thread() -> Iterator[None]:
    """Compute with one thread in this block, as far as libraries are loaded by then, torch too.

    Blocks may nest, and be entered in several threads at a time: until the last of them is left
    the whole process computes on one thread each. Then all is as it was before the first.
    """
    # Not imported for its own sake: it takes seconds.
    torch = sys.modules.get("torch")
    # Before OpenMP, where torch looks the number up, is limited.
    torch_threads = 1 if torch is None else torch.get_num_threads()
    with _limit("openmp"):
        _PROCESS.take(torch, torch_threads)
        try:
            yield
        finally:
            _PROCESS.give_back()
