"""What one column of DATA is: a feature of some kind, or set aside and why."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datacleanse.data.column_verdict import (
    Context,
    Verdict,
    has_id_name,
    note_infinite_values,
    note_months,
    note_three_decimals,
    note_unreadable_values,
    read_as_written,
    set_aside,
    set_constant_aside,
    set_empty_aside,
    use_as_categories,
    use_as_feature,
)
from datacleanse.data.columns import (
    find_distinct,
    is_numeric,
    is_text,
    is_vector,
    measure_vectors,
    parse_moments,
    parse_numbers,
)
from datacleanse.data.conventions import find_dates_among_numbers
from datacleanse.data.messages import format_count, format_rows, quote_value
from datacleanse.data.text_kinds import gather_evidence, judge_text
from datacleanse.data.written_numbers import find_number_convention
from datacleanse.errors import InputError
from datacleanse.records import Convention

if TYPE_CHECKING:
    from collections.abc import Callable

_FRAME_INDEX = re.compile(r"__index_level_\d+__")
_RUN = 20
"""Rows from which whole numbers without a gap, each once, are taken to number the rows."""


def judge(name: str, cells: pa.ChunkedArray, context: Context) -> Verdict:
    """Decide what a column is, by the Arrow type of its cells, then by their values."""
    if is_frame_index(name):
        return set_aside(name, "identifier", "it is the row index of a data frame")
    if cells.null_count == len(cells):
        return set_empty_aside(name)
    for is_type, decide in _BY_TYPE:
        if is_type(cells.type):
            return decide(name, cells, context)
    return set_aside(name, "nested", f"its cells are {cells.type}")


def judge_numeric(name: str, cells: pa.ChunkedArray, context: Context) -> Verdict:
    """The verdict on a column that a person calls numeric.

    Raises:
        InputError: less than half of its values are numbers, or it does not tell which they are.
    """
    source = context.source
    parsed = parse_numbers(cells, flags=True)
    if is_text(cells.type) and (parsed.failed.any() or context.decimal == ","):
        found = find_number_convention(gather_evidence(find_distinct(cells)), context.decimal)
        if isinstance(found, Convention):
            return read_as_written(name, cells, found, context)
        if found is not None:
            raise InputError(
                f"{source}: column '{name}' holds {found.what}.",
                slug="column-unclear",
                hint=found.cure,
            )
    failed = int(parsed.failed.sum())
    if failed > int((~parsed.find_missing()).sum()):
        row = int(np.argmax(parsed.failed))
        raise InputError(
            f"{source}: column '{name}' is not numeric: {format_count(failed, 'value')} of "
            f"{len(cells):,} cannot be read as numbers, for example "
            f"{quote_value(cells[row].as_py())} in {format_rows([row])}.",
            slug="column-not-numeric",
            hint="Leave it out of --numeric, or mend the values.",
        )
    return use_as_feature(
        name, "numeric", *note_unreadable_values(name, cells, parsed, source=source, what="number")
    )


def _judge_declared(name: str, cells: pa.ChunkedArray, context: Context) -> Verdict:
    del context
    found = find_distinct(cells)
    if len(found.values) == 1 and (found.codes >= 0).all():
        return set_constant_aside(name, found.values[0].as_py())
    return use_as_categories(name, len(found.values))


def _judge_flags(name: str, cells: pa.ChunkedArray, context: Context) -> Verdict:
    del context
    if not cells.null_count and len(cells.unique()) == 1:
        return set_constant_aside(name, cells[0].as_py())
    return use_as_feature(name, "boolean")


def is_frame_index(name: str) -> bool:
    """Whether a column is the row index of a data frame, kept by name only in Parquet."""
    return _FRAME_INDEX.fullmatch(name) is not None


def _judge_numbers(name: str, cells: pa.ChunkedArray, context: Context) -> Verdict:
    values = parse_numbers(cells).read_floats()
    missing = np.isnan(values)
    if missing.all():
        return set_empty_aside(name)
    if (values == values[0]).all():
        return _set_same_aside(name, cells)
    compact = find_dates_among_numbers(cells)
    if compact is not None:
        return read_as_written(name, cells, compact, context)
    if pa.types.is_integer(cells.type) and not missing.any():
        reason = _find_id_reason(name, cells)
        if reason is not None:
            return set_aside(name, "identifier", reason)
    notices = note_infinite_values(name, values, source=context.source)
    if not context.text_is_typed and context.decimal is None and pa.types.is_floating(cells.type):
        notices += note_three_decimals(name, values[~missing], source=context.source)
        notices += note_months(name, values[~missing], source=context.source)
    return use_as_feature(name, "numeric", *notices)


def _find_id_reason(name: str, cells: pa.ChunkedArray) -> str | None:
    extent = pc.min_max(cells).as_py()
    is_run = extent["max"] - extent["min"] == len(cells) - 1 and len(cells) >= _RUN
    if not is_run and not has_id_name(name):
        return None
    if pc.count_distinct(cells).as_py() < len(cells):
        return None
    return "its values number the rows" if is_run else "every value is different (an id)"


def _judge_moments(name: str, cells: pa.ChunkedArray, context: Context) -> Verdict:
    del context
    parsed = parse_moments(cells)
    if (parsed.values == parsed.values[0]).all():
        return _set_same_aside(name, cells)
    return use_as_feature(name, "datetime")


def _set_same_aside(name: str, cells: pa.ChunkedArray) -> Verdict:
    """The verdict on a column whose values, as the network reads them, are all the same."""
    if len(find_distinct(cells).values) > 1:
        reason = "its values differ only by less than the network can read"
        return set_aside(name, "constant", reason)
    return set_constant_aside(name, cells[0].as_py())


def _judge_vectors(name: str, cells: pa.ChunkedArray, context: Context) -> Verdict:
    lengths = measure_vectors(cells)
    present = np.flatnonzero(lengths >= 0)
    width = int(np.bincount(lengths[present]).argmax())
    odd = present[lengths[present] != width]
    if len(odd):
        raise InputError(
            f"{context.source}: the lists of column '{name}' differ in length: {width} numbers in "
            f"{format_count(len(present) - len(odd), 'row')}, {lengths[odd[0]]} in "
            f"{format_rows([int(odd[0])])}.",
            slug="embedding-lengths",
            hint="Make all lists as long, or leave the column out with --drop.",
        )
    return use_as_feature(name, "embedding", width=width) if width else set_empty_aside(name)


_BY_TYPE: tuple[
    tuple[Callable[[pa.DataType], bool], Callable[[str, pa.ChunkedArray, Context], Verdict]], ...
] = (
    (is_text, judge_text),
    (pa.types.is_dictionary, _judge_declared),
    (pa.types.is_boolean, _judge_flags),
    (is_numeric, _judge_numbers),
    (pa.types.is_temporal, _judge_moments),
    (is_vector, _judge_vectors),
)
"""The first that fits decides; durations count as numbers, before the other times."""
