"""Ask the C library to hand freed memory back, so that the peak is what is in use."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

M_MMAP_THRESHOLD = -3
"""glibc's name for the setting, from malloc.h."""

LARGE = 2**20
"""Bytes from which an array gets pages of its own, which go back when it is freed.

glibc would raise the limit to 32 MiB by itself once such an array was freed, and keep the holes
that later ones leave. At a million rows that is a third of the peak (`benchmarks/cost/scaling.py`).
"""

TRIM_SECONDS = 0.5
"""How often the holes left by smaller arrays, those of the batches, are handed back. Pages of
their own for those would double the time of a step."""


def return_freed_memory() -> None:
    """Set it for this process. Call before pyarrow is imported. Does nothing outside glibc."""
    if not sys.platform.startswith("linux"):
        return
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim"):
        libc.mallopt(M_MMAP_THRESHOLD, LARGE)
        threading.Thread(target=_trim, args=(libc.malloc_trim,), daemon=True).start()


def _trim(malloc_trim: Callable[[int], int]) -> None:
    wait = threading.Event().wait
    while not wait(TRIM_SECONDS):
        malloc_trim(0)
