"""How numbers look in README and docs: the only place that formats them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MINUS = "\N{MINUS SIGN}"
EMPTY = "–"
"""What a table shows where nothing was measured."""


def share(value: float | None, digits: int = 3) -> str:
    """A number that is usually between 0 and 1, without a leading zero: ``.739``."""
    if value is None:
        return EMPTY
    text = f"{abs(value):.{digits}f}"
    sign = MINUS if value < 0 and float(text) else ""
    return sign + text.removeprefix("0" if digits else "")


def signed(value: float, digits: int = 3) -> str:
    """A difference, with its sign: ``+.076``."""
    text = share(value, digits)
    return text if text.startswith(MINUS) else f"+{text}"


def with_error(value: float, error: float, digits: int = 3) -> str:
    """A difference with its standard error: ``+.076 ± .011``."""
    return f"{signed(value, digits)} ± {share(error, digits)}"


def percent(value: float) -> str:
    """A share as whole per cent: ``97 %``."""
    text = f"{100 * abs(value):.0f} %"
    return f"{MINUS}{text}" if value < 0 and text != "0 %" else text


def points(value: float) -> str:
    """A share in per cent with one decimal and no sign of per cent: ``83.9``."""
    return f"{100 * value:.1f}"


def signed_points(value: float) -> str:
    """A difference in percentage points, with its sign: ``+1.1``."""
    text = f"{100 * abs(value):.1f}"
    return f"{MINUS if value < 0 and float(text) else '+'}{text}"


def ratio(value: float, digits: int = 2) -> str:
    """A ratio or a quantity: ``1.39``."""
    return f"{value:.{digits}f}"


def count(value: float) -> str:
    """A whole number, thousands apart: ``45,011``."""
    return f"{value:,.0f}"


def span(texts: Iterable[str]) -> str:
    """The first and the last of some sorted figures: ``.603 to .653``."""
    found = list(texts)
    return f"{found[0]} to {found[-1]}"


def bold(text: str, when: bool = True) -> str:
    """Emphasis in Markdown."""
    return f"**{text}**" if when else text


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, left: int = 1) -> str:
    """A Markdown table.

    Args:
        header: one text a column.
        rows: as many texts each.
        left: columns from the left that are aligned to the left; the others are to the right.
    """
    rule = [":--"] * left + ["--:"] * (len(header) - left)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *rows))
