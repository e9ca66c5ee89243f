"""Rows of DATA as its file spells them, for those who read the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from datacleanse.data import fingerprint
from datacleanse.data.spelled_rows import find_row_source, join_rows, type_rows
from datacleanse.errors import DatacleanseError
from datacleanse.records import Notice
from datacleanse.storage.mapped_tables import take_parked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from datacleanse.auditing.reading import Inputs
    from datacleanse.pictures.read import PictureSet


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
    values = take_parked(data.table, rows)
    if data.source.startswith("<") or not len(rows):
        return values, ()
    try:
        if inputs.gallery is not None:
            return _spell_manifest(inputs.gallery.data, values, rows), ()
        origin = find_row_source(data.source, data.table, inputs.options)
        if origin.location is None:
            return values, ()
        if fingerprint(data.source) == inputs.sha256["data"]:
            return type_rows(join_rows(list(origin.read(rows)))), ()
        why = f"{data.source} has changed since it was read"
    except DatacleanseError as error:
        why = f"{data.source} cannot be read again ({error.message.rstrip('.')})"
    message = f"The cells of the suspects are told by their values, not as they are written: {why}."
    return values, (Notice("cells-by-value", message, is_warning=True),)


def take_and_note(inputs: Inputs, notices: list[Notice], rows: NDArray[np.int64]) -> pa.Table:
    """The rows that `take_original_cells` gives; what there is to say joins the notices."""
    table, told = take_original_cells(inputs, rows)
    notices += told
    return table


def _spell_manifest(pictures: PictureSet, values: pa.Table, rows: NDArray[np.int64]) -> pa.Table:
    """The values of pictures' rows, those of a manifest of text as it spells them."""
    if pictures.origin is None:
        return values
    spelled = type_rows(join_rows(list(pictures.origin.read(pictures.places[rows]))))
    columns, fields = [], []
    for field in values.schema:
        is_spelled = field.name in spelled.column_names
        columns.append((spelled if is_spelled else values).column(field.name))
        fields.append(spelled.field(field.name) if is_spelled else field)
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))
