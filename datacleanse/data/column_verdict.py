"""What was decided about one column of DATA, and the ways to say it."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.data.columns import parse_moments, parse_numbers
from datacleanse.data.conventions import describe_convention, rewrite_plainly
from datacleanse.data.messages import format_count, format_rows, quote_value
from datacleanse.records import Column, Notice, SetAside

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from datacleanse.data.column_evidence import Doubt
    from datacleanse.data.columns import Parsed
    from datacleanse.data.interface import DatesOption, DecimalOption
    from datacleanse.records import Convention, FeatureKind, SetAsideKind

MANY_CATEGORIES = 1000
"""Categories of a column beyond which the reader is told."""

_MANY_NUMBERS = 10
"""Different numbers from which their decimals tell something."""
_THREE_DIGITS = 0.8
"""Share of numbers whose third digit behind the point is not 0; of thousands it is 90 % or so."""
_ROUNDING = 1e-6

_ID_NAME = re.compile(
    r"(^|[_\s.-])id$|^index$|^row([_ ]?(id|num|number))?$|uuid|^unnamed: 0$|^$", re.IGNORECASE
)
_CAMEL_ID = re.compile(r"[a-z]I[Dd]$")


@dataclass(frozen=True)
class Context:
    """What is known of a column apart from its cells.

    Attributes:
        source: how messages name DATA.
        declared: the file itself says that these are categories (a dictionary column).
        text_is_typed: the format tells text from numbers, so digits in text were meant as text.
        decimal: what a person says of numbers that leave it open.
        dates: what a person says of dates that leave it open.
    """

    source: str
    declared: bool
    text_is_typed: bool
    decimal: DecimalOption | None = None
    dates: DatesOption | None = None


@dataclass(frozen=True)
class Verdict:
    """What a column is: exactly one of the first two is set."""

    column: Column | None = None
    set_aside: SetAside | None = None
    notices: tuple[Notice, ...] = ()


def set_aside(name: str, kind: SetAsideKind, reason: str) -> Verdict:
    """The verdict that the network does not read a column; ``reason`` is a sentence part."""
    return Verdict(None, SetAside(name, kind, reason))


def use_as_feature(name: str, kind: FeatureKind, *notices: Notice, width: int = 1) -> Verdict:
    """The verdict that the network reads a column, as values of this kind."""
    return Verdict(Column(name, kind, width), None, notices)


def read_as_written(
    name: str, cells: pa.ChunkedArray, convention: Convention, context: Context
) -> Verdict:
    """The verdict on a column that writes numbers or dates in a way of its own."""
    column = Column(name, "numeric" if convention.order is None else "datetime", 1, convention)
    written = rewrite_plainly(cells, column)
    source = context.source
    if convention.order is None:
        parsed = parse_numbers(written)
        odd = note_infinite_values(name, parsed.read_floats(), source=source)
    else:
        parsed, odd = parse_moments(written), []
    present = int((~parsed.find_missing()).sum())
    option = f"--categorical {shlex.quote(name)}"
    message = (
        f"Column '{name}' of {source}: {format_count(present, 'cell')} read as "
        f"{describe_convention(convention)}; {option} takes them as names."
    )
    told = Notice("convention-read", message, column=name, cells=present, option=option)
    what = "number" if convention.order is None else "date"
    lost = note_unreadable_values(name, cells, parsed, source=source, what=what)
    return Verdict(column, None, (told, *lost, *odd))


def note_doubt(name: str, doubt: Doubt, cells: int, *, taken: str, source: str) -> Notice:
    """A warning that a column seems to hold numbers or dates and is not read as such."""
    message = f"Column '{name}' of {source} seems to hold {doubt.what}; {taken}. {doubt.cure}"
    return Notice("convention-unclear", message, True, name, cells, doubt.option)


def set_constant_aside(name: str, value: object) -> Verdict:
    """The verdict on a column that holds one value: nothing can be learned from it."""
    return set_aside(name, "constant", f"every value is {quote_value(value)}")


def set_empty_aside(name: str) -> Verdict:
    """The verdict on a column without any value."""
    return set_aside(name, "empty", "every value is missing")


def use_as_categories(name: str, values: int) -> Verdict:
    """The verdict on a column of names, with a notice where it has very many."""
    if values <= MANY_CATEGORIES:
        return use_as_feature(name, "categorical")
    message = f"Column '{name}' has {values:,} categories; rare ones teach the network little."
    return use_as_feature(name, "categorical", Notice("categories-many", message))


def has_id_name(name: str) -> bool:
    """Whether the name says that values name rows: ``customer_id``, ``customerID``, ``index``."""
    return bool(_CAMEL_ID.search(name) or _ID_NAME.search(name.strip()))


def note_unreadable_values(
    name: str,
    cells: pa.ChunkedArray,
    parsed: Parsed,
    *,
    source: str,
    what: str,
    option: str | None = None,
) -> list[Notice]:
    """A warning if values that are no ``what`` were taken as missing; ``option`` keeps them."""
    failed = int(parsed.failed.sum())
    if not failed:
        return []
    row, is_one = int(np.argmax(parsed.failed)), failed == 1
    message = (
        f"{source}: column '{name}' is read as {what}s; {format_count(failed, 'value')} that "
        f"{'is' if is_one else 'are'} no {what} {'counts' if is_one else 'count'} as missing, "
        f"for example {quote_value(cells[row].as_py())} in {format_rows([row])}."
    )
    if option is not None:
        message += f" {option} keeps them, and takes every value as a name."
    return [Notice("values-unreadable", message, True, name, failed, option)]


def note_three_decimals(name: str, values: NDArray[np.float64], *, source: str) -> list[Notice]:
    """A notice if all numbers could be whole ones with a point between thousands: 1.234."""
    size = np.abs(values)
    if not ((size >= 1) & (size < 1000)).all():
        return []
    thousandths = np.rint(size * 1000)
    if (np.abs(size * 1000 - thousandths) > _ROUNDING).any():
        return []
    if (thousandths % 10 != 0).mean() < _THREE_DIGITS or len(np.unique(size)) < _MANY_NUMBERS:
        return []
    option = "--decimal ','"
    message = (
        f"Column '{name}' of {source}: numbers such as {size[0]:.3f} have three digits behind "
        f"the point, which is read as that of decimals; {option} reads it as that of thousands."
    )
    return [Notice("convention-open", message, column=name, cells=len(values), option=option)]


def note_months(name: str, values: NDArray[np.float64], *, source: str) -> list[Notice]:
    """A notice if all numbers could be months with their years: 9.2019."""
    if not ((values >= 1) & (values < 13)).all():
        return []
    parts = np.rint(values * 10_000)
    year = parts % 10_000
    if not ((year >= 1900) & (year <= 2100)).all():
        return []
    if (np.abs(values * 10_000 - parts) > _ROUNDING).any():
        return []
    if len(np.unique(parts)) < _MANY_NUMBERS:
        return []
    message = (
        f"Column '{name}' of {source}: numbers such as {values[0]:.4f} may be months with their "
        "years; they are read as numbers. Write 2019-09 for such a month to have it read as a date."
    )
    return [Notice("convention-open", message, column=name, cells=len(values))]


def note_infinite_values(name: str, values: NDArray[np.float64], *, source: str) -> list[Notice]:
    """A warning if a column of numbers holds infinities."""
    rows = np.flatnonzero(np.isinf(values))
    if not len(rows):
        return []
    where = format_rows([int(row) for row in rows[:5]], total=len(rows))
    message = f"{source}: column '{name}' holds infinite values in {where}."
    return [Notice("values-infinite", message, is_warning=True, column=name, cells=len(rows))]
