"""What the terminal shows of a comparison of two runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from datacleanse_cli.layout import lay_out_line, name_labels, name_row, print_sections
from datacleanse_cli.printing import make_printable
from datacleanse_reports.changes import sentences
from datacleanse_reports.wording import (
    format_probability,
    make_visible,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console, RenderableType

    from datacleanse_reports.changes.records import Changes, RowChange

ROWS_SHOWN = 5
"""Of each kind; `comparison.json` has all of them."""


def print_changes(changes: Changes, console: Console, *, written: Sequence[Path]) -> None:
    """Print what changed from an earlier run to a later one.

    Args:
        changes: the two runs.
        console: where to; its width is kept to.
        written: files of the comparison.
    """
    encoding = console.encoding or "utf-8"
    said = [
        sentences.say_noise(changes),
        sentences.say_flags(changes),
        sentences.say_outcomes(changes),
        sentences.say_clean(changes),
        sentences.say_matching(changes),
    ]
    sections: list[tuple[str, list[RenderableType]]] = [
        ("What changed", [lay_out_line(text, encoding) for text in said if text]),
        ("Model", _lay_out_model(changes, encoding)),
        *(
            (
                f"{title} ({min(len(rows), ROWS_SHOWN):,} of {len(rows):,})",
                _lay_out_rows(rows, encoding),
            )
            for title, rows in (
                ("Newly flagged", changes.newly_flagged),
                ("Resolved", changes.resolved),
                ("Largest moves in the ranking", changes.moves),
            )
        ),
        ("Written", [lay_out_line(make_visible(str(path)), encoding) for path in written]),
    ]
    print_sections(sections, console)


def _lay_out_model(changes: Changes, encoding: str) -> list[RenderableType]:
    said = sentences.say_test(changes)
    parts: list[RenderableType] = [lay_out_line(said, encoding)] if said else []
    if changes.metrics:
        table = Table(box=None, show_edge=False, pad_edge=False, header_style="dim")
        table.add_column("")
        for header in ("Before", "Now", "Difference"):
            table.add_column(header, justify="right")
        for each in changes.metrics:
            cells = sentences.list_metric_cells(each)
            table.add_row(*(Text(make_printable(cell, encoding)) for cell in cells))
        parts.append(table)
    return parts


def _lay_out_rows(changes: Sequence[RowChange], encoding: str) -> list[RenderableType]:
    return [lay_out_line(_say_row(change), encoding) for change in changes[:ROWS_SHOWN]]


def _say_row(change: RowChange) -> str:
    state = change.shown
    parts = [
        name_row(state.row, state.id),
        name_labels(state.given_label, state.suggested_label),
    ]
    if state.mislabel_probability is not None:
        parts.append(f"{format_probability(state.mislabel_probability)} likely wrong")
    parts.append(f"rank {sentences.say_move(change)}")
    if change.outcome is not None:
        parts.append(change.outcome)
    return " · ".join(parts)
