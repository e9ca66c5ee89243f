"""What one column of DATA is: a feature of some kind, or set aside and why."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datacleanse.data.columns import (
    MISSING_TEXTS,
    Distinct,
    Parsed,
    distinct,
    is_list,
    is_numeric,
    is_text,
    is_vector,
    parse_moments,
    parse_numbers,
    vector_lengths,
)
from datacleanse.data.messages import count_text, rows_text, shown
from datacleanse.errors import InputError
from datacleanse.records import Column, Notice, SetAside

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.records import FeatureKind, SetAsideKind

MOSTLY = 0.9
"""Share of the values present that must read as a number (or date) for the column to be one."""

_ID_NAME = re.compile(
    r"(^|[_\s.-])id$|^index$|^row([_ ]?(id|num|number))?$|uuid|^unnamed: 0$|^$", re.IGNORECASE
)
_CAMEL_ID = re.compile(r"[a-z]I[Dd]$")
_FRAME_INDEX = re.compile(r"__index_level_\d+__")
_MANY_CATEGORIES = 1000
_FEW_MARKERS = 5
"""Distinct texts that may be markers of missing values among numbers; more are codes."""


@dataclass(frozen=True)
class Verdict:
    """What a column is: exactly one of the first two is set."""

    column: Column | None = None
    set_aside: SetAside | None = None
    notices: tuple[Notice, ...] = ()


def judge(
    name: str, cells: pa.ChunkedArray, *, source: str, declared: bool, text_is_typed: bool
) -> Verdict:
    """Decide by type, then by values.

    Args:
        name: of the column.
        cells: (N,) of any Arrow type.
        source: how messages name the file.
        declared: the file itself says that these are categories (a dictionary column).
        text_is_typed: the format tells text from numbers, so digits in text were meant as text.
    """
    kind = cells.type
    if _FRAME_INDEX.fullmatch(name):
        return _aside(name, "identifier", "it is the row index of a data frame")
    if cells.null_count == len(cells):
        return _aside(name, "empty", "every value is missing")
    if is_text(kind):
        found = distinct(cells)
        return _judge_text(
            name, cells, found, source=source, declared=declared, text_is_typed=text_is_typed
        )
    if pa.types.is_dictionary(kind):
        return _judge_declared(name, distinct(cells), len(cells))
    if pa.types.is_boolean(kind) or is_numeric(kind):
        return _judge_numbers(name, cells, source=source)
    if pa.types.is_temporal(kind):
        return _judge_moments(name, parse_moments(cells), source=source)
    if is_list(kind) and is_vector(kind):
        return _judge_vectors(name, cells, source=source)
    return _aside(name, "nested", f"its cells are {kind}")


def judge_numeric(name: str, cells: pa.ChunkedArray, *, source: str) -> Verdict:
    """A column that a person calls numeric.

    Raises:
        InputError: less than half of its values are numbers.
    """
    parsed = parse_numbers(cells, flags=True)
    failed = int(parsed.failed.sum())
    if failed and failed > int((~parsed.missing()).sum()):
        row = int(np.argmax(parsed.failed))
        raise InputError(
            f"{source}: column '{name}' is not numeric: {count_text(failed, 'value')} of "
            f"{len(cells):,} cannot be read as numbers, for example {shown(cells[row].as_py())} in "
            f"{rows_text([row])}.",
            slug="column-not-numeric",
            hint="Leave it out of --numeric, or mend the values.",
        )
    notices = (_unreadable(name, cells, parsed, source=source, what="number"),) if failed else ()
    return Verdict(Column(name, "numeric"), None, notices)


def _aside(name: str, kind: SetAsideKind, reason: str) -> Verdict:
    return Verdict(None, SetAside(name, kind, reason))


def _feature(name: str, kind: FeatureKind, *notices: Notice, width: int = 1) -> Verdict:
    return Verdict(Column(name, kind, width), None, notices)


def _constant(name: str, value: object) -> Verdict:
    return _aside(name, "constant", f"every value is {shown(value)}")


def has_id_name(name: str) -> bool:
    """Whether the name says that values name rows: ``customer_id``, ``customerID``, ``index``."""
    return bool(_CAMEL_ID.search(name) or _ID_NAME.search(name.strip()))


def _judge_numbers(name: str, cells: pa.ChunkedArray, *, source: str) -> Verdict:
    parsed = parse_numbers(cells)
    values = parsed.values
    missing = np.isnan(values)
    if missing.all():
        return _aside(name, "empty", "every value is missing")
    if (values == values[0]).all():
        return _constant(name, cells[0].as_py())
    if pa.types.is_boolean(cells.type):
        return _feature(name, "boolean")
    if pa.types.is_integer(cells.type) and not missing.any():
        reason = _id_reason(name, cells)
        if reason is not None:
            return _aside(name, "identifier", reason)
    return _feature(name, "numeric", *_infinite(name, values, source))


def _id_reason(name: str, cells: pa.ChunkedArray) -> str | None:
    extent = pc.min_max(cells).as_py()
    is_run = extent["max"] - extent["min"] == len(cells) - 1 and len(cells) >= 20
    if not is_run and not has_id_name(name):
        return None
    if pc.count_distinct(cells).as_py() < len(cells):
        return None
    return "its values number the rows" if is_run else "every value is different (an id)"


def _infinite(name: str, values: NDArray[np.float64], source: str) -> list[Notice]:
    rows = np.flatnonzero(np.isinf(values))
    if not len(rows):
        return []
    where = rows_text([int(row) for row in rows[:5]], total=len(rows))
    message = f"{source}: column '{name}' holds infinite values in {where}."
    return [Notice("values-infinite", message, is_warning=True)]


def _judge_moments(name: str, parsed: Parsed, *, source: str) -> Verdict:
    del source
    if parsed.missing().all():
        return _aside(name, "empty", "every value is missing")
    if (parsed.values == parsed.values[0]).all():
        return _aside(name, "constant", "every value is the same date/time")
    return _feature(name, "datetime")


def _judge_vectors(name: str, cells: pa.ChunkedArray, *, source: str) -> Verdict:
    lengths = vector_lengths(cells)
    present = np.flatnonzero(lengths >= 0)
    width = int(np.bincount(lengths[present]).argmax())
    odd = present[lengths[present] != width]
    if len(odd):
        raise InputError(
            f"{source}: the lists of column '{name}' differ in length: {width} numbers in "
            f"{count_text(len(present) - len(odd), 'row')}, {lengths[odd[0]]} in "
            f"{rows_text([int(odd[0])])}.",
            slug="embedding-lengths",
            hint="Make all lists as long, or leave the column out with --drop.",
        )
    if width == 0:
        return _aside(name, "empty", "every list is empty")
    return _feature(name, "embedding", width=width)


def _judge_declared(name: str, found: Distinct, rows: int) -> Verdict:
    if len(found.values) == 1 and int(found.counts().sum()) == rows:
        return _constant(name, found.values[0].as_py())
    return _feature(name, "categorical", *_many(name, len(found.values)))


def _judge_text(
    name: str,
    cells: pa.ChunkedArray,
    found: Distinct,
    *,
    source: str,
    declared: bool,
    text_is_typed: bool,
) -> Verdict:
    counts = found.counts()
    spellings = found.values.to_pylist()
    is_value = np.array([text.strip() not in MISSING_TEXTS for text in spellings], dtype=bool)
    present, values = int(counts[is_value].sum()), int(is_value.sum())
    if not present:
        return _aside(name, "empty", "every value is missing")
    if values == 1 and present == len(cells):
        return _constant(name, spellings[int(np.argmax(is_value))])
    if declared:
        return _feature(name, "categorical", *_many(name, values))
    if all(text.casefold() in ("true", "false") for text in spellings if text not in MISSING_TEXTS):
        return _feature(name, "boolean")
    moments = parse_moments(cells)
    if _mostly(moments, present):
        notices = _failures(name, cells, moments, source=source, what="date")
        return _feature(name, "datetime", *notices)
    numbers = parse_numbers(cells)
    if _mostly(numbers, present) and not _are_codes(
        numbers, found, present, text_is_typed=text_is_typed
    ):
        notices = _failures(name, cells, numbers, source=source, what="number")
        return _feature(name, "numeric", *notices, *_infinite(name, numbers.values, source))  # type: ignore[arg-type]
    return _judge_words(name, spellings, counts, present=present, values=values)


def _mostly(parsed: Parsed, present: int) -> bool:
    return int((~parsed.missing()).sum()) >= MOSTLY * present


def _are_codes(numbers: Parsed, found: Distinct, present: int, *, text_is_typed: bool) -> bool:
    """Numbers in text that name things, e.g. diagnoses ``250``, ``V57``, ``E909``.

    Either many different values are no numbers, or none is but the file says that they are text;
    and each value comes often enough to be learned as a category.
    """
    repeats = present >= 10 * len(found.values)
    failed = len(np.unique(found.codes[numbers.failed]))
    if failed > _FEW_MARKERS:
        return repeats
    whole = np.isnan(numbers.values) | (numbers.values == np.rint(numbers.values))
    return (
        text_is_typed and not failed and repeats and len(found.values) <= 100 and bool(whole.all())
    )


def _failures(
    name: str, cells: pa.ChunkedArray, parsed: Parsed, *, source: str, what: str
) -> list[Notice]:
    if not parsed.failed.any():
        return []
    return [_unreadable(name, cells, parsed, source=source, what=what)]


def _unreadable(
    name: str, cells: pa.ChunkedArray, parsed: Parsed, *, source: str, what: str
) -> Notice:
    row, failed = int(np.argmax(parsed.failed)), int(parsed.failed.sum())
    return Notice(
        "values-unreadable",
        f"{source}: column '{name}' is read as {what}s; {count_text(failed, 'value')} that "
        f"{'is' if failed == 1 else 'are'} no {what} "
        f"{'counts' if failed == 1 else 'count'} as missing, for example "
        f"{shown(cells[row].as_py())} in {rows_text([row])}.",
        is_warning=True,
    )


def _many(name: str, values: int) -> list[Notice]:
    if values <= _MANY_CATEGORIES:
        return []
    message = f"Column '{name}' has {values:,} categories; rare ones teach the network little."
    return [Notice("categories-many", message)]


def _judge_words(
    name: str, spellings: list[str], counts: NDArray[np.int64], *, present: int, values: int
) -> Verdict:
    share = values / present
    if share <= 0.5:
        return _feature(name, "categorical", *_many(name, values))
    words = float(np.average([len(text.split()) for text in spellings], weights=counts))
    if share > 0.95 and present >= 50:
        if words >= 4:
            return _aside(name, "text", f"it is free text ({words:.0f} words a cell)")
        return _aside(name, "identifier", "nearly every value is different (an id)")
    if words >= 5:
        return _aside(name, "text", f"it is free text ({words:.0f} words a cell)")
    if share == 1.0 and has_id_name(name):
        return _aside(name, "identifier", "every value is different (an id)")
    return _feature(name, "categorical", *_many(name, values))
