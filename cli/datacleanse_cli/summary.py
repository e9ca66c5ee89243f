"""What the terminal shows of a finished run. Lays out the view and computes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from datacleanse.data.messages import format_list
from datacleanse_cli.layout import (
    INDENT,
    Command,
    lay_out_health,
    lay_out_line,
    print_sections,
)
from datacleanse_cli.next_commands import spell_command
from datacleanse_cli.next_section import lay_out_next
from datacleanse_cli.printing import make_printable
from datacleanse_cli.suspect_lines import lay_out_suspects
from datacleanse_reports import flag_sentences, sentences
from datacleanse_reports.wording import (
    format_decimal,
    format_plural,
    format_seconds,
    format_signed,
    make_visible,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, RenderableType

    from datacleanse_reports.records import Comparison, ReportView
    from datacleanse_reports.suspect import Suspect

SUSPECTS_SHOWN = 10
"""More would push the headline off the screen."""


def print_summary(view: ReportView, console: Console, *, run: Path, is_brief: bool = False) -> None:
    """Print what was read, learned and found, and what to do next.

    Args:
        view: the run, with at least the suspects to be shown.
        console: where to; its width is kept to.
        run: the run folder, as the user would type it.
        is_brief: whether only what was found is wanted, and where it is written.
    """
    encoding = console.encoding or "utf-8"
    warnings: list[RenderableType | Command] = [
        lay_out_line(each.message, encoding, mark="! ") for each in view.warnings
    ]
    place = lay_out_line(make_visible(str(run)), encoding)
    found = [lay_out_line(text, encoding) for text in _say_found(view)]
    if is_brief:
        warnings += lay_out_health(view, encoding, only_warnings=True)
        print_sections([("Found", found), ("Warnings", warnings), ("Written", [place])], console)
        return
    sections: list[tuple[str, Sequence[RenderableType | Command]]] = [
        ("Read", [lay_out_line(text, encoding) for text in _say_read(view)]),
        ("Learned", [lay_out_line(text, encoding) for text in _say_learned(view)]),
        ("Found", found),
        ("Also seen", lay_out_health(view, encoding)),
        (
            _title_suspects(view),
            [lay_out_suspects(view, _list_shown(view), encoding, width=console.width - INDENT)],
        ),
        (sentences.title_model(view), _lay_out_model(view, encoding)),
        ("Warnings", warnings),
        (
            "Written",
            [place, *_lay_out_files(view, encoding)],
        ),
        (
            "Next",
            lay_out_next(
                view,
                run,
                encoding,
                compare=_lay_out_compare(view, encoding),
                predict="Classify rows (here those of the data; name your own instead):",
            ),
        ),
    ]
    print_sections(sections, console)


def _say_read(view: ReportView) -> list[str]:
    data, clean, overlap = view.data, view.clean, sentences.say_overlap(view)
    lines = [
        f"{data.source}: {format_plural(data.rows, 'row')}, "
        f"{format_plural(data.columns, 'column')}, "
        f"{format_plural(view.headline.classes, 'class', 'classes')} in column {data.label}",
        "no clean set: no label was verified"
        if clean is None
        else f"{clean.source}: {sentences.say_clean_rows(view)}, {sentences.say_clean_use(view)}",
    ]
    if view.test_set is not None:
        lines.append(f"{view.test_set.source}: {format_plural(view.test_set.rows, 'test row')}")
    if overlap:
        lines.append(overlap)
    return lines


def _say_learned(view: ReportView) -> list[str]:
    training = view.training
    lines = [
        f"{format_plural(training.epochs, 'pass', 'passes')} over "
        f"{sentences.say_trained_rows(view)}{sentences.say_rule(view)}, "
        f"{format_seconds(view.timings.get('total'))} in all",
    ]
    if aside := view.columns_aside:
        names = format_list([make_visible(each.name) for each in aside])
        lines.append(f"{format_plural(len(aside), 'column')} set aside, not learned from: {names}")
    return lines


def _say_found(view: ReportView) -> list[str]:
    texts = [
        sentences.say_noise(view),
        flag_sentences.say_reading(view),
        sentences.say_expectation(view),
        sentences.say_unlisted(view, view.suspects[-1].rank if view.suspects else 0),
    ]
    return [text for text in texts if text]


def _title_suspects(view: ReportView) -> str:
    title = f"Top {format_plural(len(_list_shown(view)), 'suspect')}"
    likely = ", how likely wrong" if view.is_checked else ""
    return f"{title} (rows count from 0, labels: given → suggested{likely})"


def _list_shown(view: ReportView) -> tuple[Suspect, ...]:
    return view.suspects[:SUSPECTS_SHOWN]


def _lay_out_model(view: ReportView, encoding: str) -> list[RenderableType]:
    if view.test is None or not view.is_checked:
        return [lay_out_line(sentences.say_model(view), encoding)]
    error = format_decimal(view.test.accuracy_error)
    return [
        lay_out_line(f"On {format_plural(view.test.rows, view.test.kind)}:", encoding),
        _lay_out_metrics(view.test, encoding),
        lay_out_line(f"Accuracies of so few rows are good to ± {error} (95%).", encoding),
    ]


def _lay_out_metrics(comparison: Comparison, encoding: str) -> Table:
    table = Table(box=None, show_edge=False, pad_edge=False, header_style="dim")
    table.add_column("")
    for header in ("Reweighted", "Plain", "Difference"):
        table.add_column(header, justify="right")
    table.add_column("Better")
    for metric in comparison.metrics:
        cells = [
            metric.title,
            format_decimal(metric.reweighted),
            format_decimal(metric.control),
            format_signed(metric.difference),
            sentences.name_better(metric),
        ]
        table.add_row(*(Text(make_printable(cell, encoding)) for cell in cells))
    return table


def _lay_out_files(view: ReportView, encoding: str) -> list[RenderableType]:
    files = (
        ("reports/report.html", "everything, for the browser"),
        ("reports/suspects.csv", "the suspects beside their columns"),
        ("audit.parquet", "every row's numbers"),
        ("model/", "the reweighted network" if view.is_checked else "the network"),
    )
    grid = Table.grid(padding=(0, 2, 0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column()
    for name, what in files:
        grid.add_row(Text(name), Text(make_printable(what, encoding), style="dim"))
    return [grid]


def _lay_out_compare(view: ReportView, encoding: str) -> list[RenderableType | Command]:
    """The command that says what an earlier round of review has brought."""
    if not view.compare_words:
        return []
    return [
        lay_out_line("See what changed since the earlier round:", encoding),
        Command(spell_command(*view.compare_words)),
    ]
