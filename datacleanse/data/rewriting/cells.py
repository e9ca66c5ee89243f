"""Changed labels in a table in memory, in the column's own type or notation."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.data.class_names import number_classes
from datacleanse.data.columns import MISSING_TEXTS
from datacleanse.data.interface import SpelledRows
from datacleanse.data.spelled_rows import is_plain_json
from datacleanse.errors import InputError

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
    stays = _find_staying(edits, here)
    return table if stays is None else table.filter(stays)


def edit_spelled(rows: SpelledRows, edits: Edits, *, label: str, first: int) -> SpelledRows:
    """The rows that stay, with their new labels as the notation spells them.

    Args:
        rows: rows ``first`` and on.
        edits: by row of the whole table.
        label: the column to change.
        first: row number of the first one here.
    """
    here = range(first, first + rows.table.num_rows)
    texts = {row: text for row, text in edits.labels.items() if row in here}
    if rows.notation == "json":
        old = rows.table.column(label)
        texts = {row: _spell_for_json(text, old[row - first]) for row, text in texts.items()}
    table = apply_edits(rows.table, replace(edits, labels=texts), label=label, first=first)
    quoted = dict(rows.quoted)
    if texts and rows.notation == "text":
        # A new label is a name, even if it reads like a missing value.
        flags = np.zeros(len(here), dtype=bool)
        if label in quoted:
            flags = quoted[label].to_numpy().copy()
        flags[[row - first for row in texts]] = [each in MISSING_TEXTS for each in texts.values()]
        quoted[label] = pa.chunked_array([pa.array(flags)])
    stays = _find_staying(edits, here)
    if stays is not None:
        quoted = {name: cells.filter(stays) for name, cells in quoted.items()}
    return SpelledRows(table, rows.notation, quoted)


def _find_staying(edits: Edits, here: range) -> pa.Array | None:
    """Which of these rows stay, (n,); None: all."""
    dropped = [row - here.start for row in edits.dropped if row in here]
    if not dropped:
        return None
    stays = np.ones(len(here), dtype=bool)
    stays[dropped] = False
    return pa.array(stays)


def _spell_for_json(label: str, old: pa.StringScalar) -> str:
    """A label as a JSON value: without quotes only where the old one had none and JSON allows."""
    was_text = old.is_valid and old.as_py().startswith('"')
    is_plain = not was_text and is_plain_json(label)
    return label if is_plain else json.dumps(label, ensure_ascii=False)


def _relabel_values(column: pa.ChunkedArray, texts: dict[int, str]) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _relabel_categories(column, texts)
    if isinstance(kind, pa.BaseExtensionType):
        storage = pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type)
        changed = _relabel_values(storage, texts)
        chunks = [pa.ExtensionArray.from_storage(kind, chunk) for chunk in changed.chunks]
        return pa.chunked_array(chunks, kind)
    new = _type_labels(list(texts.values()), kind)
    # Take from both: the places of the changed rows point behind the column.
    places = np.arange(len(column))
    places[list(texts)] = len(column) + np.arange(len(texts))
    return pa.chunked_array([*column.chunks, new], kind).take(pa.array(places))


def _type_labels(texts: list[str], kind: pa.DataType) -> pa.Array:
    """The new labels in the column's type.

    Raises:
        InputError: one does not fit it.
    """
    try:
        return pa.array(texts, pa.string()).cast(kind)
    except pa.ArrowInvalid as error:
        raise InputError(
            f"A new label does not fit the label column, which holds {kind}: {error}.",
            slug="label-type",
            hint="Change that decision, or write to a format without types, e.g. -o cleaned.csv.",
        ) from error


def _relabel_categories(column: pa.ChunkedArray, texts: dict[int, str]) -> pa.ChunkedArray:
    """The dictionary keeps its order; a class that it lacks is added to its end."""
    kind = column.type
    whole = column.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.chunk(0)
    values = whole.dictionary
    new = _type_labels(list(dict.fromkeys(texts.values())), kind.value_type)
    known = set(values.to_pylist())
    lacking = [value for value in new.to_pylist() if value not in known]
    values = pa.concat_arrays([values, pa.array(lacking, kind.value_type)])
    index = {value: code for code, value in reversed(list(enumerate(values.to_pylist())))}
    codes = whole.indices.to_numpy(zero_copy_only=False).astype(np.float64)
    typed = pa.array(list(texts.values()), pa.string()).cast(kind.value_type).to_pylist()
    codes[list(texts)] = [index[value] for value in typed]
    indices = pa.array(codes, from_pandas=True).cast(kind.index_type)
    return pa.chunked_array([pa.DictionaryArray.from_arrays(indices, values, ordered=kind.ordered)])
