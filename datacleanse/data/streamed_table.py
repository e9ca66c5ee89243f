"""Parquet shards that are larger than memory: read once in portions, into a mapped table.

Every portion is brought to the types that all shards agree on and written to a file without a name.
Text that repeats, and dictionaries of the shards' own, become codes in the file beside one
dictionary in memory. What comes out equals what reading all at once gives, in other chunks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from datacleanse.data.columns import is_text
from datacleanse.data.packing import MARK, repeats_often
from datacleanse.data.plain_types import make_plain
from datacleanse.storage.mapped_tables import TableFile

if TYPE_CHECKING:
    from collections.abc import Iterable


def keep_portions(portions: Iterable[pa.Table]) -> pa.Table:
    """Write portions to a mapped file, and return them as one table.

    Args:
        portions: one at least, of the same columns and types.

    Raises:
        OutputError: there is no room on the disk.
    """
    kept: _Kept | None = None
    with TableFile() as file:
        for portion in portions:
            if kept is None:
                kept = _Kept(portion, file)
            kept.add(portion)
        assert kept is not None
        return kept.finish()


class _Kept:
    """A table on its way to the disk."""

    def __init__(self, head: pa.Table, file: TableFile) -> None:
        """Decide by the first portion which columns are held as codes."""
        self._schema = head.schema
        self._codes = {
            place: _Codes(field.type)
            for place, field in enumerate(head.schema)
            if pa.types.is_dictionary(field.type)
            or (is_text(field.type) and repeats_often(head.column(place)))
        }
        self._file = file

    def add(self, portion: pa.Table) -> None:
        """Write the next portion."""
        cells = [
            self._codes[place].number(column) if place in self._codes else make_plain(column)
            for place, column in enumerate(portion.columns)
        ]
        self._file.write(pa.table(cells, names=[str(k) for k in range(len(cells))]))

    def finish(self) -> pa.Table:
        """The table, mapped."""
        table = self._file.map_table()
        columns, fields = [], []
        for place, field in enumerate(self._schema):
            column = table.column(place)
            codes = self._codes.get(place)
            metadata = field.metadata
            if codes is not None:
                column = codes.name(column)
                if not codes.is_declared:
                    metadata = {**(metadata or {}), **MARK}
            columns.append(column)
            fields.append(pa.field(field.name, column.type, metadata=metadata))
        return pa.Table.from_arrays(columns, schema=pa.schema(fields, self._schema.metadata))


class _Codes:
    """A column by the numbers of its distinct values, in the order in which they are met."""

    def __init__(self, kind: pa.DataType) -> None:
        self.is_declared = pa.types.is_dictionary(kind)
        self._kind = kind.value_type if self.is_declared else kind
        self._values = pa.array([], self._kind)

    def number(self, cells: pa.ChunkedArray) -> pa.ChunkedArray:
        """(n,) int32 numbers of the cells' values; null where a cell is."""
        parts = []
        for chunk in cells.chunks:
            coded = chunk if self.is_declared else chunk.dictionary_encode()
            if coded.dictionary.null_count:
                coded = coded.cast(self._kind).dictionary_encode()
            parts.append(self._renumber(coded))
        return pa.chunked_array(parts, pa.int32())

    def _renumber(self, coded: pa.DictionaryArray) -> pa.Array:
        met = coded.dictionary.cast(self._kind)
        is_new = pc.is_null(pc.index_in(met, value_set=self._values))
        new = pc.unique(met.filter(is_new))
        if len(new):
            self._values = pa.concat_arrays([self._values, new])
        number_of = pc.index_in(met, value_set=self._values)
        return number_of.take(coded.indices)

    def name(self, numbers: pa.ChunkedArray) -> pa.ChunkedArray:
        """The cells again, all by one dictionary."""
        return pa.chunked_array(
            [
                pa.DictionaryArray.from_arrays(chunk, self._values, safe=False)
                for chunk in numbers.chunks
            ],
            pa.dictionary(pa.int32(), self._kind),
        )
