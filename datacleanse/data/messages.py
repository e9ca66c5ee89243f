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


def quote_error(error: Exception) -> str:
    """What a library's error says, on one line and without a full stop."""
    return " ".join(str(error).split()).rstrip(".")


def quote_value(value: object, *, width: int = 60) -> str:
    """A value as quoted in a message: one line, shortened, its kind of quotes visible."""
    text = repr(value)
    return text if len(text) <= width else f"{text[: width - 1]}…"
