"""The convention of a column of text: found on DATA, then applied to every file that is read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datacleanse.data.column_evidence import Evidence
from datacleanse.data.columns import MISSING_TEXTS, find_distinct, is_numeric, is_text
from datacleanse.data.written_moments import (
    describe_moments,
    find_compact_dates,
    find_moment_convention,
    rewrite_moments,
)
from datacleanse.data.written_numbers import (
    SHARES,
    UNREAD,
    describe_numbers,
    find_number_convention,
    rewrite_numbers,
)
from datacleanse.records import Convention

if TYPE_CHECKING:
    from datacleanse.data.column_evidence import Doubt
    from datacleanse.data.interface import DatesOption, DecimalOption
    from datacleanse.records import Column


_FIRST_DAY, _LAST_DAY = 19_000_101, 21_001_231
"""Between these, whole numbers may be dates; with six digits more, for the time of day, too."""


def find_convention(
    evidence: Evidence, *, decimal: DecimalOption | None, dates: DatesOption | None
) -> Convention | Doubt | None:
    """How a column of text writes numbers or dates; why that is in doubt; None: it holds neither.

    Args:
        evidence: its distinct texts.
        decimal: the sign that begins decimals, for columns that leave it open.
        dates: the order of dates, for columns that leave it open.
    """
    # Numbers and dates have digits. What else is asked takes much longer.
    has_digit = pc.match_substring_regex(evidence.values, "[0-9]").to_numpy(zero_copy_only=False)
    if not evidence.is_tolerable(~has_digit.astype(np.bool_)):
        return None
    found = find_number_convention(evidence, decimal)
    return find_moment_convention(evidence, dates) if found is None else found


def find_dates_among_numbers(cells: pa.ChunkedArray) -> Convention | None:
    """The convention of whole numbers that are all dates without separators, as 20190930."""
    # Narrower floats have no room for eight digits.
    if not (pa.types.is_integer(cells.type) or pa.types.is_float64(cells.type)):
        return None
    extent = pc.min_max(cells).as_py()
    spans = ((_FIRST_DAY, _LAST_DAY), (_FIRST_DAY * 10**6, (_LAST_DAY + 1) * 10**6))
    if not any(low <= extent["min"] <= extent["max"] <= high for low, high in spans):
        return None
    numbers = pc.unique(cells.drop_null()).cast(pa.float64())
    numbers = numbers.filter(pc.invert(pc.is_nan(numbers)))
    if not pc.all(pc.equal(pc.round(numbers), numbers)).as_py():
        return None
    numbers = numbers.cast(pa.int64())
    return find_compact_dates(Evidence(numbers.cast(pa.string()), np.ones(len(numbers), np.int64)))


def rewrite_plainly(cells: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    """Cells as programs write them, where the column has a convention; others as they are."""
    convention = column.convention
    if convention is None:
        return cells
    kind = cells.type
    if not is_text(kind):
        if pa.types.is_dictionary(kind):
            return rewrite_plainly(cells.cast(kind.value_type), column)
        return _rewrite_numbers(cells, column, convention) if is_numeric(kind) else cells
    found = find_distinct(cells)
    rewrite = rewrite_numbers if convention.order is None else rewrite_moments
    values = rewrite(found.values.cast(pa.string()), convention)
    codes = pa.array(found.codes, mask=found.codes < 0)
    return pa.chunked_array([pa.DictionaryArray.from_arrays(codes, values)])


def _rewrite_numbers(
    cells: pa.ChunkedArray, column: Column, convention: Convention
) -> pa.ChunkedArray:
    """Numbers where DATA has text: compact dates are read, shares of unknown scale are not."""
    if (
        convention.order is not None
        and not convention.separator
        and not pa.types.is_decimal(cells.type)
    ):
        values = cells.cast(pa.float64(), safe=False)
        whole = pc.if_else(pc.equal(pc.round(values), values), values, None)
        return rewrite_plainly(whole.cast(pa.int64(), safe=False).cast(pa.string()), column)
    if convention.unit in SHARES:
        return pa.chunked_array(
            [
                pc.binary_join_element_wise(chunk.cast(pa.string()), pa.scalar(UNREAD), "")
                for chunk in cells.chunks
            ],
            pa.string(),
        )
    return cells


def adopt_convention(cells: pa.ChunkedArray, column: Column) -> Column:
    """The column in the way that another file writes it, where that is plain from the file alone.

    The same column where it is not, where the file has no text, or where the numbers are of another
    unit or scale.
    """
    if column.kind not in ("numeric", "datetime") or not is_text(cells.type):
        return column
    distinct = find_distinct(cells)
    texts = distinct.values.cast(pa.string())
    missing = pc.is_in(pc.utf8_trim_whitespace(texts), value_set=pa.array(sorted(MISSING_TEXTS)))
    kept = pc.invert(missing)
    counts = distinct.count_rows()[kept.to_numpy(zero_copy_only=False)]
    if not len(counts):
        return column
    found = find_convention(Evidence(texts.filter(kept), counts), decimal=None, dates=None)
    is_number = column.kind == "numeric"
    if not isinstance(found, Convention) or (found.order is None) != is_number:
        return column
    own = "" if column.convention is None else column.convention.unit
    may_differ = not {found.unit, own} & SHARES.keys() and "" in (found.unit, own)
    if found.unit != own and not may_differ:
        return column
    return replace(column, convention=found)


def describe_convention(convention: Convention) -> str:
    """What the convention is taken to mean, as a part of a sentence."""
    return (
        describe_numbers(convention) if convention.order is None else describe_moments(convention)
    )
