"""A data set a portion at a time, so that copies of its columns take little memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from datacleanse.data.interface import ROWS_AT_ONCE
from datacleanse.storage.mapped_files import release_mapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse.records import Dataset


def split_into_portions(data: Dataset) -> Iterator[tuple[slice, Dataset]]:
    """Yield some rows at a time, from first to last: their positions, and a data set of them."""
    for start in range(0, data.n_rows, ROWS_AT_ONCE):
        rows = slice(start, min(start + ROWS_AT_ONCE, data.n_rows))
        yield (
            rows,
            replace(
                data,
                table=data.table.slice(start, ROWS_AT_ONCE),
                labels=data.labels[rows],
                first_row=data.first_row + start,
            ),
        )
        release_mapped()
