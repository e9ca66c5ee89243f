"""Numbers with a fraction in separated text: floats where no digit is lost, else as written."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from datacleanse.data.exact_numbers import SURE, find_lost_digits


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
            floats = _convert_cells(arrays[position])
            if floats is None:
                failed.append(name)
            else:
                arrays[position] = floats
    if failed:
        raise NotFloatsError(failed)
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def _convert_cells(cells: pa.Array) -> pa.Array | None:
    texts = pc.ascii_trim_whitespace(cells)
    try:
        floats = texts.cast(pa.float64())
    except pa.ArrowInvalid:
        return None
    is_short = pc.less_equal(pc.binary_length(texts), SURE)
    if pc.all(is_short).as_py() is not False and _are_ordinary(floats):
        return floats
    # Most long texts are the shortest that give the float back: programs write them so.
    is_asked = pc.fill_null(pc.not_equal(floats.cast(pa.string()), texts), False)
    asked = texts.filter(is_asked).to_pylist()
    values = floats.filter(is_asked).to_pylist()
    for text, value in zip(asked, values, strict=True):
        if find_lost_digits(text, value) is not None:
            return None
    return floats


def _are_ordinary(floats: pa.Array) -> bool:
    """Whether none overflowed or is as small that digits get lost, as in 1e400 or 1e-400."""
    size = pc.abs(floats)
    extremes = pc.or_(pc.greater(size, 1e300), pc.less(size, 1e-300))
    return pc.any(extremes).as_py() is not True
