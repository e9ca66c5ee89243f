"""Rows of DATA as its file spells them, for those who read the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from datacleanse.data import fingerprint
from datacleanse.data.spelled_rows import find_row_source, join_rows, type_rows
from datacleanse.data.write import TEXT_SUFFIXES
from datacleanse.errors import DatacleanseError
from datacleanse.records import Notice
from datacleanse.storage.mapped_files import release_mapped
from datacleanse.storage.schemas import ROW_GROUP

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from datacleanse.auditing.reading import Inputs


def take_original_cells(
    inputs: Inputs, rows: NDArray[np.int64]
) -> tuple[pa.Table, tuple[Notice, ...]]:
    """Some rows of DATA with all columns, and what to say if they are not spelled as in its file.

    A file of text is read again for them: only now is it known which rows they are.

    Args:
        inputs: what the audit is of.
        rows: (K,) ascending.

    Returns:
        The K rows: values that give back how cells are spelled, else text; or DATA's own values.
    """
    data = inputs.data
    if inputs.gallery is not None or data.source.startswith("<") or not len(rows):
        return _take_rows(data.table, rows), ()
    try:
        origin = find_row_source(data.source, data.table, inputs.options)
        place = origin.location
        if place is None or place.suffix not in TEXT_SUFFIXES:
            return _take_rows(data.table, rows), ()
        if fingerprint(data.source) == inputs.sha256["data"]:
            return type_rows(join_rows(list(origin.read(rows)))), ()
        why = f"{data.source} has changed since it was read"
    except DatacleanseError as error:
        why = f"{data.source} cannot be read again ({error.message.rstrip('.')})"
    message = f"The cells of the suspects are told by their values, not as they are written: {why}."
    return _take_rows(data.table, rows), (Notice("cells-by-value", message, is_warning=True),)


def _take_rows(table: pa.Table, rows: NDArray[np.int64]) -> pa.Table:
    """Take some rows, in order, a portion at a time: Arrow would first join a column's parts."""
    parts = []
    for start in range(0, max(1, table.num_rows), ROW_GROUP):
        here = rows[(rows >= start) & (rows < start + ROW_GROUP)] - start
        parts.append(table.slice(start, ROW_GROUP).take(pa.array(here)))
        release_mapped()
    return pa.concat_tables(parts).unify_dictionaries()
