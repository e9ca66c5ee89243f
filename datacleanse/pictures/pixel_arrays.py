"""Where decoded pictures lie: in memory, or in a file that is mapped into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.errors import OutputError
from datacleanse.memory_bound import measure_free_memory
from datacleanse.storage.mapped_files import limit_memory, map_new_file, release_mapped

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MEMORY_SHARE = 0.25
"""Share of the free memory that the pixels of one source may take; training needs the rest."""

_BLOCK = 1 << 22


def allocate(shape: tuple[int, ...], scratch: Path) -> NDArray[np.uint8]:
    """Make an array of bytes: in memory if there is room, else in a nameless file in ``scratch``.

    The file has no name, so it goes with the array, or with the process, however that ends. Its
    space is taken at once: a disk that fills up later would kill the process, not raise an error.

    Raises:
        OutputError: the file does not fit on the disk.
    """
    size = int(np.prod(shape, dtype=np.int64))
    if size <= MEMORY_SHARE * limit_memory(measure_free_memory()):
        return np.zeros(shape, np.uint8)
    try:
        mapped = map_new_file(size, scratch)
    except OutputError as error:
        raise OutputError(
            f"The decoded pictures take {error.message}",
            slug="pictures-no-space",
            hint="Free some space, choose another disk with --out, or a smaller --image-size.",
        ) from error
    return np.frombuffer(mapped, np.uint8).reshape(shape)


def move_to_front(values: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Move some rows, ascending, to the array's front; no second array is made."""
    block = max(1, _BLOCK // max(1, values[0].nbytes)) if len(values) else 1
    if len(rows) < len(values):
        for start in range(0, len(rows), block):
            here = rows[start : start + block]
            values[start : start + len(here)] = values[here]
            release_mapped()
    return values[: len(rows)]
