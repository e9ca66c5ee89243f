"""The memory of the process: freed memory handed back, and limits set by the system heeded."""

from __future__ import annotations

import ctypes
import gc
import mmap
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from datacleanse.errors import MemoryShortError

if TYPE_CHECKING:
    from collections.abc import Sequence

M_MMAP_THRESHOLD = -3
"""glibc's name for the setting, from malloc.h."""

SMALL = 2**29
"""Bytes of memory up to which a process keeps what it has freed, for itself to take again: pages
handed back must be made anew, which takes longer than what is computed in them. Libraries alone
take two thirds of it. Measured: decision 66."""

LOOK_SECONDS = 0.1
"""How often it is looked whether the process has become larger."""

LARGE = 2**20
"""Bytes from which an array of a larger process gets pages of its own, which go back when it is
freed.

glibc would raise the limit to 32 MiB by itself once such an array was freed, and keep the holes
that later ones leave. At a million rows that is a third of the peak (`benchmarks/cost/scaling.py`).
"""

TRIM_SECONDS = 0.5
"""How often the holes left by smaller arrays, those of the batches, are handed back. Pages of
their own for those would double the time of a step."""


M_ARENA_MAX = -8
"""glibc's name for the setting, from malloc.h."""

ARENA = 2**27
"""Bytes of address space that glibc maps for a thread: its heap, and its stack beside it."""

MEBIBYTE = 2**20

OBJECTS = 100_000
"""New objects, some tens of mebibytes at most, after which Python looks for garbage."""

_SIZES = Path("/proc/self/statm")

LIBRARIES = 480
"""Mebibytes of address space that NumPy, pandas and Arrow take before there is a row, with one
thread each. Measured (`ulimit -v`, Linux, two cores, 40 to 150 rows): with 450 libraries do not
load, with 460 Arrow waits for ever for a thread, with 400 OpenBLAS for memory; 470 to 550
suffice."""

TORCH = 900
"""The same with torch, to predict or to export: 930 are too few, 1,000 suffice."""

TRAINING = 1000
"""The same to train a small network: 1,000 are too few, 1,100 suffice."""

LEAST = {
    **dict.fromkeys(("sample", "report", "review", "apply"), LIBRARIES),
    **dict.fromkeys(("predict", "explain", "export"), TORCH),
    **dict.fromkeys(("audit", "demo"), TRAINING),
}
"""By command."""


def find_limit() -> int | None:
    """Find how many bytes of address space the process may have; None: there is no limit."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY else limit


def heed_limit(words: Sequence[str]) -> None:
    """Refuse a command for which the address space cannot suffice; be sparing where it is scarce.

    Call before anything large is imported.

    Args:
        words: of the command line.

    Raises:
        MemoryShortError: the limit is below what the command takes.
    """
    limit = find_limit()
    command = next((word for word in words if word in LEAST), None)
    if limit is None or command is None or {"-h", "--help"} & set(words):
        return
    is_without_torch = any(word.endswith(".onnx") for word in words)
    mebibytes = LIBRARIES if command == "predict" and is_without_torch else LEAST[command]
    least = mebibytes * MEBIBYTE
    if limit < least:
        raise MemoryShortError(
            f"This process may have {limit / MEBIBYTE:,.0f} MiB of address space (ulimit -v), and "
            f"`datacleanse {command}` takes {mebibytes:,} MiB before it reads a row.",
            slug="out-of-memory",
            hint="Raise the limit, e.g. by `ulimit -v unlimited`, then repeat the command.",
        )
    if limit < least + ARENA * (os.cpu_count() or 1):
        # Threads map space of their own, and some libraries wait for ever for what they do not get.
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ARROW_IO_THREADS"):
            os.environ[name] = "1"
        if sys.platform.startswith("linux"):
            libc = ctypes.CDLL(None)
            if hasattr(libc, "mallopt"):
                libc.mallopt(M_ARENA_MAX, 1)


def make_shortage_error() -> MemoryShortError:
    """The error for memory that ran out, with what there is of it and what to do."""
    limit = find_limit()
    if limit is not None:
        there = f"the process may have {limit / MEBIBYTE:,.0f} MiB of address space (ulimit -v)"
        cure = "Raise the limit, e.g. by `ulimit -v unlimited`, then repeat the command; or give"
    else:
        there = f"this machine has {_measure_machine():,.0f} MiB"
        cure = "End other programs, then repeat the command; or give"
    return MemoryShortError(
        f"Memory ran out: {there}.",
        slug="out-of-memory",
        hint=f"{cure} fewer rows or columns, or a smaller --batch-size.",
    )


def _measure_machine() -> float:
    """Mebibytes of memory that the machine has; 0 where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / MEBIBYTE
    except (AttributeError, ValueError, OSError):  # Windows
        return 0.0


def return_freed_memory() -> None:
    """Hand freed memory back to the system as soon as this process is large.

    Call before pyarrow is imported. Does nothing outside glibc.
    """
    if not sys.platform.startswith("linux"):
        return
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim"):
        with suppress(RuntimeError):  # a thread for which there is no memory
            threading.Thread(target=_trim, args=(libc,), daemon=True).start()


def collect_rarely() -> None:
    """Look for objects that hold each other after many new ones, not after each few hundred.

    Libraries make hundreds of thousands of objects that stay: to look through them again and again
    takes a tenth of the time that they load in.
    """
    gc.set_threshold(OBJECTS)


def _trim(libc: ctypes.CDLL) -> None:
    wait = threading.Event().wait
    while _measure_resident() < SMALL:
        wait(LOOK_SECONDS)
    libc.mallopt(M_MMAP_THRESHOLD, LARGE)
    while True:
        libc.malloc_trim(0)
        wait(TRIM_SECONDS)


def _measure_resident() -> int:
    """Bytes of memory that the process has now."""
    return int(_SIZES.read_bytes().split()[1]) * mmap.PAGESIZE
