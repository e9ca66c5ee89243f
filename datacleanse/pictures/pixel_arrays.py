"""Where decoded pictures lie: in memory, or in a file that is mapped into it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.errors import OutputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MEMORY_SHARE = 0.25
"""Share of the free memory that the pixels of one source may take; training needs the rest."""

_UNKNOWN = 4 << 30
"""Bytes taken to be free where the system does not tell."""
_BLOCK = 1 << 22


def allocate(shape: tuple[int, ...], scratch: Path) -> NDArray[np.uint8]:
    """Make an array of bytes: in memory if there is room, else in a nameless file in ``scratch``.

    The file has no name, so it goes with the array, or with the process, however that ends. Its
    space is taken at once: a disk that fills up later would kill the process, not raise an error.

    Raises:
        OutputError: the file does not fit on the disk.
    """
    size = int(np.prod(shape, dtype=np.int64))
    if size <= MEMORY_SHARE * measure_free_memory():
        return np.zeros(shape, np.uint8)
    place = _find_existing(scratch)
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            _reserve(file.fileno(), size)
            return np.memmap(file, np.uint8, mode="r+", shape=shape)
    except OSError as error:
        raise OutputError(
            f"The decoded pictures take {size / 2**20:,.0f} MiB, more than fits into memory, and "
            f"cannot be kept in {place}: {error.strerror or error}.",
            slug="pictures-no-space",
            hint="Free some space, choose another disk with --out, or a smaller --image-size.",
        ) from error


def measure_free_memory() -> int:
    """Bytes of main memory that can be taken without pushing anything out."""
    about = Path("/proc/meminfo")
    if about.is_file():
        for line in about.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    names = getattr(os, "sysconf_names", {})
    if "SC_AVPHYS_PAGES" in names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return _UNKNOWN


def move_to_front(values: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Move some rows, ascending, to the array's front; no second array is made."""
    block = max(1, _BLOCK // max(1, values[0].nbytes)) if len(values) else 1
    if len(rows) < len(values):
        for start in range(0, len(rows), block):
            here = rows[start : start + block]
            values[start : start + len(here)] = values[here]
    return values[: len(rows)]


def _find_existing(place: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    place = place.absolute()
    # What lies in a folder that may not be entered is not there, as far as can be told.
    while not os.path.isdir(place) and place != place.parent:  # noqa: PTH112
        place = place.parent
    return place


def _reserve(handle: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, size)
        return
    blank = bytes(_BLOCK)
    for start in range(0, size, _BLOCK):
        os.write(handle, blank[: min(_BLOCK, size - start)])
