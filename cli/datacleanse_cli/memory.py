"""Ask the C library to hand freed memory back, so that the peak is what is in use."""

from __future__ import annotations

import ctypes
import os
import sys

M_MMAP_THRESHOLD = -3
"""glibc's name for the setting, from malloc.h."""

LARGE = 2**20
"""Bytes from which an array gets pages of its own, which go back when it is freed.

glibc would raise the limit to 32 MiB by itself once such an array was freed, and keep the holes
that later ones leave. At a million rows that is a third of the peak (`benchmarks/scaling.py`).
"""


def return_freed_memory() -> None:
    """Set it for this process. Call before pyarrow is imported. Does nothing outside glibc."""
    if not sys.platform.startswith("linux"):
        return
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE)
