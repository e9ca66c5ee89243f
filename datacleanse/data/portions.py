"""A data set a portion at a time, so that copies of its columns take little memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from datacleanse.data.interface import PORTION
from datacleanse.storage.mapped_files import let_go

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse.records import Dataset


def portions(data: Dataset) -> Iterator[tuple[slice, Dataset]]:
    """The rows from the first to the last: where they stand, and they alone."""
    for start in range(0, data.n_rows, PORTION):
        rows = slice(start, min(start + PORTION, data.n_rows))
        yield (
            rows,
            replace(
                data,
                table=data.table.slice(start, PORTION),
                labels=data.labels[rows],
                first_row=data.first_row + start,
            ),
        )
        let_go()
