"""Arrow's own files: Feather version 2 (= the IPC file) and the IPC stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.feather as pafeather

from datacleanse.data.messages import said
from datacleanse.data.sources import unreadable
from datacleanse.errors import InputError

if TYPE_CHECKING:
    from datacleanse.data.interface import Request
    from datacleanse.data.messages import said
from datacleanse.data.sources import Location

_FILE_MAGIC = b"ARROW1"
_FEATHER_1_MAGIC = b"FEA1"


class FeatherReader:
    """Reads what `pyarrow.feather`, `DataFrame.to_feather` and Arrow's IPC writers write."""

    suffixes = (".feather", ".arrow")
    compressible = False

    def read(self, location: Location, *, request: Request) -> pa.Table:
        """Read all record batches."""
        del request
        try:
            with location.filesystem.open_input_file(location.path) as handle:
                magic = handle.read(len(_FILE_MAGIC))
                handle.seek(0)
                if magic == _FILE_MAGIC:
                    return pa.ipc.open_file(handle).read_all()
                if magic.startswith(_FEATHER_1_MAGIC):
                    return pafeather.read_table(handle)
                return pa.ipc.open_stream(handle).read_all()
        except PermissionError as error:
            raise unreadable(location.name, error) from error
        except (pa.ArrowException, OSError) as error:
            raise InputError(
                f"{location.name} is not a readable Arrow file: {said(error)}.",
                slug="file-damaged",
                hint="The file is cut off or not what its ending says; copy or write it again.",
            ) from error
