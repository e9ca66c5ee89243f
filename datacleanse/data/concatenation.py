"""Rows of two files in one table, though the files' formats may have given columns other types."""

from __future__ import annotations

import pyarrow as pa

from datacleanse.data.columns import find_distinct, is_text, spell_values


def concatenate_rows(first: pa.Table, second: pa.Table) -> pa.Table:
    """The rows of ``first``, then those of ``second``; both have the same columns.

    A column whose types do not fit together becomes text, in which numbers, moments and truths are
    found again wherever columns are read.
    """
    columns = {
        name: _concatenate_cells(first.column(name), second.column(name))
        for name in first.column_names
    }
    return pa.table(columns)


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
