"""What a column of text is: dates, numbers, names, ids or prose."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.data.column_evidence import FEW_MARKERS, MOSTLY, Doubt, Evidence
from datacleanse.data.column_verdict import (
    Context,
    Verdict,
    has_id_name,
    note_doubt,
    note_infinite_values,
    note_months,
    note_unreadable_values,
    read_as_written,
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
    parse_categories,
    parse_moments,
    parse_numbers,
)
from datacleanse.data.conventions import find_convention
from datacleanse.data.free_text import is_free_text, is_nearly_unique, read_as_text
from datacleanse.data.written_moments import doubt_clocks, find_compact_dates
from datacleanse.data.written_numbers import find_number_convention
from datacleanse.records import Convention
from datacleanse.sampling import draw_about

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_FEW_CODES = 100
_ROWS_A_CODE = 10
"""Mean rows of each value from which numbers in text may be names."""
_CODE = re.compile("[A-Za-z]{1,3}-?[0-9][0-9A-Za-z.-]*")
"""``V58``, ``E932.1``, ``A-12``: no number with a unit or a remark is written so."""
_SHAPED_CODES, _ROWS_A_SHAPED_CODE = 2, 2
"""Different values of that shape, and mean rows of each value, from which a column is codes."""

_TAKEN = {"categorical": "taken as names", "text": "read as text"}
"""What became of words that may be numbers or dates, by kind."""

_TRIED = 1_000
"""Distinct texts that are parsed to see whether all should be."""
_HARDLY = 0.05
"""Share of them that must be readable."""


@dataclass(frozen=True)
class _Texts:
    """The distinct texts of a column that stand for a value, and how often each occurs."""

    found: Distinct
    spellings: list[str]
    counts: NDArray[np.int64]

    def to_evidence(self) -> Evidence:
        """The same, as conventions are found by."""
        return Evidence(pa.array(self.spellings, pa.string()), self.counts)

    @property
    def present(self) -> int:
        """Number of rows that hold a value."""
        return int(self.counts.sum())

    def seem_readable(self, parse: Callable[[pa.ChunkedArray], Parsed]) -> bool:
        """Whether it is worth to have all texts parsed: some of those at hand can be.

        Of many texts, few are tried; a column is none of numbers or dates if hardly any is one.
        """
        tried = draw_about(len(self.spellings), _TRIED)
        if len(tried) == len(self.spellings):
            return True
        texts = [self.spellings[at] for at in tried]
        parsed = parse(pa.chunked_array([pa.array(texts, pa.string())]))
        return bool((~parsed.find_missing()).mean() > _HARDLY)


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
    if len(values.spellings) == values.present == len(cells) and _are_padded(name, values):
        return set_aside(name, "identifier", "every value is different (an id)")
    return _judge_plain(name, cells, values, context) or _judge_written(
        name, cells, values, context
    )


def _are_padded(name: str, values: _Texts) -> bool:
    """Whether all texts are digits that name rows and measure nothing: ``00017``.

    By the name of the column, or by zeros in front that make all texts as long.
    """
    if not all(text.isascii() and text.isdigit() for text in values.spellings):
        return False
    lengths = set(map(len, values.spellings))
    has_zeros = any(text.startswith("0") for text in values.spellings)
    return has_id_name(name) or (len(lengths) == 1 and has_zeros and lengths != {1})


def judge_given_text(name: str, cells: pa.ChunkedArray, context: Context) -> Verdict:
    """The verdict on a column that a person calls text: any cell is one, spelled out."""
    codes, texts = parse_categories(cells, frozenset())
    kept = [text for text in texts if text.strip()]
    if not kept:
        return set_empty_aside(name)
    if len(kept) == 1 and (codes >= 0).all() and len(texts) == 1:
        return set_constant_aside(name, kept[0])
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    is_kept = np.array([bool(text.strip()) for text in texts])
    return read_as_text(name, kept, counts[is_kept], context.source)


def _find_values(found: Distinct) -> _Texts:
    texts = found.values.to_pylist()
    is_value = np.array([text.strip() not in MISSING_TEXTS for text in texts], dtype=bool)
    kept = [text for text, keep in zip(texts, is_value, strict=True) if keep]
    return _Texts(found, kept, found.count_rows()[is_value])


def gather_evidence(found: Distinct) -> Evidence:
    """The texts of a column by which its convention is found: those that stand for a value."""
    return _find_values(found).to_evidence()


def _judge_plain(
    name: str, cells: pa.ChunkedArray, values: _Texts, context: Context
) -> Verdict | None:
    """The verdict on dates and numbers written as programs do; None where it is no such column."""
    source = context.source
    if values.seem_readable(parse_moments):
        moments = parse_moments(cells)
        if _is_mostly_read(moments, values.present):
            return _judge_moments(name, cells, values, moments, context)
    if not values.seem_readable(parse_numbers):
        return None
    numbers = parse_numbers(cells)
    if not _is_mostly_read(numbers, values.present):
        return None
    written = _judge_numbers_among(name, cells, values, numbers, context)
    if written is not None and written.column is not None:
        return written
    if _are_codes(numbers, values, context):
        return None
    option = None
    if len(np.unique(values.found.codes[numbers.failed])) > FEW_MARKERS:
        option = f"--categorical {shlex.quote(name)}"
    notices = note_unreadable_values(
        name, cells, numbers, source=source, what="number", option=option
    )
    floats = numbers.read_floats()
    notices += note_infinite_values(name, floats, source=source)
    notices += note_months(name, floats[~numbers.find_missing()], source=source)
    doubts = () if written is None else written.notices
    return use_as_feature(name, "numeric", *notices, *doubts)


def _judge_moments(
    name: str, cells: pa.ChunkedArray, values: _Texts, moments: Parsed, context: Context
) -> Verdict | None:
    """The verdict on a column of which most is dates; None where some are lengths of time."""
    if moments.failed.any() and doubt_clocks(values.to_evidence()) is not None:
        return None
    notices = note_unreadable_values(name, cells, moments, source=context.source, what="date")
    return use_as_feature(name, "datetime", *notices)


def _judge_numbers_among(
    name: str, cells: pa.ChunkedArray, values: _Texts, numbers: Parsed, context: Context
) -> Verdict | None:
    """The verdict on a column of which most is plain numbers, and the rest written otherwise.

    Without a column, it holds the doubts; None where all is plain, and means what it seems to.
    """
    evidence = values.to_evidence()
    if not numbers.failed.any() and context.decimal != ",":
        compact = find_compact_dates(evidence)
        return None if compact is None else read_as_written(name, cells, compact, context)
    found = find_number_convention(evidence, context.decimal)
    if isinstance(found, Doubt):
        taken = "those that are no plain numbers count as missing"
        doubt = note_doubt(name, found, values.present, taken=taken, source=context.source)
        return Verdict(None, None, (doubt,))
    return None if found is None else read_as_written(name, cells, found, context)


def _is_mostly_read(parsed: Parsed, present: int) -> bool:
    return int((~parsed.find_missing()).sum()) >= MOSTLY * present


def _are_codes(numbers: Parsed, values: _Texts, context: Context) -> bool:
    """Numbers in text that name things, e.g. diagnoses ``250``, ``V57``, ``E909``.

    Either many different values are no numbers, or they have the shape of codes, or all are numbers
    but the file says that they are text; and each value comes often enough to be a category.
    """
    if _hold_shaped_codes(numbers, values):
        return values.present >= _ROWS_A_SHAPED_CODE * len(values.spellings)
    repeats = values.present >= _ROWS_A_CODE * len(values.spellings)
    failed = len(np.unique(values.found.codes[numbers.failed]))
    if failed > FEW_MARKERS:
        return repeats
    if failed or not context.text_is_typed or len(values.spellings) > _FEW_CODES:
        return False
    floats = numbers.read_floats()
    return repeats and bool((np.isnan(floats) | (floats == np.rint(floats))).all())


def _hold_shaped_codes(numbers: Parsed, values: _Texts) -> bool:
    """Whether most cells that are no numbers are codes by their shape, and of several values."""
    codes, rows = np.unique(values.found.codes[numbers.failed], return_counts=True)
    texts = values.found.values.take(pa.array(codes)).to_pylist()
    is_code = np.array([_CODE.fullmatch(text.strip()) is not None for text in texts], dtype=bool)
    return int(is_code.sum()) >= _SHAPED_CODES and bool(rows[is_code].sum() > rows.sum() / 2)


def _judge_written(name: str, cells: pa.ChunkedArray, values: _Texts, context: Context) -> Verdict:
    """The verdict on numbers and dates as people write them; on words where there are none."""
    verdict = _judge_words(name, values, context)
    if has_id_name(name) and len(values.spellings) == values.present:
        return verdict
    evidence = values.to_evidence()
    found = find_convention(evidence, decimal=context.decimal, dates=context.dates)
    if found is None:
        return verdict
    if isinstance(found, Convention):
        return read_as_written(name, cells, found, context)
    taken = "not used" if verdict.column is None else _TAKEN[verdict.column.kind]
    notice = note_doubt(name, found, values.present, taken=taken, source=context.source)
    if verdict.column is None:
        verdict = set_aside(name, "unclear", f"it seems to hold {found.what}")
    return replace(verdict, notices=(*verdict.notices, notice))


def _judge_words(name: str, values: _Texts, context: Context) -> Verdict:
    if is_free_text(name, values.spellings, values.counts):
        return read_as_text(name, values.spellings, values.counts, context.source)
    if is_nearly_unique(len(values.spellings), values.present):
        return set_aside(name, "identifier", "nearly every value is different (an id)")
    if len(values.spellings) == values.present and has_id_name(name):
        return set_aside(name, "identifier", "every value is different (an id)")
    return use_as_categories(name, len(values.spellings))
