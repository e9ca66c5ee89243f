"""Names of classes that a table's metadata hold beside whole numbers, as Hugging Face writes them.

A `datasets.ClassLabel` is stored as an integer column. What its numbers mean stands in the schema's
metadata under ``huggingface``, as JSON: ``{"info": {"features": {"label": {"names": ["cat", ...],
"_type": "ClassLabel"}}}}``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datacleanse.data.messages import format_list, format_rows, quote_value
from datacleanse.errors import InputError
from datacleanse.records import Notice

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_KEY = b"huggingface"
_KIND = "ClassLabel"
_UNLABELLED = -1
"""What Hugging Face writes where a label is missing."""


def find_class_names(schema: pa.Schema) -> dict[str, tuple[str, ...]]:
    """The names of the classes 0, 1, ... of each column whose numbers have some."""
    try:
        features = json.loads((schema.metadata or {})[_KEY])["info"]["features"]
        named = {name: _read_names(feature) for name, feature in features.items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}  # none, or written by something else
    return {
        name: names
        for name, names in named.items()
        if names and name in schema.names and pa.types.is_integer(schema.field(name).type)
    }


def _read_names(feature: Any) -> tuple[str, ...]:  # noqa: ANN401  # JSON
    """The names of a feature; none where it is no class label, or its names say nothing."""
    if not isinstance(feature, dict) or feature.get("_type") != _KIND:
        return ()
    names = tuple(feature["names"])
    is_sound = all(isinstance(name, str) and name for name in names)
    return names if is_sound and len(set(names)) == len(names) else ()


def add_class_names(table: pa.Table, names: Mapping[str, Sequence[str]]) -> pa.Table:
    """The table with the names in its metadata, in Hugging Face's own form."""
    features = {name: {"names": list(each), "_type": _KIND} for name, each in names.items()}
    told = json.dumps({"info": {"features": features}}).encode()
    return table.replace_schema_metadata({**(table.schema.metadata or {}), _KEY: told})


def name_classes(
    table: pa.Table, among: Iterable[str], source: str
) -> tuple[pa.Table, dict[str, tuple[str, ...]]]:
    """The table with numbers of classes replaced by their names, and these by column.

    Args:
        table: as a reader gave it, with its metadata.
        among: columns that may be concerned: those that hold labels.
        source: how messages name the table.

    Raises:
        InputError: a number has no name.
    """
    wanted = set(among)
    found = {
        column: names
        for column, names in find_class_names(table.schema).items()
        if column in wanted
    }
    for column, names in found.items():
        at = table.schema.get_field_index(column)
        table = table.set_column(at, column, _name_cells(table.column(at), names, source))
    return table, found


def _name_cells(cells: pa.ChunkedArray, names: tuple[str, ...], source: str) -> pa.ChunkedArray:
    codes = pc.if_else(pc.equal(cells, _UNLABELLED), None, cells.cast(pa.int64()))
    known = pc.and_(pc.greater_equal(codes, 0), pc.less(codes, len(names)))
    odd = np.flatnonzero(pc.fill_null(pc.invert(known), False).to_numpy())
    if len(odd):
        raise InputError(
            f"{source}: a label is {codes[int(odd[0])].as_py()}, but the metadata name "
            f"{_say_numbers(len(names))}: {format_rows(odd[:5].tolist(), total=len(odd))}.",
            slug="class-without-name",
            hint="Check the program that wrote the file, or write it without the metadata "
            "'huggingface'.",
        )
    indices = codes.cast(pa.int32())
    values = pa.array(names, pa.string())
    return pa.chunked_array(
        [pa.DictionaryArray.from_arrays(chunk, values) for chunk in indices.chunks],
        pa.dictionary(pa.int32(), pa.string()),
    )


def _say_numbers(n_names: int) -> str:
    return "the class 0 alone" if n_names == 1 else f"the classes 0 to {n_names - 1}"


def number_classes(labels: Mapping[int, str], column: str, schema: pa.Schema) -> dict[int, str]:
    """New labels as the numbers that a column holds in place of their names; else themselves.

    Args:
        labels: by row.
        column: that they are to be written to.
        schema: the table's, with its metadata.

    Raises:
        InputError: a label is none of the names.
    """
    names = find_class_names(schema).get(column)
    if names is None:
        return dict(labels)
    code = {name: str(number) for number, name in enumerate(names)}
    for row, label in labels.items():
        if label not in code:
            raise InputError(
                f"The label {quote_value(label)} of row {row} is none of the classes that the "
                f"file's metadata name: {format_list([quote_value(name) for name in names])}.",
                slug="class-without-name",
                hint="Use one of these, or write to a file with another ending, e.g. .csv.",
            )
    return {row: code[label] for row, label in labels.items()}


def note_class_names(
    column: str | None, found: Mapping[str, Sequence[str]], source: str
) -> list[Notice]:
    """Say that the numbers of the label column are shown by their names, where they are."""
    if column is None or column not in found:
        return []
    names = [f"{code} is {quote_value(name)}" for code, name in enumerate(found[column])]
    message = (
        f"The classes of column '{column}' are called by the names that the metadata of {source} "
        f"give them: {format_list(names)}."
    )
    return [Notice("label-names-from-metadata", message)]
