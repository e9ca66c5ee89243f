"""Text that repeats, held as a dictionary to save memory, and marked so that it can be undone."""

from __future__ import annotations

import pyarrow as pa

from datacleanse.data.columns import find_distinct, is_text
from datacleanse.data.plain_types import make_plain

MARK = {b"datacleanse": b"packed"}
"""Field metadata of dictionaries that the source did not have."""
CONTENT_MARK = {b"datacleanse": b"content"}
"""Field metadata of a column of hashes of what a row is about and lies elsewhere: a picture's
bytes."""
_HEAD = 10_000


def find_declared_categories(table: pa.Table) -> frozenset[str]:
    """Names of the dictionary columns that the source itself had."""
    return frozenset(
        field.name
        for field in table.schema
        if pa.types.is_dictionary(field.type) and not _is_packed(field)
    )


def _is_packed(field: pa.Field) -> bool:
    return bool(field.metadata) and MARK.items() <= field.metadata.items()


def pack_table(table: pa.Table, *, declared: frozenset[str]) -> pa.Table:
    """Plain types only; text that repeats is packed where that is smaller.

    Args:
        table: as a reader gave it.
        declared: dictionary columns to leave as they are.
    """
    for position, field in enumerate(table.schema):
        if _is_packed(field):  # as it was read
            continue
        column = table.column(position)
        cells = _convert_to_plain(column)
        packed = _pack_cells(cells) if is_text(cells.type) and field.name not in declared else None
        if packed is not None:
            marked = pa.field(field.name, packed.type, metadata=MARK)
            table = table.set_column(position, marked, packed)
        elif cells is not column:
            table = table.set_column(position, field.name, cells)
    return table.replace_schema_metadata(None)


def unpack_table(table: pa.Table) -> pa.Table:
    """The table with packed columns as plain text again."""
    for position, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type) and _is_packed(field):
            cells = table.column(position).cast(field.type.value_type)
            table = table.set_column(position, field.name, cells)
    return table


def _convert_to_plain(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    cells = make_plain(cells)
    if pa.types.is_dictionary(cells.type):
        has_null_value = any(chunk.dictionary.null_count for chunk in cells.chunks)
        return _make_one_dictionary(cells) if has_null_value else cells
    return cells


def _make_one_dictionary(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as one dictionary that holds each value once, and no null."""
    found = find_distinct(cells)
    codes = pa.array(found.codes, mask=found.codes < 0)
    return pa.chunked_array([pa.DictionaryArray.from_arrays(codes, found.values)])


def _pack_cells(cells: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """The column as one dictionary, None if values repeat too seldom for that to be smaller."""
    if not pa.types.is_dictionary(cells.type) and not repeats_often(cells):
        return None
    return _make_one_dictionary(cells)


def repeats_often(cells: pa.Array | pa.ChunkedArray) -> bool:
    """Whether texts repeat so often, by the first of them, that a dictionary is smaller."""
    head = cells.slice(0, _HEAD)
    return len(head.unique()) <= 0.5 * len(head)


def find_repeating_texts(batch: pa.RecordBatch) -> list[int]:
    """Positions of the text columns that are smaller as dictionaries."""
    return [
        position
        for position, cells in enumerate(batch.columns)
        if is_text(cells.type) and repeats_often(cells)
    ]


def encode_dictionaries(batch: pa.RecordBatch, positions: list[int]) -> pa.RecordBatch:
    """The batch with these columns as dictionaries of its own."""
    arrays = batch.columns
    for position in positions:
        arrays[position] = arrays[position].dictionary_encode()
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)
