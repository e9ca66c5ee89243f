"""A table that waits on disk while the network trains.

Training needs the encoded matrix only; the table is wanted again for the suspects' own columns.
Meanwhile it lies in an Arrow file and is mapped, so that it takes memory only where it is read.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def parked(table: pa.Table, path: Path) -> Iterator[pa.Table]:
    """Write ``table`` to ``path`` and give it back mapped; the file goes when the block ends.

    The caller should let go of the table it passed. On Windows, where a mapped file cannot be
    removed, the table itself is given back.
    """
    if os.name == "nt":
        yield table
        return
    try:
        _write(table, path)
        del table
        with pa.memory_map(str(path)) as source:
            yield pa.ipc.open_file(source).read_all()
    finally:
        path.unlink(missing_ok=True)


def _write(table: pa.Table, path: Path) -> None:
    # An Arrow file holds one dictionary a column, a table may hold one a chunk.
    unified = table.unify_dictionaries()
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, unified.schema) as writer:
        writer.write_table(unified)
