"""The part of a summary that says what to do next, be labels classes or numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from datacleanse.storage.atomic_files import find_free
from datacleanse_cli.layout import Command, lay_out_line
from datacleanse_cli.next_commands import propose_apply, spell_command
from datacleanse_reports import sentences
from datacleanse_reports.next_step import spell_place
from datacleanse_reports.wording import make_visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from datacleanse_reports.run_view import RunView


def lay_out_next(
    view: RunView,
    run: Path,
    encoding: str,
    *,
    predict: str,
    compare: Sequence[RenderableType | Command] = (),
) -> list[RenderableType | Command]:
    """What to do next, with the commands.

    Args:
        view: of the run.
        run: its folder, as the user would type it.
        encoding: of the terminal.
        predict: what the command that predicts rows is for.
        compare: how to see what changed since an earlier round.
    """
    place, report = spell_place(run), run / "reports" / "report.html"
    first: list[RenderableType | Command] = []
    if view.next_words:
        first = [
            lay_out_line(sentences.say_next(view), encoding),
            Command(spell_command(*view.next_words)),
        ]
    return [
        *first,
        *compare,
        lay_out_line(f"Open {make_visible(str(report))}", encoding),
        lay_out_line("Decide on the suspects, then write cleaned data:", encoding),
        Command(spell_command("review", place)),
        Command(propose_apply(run, view.data.source)),
        *_lay_out_predict(view, place, encoding, predict),
    ]


def _lay_out_predict(
    view: RunView, place: str, encoding: str, predict: str
) -> list[RenderableType | Command]:
    """The command that predicts rows, of DATA as long as no others are at hand."""
    if view.data.source.startswith("<"):
        return []
    source, target = spell_place(view.data.source), str(find_free(Path("predictions.csv")))
    return [
        lay_out_line(predict, encoding),
        Command(spell_command("predict", place, source, "-o", target)),
    ]
