"""How summaries are laid out in the terminal: titles, and indented paragraphs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from datacleanse_reports.wording import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console, RenderableType

_INDENT = (0, 0, 0, 2)
_PLAIN_SIGNS = {"→": "->", "±": "+-", "–": "-", "·": "|", "…": "..."}
"""What stands for a sign where the terminal's encoding lacks it."""


def print_sections(
    sections: Iterable[tuple[str, Sequence[RenderableType]]], console: Console
) -> None:
    """Print each section that has parts, its title above them."""
    for title, parts in sections:
        if not parts:
            continue
        console.print()
        console.print(Text(title, style="bold"))
        for part in parts:
            console.print(Padding(part, _INDENT, expand=False))


def line(text: str, encoding: str, *, mark: str = "") -> Table:
    """A paragraph whose further lines stand under its first word."""
    grid = Table.grid()
    if mark:
        grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    paragraph = Text(printable(text, encoding))
    grid.add_row(*([Text(mark, style="bold yellow")] if mark else []), paragraph)
    return grid


def printable(text: str, encoding: str) -> str:
    """Text that this terminal can show: nothing hidden, nothing that its encoding lacks."""
    shown = visible(text)
    try:
        shown.encode(encoding)
    except UnicodeEncodeError:
        plain = "".join(_PLAIN_SIGNS.get(character, character) for character in shown)
        return plain.encode(encoding, "backslashreplace").decode(encoding)
    return shown
