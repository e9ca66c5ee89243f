"""What readers accept but nobody can work with: no rows, damaged text, impossible moments."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

from datacleanse.data.columns import A_SECOND
from datacleanse.data.messages import format_list, format_rows, quote_error
from datacleanse.errors import InputError
from datacleanse.storage.mapped_files import release_mapped

_DAY = 86_400
_FIRST, _LAST = -62_135_596_800, 253_402_300_799
"""The years 1 to 9999, in seconds since 1970."""
_LONGEST = 999_999_999 * _DAY
"""The longest time that Python knows, in seconds."""


def check_shape(table: pa.Table, name: str) -> None:
    """Refuse a table without rows, or with two columns of one name."""
    try:
        names = table.column_names
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name}: the name of a column is damaged: {quote_error(error)}.",
            slug="file-damaged",
            hint="Write the file again; its text must be UTF-8.",
        ) from error
    twice = sorted(column for column, n in Counter(names).items() if n > 1)
    if twice:
        raise InputError(
            f"{name} has more than one column named "
            f"{format_list([repr(column) for column in twice])}.",
            slug="columns-duplicate",
            hint="Give every column its own name.",
        )
    if not table.num_rows:
        what = "a header but no rows" if table.num_columns else "neither columns nor rows"
        raise make_empty_error(name, what)


def make_empty_error(name: str, what: str = "a header but no rows") -> InputError:
    """The error for a table without rows; ``what`` says what it has."""
    return InputError(
        f"{name} has {what}.", slug="table-empty", hint="Check the program that wrote it."
    )


def check_cells(table: pa.Table, name: str, *, first_row: int = 0) -> None:
    """Refuse text that is not UTF-8, and moments beyond the calendar; it may be a portion.

    Raises:
        InputError: names the column, and the row of a moment.
    """
    for column, cells in zip(table.column_names, table.columns, strict=True):
        try:
            cells.validate(full=True)
        except pa.ArrowInvalid as error:
            raise InputError(
                f"{name}: column '{column}' is damaged: {quote_error(error)}.",
                slug="file-damaged",
                hint="Write the file again; its text must be UTF-8.",
            ) from error
        limits = _find_limits(cells.type)
        if limits is not None:
            place = f"{name}: column '{column}'"
            _check_moments(cells, limits, place=place, first_row=first_row)
        release_mapped()


def _check_moments(
    cells: pa.ChunkedArray, limits: tuple[int, int], *, place: str, first_row: int
) -> None:
    kind = cells.type
    if kind.bit_width == 32:
        cells = cells.cast(pa.int32())
    values = cells.cast(pa.int64())
    least, most = limits
    beyond = pc.or_(pc.less(values, least), pc.greater(values, most))
    row = pc.index(beyond, True).as_py()
    if row >= 0:
        raise InputError(
            f"{place} holds what no calendar or clock shows: {values[row].as_py()} (as {kind}) in "
            f"{format_rows([row + first_row])}; the least is {least}, the most {most}.",
            slug="moment-impossible",
            hint="Mend the values, or remove the column from the file.",
        )


def _find_limits(kind: pa.DataType) -> tuple[int, int] | None:
    """The least and the most whole number of a moment's type that Python can show."""
    types = pa.types
    if types.is_date32(kind):
        return _FIRST // _DAY, _LAST // _DAY
    if types.is_date64(kind):
        return _FIRST * 1000, _LAST * 1000
    if types.is_time(kind):
        return 0, _DAY * A_SECOND[kind.unit] - 1
    if types.is_timestamp(kind) and kind.unit != "ns":
        # A zone may lie a day from UTC on either side.
        margin = _DAY if kind.tz else 0
        scale = A_SECOND[kind.unit]
        return (_FIRST + margin) * scale, (_LAST - margin + 1) * scale - 1
    if types.is_duration(kind) and kind.unit in ("s", "ms"):
        return -_LONGEST * A_SECOND[kind.unit], _LONGEST * A_SECOND[kind.unit]
    return None
