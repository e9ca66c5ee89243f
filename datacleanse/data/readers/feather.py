"""Arrow's own files: Feather version 2 (= the IPC file) and the IPC stream, one or several."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.feather as pafeather

from datacleanse.data.interface import ROWS_AT_ONCE, TypedValues
from datacleanse.data.messages import quote_error
from datacleanse.data.saved_datasets import join_saved
from datacleanse.data.sources import make_unreadable_error
from datacleanse.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse.data.interface import Request
    from datacleanse.data.sources import Location

_FILE_MAGIC = b"ARROW1"
_FEATHER_1_MAGIC = b"FEA1"


class FeatherReader(TypedValues):
    """Reads what `pyarrow.feather`, `DataFrame.to_feather` and Arrow's IPC writers write."""

    suffixes = (".feather", ".arrow")
    compressible = False

    def peek(self, location: Location, *, request: Request) -> pa.Schema:
        """The columns; the first version of Feather is read whole for them."""
        del request
        with _open_arrow(location, location.path) as file:
            return file.schema

    def read(self, location: Location, *, request: Request) -> pa.Table:
        """Read all record batches."""
        del request
        return join_saved(location.name, [_read_file(location, path) for path in location.paths])

    def read_portions(self, location: Location, *, request: Request) -> Iterator[pa.Table]:
        """Yield a part of a record batch at a time; the first version of Feather is read whole."""
        del request
        for path in location.paths:
            with _open_arrow(location, path) as file:
                for batch in _read_batches(file):
                    for start in range(0, batch.num_rows, ROWS_AT_ONCE):
                        yield pa.Table.from_batches([batch.slice(start, ROWS_AT_ONCE)])


def _read_file(location: Location, path: str) -> pa.Table:
    with _open_arrow(location, path) as file:
        return file if isinstance(file, pa.Table) else file.read_all()


@contextmanager
def _open_arrow(
    location: Location,
    path: str,
) -> Iterator[pa.Table | pa.RecordBatchFileReader | pa.RecordBatchStreamReader]:
    """Open one of the files within this block by what its first bytes say it is."""
    try:
        with location.filesystem.open_input_file(path) as handle:
            magic = handle.read(len(_FILE_MAGIC))
            handle.seek(0)
            if magic == _FILE_MAGIC:
                yield pa.ipc.open_file(handle)
            elif magic.startswith(_FEATHER_1_MAGIC):
                yield pafeather.read_table(handle)
            else:
                yield pa.ipc.open_stream(handle)
    except PermissionError as error:
        raise make_unreadable_error(location.name, error) from error
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            f"{location.name} is not a readable Arrow file: {quote_error(error)}.",
            slug="file-damaged",
            hint="The file is cut off or not what its ending says; copy or write it again.",
        ) from error


def _read_batches(
    file: pa.Table | pa.RecordBatchFileReader | pa.RecordBatchStreamReader,
) -> Iterator[pa.RecordBatch]:
    if isinstance(file, pa.Table):
        yield from file.to_batches()
    elif isinstance(file, pa.RecordBatchFileReader):
        yield from map(file.get_batch, range(file.num_record_batches))
    else:
        yield from file
