"""Cells of the user's table as text."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_EMPTY_FRACTION = re.compile(r"\.0+(?=$|[Z+-])")
_TRAILING_ZEROS = re.compile(r"(\.\d*?[1-9])0+(?=$|[Z+-])")


def spell_column(column: pa.ChunkedArray, field: pa.Field | None = None) -> list[str | None]:
    """Every cell of a column as a person would have typed it; None where it is missing or empty.

    Args:
        column: the cells.
        field: of the table they stand in; it may be marked to give back how they are spelled.
    """
    import pyarrow as pa

    from datacleanse.data.spelled_rows import SPELLED_MARK

    kind = column.type
    if field is not None and field.metadata and SPELLED_MARK.items() <= field.metadata.items():
        return [None if value is None else str(value) or None for value in column.to_pylist()]
    if pa.types.is_dictionary(kind):
        return spell_column(column.cast(kind.value_type))
    if pa.types.is_temporal(kind) and not pa.types.is_duration(kind):
        return [_shorten_time(text) for text in column.cast(pa.string()).to_pylist()]
    if pa.types.is_floating(kind):
        # Arrow knows the shortest spelling of a float32; Python would widen it first.
        texts = column.cast(pa.string()).to_pylist()
        return [None if text in (None, "nan") else text.removesuffix(".0") for text in texts]
    return [_spell(value) for value in column.to_pylist()]


def _shorten_time(text: str | None) -> str | None:
    if text is None:
        return None
    return _TRAILING_ZEROS.sub(r"\1", _EMPTY_FRACTION.sub("", text))


def _spell(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
