"""Rows of two files in one table, though the files' formats may have given columns other types."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from datacleanse.data.columns import (
    find_distinct,
    is_text,
    parse_moments,
    parse_numbers,
    spell_values,
)
from datacleanse.data.conventions import rewrite_plainly

if TYPE_CHECKING:
    from collections.abc import Iterable

    from datacleanse.records import Column


def concatenate_rows(
    first: pa.Table, second: pa.Table, features: Iterable[tuple[Column, Column]] = ()
) -> pa.Table:
    """The rows of ``first``, then those of ``second``; both have the same columns.

    A column whose types do not fit together becomes text, in which numbers, moments and truths are
    found again wherever columns are read. Where one of the ``features``, as it is in the first and
    in the second, has a convention by which they would not, both become numbers or moments.
    """
    own = {one.name: (one, other) for one, other in features if one.convention or other.convention}
    joined = {}
    for name in first.column_names:
        cells = [table.column(name) for table in (first, second)]
        if name in own:
            one, other = own[name]
            is_same = one == other and is_text(cells[0].type) == is_text(cells[1].type)
            if not is_same:
                cells = [_read_values(cells[0], one), _read_values(cells[1], other)]
        joined[name] = _concatenate_cells(*cells)
    return pa.table(joined)


def _read_values(cells: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    """Cells of a column with a convention of its own as numbers or moments."""
    plain = rewrite_plainly(cells, column)
    if column.kind == "datetime":
        parsed = parse_moments(plain)
        values = pa.array(parsed.values, pa.timestamp("us"), mask=parsed.find_missing())
    else:
        parsed = parse_numbers(plain)
        values = pa.array(parsed.read_floats(), mask=parsed.find_missing())
    return pa.chunked_array([values])


def _concatenate_cells(first: pa.ChunkedArray, second: pa.ChunkedArray) -> pa.ChunkedArray:
    parts = [pa.table({"": _unpack_cells(cells)}) for cells in (first, second)]
    try:
        return pa.concat_tables(parts, promote_options="permissive").column(0)
    except pa.ArrowException:
        spelled = [pa.table({"": _spell_cells(part.column(0))}) for part in parts]
        return pa.concat_tables(spelled).column(0)


def _unpack_cells(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    is_packed = pa.types.is_dictionary(cells.type)
    return cells.cast(cells.type.value_type) if is_packed else cells


def _spell_cells(cells: pa.ChunkedArray) -> pa.Array:
    if pa.types.is_nested(cells.type):
        written = [None if cell is None else str(cell) for cell in cells.to_pylist()]
        return pa.array(written, pa.string())
    found = find_distinct(cells)
    codes = pa.array(found.codes, mask=found.codes < 0)
    texts = [None if text == "nan" else text for text in spell_values(found.values)]
    if is_text(found.values.type):
        texts = found.values.to_pylist()
    return pa.array(texts, pa.string()).take(codes)
