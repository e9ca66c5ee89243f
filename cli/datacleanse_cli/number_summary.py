"""What the terminal shows of a finished audit of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from datacleanse_cli.layout import lay_out_health, lay_out_line, print_sections
from datacleanse_cli.next_section import lay_out_next
from datacleanse_cli.printing import make_printable
from datacleanse_reports.numbers import number_sentences as sentences
from datacleanse_reports.numbers.number_formats import FORMATS, list_sentences
from datacleanse_reports.wording import format_probability, make_visible, shorten

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console, RenderableType

    from datacleanse_reports.numbers.number_view import NumberView

SUSPECTS_SHOWN = 10
"""More would push the headline off the screen."""

_CELL = 24
"""Characters of an id or a label that a line can bear."""


def print_number_summary(
    view: NumberView, console: Console, *, run: Path, is_brief: bool = False
) -> None:
    """Print what was read and found, and where it is written.

    Args:
        view: the run.
        console: where to.
        run: the run folder, as the user would type it.
        is_brief: whether only what was found is wanted, and where it is written.
    """
    encoding = console.encoding or "utf-8"
    found = [lay_out_line(text, encoding) for text in list_sentences(view)]
    warnings: list[RenderableType] = [
        lay_out_line(make_visible(notice.message), encoding, mark="! ") for notice in view.warnings
    ]
    place = lay_out_line(make_visible(str(run)), encoding)
    if is_brief:
        warnings += lay_out_health(view, encoding, only_warnings=True)
        print_sections([("Found", found), ("Warnings", warnings), ("Written", [place])], console)
        return
    files = ", ".join(f"reports/{each.file_name}" for each in FORMATS.values())
    print_sections(
        [
            ("Read", [lay_out_line(text, encoding) for text in sentences.say_read(view)]),
            ("Found", found),
            ("Also seen", lay_out_health(view, encoding)),
            (
                f"Top {min(SUSPECTS_SHOWN, len(view.suspects))} suspects",
                [_lay_out_suspects(view, encoding)],
            ),
            ("Warnings", warnings),
            ("Written", [place, lay_out_line(f"{files}, audit.parquet, model/", encoding)]),
            (
                "Next",
                lay_out_next(
                    view,
                    run,
                    encoding,
                    predict="Predict numbers (here of the data; name your own rows instead):",
                ),
            ),
        ],
        console,
    )


def _lay_out_suspects(view: NumberView, encoding: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("rank", "id", "given", "suggested", "expected", "probability", "slip"):
        table.add_column(name, justify="left" if name in ("id", "slip") else "right")
    for suspect in view.suspects[:SUSPECTS_SHOWN]:
        cells = [
            str(suspect.rank),
            suspect.id,
            suspect.given_label,
            suspect.suggested_label or "",
            suspect.expected,
            format_probability(suspect.mislabel_probability),
            suspect.slip or "",
        ]
        shown = (make_printable(make_visible(shorten(cell, _CELL)), encoding) for cell in cells)
        table.add_row(*(Text(cell) for cell in shown))
    return table
