"""What a column of text is: dates, numbers, names, ids or prose."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.data.column_verdict import (
    Context,
    Verdict,
    has_id_name,
    note_infinite_values,
    note_unreadable_values,
    set_aside,
    set_constant_aside,
    set_empty_aside,
    use_as_categories,
    use_as_feature,
)
from datacleanse.data.columns import (
    MISSING_TEXTS,
    Distinct,
    Parsed,
    find_distinct,
    parse_moments,
    parse_numbers,
)
from datacleanse.data.messages import quote_value
from datacleanse.records import Notice

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

MOSTLY = 0.9
"""Share of the values present that must read as numbers (or dates) for the column to be such."""

_FEW_MARKERS = 5
"""Distinct texts that may be markers of missing values among numbers; more are codes."""
_COMMA_NUMBER = re.compile(r"[+-]?\d+(,\d+)+")
_FEW_CODES = 100
_ROWS_A_CODE = 10
"""Mean rows of each value from which numbers in text may be names."""


@dataclass(frozen=True)
class _Texts:
    """The distinct texts of a column that stand for a value, and how often each occurs."""

    found: Distinct
    spellings: list[str]
    counts: NDArray[np.int64]

    @property
    def present(self) -> int:
        """Number of rows that hold a value."""
        return int(self.counts.sum())


def judge_text(name: str, cells: pa.ChunkedArray, context: Context) -> Verdict:
    """Decide what a column of text is, by its values."""
    values = _find_values(find_distinct(cells))
    if not values.present:
        return set_empty_aside(name)
    if len(values.spellings) == 1 and values.present == len(cells):
        return set_constant_aside(name, values.spellings[0])
    if context.declared:
        return use_as_categories(name, len(values.spellings))
    if all(text.casefold() in ("true", "false") for text in values.spellings):
        return use_as_feature(name, "boolean")
    return _judge_parsed(name, cells, values, context) or _judge_words(name, values)


def _find_values(found: Distinct) -> _Texts:
    texts = found.values.to_pylist()
    is_value = np.array([text.strip() not in MISSING_TEXTS for text in texts], dtype=bool)
    kept = [text for text, keep in zip(texts, is_value, strict=True) if keep]
    return _Texts(found, kept, found.count_rows()[is_value])


def _judge_parsed(
    name: str, cells: pa.ChunkedArray, values: _Texts, context: Context
) -> Verdict | None:
    source = context.source
    moments = parse_moments(cells)
    if _is_mostly_read(moments, values.present):
        notices = note_unreadable_values(name, cells, moments, source=source, what="date")
        return use_as_feature(name, "datetime", *notices)
    numbers = parse_numbers(cells)
    if not _is_mostly_read(numbers, values.present) or _are_codes(numbers, values, context):
        return None
    notices = note_unreadable_values(name, cells, numbers, source=source, what="number")
    notices += note_infinite_values(name, numbers.read_floats(), source=source)
    return use_as_feature(name, "numeric", *notices)


def _is_mostly_read(parsed: Parsed, present: int) -> bool:
    return int((~parsed.find_missing()).sum()) >= MOSTLY * present


def _are_codes(numbers: Parsed, values: _Texts, context: Context) -> bool:
    """Numbers in text that name things, e.g. diagnoses ``250``, ``V57``, ``E909``.

    Either many different values are no numbers, or none is but the file says that they are text;
    and each value comes often enough to be learned as a category.
    """
    repeats = values.present >= _ROWS_A_CODE * len(values.spellings)
    failed = len(np.unique(values.found.codes[numbers.failed]))
    if failed > _FEW_MARKERS:
        return repeats
    if failed or not context.text_is_typed or len(values.spellings) > _FEW_CODES:
        return False
    floats = numbers.read_floats()
    return repeats and bool((np.isnan(floats) | (floats == np.rint(floats))).all())


def _judge_words(name: str, values: _Texts) -> Verdict:
    verdict = _judge_by_share(name, values)
    matches = [_COMMA_NUMBER.fullmatch(text.strip()) is not None for text in values.spellings]
    if int(values.counts[np.array(matches)].sum()) < MOSTLY * values.present:
        return verdict
    # Not guessed at: 1,234 may be a thousand or a little more than one.
    message = (
        f"Column '{name}' holds numbers written with a comma, such as "
        f"{quote_value(values.spellings[matches.index(True)])}; they are taken as text. Write them "
        "with a decimal point to have them read as numbers."
    )
    notice = Notice("numbers-with-comma", message, is_warning=True)
    return replace(verdict, notices=(*verdict.notices, notice))


def _judge_by_share(name: str, values: _Texts) -> Verdict:
    share = len(values.spellings) / values.present
    words = float(
        np.average([len(text.split()) for text in values.spellings], weights=values.counts)
    )
    is_unique = share > 0.95 and values.present >= 50
    if (is_unique and words >= 4) or (share > 0.5 and words >= 5):
        return set_aside(name, "text", f"it is free text ({words:.0f} words a cell)")
    if is_unique:
        return set_aside(name, "identifier", "nearly every value is different (an id)")
    if share == 1.0 and has_id_name(name):
        return set_aside(name, "identifier", "every value is different (an id)")
    return use_as_categories(name, len(values.spellings))
