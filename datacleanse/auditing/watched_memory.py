"""The memory of this process while something is done in it."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOK_SECONDS = 0.01
"""Between two looks. What comes and goes within a step of a training lasts longer."""


@dataclass
class Watched:
    """What was seen."""

    before: int
    """Bytes that the process had before."""
    peak: int
    """Bytes that it had at most."""


@contextmanager
def watch_memory() -> Iterator[Watched]:
    """Look at this process' memory all through the block. What it had earlier does not count."""
    now = measure_resident()
    seen, is_over = Watched(now, now), threading.Event()

    def look() -> None:
        while not is_over.wait(LOOK_SECONDS):
            seen.peak = max(seen.peak, measure_resident())

    watcher = threading.Thread(target=look, name="memory", daemon=True)
    # Where address space is short there may be no room for a thread: then the end is looked at.
    with suppress(RuntimeError):
        watcher.start()
    try:
        yield seen
    finally:
        is_over.set()
        if watcher.ident is not None:
            watcher.join()
        seen.peak = max(seen.peak, measure_resident())


def measure_resident() -> int:
    """Bytes of memory that this process has; 0 where the system does not tell.

    Where it tells no more than the most so far, that: what is added to it is seen all the same.
    """
    try:
        import resource
    except ImportError:  # Windows
        return 0
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        # Linux counts in KiB, macOS in bytes.
        scale = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale
    return int(pages) * resource.getpagesize()
