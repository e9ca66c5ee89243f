"""What a run folder takes on the disk in the end, foreseen.

Weights, the audit table and the model grow with rows, epochs and the network; reports and what is
kept for them with the suspects that they show, and with what the cells of a row hold. The numbers
were measured on folders of 300 to 20,000 rows and 3 to 100 columns: decision 113.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datacleanse.auditing.found_rows import STORED_SUSPECTS

if TYPE_CHECKING:
    from datacleanse.auditing.reading import Inputs
    from datacleanse.auditing.trials import Foreseen

A_ROW, A_ROW_AND_EPOCH = 95, 4.8
"""Bytes of `audit.parquet`."""

A_STORED_SUSPECT, A_CLASS_OF_IT = 145, 6
"""Of what is kept of the most suspicious rows beside their own columns."""

OF_PARQUET = 0.55
"""Of the bytes of cells as text, what they take in Parquet."""

PAGE, PAGE_ROWS = 190_000, 500
"""Bytes of a page without suspects, and the suspects that it shows at most."""

A_ROW_OF_PAGE, A_ROW_OF_CSV, A_ROW_OF_SUMMARY = 1_300, 230, 700
A_SHOWN_EPOCH = 20
"""Bytes of a suspect's weight in an epoch, on the page and in `suspects.csv`."""

LONGEST_CELL, A_CELL = 400, 4
"""Characters of a cell that the page shows, about, and what it takes besides."""

THUMBNAIL, A_PIXEL = 100, 0.14
"""Bytes of a small picture, and for each of its pixels."""

OF_RUN, A_COLUMN = 22_000, 170
"""Of `run.json` and `report.md`."""

LOOKED_AT = 1_000
"""Rows by which the cells' length is found."""

LIST_NUMBER = 20
"""Characters of a number in a list."""


@dataclass(frozen=True)
class Cells:
    """What a row's own columns hold, as text."""

    count: int
    length: float
    """Characters of all cells of a row, on the mean."""
    shown: float
    """The same where long ones are cut."""


def measure_kept(task: Foreseen, inputs: Inputs, epochs: int, ledger_bytes: int) -> int:
    """Bytes of the run folder in the end.

    Args:
        task: what is audited.
        inputs: what was read for it.
        epochs: whose weights are kept.
        ledger_bytes: of each of them.
    """
    n, n_clean = inputs.data.n_rows, inputs.clean.n_rows
    cells = measure_cells(inputs.data.table)
    listed, stored = min(n, task.settings.top), min(n, STORED_SUSPECTS)
    weights = n * (A_ROW + A_ROW_AND_EPOCH * epochs) + epochs * ledger_bytes
    own = OF_PARQUET * cells.length
    beside = A_STORED_SUSPECT + A_CLASS_OF_IT * len(inputs.data.schema.classes)
    shown, weighed = min(listed, PAGE_ROWS), A_SHOWN_EPOCH * epochs
    page = PAGE + shown * (A_ROW_OF_PAGE + weighed + cells.shown + A_CELL * cells.count)
    lists = listed * (A_ROW_OF_CSV + weighed + cells.length + A_ROW_OF_SUMMARY)
    small = _measure_thumbnail(inputs)
    pictures = small * (stored + n_clean + 4 / 3 * (shown + n_clean))
    kept = stored * (beside + own) + n_clean * own + OF_RUN + A_COLUMN * cells.count
    return int(weights + kept + page + lists + pictures) + _measure_model(task)


def measure_cells(table: pa.Table) -> Cells:
    """What the cells of a table hold, by its first rows."""
    part = table.slice(0, LOOKED_AT)
    lengths = [_measure_column(column) for column in part.columns]
    shown = sum(min(length, LONGEST_CELL) for length in lengths)
    return Cells(len(lengths), sum(lengths), shown)


def _measure_column(column: pa.ChunkedArray) -> float:
    """Characters of a cell, on the mean."""
    if not len(column):
        return 0.0
    kind = column.type
    if pa.types.is_binary(kind) or pa.types.is_struct(kind):  # pictures, which are no text
        return 0.0
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return LIST_NUMBER * float(pc.mean(pc.list_value_length(column)).as_py() or 0)
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    with suppress(pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return float(pc.mean(pc.binary_length(column.cast(pa.large_string()))).as_py() or 0)
    return float(LIST_NUMBER)


def _measure_thumbnail(inputs: Inputs) -> float:
    """Bytes of a small picture, on the mean; 0 of tables."""
    if inputs.gallery is None:
        return 0.0
    # Loads what decodes pictures.
    from datacleanse.pictures.thumbnails import LARGEST

    sizes = inputs.gallery.data.sizes[:LOOKED_AT].astype(np.float64)
    scale = np.minimum(1.0, LARGEST / sizes.max(axis=1))
    return THUMBNAIL + A_PIXEL * float((sizes.prod(axis=1) * scale**2).mean())


def _measure_model(task: Foreseen) -> int:
    """Bytes of the model, which is written as it will be."""
    with TemporaryDirectory() as place:
        task.save(task.lesson.build(), Path(place))
        return sum(file.stat().st_size for file in Path(place).rglob("*") if file.is_file())
