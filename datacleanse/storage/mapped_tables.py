"""A table that waits on disk until it is needed again, mapped; see `mapped_files`."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.storage.atomic_files import hold_aside
from datacleanse.storage.mapped_files import (
    find_disk,
    find_existing,
    find_mapped,
    make_no_room_error,
    map_file,
    map_handle,
    release_mapped,
)
from datacleanse.storage.table_column import ROW_GROUP

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Self

    from numpy.typing import NDArray


def is_table_mapped(table: pa.Table) -> bool:
    """Whether a table's cells lie in a mapped file already."""
    chunks = [chunk for column in table.columns for chunk in column.chunks[:1]]
    buffers = [buffer for chunk in chunks for buffer in chunk.buffers() if buffer is not None]
    return any(find_mapped(buffer.address) is not None for buffer in buffers)


def park_table(table: pa.Table, path: Path) -> pa.Table:
    """Move a table to disk: the same table, mapped from a nameless file that lay beside ``path``.

    The caller should drop the table that it passed.
    """
    if os.name == "nt" or is_table_mapped(table):
        return table
    with hold_aside(path) as aside:
        _write_table(aside, table)
        mapped = map_file(aside)
    return pa.ipc.open_file(pa.py_buffer(mapped)).read_all()


class TableFile:
    """A table that is written to a nameless file a portion at a time, then mapped."""

    def __init__(self, folder: Path | None = None) -> None:
        """Make the file; ``folder``: see `keep_on_disk`, whose folder None takes.

        Raises:
            OutputError: the system does not let it be made.
        """
        self._place = find_disk() if folder is None else find_existing(folder)
        self._writer: pa.RecordBatchFileWriter | None = None
        with self._named():
            self._file = tempfile.TemporaryFile(dir=self._place)  # noqa: SIM115  # see `__exit__`

    def __enter__(self) -> Self:
        """Return the file, which leaving the block closes; what is mapped of it stays."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        with suppress(OSError, pa.ArrowException):
            if self._writer is not None:
                self._writer.close()
        with suppress(OSError):
            self._file.close()

    def write(self, portion: pa.Table) -> None:
        """Add rows; all portions have one schema, without dictionaries.

        Raises:
            OutputError: there is no room.
        """
        with self._named():
            if self._writer is None:
                self._writer = pa.ipc.new_file(self._file, portion.schema)
            self._writer.write_table(portion)

    def map_table(self) -> pa.Table:
        """End the file, and map it.

        Raises:
            OutputError: there is no room.
        """
        assert self._writer is not None
        with self._named():
            self._writer.close()
            self._file.flush()
            mapped = map_handle(self._file.fileno())
        return pa.ipc.open_file(pa.py_buffer(mapped)).read_all()

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise make_no_room_error("DATA's table does", self._place, error) from error


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
