"""What waits on disk until it is needed again: DATA's table and, where they are large, arrays.

Training needs the encoded matrix only; the table is needed for the suspects' own columns, and the
matrix again for the final model. Both lie in files that are mapped: they take memory only where
they were read since `release_mapped`. So do arrays with a value a row, where the rows are many: see
`make_rows`. The files have no name any more, so that the system removes them however the program
ends; Windows, which cannot do that, keeps all in memory.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakSet

import numpy as np

from datacleanse.errors import OutputError
from datacleanse.storage.atomic_files import hold_aside
from datacleanse.storage.table_column import ROW_GROUP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, BinaryIO

    from numpy.typing import DTypeLike, NDArray

LARGE = 2**24
"""Bytes of an array from which a file pays."""

LARGE_INPUTS = 2**29
"""Bytes of inputs in main memory from which batches are drawn in runs, and the second opinion on a
table learns from some rows."""

BYTES_AT_ONCE = 2**22
"""Bytes of a matrix, about, that are copied at a time."""

_mapped: WeakSet[mmap.mmap] = WeakSet()


@dataclass(frozen=True)
class _Disk:
    """Where arrays lie that are kept out of memory."""

    folder: Path
    """Folder, or one to be, on whose disk they lie."""
    least: int
    """Bytes from which on an array lies there."""
    allowed: int | None
    """Bytes of memory that may be taken in all; None: those that are free."""


_disk: ContextVar[_Disk | None] = ContextVar("disk", default=None)
"""A setting of the thread, as the number of threads is: what an array holds is the same wherever it
lies. Threads that were not told keep their arrays in memory."""


@contextmanager
def keep_on_disk(
    folder: Path, least: int | None = None, allowed: int | None = None
) -> Iterator[None]:
    """Let `make_rows` put arrays of at least so many bytes into files within the block.

    Args:
        folder: folder, or one to be, on whose disk they lie.
        least: bytes; None: `LARGE`.
        allowed: see `limit_memory`.
    """
    token = _disk.set(_Disk(folder, LARGE if least is None else least, allowed))
    try:
        yield
    finally:
        _disk.reset(token)


def limit_memory(free: int) -> int:
    """Bytes of memory that may be taken: those that are free, or less where less is allowed."""
    disk = _disk.get()
    return free if disk is None or disk.allowed is None else min(free, disk.allowed)


def is_kept_on_disk(size: int, least: int = 0) -> bool:
    """Whether so many bytes lie in a file; ``least``: below it they do not."""
    disk = _disk.get()
    return disk is not None and size >= max(1, disk.least, least) and os.name != "nt"


def make_rows(shape: tuple[int, ...], dtype: DTypeLike, fill: float = 0) -> NDArray[Any]:
    """Make an array: in memory, or in a mapped file where `keep_on_disk` says so of its size.

    Raises:
        OutputError: there is no room on the disk.
    """
    kind = np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
    disk = _disk.get()
    if disk is None or not is_kept_on_disk(size):
        return np.zeros(shape, kind) if fill == 0 else np.full(shape, fill, kind)
    rows: NDArray[Any] = np.frombuffer(map_new_file(size, disk.folder), kind).reshape(shape)
    if fill != 0:
        for part in split_rows(rows):
            part[...] = fill
    return rows


def keep_rows(values: NDArray[Any]) -> NDArray[Any]:
    """Return the array, or a copy of it in a mapped file where `keep_on_disk` says so."""
    return copy_rows(values) if is_kept_on_disk(values.nbytes) else values


def copy_rows(values: NDArray[Any]) -> NDArray[Any]:
    """Copy an array to where `make_rows` puts one of its size.

    Raises:
        OutputError: there is no room on the disk.
    """
    if not is_kept_on_disk(values.nbytes):
        return values.copy()
    kept = make_rows(values.shape, values.dtype)
    for own, given in zip(split_rows(kept), split_rows(values), strict=True):
        own[...] = given
    return kept


def split_rows(values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield the array's rows, some at a time, and let go of what was read of mapped files."""
    for start in range(0, len(values), ROW_GROUP):
        read_ahead(values, start, start + 2 * ROW_GROUP)
        yield values[start : start + ROW_GROUP]
        release_mapped()


def take_spread(values: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
    """Copy (K,) ascending rows of an array from all over it, a part of the array at a time."""
    taken = np.empty((len(rows), *values.shape[1:]), values.dtype)
    for number, part in enumerate(split_rows(values)):
        start = number * ROW_GROUP
        first, end = np.searchsorted(rows, (start, start + len(part)))
        taken[first:end] = part[rows[first:end] - start]
    return taken


def read_ahead(values: NDArray[Any], start: int, end: int) -> None:
    """Ask the system to read rows that are wanted next, in one piece; ``end`` may be too large."""
    _fetch(values, [(start, min(end, len(values)))])


def fetch_runs(values: NDArray[Any], rows: NDArray[np.int64]) -> None:
    """Ask the system to read rows at some positions, runs of neighbours each at once."""
    if not len(rows) or not is_mapped(values):
        return
    ordered, size = np.sort(rows), values[:1].nbytes
    breaks = np.flatnonzero(np.diff(ordered) * size > mmap.PAGESIZE)
    firsts = ordered[np.append(0, breaks + 1)]
    ends = ordered[np.append(breaks, len(ordered) - 1)] + 1
    _fetch(values, zip(firsts.tolist(), ends.tolist(), strict=True))


def _fetch(values: NDArray[Any], runs: Iterable[tuple[int, int]]) -> None:
    """Ask for runs of rows, each from its start to its end.

    Does nothing where the array lies in memory or its rows apart, or the system cannot be asked.
    """
    address = values.__array_interface__["data"][0]
    mapped = find_mapped(address)
    if mapped is None or not values.flags.c_contiguous or not hasattr(mmap, "MADV_WILLNEED"):
        return
    size, before = values[:1].nbytes, address - _find_address(mapped)
    for first, end in runs:
        start = (before + first * size) // mmap.PAGESIZE * mmap.PAGESIZE
        mapped.madvise(mmap.MADV_WILLNEED, start, before + end * size - start)


def is_mapped(values: NDArray[Any]) -> bool:
    """Whether an array lies in a mapped file already."""
    return find_mapped(values.__array_interface__["data"][0]) is not None


def find_mapped(address: int) -> mmap.mmap | None:
    """Find the mapped file that an address lies in."""
    for mapped in _mapped:
        start = _find_address(mapped)
        if start <= address < start + len(mapped):
            return mapped
    return None


def _find_address(mapped: mmap.mmap) -> int:
    address: int = np.frombuffer(mapped, np.uint8).__array_interface__["data"][0]
    return address


def map_new_file(size: int, folder: Path) -> mmap.mmap:
    """Map a new file without a name, of zeros, on the disk of a folder or one to be.

    Its space is taken at once: a disk that fills up later would kill the process, not raise an
    error.

    Raises:
        OutputError: there is no room.
    """
    place = find_existing(folder)
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            reserve(file.fileno(), size)
            mapped = mmap.mmap(file.fileno(), size)
    except OSError as error:
        raise make_no_room_error(f"{size / 2**20:,.0f} MiB do", place, error) from error
    if hasattr(mmap, "MADV_RANDOM"):
        # Else Linux keeps the file in pieces of 2 MiB, each of which counts as a whole where one
        # row of it is read: decision 73.
        mapped.madvise(mmap.MADV_RANDOM)
    _mapped.add(mapped)
    return mapped


def make_no_room_error(what: str, place: Path, error: OSError) -> OutputError:
    """Make the error of what finds no room on a disk."""
    return OutputError(
        f"{what} not fit into memory, and cannot be kept in {place}: {error.strerror or error}.",
        slug="disk-full",
        hint="Free some space, or choose another disk with --out.",
    )


def find_existing(place: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    place = place.absolute()
    # What lies in a folder that may not be entered is not there, as far as can be told.
    while not os.path.isdir(place) and place != place.parent:  # noqa: PTH112
        place = place.parent
    return place


def reserve(handle: int, size: int) -> None:
    """Take so many bytes of the disk for an empty file."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, size)
        return
    blank = bytes(BYTES_AT_ONCE)
    for start in range(0, size, BYTES_AT_ONCE):
        os.write(handle, blank[: min(BYTES_AT_ONCE, size - start)])


def park_rows(matrix: NDArray[Any], path: Path) -> NDArray[Any]:
    """Move a matrix (M, ...) to disk as `park_table` does; a small one is returned as it is."""
    if os.name == "nt" or matrix.nbytes < LARGE or is_mapped(matrix):
        return matrix
    with hold_aside(path) as aside:
        with aside.open("wb") as file:
            write_rows(file, matrix)
        mapped = map_file(aside)
    rows: NDArray[Any] = np.frombuffer(mapped, matrix.dtype).reshape(matrix.shape)
    return rows


def write_rows(file: BinaryIO, rows: Any) -> None:  # noqa: ANN401  # what arrays of rows share
    """Write the bytes of (M, ...) rows; a portion at a time, so that no copy of all is made."""
    size = rows.dtype.itemsize * int(np.prod(rows.shape[1:]))
    step = max(1, BYTES_AT_ONCE // max(1, size))
    for start in range(0, len(rows), step):
        portion = rows[np.arange(start, min(start + step, len(rows)))]
        file.write(np.ascontiguousarray(portion).data)
        release_mapped()


def release_mapped() -> None:
    """Advise the system to take back what was read of parked files; reading it again is slower."""
    for mapped in _mapped:
        mapped.madvise(mmap.MADV_DONTNEED)


def map_array(path: Path) -> NDArray[Any]:
    """Map what `numpy.save` wrote, so that `release_mapped` lets go of it, too.

    An array without values is read, since there is nothing to map.
    """
    if os.name == "nt":
        loaded: NDArray[Any] = np.load(path, mmap_mode="r")
        return loaded
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, _, kind = read(file)
        start = file.tell()
    if not np.prod(shape):
        return np.empty(shape, kind)
    count = int(np.prod(shape, dtype=np.int64))
    rows: NDArray[Any] = np.frombuffer(map_file(path), kind, count, start).reshape(shape)
    return rows


def map_file(path: Path) -> mmap.mmap:
    """Map a file."""
    with path.open("r+b") as file:
        # Shared and writable only because torch wants arrays that it might write to.
        return map_handle(file.fileno())


def map_handle(handle: int) -> mmap.mmap:
    """Map an open file, which may be closed then."""
    mapped = mmap.mmap(handle, 0)
    _mapped.add(mapped)
    return mapped


def find_disk() -> Path:
    """The folder on whose disk arrays are kept; the current one where none is."""
    disk = _disk.get()
    return find_existing(Path() if disk is None else disk.folder)


def open_nameless(values: memoryview) -> BinaryIO:
    """Write bytes to a new file without a name, on the disk of `keep_on_disk`.

    Raises:
        OutputError: there is no room.
    """
    place = find_disk()
    with ExitStack() as stack:
        try:
            file = stack.enter_context(tempfile.TemporaryFile(dir=place))
            reserve(file.fileno(), len(values))
            for start in range(0, len(values), BYTES_AT_ONCE):
                file.write(values[start : start + BYTES_AT_ONCE])
                release_mapped()
            file.flush()
        except OSError as error:
            raise make_no_room_error(f"{len(values) / 2**20:,.0f} MiB do", place, error) from error
        stack.pop_all()
    return file
