"""Where encoded pictures lie: files, a column of Parquet, a column in memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datacleanse.data.readers.parquet import open_parquet
from datacleanse.pictures.file_bytes import check_length, give_bytes, read_file, try_blob
from datacleanse.pictures.signatures import PictureError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from datacleanse.data.sources import Location
    from datacleanse.pictures.interface import Blob, Store

_BATCH = 64
"""Rows of a Parquet column that are held at a time."""


@dataclass(frozen=True)
class FileStore:
    """One file a picture.

    Attributes:
        paths: of each row; a `PictureError` stands for one that is not looked for.
    """

    paths: Sequence[str | PictureError]

    def __len__(self) -> int:
        """Number of pictures N."""
        return len(self.paths)

    def iterate_blobs(self, rows: NDArray[np.int64]) -> Iterator[tuple[int, Blob]]:
        """Yield rows, (K,) ascending, each with what reads its file."""
        for row in rows.tolist():
            yield row, partial(read_file, self.paths[row])


def _read_cell(cells: pa.Array, place: int) -> bytes:
    """The bytes of one cell of a column.

    Raises:
        PictureError: the cell is null, or longer than any picture.
    """
    value = cells[place].as_buffer()
    if value is None:
        raise PictureError("has no bytes (null); a path beside them is not followed")
    check_length(value.size)
    return bytes(value)


@dataclass(frozen=True)
class ColumnStore:
    """A column of bytes in memory."""

    cells: pa.ChunkedArray

    def __len__(self) -> int:
        """Number of pictures N."""
        return len(self.cells)

    def iterate_blobs(self, rows: NDArray[np.int64]) -> Iterator[tuple[int, Blob]]:
        """Yield rows, (K,) ascending, each with what copies its cell."""
        start = 0
        for chunk in self.cells.chunks:
            here = rows[(rows >= start) & (rows < start + len(chunk))]
            for row in here.tolist():
                yield row, partial(_read_cell, chunk, row - start)
            start += len(chunk)


@dataclass(frozen=True)
class ParquetStore:
    """A column of bytes in Parquet, read a few rows at a time whenever it is asked for.

    Attributes:
        location: the file or its shards.
        column: dotted path of the bytes, e.g. ``image`` or ``image.bytes``.
        groups: rows of each row group of each of the location's paths.
    """

    location: Location
    column: str
    groups: tuple[tuple[int, ...], ...]

    def __len__(self) -> int:
        """Number of pictures N."""
        return sum(sum(counts) for counts in self.groups)

    def iterate_blobs(self, rows: NDArray[np.int64]) -> Iterator[tuple[int, Blob]]:
        """Yield rows, (K,) ascending, each with its bytes, read a few at a time."""
        start = 0
        for path, counts in zip(self.location.paths, self.groups, strict=True):
            with open_parquet(self.location, path) as file:
                for group, count in enumerate(counts):
                    here = rows[(rows >= start) & (rows < start + count)] - start
                    if len(here):
                        for place, blob in self._iterate_group(file, group, here):
                            yield start + place, blob
                    start += count

    def _iterate_group(
        self, file: pa.parquet.ParquetFile, group: int, places: NDArray[np.int64]
    ) -> Iterator[tuple[int, Blob]]:
        """Yield some rows of a row group, by their places in it."""
        start = 0
        for batch in file.iter_batches(_BATCH, row_groups=[group], columns=[self.column]):
            wanted = places[(places >= start) & (places < start + batch.num_rows)]
            if len(wanted):
                cells = select_bytes(batch.column(0))
                for place in wanted.tolist():
                    # The bytes now, so that the rest of the batch need not be held.
                    yield (
                        place,
                        partial(give_bytes, try_blob(partial(_read_cell, cells, place - start))),
                    )
            start += batch.num_rows


@dataclass(frozen=True)
class JoinedStore:
    """The pictures of two stores, those of the first before those of the second."""

    first: Store
    second: Store

    def __len__(self) -> int:
        """Number of pictures N."""
        return len(self.first) + len(self.second)

    def iterate_blobs(self, rows: NDArray[np.int64]) -> Iterator[tuple[int, Blob]]:
        """Yield rows, (K,) ascending, each with what gives its bytes."""
        n = len(self.first)
        yield from self.first.iterate_blobs(rows[rows < n])
        for row, blob in self.second.iterate_blobs(rows[rows >= n] - n):
            yield n + row, blob


def make_parquet_store(location: Location, column: str) -> ParquetStore:
    """A store of a column of bytes in Parquet, which is left where it is."""
    groups = []
    for path in location.paths:
        with open_parquet(location, path) as file:
            about = file.metadata
            counts = [about.row_group(group).num_rows for group in range(about.num_row_groups)]
        groups.append(tuple(counts))
    return ParquetStore(location, column, tuple(groups))


def select_bytes(cells: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """The bytes of a column that holds them plainly or in a field of that name."""
    if pa.types.is_struct(cells.type):
        cells = pc.struct_field(cells, cells.type.get_field_index("bytes"))
    return cells
