"""The spelling of a column of text: found on DATA, then applied to every file that is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datacleanse.data.columns import find_distinct, is_numeric, is_text
from datacleanse.data.spellings import Evidence
from datacleanse.data.written_moments import (
    describe_moments,
    find_compact_dates,
    find_moment_spelling,
    rewrite_moments,
)
from datacleanse.data.written_numbers import (
    SHARES,
    UNREAD,
    describe_numbers,
    find_number_spelling,
    rewrite_numbers,
)

if TYPE_CHECKING:
    from datacleanse.data.interface import DatesOption, DecimalOption
    from datacleanse.data.spellings import Doubt
    from datacleanse.records import Column, Spelling


_FIRST_DAY, _LAST_DAY = 19_000_101, 21_001_231
"""Between these, whole numbers may be dates."""


def find_spelling(
    evidence: Evidence, *, decimal: DecimalOption | None, dates: DatesOption | None
) -> Spelling | Doubt | None:
    """How a column of text writes numbers or dates; why that is in doubt; None: it holds neither.

    Args:
        evidence: its distinct texts.
        decimal: the sign that begins decimals, for columns that leave it open.
        dates: the order of dates, for columns that leave it open.
    """
    found = find_number_spelling(evidence, decimal)
    return find_moment_spelling(evidence, dates) if found is None else found


def find_dates_among_numbers(cells: pa.ChunkedArray) -> Spelling | None:
    """The spelling of whole numbers that are all dates without separators, as 20190930."""
    # Narrower floats have no room for eight digits.
    if not (pa.types.is_integer(cells.type) or pa.types.is_float64(cells.type)):
        return None
    extent = pc.min_max(cells).as_py()
    if not _FIRST_DAY <= extent["min"] <= extent["max"] <= _LAST_DAY:
        return None
    numbers = pc.unique(cells.drop_null()).cast(pa.float64())
    numbers = numbers.filter(pc.invert(pc.is_nan(numbers)))
    if not pc.all(pc.equal(pc.round(numbers), numbers)).as_py():
        return None
    numbers = numbers.cast(pa.int64())
    return find_compact_dates(Evidence(numbers.cast(pa.string()), np.ones(len(numbers), np.int64)))


def respell(cells: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    """Cells as programs write them, where the column's spelling is another; others as they are."""
    spelling = column.spelling
    if spelling is None:
        return cells
    kind = cells.type
    if not is_text(kind):
        if pa.types.is_dictionary(kind):
            return respell(cells.cast(kind.value_type), column)
        return _respell_numbers(cells, column, spelling) if is_numeric(kind) else cells
    found = find_distinct(cells)
    rewrite = rewrite_numbers if spelling.order is None else rewrite_moments
    values = rewrite(found.values.cast(pa.string()), spelling)
    codes = pa.array(found.codes, mask=found.codes < 0)
    return pa.chunked_array([pa.DictionaryArray.from_arrays(codes, values)])


def _respell_numbers(cells: pa.ChunkedArray, column: Column, spelling: Spelling) -> pa.ChunkedArray:
    """Numbers where DATA has text: compact dates are read, shares of unknown scale are not."""
    if (
        spelling.order is not None
        and not spelling.separator
        and not pa.types.is_decimal(cells.type)
    ):
        values = cells.cast(pa.float64(), safe=False)
        whole = pc.if_else(pc.equal(pc.round(values), values), values, None)
        return respell(whole.cast(pa.int64(), safe=False).cast(pa.string()), column)
    if spelling.unit in SHARES:
        return pa.chunked_array(
            [
                pc.binary_join_element_wise(chunk.cast(pa.string()), pa.scalar(UNREAD), "")
                for chunk in cells.chunks
            ],
            pa.string(),
        )
    return cells


def describe_spelling(spelling: Spelling) -> str:
    """What the spelling is taken to mean, as a part of a sentence."""
    return describe_numbers(spelling) if spelling.order is None else describe_moments(spelling)
