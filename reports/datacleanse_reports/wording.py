"""How values are written for people: numbers, missing values and text that may be hostile."""

from __future__ import annotations

import math
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MISSING = "–"
"""Stands for a value that is not known."""

_JOINERS = "\u200c\u200d"
"""Invisible, but part of how emoji and several scripts are spelt."""


def format_count(value: float | None) -> str:
    """A number of things: ``12,345``."""
    return MISSING if value is None else f"{value:,.0f}"


def estimate(value: float | None) -> str:
    """An expected number of things; one decimal where that says something: ``3.4``, ``412``."""
    if value is None:
        return MISSING
    return f"{value:,.1f}" if abs(value) < 9.95 else f"{value:,.0f}"


def count_range(low: float, high: float) -> str:
    """A range of numbers of things, rounded outwards: ``between 87 and 100``."""
    return (
        f"between {_round_outwards(low, math.floor):,.0f} and "
        f"{_round_outwards(high, math.ceil):,.0f}"
    )


def _round_outwards(value: float, away: Callable[[float], int]) -> float:
    # Without the last digits, in which 100 x 0.29 is less than 29.
    return away(round(value, 6))


def format_percent(share: float | None) -> str:
    """A share in [0, 1] as ``8.2%``."""
    if share is None:
        return MISSING
    if 0 < share < 0.001:
        return "<0.1%"
    if 0.9995 <= share < 1:
        return ">99.9%"
    return f"{100 * share:.1f}%"


def format_percent_range(low: float, high: float) -> str:
    """A range of shares, short and rounded outwards: ``6.1–11%``."""
    return f"{_format_short_percent(low, math.floor)}–{_format_short_percent(high, math.ceil)}%"


def _format_short_percent(share: float, away: Callable[[float], int]) -> str:
    tenths = _round_outwards(1000 * share, away)
    return f"{tenths / 10:.3g}" if tenths < 100 else f"{_round_outwards(100 * share, away):.0f}"


def format_rate(share: float) -> str:
    """A round share, as people write it: ``10%``, ``2.5%``."""
    return f"{100 * share:.3g}%"


def format_probability(value: float | None) -> str:
    """A probability as ``97%``; certainty is not claimed by rounding."""
    if value is None:
        return MISSING
    if 0 < value < 0.005:
        return "<1%"
    if 0.995 <= value < 1:
        return ">99%"
    return f"{100 * value:.0f}%"


def format_decimal(value: float | None) -> str:
    """A measure with three decimals: ``0.861``."""
    return MISSING if value is None else f"{value:.3f}"


def format_measure(value: float) -> str:
    """A number in the unit of the label column, to four digits."""
    return f"{value:.4g}"


def format_signed(value: float | None) -> str:
    """A difference with its sign: ``+0.012``."""
    return MISSING if value is None else f"{value:+.3f}"


def format_short(value: float | None) -> str:
    """Any number with three significant digits."""
    return MISSING if value is None else f"{value:.3g}"


def format_seconds(value: float | None) -> str:
    """A duration: ``0.4 s``, ``12 s``, ``3 min 20 s``."""
    if value is None:
        return MISSING
    if value < 9.95:
        return f"{value:.1f} s"
    whole = round(value)
    return f"{whole} s" if whole < 120 else f"{whole // 60} min {whole % 60} s"


def format_plural(number: float, singular: str, several: str | None = None) -> str:
    """A count with its noun: ``1 row``, ``2,000 rows``."""
    noun = singular if number == 1 else several or f"{singular}s"
    return f"{format_count(number)} {noun}"


def make_visible(text: str, *, keep_lines: bool = False) -> str:
    """Text in which nothing hides: control, direction and line characters are spelt out.

    Args:
        text: anything, e.g. a cell of a stranger's table.
        keep_lines: leave newlines and tabs as they are.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_show_sign(character, keep_lines=keep_lines) for character in text)


def _show_sign(character: str, *, keep_lines: bool) -> str:
    if keep_lines and character in "\n\t":
        return character
    if character in _JOINERS or unicodedata.category(character) not in _HIDDEN:
        return character
    return character.encode("unicode_escape").decode("ascii")


_HIDDEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})


def shorten(text: str, limit: int) -> str:
    """At most ``limit`` characters, and how many there were."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text):,} characters)"
