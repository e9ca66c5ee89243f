"""Wording that all messages about tables share."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LISTED = 5
"""How many rows, names or values a message lists before it says how many more there are."""


def format_list(items: Sequence[object], *, total: int | None = None) -> str:
    """Join the first items by commas, then say how many of ``total`` are left out."""
    total = len(items) if total is None else total
    text = ", ".join(str(item) for item in items[:LISTED])
    left_out = total - min(len(items), LISTED)
    return f"{text} and {left_out} more" if left_out > 0 else text


def format_rows(rows: Sequence[int], *, total: int | None = None) -> str:
    """The numbers of rows, e.g. ``rows 3, 17 (the first data row is 0)``."""
    total = len(rows) if total is None else total
    word = "row" if total == 1 else "rows"
    return f"{word} {format_list(list(rows), total=total)} (the first data row is 0)"


def format_count(count: int, noun: str) -> str:
    """A number with its noun, e.g. ``12 rows``; nouns with a plain plural only."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def find_nearest(name: str, among: Iterable[str]) -> str | None:
    """The candidate most like ``name`` (case and outer space ignored), None if none is close."""
    folded: dict[str, str] = {}
    for candidate in among:
        folded.setdefault(candidate.strip().casefold(), candidate)
    close = difflib.get_close_matches(name.strip().casefold(), list(folded), n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def suggest_nearest(name: str, among: Iterable[str], *, otherwise: str) -> str:
    """A hint that offers the nearest candidate, else ``otherwise``."""
    best = find_nearest(name, among)
    return f"Did you mean '{best}'?" if best is not None else otherwise


def format_names(names: Sequence[str]) -> str:
    """Names of columns in quotes, so that blanks around them are seen; the first forty."""
    text = ", ".join(quote_value(name) for name in names[:40])
    return f"{text} and {len(names) - 40} more" if len(names) > 40 else text


def suggest_column(name: str, among: Sequence[str]) -> str:
    """A hint for a column that is not there: the one whose name differs by blanks or a little."""
    padded = find_padded(among, [name])
    if padded is not None:
        return padded
    return suggest_nearest(name, among, otherwise=f"Its columns are {format_names(among)}.")


def find_padded(names: Sequence[str], wanted: Iterable[str]) -> str | None:
    """A hint on the first column that is a wanted one but for blanks around it; None: none is."""
    wanted = set(wanted)
    for name in names:
        stripped = name.strip()
        if stripped != name and stripped in wanted:
            return (
                f"The column {quote_value(name)} has blanks around its name: rename it to "
                f"{quote_value(stripped)}, or give its name with them."
            )
    return None


def quote_error(error: Exception) -> str:
    """What a library's error says, on one line and without a full stop."""
    return " ".join(str(error).split()).rstrip(".")


def quote_value(value: object, *, width: int = 60) -> str:
    """A value as quoted in a message: one line, shortened, its kind of quotes visible."""
    text = repr(value)
    return text if len(text) <= width else f"{text[: width - 1]}…"
