"""What waits on disk until it is needed again: DATA's table and, where it is large, the matrix.

Training needs the encoded matrix only; the table is needed for the suspects' own columns, and the
matrix again for the final model. Both lie in files that are mapped: they take memory only where
they were read since `release_mapped`. The files have no name any more, so that the system removes
them however the program ends; Windows, which cannot do that, keeps all in memory.
"""

from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING
from weakref import WeakSet

import numpy as np
import pyarrow as pa

from datacleanse.storage.atomic_files import hold_aside
from datacleanse.storage.table_column import ROW_GROUP

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any, BinaryIO

    from numpy.typing import NDArray

LARGE = 2**24
"""Bytes of a matrix from which a file pays."""

BYTES_AT_ONCE = 2**22
"""Bytes of a matrix, about, that are copied at a time."""

_mapped: WeakSet[mmap.mmap] = WeakSet()


def park_table(table: pa.Table, path: Path) -> pa.Table:
    """Move a table to disk: the same table, mapped from a nameless file that lay beside ``path``.

    The caller should drop the table that it passed.
    """
    if os.name == "nt":
        return table
    with hold_aside(path) as aside:
        _write_table(aside, table)
        mapped = _map_file(aside)
    return pa.ipc.open_file(pa.py_buffer(mapped)).read_all()


def park_rows(matrix: NDArray[Any], path: Path) -> NDArray[Any]:
    """Move a matrix (M, ...) to disk as `park_table` does; a small one is returned as it is."""
    if os.name == "nt" or matrix.nbytes < LARGE:
        return matrix
    with hold_aside(path) as aside:
        with aside.open("wb") as file:
            write_rows(file, matrix)
        mapped = _map_file(aside)
    rows: NDArray[Any] = np.frombuffer(mapped, matrix.dtype).reshape(matrix.shape)
    return rows


def write_rows(file: BinaryIO, rows: Any) -> None:  # noqa: ANN401  # what arrays of rows share
    """Write the bytes of (M, ...) rows; a portion at a time, so that no copy of all is made."""
    size = rows.dtype.itemsize * int(np.prod(rows.shape[1:]))
    step = max(1, BYTES_AT_ONCE // max(1, size))
    for start in range(0, len(rows), step):
        portion = rows[np.arange(start, min(start + step, len(rows)))]
        file.write(np.ascontiguousarray(portion).data)


def release_mapped() -> None:
    """Advise the system to take back what was read of parked files; reading it again is slower."""
    for mapped in _mapped:
        mapped.madvise(mmap.MADV_DONTNEED)


def take_parked(table: pa.Table, rows: NDArray[np.int64]) -> pa.Table:
    """Take (K,) ascending rows a portion at a time: Arrow would first join a column's parts."""
    parts = []
    for start in range(0, max(1, table.num_rows), ROW_GROUP):
        first, end = np.searchsorted(rows, (start, start + ROW_GROUP))
        parts.append(table.slice(start, ROW_GROUP).take(pa.array(rows[first:end] - start)))
        release_mapped()
    return pa.concat_tables(parts).unify_dictionaries()


def _write_table(path: Path, table: pa.Table) -> None:
    # An Arrow file holds one dictionary a column, a table may hold one a chunk.
    unified = table.unify_dictionaries()
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, unified.schema) as writer:
        writer.write_table(unified)


def _map_file(path: Path) -> mmap.mmap:
    with path.open("r+b") as file:
        # Shared and writable only because torch wants arrays that it might write to.
        mapped = mmap.mmap(file.fileno(), 0)
    _mapped.add(mapped)
    return mapped
