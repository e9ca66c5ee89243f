"""Parquet: schema, metadata, row groups and each column's compression stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from datacleanse.data.rewriting.cells import apply_edits
from datacleanse.data.sources import SHARD_SUFFIX

if TYPE_CHECKING:
    from datacleanse.data.rewriting.interface import Rewriting

_CODECS = {"UNCOMPRESSED": "NONE", "LZ4_RAW": "LZ4"}
"""Codecs that readers call otherwise than writers."""


class ParquetRewriter:
    """Writes Parquet, one row group at a time."""

    suffixes = (SHARD_SUFFIX,)

    def rewrite(self, task: Rewriting, sink: pa.NativeFile) -> None:
        """Write each row group again with the schema and the compression that it had."""
        with (
            task.location.filesystem.open_input_file(task.location.path) as handle,
            pq.ParquetFile(handle) as file,
            pq.ParquetWriter(sink, file.schema_arrow, compression=_find_codecs(file)) as writer,
        ):
            first = 0
            for group in range(file.num_row_groups):
                table = file.read_row_group(group)
                kept = apply_edits(table, task.edits, label=task.label, first=first)
                first += table.num_rows
                if kept.num_rows:
                    writer.write_table(kept, row_group_size=kept.num_rows)


def _find_codecs(file: pq.ParquetFile) -> dict[str, str] | str:
    if not file.num_row_groups:
        return "NONE"
    group = file.metadata.row_group(0)
    columns = [group.column(place) for place in range(group.num_columns)]
    named = {
        each.path_in_schema: _CODECS.get(each.compression, each.compression) for each in columns
    }
    return {
        path: codec if codec == "NONE" or pa.Codec.is_available(codec.lower()) else "ZSTD"
        for path, codec in named.items()
    }
