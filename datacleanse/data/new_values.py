"""What rows hold that the model which reads them, or DATA, has never seen: counted, then told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.data.column_values import read_categories
from datacleanse.data.messages import format_count, format_list, format_rows, quote_value
from datacleanse.errors import InputError
from datacleanse.records import CellCount, Notice

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from datacleanse.records import Column, Dataset

_FEW = 3
"""Values of a column from which on it may be refused: a row or two may well be new altogether."""
_CHANCE = 0.01
"""Chance of finding no known value, were the rows like those learned from, below which the column
is taken for one that is written in another way."""
_MANY = 20
"""Rows from which a column without any value is told although single ones lack it usually."""


@dataclass(frozen=True)
class KnownValues:
    """What a model has learned of a column's values, by which new ones are judged."""

    column: str
    """Its name."""
    categories: tuple[str, ...] | None
    """The values that it tells apart; None where the column does not hold names."""
    rare_share: float
    """Share of the values it learned from that are none of ``categories``, in [0, 1]."""
    has_missing: bool
    """Whether rows that it learned from lacked the value."""


@dataclass(frozen=True)
class ColumnCount:
    """What was met in a column of new rows."""

    known: KnownValues
    """What the model has learned of it."""
    cells: CellCount
    """How they can be read; of names every one can."""
    what: str
    """What it is read as: ``number``, ``date``, ``vector`` or ``name``."""
    unknown: int = 0
    """Names that the model does not know: they count as missing."""
    unknown_example: str = ""
    """The first of them, as messages quote it."""
    unknown_row: int = -1
    """Its row in the file."""
    renamed: tuple[str, str] | None = None
    """An unknown name, and a known one that differs from it by case, blanks or zeros in front."""


class NewValues:
    """Counts what is unknown, unreadable or missing in new rows, over all portions of a file."""

    def __init__(self, known: Iterable[KnownValues]) -> None:
        """``known``: what the model has learned of each column, as far as that is known."""
        self._known = {each.column: each for each in known}
        self._counts: dict[str, ColumnCount] = {}
        self._source = ""

    def add(self, data: Dataset) -> None:
        """Count the cells of a table, or of the next portion of it."""
        self._source = f"{data.source} (NEW)"
        counts = {count.column: count for count in data.counts}
        for column in data.schema.columns:
            known = self._known.get(column.name) or KnownValues(column.name, None, 0.0, True)
            if column.is_worded:
                found = _count_names(data, column, known)
            else:
                what = {"datetime": "date", "embedding": "vector"}.get(column.kind, "number")
                found = ColumnCount(known, counts[column.name], what)
            before = self._counts.get(column.name)
            self._counts[column.name] = found if before is None else _add_up(before, found)

    def make_notices(self) -> list[Notice]:
        """A warning for each column and kind of loss; missing cells only where none is usual."""
        notices = []
        for count in self._counts.values():
            name, cells = count.known.column, count.cells
            if count.unknown:
                message = self._say_unknown(count)
                notices.append(_warn("values-unknown", message, name, count.unknown))
            if cells.unreadable:
                message = say_unreadable(cells, source=self._source, what=count.what)
                notices.append(_warn("values-unreadable", message, name, cells.unreadable))
            is_bare = not cells.present and cells.missing >= _MANY
            if cells.missing and (is_bare or not count.known.has_missing):
                message = self._say_missing(count)
                notices.append(_warn("values-missing", message, name, cells.missing))
        return notices

    def check(self) -> None:
        """Refuse a column none of whose values the model knows, where that is no accident.

        Raises:
            InputError: there is one; the message names it.
        """
        for count in self._counts.values():
            if count.unknown < max(count.cells.present, _FEW):
                continue
            if count.known.rare_share**count.unknown >= _CHANCE:
                continue
            raise InputError(
                f"{self._source}: column '{count.known.column}' holds no value that the model "
                f"knows: {format_count(count.unknown, 'value')}, for example "
                f"{count.unknown_example} in {format_rows([count.unknown_row])}; "
                f"it {_say_known(count.known)}.",
                slug="values-unknown",
                hint=_propose_cure(count),
            )

    def _say_unknown(self, count: ColumnCount) -> str:
        return (
            f"{self._source}: column '{count.known.column}' holds {count.unknown:,} of "
            f"{format_count(count.cells.present, 'value')} that the model does not know, for "
            f"example {count.unknown_example} in {format_rows([count.unknown_row])}; counted as "
            f"missing. It {_say_known(count.known)}."
        )

    def _say_missing(self, count: ColumnCount) -> str:
        total = count.cells.missing + count.cells.present
        usual = "" if count.known.has_missing else " The model has never seen it missing."
        return (
            f"{self._source}: column '{count.known.column}' is empty in {count.cells.missing:,} of "
            f"{format_count(total, 'row')}, first in {format_rows([count.cells.missing_row])}."
            f"{usual}"
        )


def say_unreadable(count: CellCount, *, source: str, what: str) -> str:
    """The sentence that values which are no ``what`` were taken as missing."""
    is_one = count.unreadable == 1
    return (
        f"{source}: column '{count.column}' is read as {what}s; "
        f"{format_count(count.unreadable, 'value')} that {'is' if is_one else 'are'} no {what} "
        f"{'counts' if is_one else 'count'} as missing, for example {count.example} in "
        f"{format_rows([count.row])}."
    )


def note_unreadable(
    counts: Iterable[CellCount], columns: Iterable[Column], *, source: str
) -> list[Notice]:
    """A warning for each column of another file in which some values cannot be read."""
    dates = {column.name for column in columns if column.kind == "datetime"}
    return [
        _warn(
            "values-unreadable",
            say_unreadable(
                count, source=source, what="date" if count.column in dates else "number"
            ),
            count.column,
            count.unreadable,
        )
        for count in counts
        if count.unreadable
    ]


def note_unknown_names(data: Dataset, other: Dataset, *, role: str) -> list[Notice]:
    """A warning for each column of names of another file that holds some which DATA lacks."""
    notices = []
    for column in data.schema.columns:
        if column.kind == "categorical":
            known = KnownValues(column.name, read_categories(data, column)[1], 0.0, True)
            count = _count_names(other, column, known)
            if count.unknown:
                message = (
                    f"{other.source} ({role}): column '{column.name}' holds {count.unknown:,} of "
                    f"{format_count(count.cells.present, 'value')} that DATA lacks, for example "
                    f"{count.unknown_example} in {format_rows([count.unknown_row])}; counted as "
                    "missing."
                )
                notices.append(_warn("values-unknown", message, column.name, count.unknown))
    return notices


def _warn(slug: str, message: str, column: str, cells: int) -> Notice:
    return Notice(slug, message, is_warning=True, column=column, cells=cells)


def _count_names(data: Dataset, column: Column, known: KnownValues) -> ColumnCount:
    codes, names = read_categories(data, column)
    absent = codes < 0
    cells = CellCount(
        column.name,
        int((~absent).sum()),
        int(absent.sum()),
        0,
        missing_row=_find_first(absent, data.first_row),
    )
    counted = ColumnCount(known, cells, "name")
    # Where the model tells no values apart, all are one to it.
    if not known.categories:
        return counted
    categories = set(known.categories)
    is_unknown = np.array([name not in categories for name in names] + [False], dtype=bool)
    unknown = is_unknown[codes]
    if not unknown.any():
        return counted
    row = int(np.argmax(unknown))
    strange = [name for name, new in zip(names, is_unknown.tolist(), strict=False) if new]
    return replace(
        counted,
        unknown=int(unknown.sum()),
        unknown_example=quote_value(data.table.column(column.name)[row].as_py()),
        unknown_row=row + data.first_row,
        renamed=_find_renamed(strange, known.categories),
    )


def _find_first(flags: NDArray[np.bool_], first_row: int) -> int:
    return int(np.argmax(flags)) + first_row if flags.any() else -1


def _find_renamed(unknown: Sequence[str], known: Sequence[str]) -> tuple[str, str] | None:
    """The first unknown name that is a known one but for case, blanks or zeros in front."""
    folded = {_fold(name): name for name in reversed(known)}
    pairs = ((name, folded.get(_fold(name))) for name in unknown)
    return next(((name, other) for name, other in pairs if other is not None), None)


def _fold(name: str) -> str:
    return name.strip().casefold().lstrip("0")


def _say_known(known: KnownValues) -> str:
    names = [quote_value(name) for name in known.categories or ()]
    return f"knows {format_list(names)}"


def _propose_cure(count: ColumnCount) -> str:
    allowed = "to classify the rows all the same, as if it were empty: --allow-unknown"
    if count.renamed is None:
        return f"Write the values as DATA does; {allowed}."
    met, known = map(quote_value, count.renamed)
    text = (
        f" (in pandas: dtype={{{count.known.column!r}: str}})" if count.renamed[0].isdigit() else ""
    )
    return f"{met} may be {known}: read or write the column as DATA does{text}; {allowed}."


def _add_up(before: ColumnCount, now: ColumnCount) -> ColumnCount:
    """The counts of a column over the portions so far; examples are those met first."""
    old, new = before.cells, now.cells
    example = old if old.row >= 0 else new
    cells = CellCount(
        old.column,
        old.present + new.present,
        old.missing + new.missing,
        old.unreadable + new.unreadable,
        example.example,
        example.row,
        old.missing_row if old.missing_row >= 0 else new.missing_row,
    )
    shown = before if before.unknown_row >= 0 else now
    return replace(
        shown,
        cells=cells,
        unknown=before.unknown + now.unknown,
        renamed=before.renamed or now.renamed,
    )
