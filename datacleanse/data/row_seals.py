"""What tells whether a row still is what it was: sha256 of its cells, and of its cells and label.

A row's *features digest* is the sha256 of every cell but the label: for each column, in the order
of the names' code points, the name and the cell's text, both as netstrings (``5:hello,``; a missing
cell is ``~``). Where a column is marked as the hash of what the row is about, such as a picture's
bytes, it alone is digested: a picture stays itself wherever it lies. Its `row_sha256` is the sha256
of that digest (64 hexadecimal signs) and of the label's netstring, so that a row can be known again
after its label was mended.

Cells are compared as values, not as typed: 1, 1.0, "1" and "001" are one number, but every digit of
a number counts, those that a float has no room for, too (such numbers had the digest of the nearest
float once; all others keep the digest they had). Null, NaN and an empty text are one, but not the
word ``NA``, where a reader takes it for one: such rows differ, and a decision about the one is not
about the other (words like it had the digest of a missing cell once). ``2020-01-01`` and
``2020-01-01T00:00:00`` are one moment, ``True`` and ``true`` are one truth. So a row keeps its
digest when the type that a reader finds for a column changes with a cell elsewhere, and when the
table is saved in another format in which the same cells are missing.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datacleanse.data.columns import (
    find_distinct,
    is_bytes,
    normalise_text,
    parse_number,
    spell_values,
)
from datacleanse.data.exact_numbers import find_lost_digits, spell_exactly
from datacleanse.data.interface import ROWS_AT_ONCE
from datacleanse.data.packing import CONTENT_MARK

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from datacleanse.records import Dataset

_EXACT = 2.0**53
_MISSING = b"~"
_WHOLE = re.compile(r"[+-]?0*(\d+)(?:\.0*)?")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(\.\d+)?(Z|[+-]\d\d:?\d\d)?)?")


def digest_features(table: pa.Table, *, label: str) -> list[str]:
    """The features digest (hex) of each row, (N,): see the top of this module.

    Args:
        table: N rows with all their columns, as read.
        label: the column to leave out; it may be absent.
    """
    digests: list[str] = []
    for start in range(0, table.num_rows, ROWS_AT_ONCE):
        digests += _digest_portion(table.slice(start, ROWS_AT_ONCE), label)
    return digests


def seal_row(features: str, label: str | None) -> str:
    """The `row_sha256` of a row, from its features digest and its label (None: it has none)."""
    return make_seal(label)(features)


def make_seal(label: str | None) -> Callable[[str], str]:
    """What seals rows of one label, given their features digests; see `seal_row`."""
    end = _encode_netstring(None if label is None else spell_label(label))
    return lambda features: hashlib.sha256(features.encode() + end).hexdigest()


def seal_rows(data: Dataset, rows: NDArray[np.int64]) -> list[str | None]:
    """The `row_sha256` of some rows of a data set, in the order asked for.

    None where the rows have no column beside the label, so that nothing tells them apart.
    """
    name = data.schema.label
    if set(data.table.column_names) <= {name}:
        return [None] * len(rows)
    digests = digest_features(data.table.take(pa.array(rows)), label=name)
    labels = (data.given_labels[code] if code >= 0 else None for code in data.labels[rows])
    return [seal_row(digest, label) for digest, label in zip(digests, labels, strict=True)]


def spell_label(label: str) -> str:
    """The text under which spellings of one class agree: ``1`` and ``1.0``, ``True`` and ``true``.

    Not `spell_value`: a class may bear the name ``NA``, and ``001`` and ``1`` may be two of them.
    """
    return normalise_text(label)


def spell_value(text: str) -> str | None:
    """The text under which equal values agree, whatever they were written as; None: empty."""
    stripped = text.strip()
    if not stripped:
        return None
    if stripped.casefold() in ("true", "false"):
        return stripped.casefold()
    number = parse_number(stripped)
    if number is not None and not math.isnan(number):
        return _spell_number(stripped, number)
    moment = _MOMENT.fullmatch(text)
    return text if moment is None else _spell_moment(*moment.groups())


def _spell_number(text: str, number: float) -> str:
    whole = _WHOLE.fullmatch(text)
    if whole is not None:  # as many digits as there are
        sign = "-" if text.startswith("-") and whole[1] != "0" else ""
        return sign + whole[1]
    lost = find_lost_digits(text, number)
    if lost is not None:
        return spell_exactly(lost)
    return str(int(number)) if number.is_integer() and abs(number) < _EXACT else repr(number)


def _spell_moment(
    day: str, minute: str | None, second: str | None, fraction: str | None, zone: str | None
) -> str:
    fraction = (fraction or "").rstrip("0").rstrip(".")
    clock = f"{minute or '00:00'}{second or ':00'}{fraction}{zone or ''}"
    return day if clock == "00:00:00" else f"{day} {clock}"


def _digest_portion(table: pa.Table, label: str) -> list[str]:
    parts = [
        _encode_cells(name, table.column(place))
        for name, place in _find_digested_columns(table.schema, label)
    ]
    if not parts:
        return [hashlib.sha256().hexdigest()] * table.num_rows
    whole = pc.binary_join_element_wise(*parts, pa.scalar(b"", pa.large_binary()))
    return [hashlib.sha256(cells).hexdigest() for cells in whole.to_pylist()]


def is_known_by_content(table: pa.Table) -> bool:
    """Whether rows are what a picture shows, wherever it lies, and not what their cells say."""
    return any(is_content_hash(field) for field in table.schema)


def is_content_hash(field: pa.Field) -> bool:
    """Whether a column holds hashes that the program added, of what its rows are about."""
    return bool(field.metadata) and CONTENT_MARK.items() <= field.metadata.items()


def _find_digested_columns(schema: pa.Schema, label: str) -> list[tuple[str, int]]:
    """Name and place of the columns whose cells make a row what it is, by name.

    They are all but the label, or those marked so. Names may repeat in a run's suspects.
    """
    named = [(field.name, place) for place, field in enumerate(schema)]
    marked = sorted(each for each in named if is_content_hash(schema.field(each[1])))
    return marked or sorted(each for each in named if each[0] != label)


def _encode_cells(name: str, column: pa.ChunkedArray) -> pa.Array:
    """The column's name and each cell as netstrings, (N,) binary."""
    start = _encode_netstring(name)
    if pa.types.is_null(column.type):
        return pa.array([start + _MISSING] * len(column), pa.large_binary())
    if pa.types.is_nested(column.type) or is_bytes(column.type):
        spelled = [start + _encode_netstring(_spell_nested(value)) for value in column.to_pylist()]
        return pa.array(spelled, pa.large_binary())
    found = find_distinct(column)
    known = [start + _encode_netstring(text) for text in _spell_distinct(found.values)]
    codes = np.where(found.codes >= 0, found.codes, len(known))
    return pa.array([*known, start + _MISSING], pa.large_binary()).take(pa.array(codes))


def _spell_distinct(values: pa.Array) -> list[str | None]:
    """Spell each value as `spell_value` does, with a short cut where the type is known."""
    kind = values.type
    if pa.types.is_integer(kind):
        return [str(value) for value in values.to_pylist()]
    if pa.types.is_float64(kind):
        return [_spell_float(value) for value in values.to_pylist()]
    if pa.types.is_floating(kind):
        return [None if text == "nan" else spell_value(text) for text in spell_values(values)]
    return [spell_value(text) for text in spell_values(values)]


def _spell_float(value: float) -> str | None:
    if value.is_integer():
        return str(int(value)) if abs(value) < _EXACT else spell_value(str(value))
    return None if math.isnan(value) else repr(value)


def _spell_nested(value: object) -> str | None:
    """Lists, structs and bytes as JSON text."""
    return None if value is None else json.dumps(value, sort_keys=True, default=_spell_bytes)


def _spell_bytes(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _encode_netstring(text: str | None) -> bytes:
    if text is None:
        return _MISSING
    content = text.encode("utf-8", "surrogatepass")
    return b"%d:%b," % (len(content), content)
