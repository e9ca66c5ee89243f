"""What the terminal shows of a finished run. Lays out the view and computes nothing."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from datacleanse_reports import sentences
from datacleanse_reports.wording import (
    MISSING,
    decimal,
    plural,
    probability,
    seconds,
    shortened,
    signed,
    visible,
)

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console, RenderableType

    from datacleanse_reports.records import Comparison, ReportView, Suspect

SUSPECTS_SHOWN = 10
"""More would push the headline off the screen."""

_LABEL_LIMIT = 60
_INDENT = (0, 0, 0, 2)
_PLAIN_SIGNS = {"→": "->", "±": "+-", "–": "-", "·": "|", "…": "..."}
"""What stands for a sign where the terminal's encoding lacks it."""


def print_summary(view: ReportView, console: Console, *, run: Path) -> None:
    """Print what was read, learned and found, and what to do next.

    Args:
        view: the run, with at least the suspects to be shown.
        console: where to; its width is kept to.
        run: the run folder, as the user would type it.
    """
    encoding = console.encoding or "utf-8"
    sections: list[tuple[str, list[RenderableType]]] = [
        ("Read", [_line(text, encoding) for text in _read(view)]),
        ("Learned", [_line(text, encoding) for text in _learned(view)]),
        ("Found", [_line(text, encoding) for text in _found(view)]),
        (f"Top {plural(len(_shown(view)), 'suspect')}", [_suspects(view, encoding)]),
        ("Reweighted network and plain training", _model(view, encoding)),
        ("Warnings", [_line(each.message, encoding, mark="! ") for each in view.warnings]),
        ("Written", [_line(visible(str(run)), encoding), *_files(encoding)]),
        ("Next", [_line(text, encoding) for text in _next(run)]),
    ]
    for title, parts in sections:
        if not parts:
            continue
        console.print()
        console.print(Text(title, style="bold"))
        for part in parts:
            console.print(Padding(part, _INDENT, expand=False))


def printable(text: str, encoding: str) -> str:
    """Text that this terminal can show: nothing hidden, nothing that its encoding lacks."""
    shown = visible(text)
    try:
        shown.encode(encoding)
    except UnicodeEncodeError:
        plain = "".join(_PLAIN_SIGNS.get(character, character) for character in shown)
        return plain.encode(encoding, "backslashreplace").decode(encoding)
    return shown


def _line(text: str, encoding: str, *, mark: str = "") -> Table:
    """A paragraph whose further lines stand under its first word."""
    grid = Table.grid()
    if mark:
        grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    paragraph = Text(printable(text, encoding))
    grid.add_row(*([Text(mark, style="bold yellow")] if mark else []), paragraph)
    return grid


def _read(view: ReportView) -> list[str]:
    data, clean, overlap = view.data, view.clean, view.overlap
    lines = [
        f"{data.source}: {plural(data.rows, 'row')}, {plural(data.columns, 'column')}, "
        f"{plural(view.headline.classes, 'class', 'classes')} in column {data.label}",
        f"{clean.source}: {plural(clean.rows, 'verified row')}, {sentences.clean_use(view)}",
    ]
    if view.test_set is not None:
        lines.append(f"{view.test_set.source}: {plural(view.test_set.rows, 'test row')}")
    if overlap.rows:
        lines.append(
            f"{plural(overlap.rows, 'row')} in both the data and the clean set, "
            "left out of training"
        )
    return lines


def _learned(view: ReportView) -> list[str]:
    training = view.training
    lines = [
        f"{training.network} {plural(training.parameters, 'parameter')}, "
        f"{plural(training.rows, 'row')}, {plural(training.epochs, 'epoch')}, "
        f"rule {training.rule}, {seconds(view.timings.get('total'))} in all",
    ]
    if view.columns_aside:
        lines.append(f"{plural(len(view.columns_aside), 'column')} set aside (see the report)")
    return lines


def _found(view: ReportView) -> list[str]:
    texts = [sentences.noise(view), sentences.reading(view), sentences.expectation(view)]
    return [text for text in texts if text]


def _shown(view: ReportView) -> tuple[Suspect, ...]:
    return view.suspects[:SUSPECTS_SHOWN]


def _suspects(view: ReportView, encoding: str) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(overflow="fold")
    for suspect in _shown(view):
        body = Text(printable(_suspect(suspect), encoding))
        body.append("\n" + printable(suspect.reason, encoding), style="dim")
        grid.add_row(str(suspect.rank), body)
    return grid


def _suspect(suspect: Suspect) -> str:
    place = f"row {suspect.row}"
    if suspect.id != str(suspect.row):
        place += f" ({_short(suspect.id)})"
    suggested = MISSING if suspect.suggested_label is None else _short(suspect.suggested_label)
    parts = [place, f"{_short(suspect.given_label)} → {suggested}"]
    if suspect.mislabel_probability is not None:
        parts.append(f"{probability(suspect.mislabel_probability)} likely wrong")
    if suspect.flagged:
        parts.append("flagged")
    return " · ".join(parts)


def _short(text: str) -> str:
    return shortened(text, _LABEL_LIMIT) or "(empty)"


def _model(view: ReportView, encoding: str) -> list[RenderableType]:
    if view.test is None:
        return [_line(sentences.model(view), encoding)]
    parts: list[RenderableType] = [
        _line(f"On {plural(view.test.rows, 'test row')}:", encoding),
        _metrics(view.test, encoding),
    ]
    if view.test.accuracy_error is not None:
        error = decimal(view.test.accuracy_error)
        parts.append(_line(f"Accuracies of so few rows are good to ± {error} (95%).", encoding))
    return parts


def _metrics(comparison: Comparison, encoding: str) -> Table:
    table = Table(box=None, show_edge=False, pad_edge=False, header_style="dim")
    table.add_column("")
    for header in ("Reweighted", "Plain", "Difference"):
        table.add_column(header, justify="right")
    table.add_column("Better")
    for metric in comparison.metrics:
        cells = [
            metric.title,
            decimal(metric.reweighted),
            decimal(metric.control),
            signed(metric.difference),
            metric.better or "",
        ]
        table.add_row(*(Text(printable(cell, encoding)) for cell in cells))
    return table


def _files(encoding: str) -> list[RenderableType]:
    files = (
        ("reports/report.html", "everything, for the browser"),
        ("reports/suspects.csv", "the suspects beside their columns"),
        ("audit.parquet", "every row's numbers"),
        ("model/", "the reweighted network"),
    )
    grid = Table.grid(padding=(0, 2, 0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column()
    for name, what in files:
        grid.add_row(Text(name), Text(printable(what, encoding), style="dim"))
    return [grid]


def _next(run: Path) -> list[str]:
    report = run / "reports" / "report.html"
    return [
        f"Open {visible(str(report))}",
        f"datacleanse predict {visible(shlex.quote(str(run)))} new.csv -o predictions.csv",
    ]
