"""Arrow's own files: schema, metadata and batches stay; a stream stays a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.feather as pafeather

from datacleanse.data.rewriting.cells import apply_edits

if TYPE_CHECKING:
    from datacleanse.data.rewriting.interface import Rewriting

_FILE_MAGIC = b"ARROW1"
_FEATHER_1_MAGIC = b"FEA1"


class FeatherRewriter:
    """Writes Arrow's own files, ``.feather`` packed by LZ4 and ``.arrow`` not at all."""

    suffixes = (".feather", ".arrow")

    def rewrite(self, task: Rewriting, sink: pa.NativeFile) -> None:
        """Write the whole table again with the schema and the kind of file that it had."""
        location = task.location
        packing = "lz4" if location.suffix == ".feather" and pa.Codec.is_available("lz4") else None
        options = pa.ipc.IpcWriteOptions(compression=packing)
        with location.filesystem.open_input_file(location.path) as handle:
            magic = handle.read(len(_FILE_MAGIC))
            handle.seek(0)
            if magic.startswith(_FEATHER_1_MAGIC):
                table, new = pafeather.read_table(handle), pa.ipc.new_file
            elif magic == _FILE_MAGIC:
                table, new = pa.ipc.open_file(handle).read_all(), pa.ipc.new_file
            else:
                table, new = pa.ipc.open_stream(handle).read_all(), pa.ipc.new_stream
        # A file holds one dictionary a column.
        kept = apply_edits(table, task.edits, label=task.label).unify_dictionaries()
        with new(sink, kept.schema, options=options) as writer:
            writer.write_table(kept)
