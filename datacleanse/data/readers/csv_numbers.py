"""Numbers with a fraction in separated text: floats where no digit is lost, else as written."""

from __future__ import annotations

import pyarrow as pa

from datacleanse.data.exact_numbers import convert_exactly


class NotFloatsError(Exception):
    """Columns of a block are no floats, or floats would lose digits of theirs.

    Attributes:
        names: of the columns.
    """

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self.names = names


def convert_to_floats(batch: pa.RecordBatch, names: frozenset[str]) -> pa.RecordBatch:
    """The block with these columns, which are text, as float64.

    Raises:
        NotFloatsError: some of them must stay text.
    """
    if not names:
        return batch
    arrays, failed = batch.columns, []
    for position, name in enumerate(batch.schema.names):
        if name in names:
            floats = convert_exactly(arrays[position])
            if floats is None:
                failed.append(name)
            else:
                arrays[position] = floats
    if failed:
        raise NotFloatsError(failed)
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)
