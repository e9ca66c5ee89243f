"""How summaries are laid out in the terminal: titles, and indented paragraphs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from datacleanse_cli.printing import make_printable
from datacleanse_reports.wording import MISSING, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console, RenderableType

    from datacleanse_reports.run_view import RunView

INDENT = 2
"""Columns before what stands under a title."""
_TEXT_LIMIT = 60
"""Characters of a label or an id that a line can bear."""


@dataclass(frozen=True)
class Command:
    """A command to be copied: it stays one line, however narrow the terminal is."""

    text: str
    """As `next_commands` spells it."""


def print_sections(
    sections: Iterable[tuple[str, Sequence[RenderableType | Command]]], console: Console
) -> None:
    """Print each section that has parts, its title above them."""
    for title, parts in sections:
        if not parts:
            continue
        console.print()
        console.print(Text(make_printable(title, console.encoding or "utf-8"), style="bold"))
        for part in parts:
            if isinstance(part, Command):
                encoding = console.encoding or "utf-8"
                shown = part.text.encode(encoding, "backslashreplace").decode(encoding)
                console.print(Text(" " * INDENT + shown), soft_wrap=True)
            else:
                console.print(Padding(part, (0, 0, 0, INDENT), expand=False))


def lay_out_line(text: str, encoding: str, *, mark: str = "") -> Table:
    """A paragraph whose further lines stand under its first word."""
    grid = Table.grid()
    if mark:
        grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    paragraph = Text(make_printable(text, encoding))
    grid.add_row(*([Text(mark, style="bold yellow")] if mark else []), paragraph)
    return grid


def name_row(row: int, id_: str) -> str:
    """Name a row by its number, and by its id where that is another one."""
    return f"row {row}" if id_ == str(row) else f"row {row} ({shorten_text(id_)})"


def name_labels(given: str, suggested: str | None) -> str:
    """Name the given and the suggested label, e.g. ``cat → dog``."""
    return f"{shorten_text(given)} → {MISSING if suggested is None else shorten_text(suggested)}"


def shorten_text(text: str) -> str:
    """A label or an id as it fits into a line; an empty one is said."""
    return shorten(text, _TEXT_LIMIT) or "(empty)"


def lay_out_health(
    view: RunView, encoding: str, *, only_warnings: bool = False
) -> list[RenderableType]:
    """A line for each finding beside wrong labels."""
    if view.health is None:
        return []
    return [
        lay_out_line(each.message, encoding, mark="! " if each.is_warning else "")
        for each in view.health.findings
        if each.is_warning or not only_warnings
    ]
