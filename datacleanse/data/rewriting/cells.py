"""Changed labels in a table in memory, in the column's own type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.data.class_names import number_classes

if TYPE_CHECKING:
    from datacleanse.data.rewriting.interface import Edits


def apply_edits(table: pa.Table, edits: Edits, *, label: str, first: int = 0) -> pa.Table:
    """The rows that stay, with their new labels; schema and metadata as before.

    Args:
        table: rows ``first`` and on.
        edits: by row of the whole table.
        label: the column to change.
        first: row number of the first one here.
    """
    here = range(first, first + table.num_rows)
    changed = [row for row in edits.labels if row in here]
    if changed:
        place = table.schema.get_field_index(label)
        named = {row: edits.labels[row] for row in changed}
        texts = number_classes(named, label, table.schema)
        texts = {row - first: text for row, text in texts.items()}
        cells = _relabel_values(table.column(place), texts)
        field = table.schema.field(place)
        table = table.set_column(place, field, cells)
    dropped = [row - first for row in edits.dropped if row in here]
    if not dropped:
        return table
    stays = np.ones(len(here), dtype=bool)
    stays[dropped] = False
    return table.filter(pa.array(stays))


def _relabel_values(column: pa.ChunkedArray, texts: dict[int, str]) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _relabel_categories(column, texts)
    if isinstance(kind, pa.BaseExtensionType):
        storage = pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type)
        changed = _relabel_values(storage, texts)
        chunks = [pa.ExtensionArray.from_storage(kind, chunk) for chunk in changed.chunks]
        return pa.chunked_array(chunks, kind)
    new = pa.array(list(texts.values()), pa.string()).cast(kind)
    # Take from both: the places of the changed rows point behind the column.
    places = np.arange(len(column))
    places[list(texts)] = len(column) + np.arange(len(texts))
    return pa.chunked_array([*column.chunks, new], kind).take(pa.array(places))


def _relabel_categories(column: pa.ChunkedArray, texts: dict[int, str]) -> pa.ChunkedArray:
    """The dictionary keeps its order; a class that it lacks is added to its end."""
    kind = column.type
    whole = column.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.chunk(0)
    values = whole.dictionary
    new = pa.array(list(dict.fromkeys(texts.values())), pa.string()).cast(kind.value_type)
    known = set(values.to_pylist())
    lacking = [value for value in new.to_pylist() if value not in known]
    values = pa.concat_arrays([values, pa.array(lacking, kind.value_type)])
    index = {value: code for code, value in reversed(list(enumerate(values.to_pylist())))}
    codes = whole.indices.to_numpy(zero_copy_only=False).astype(np.float64)
    typed = pa.array(list(texts.values()), pa.string()).cast(kind.value_type).to_pylist()
    codes[list(texts)] = [index[value] for value in typed]
    indices = pa.array(codes, from_pandas=True).cast(kind.index_type)
    return pa.chunked_array([pa.DictionaryArray.from_arrays(indices, values, ordered=kind.ordered)])
