"""``report.md``: the report for a pull request, a wiki or a mail."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacleanse_reports import sentences
from datacleanse_reports.wording import (
    MISSING,
    count,
    decimal,
    estimate,
    percent,
    percent_range,
    plural,
    probability,
    seconds,
    short,
    shortened,
    signed,
    visible,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from datacleanse_reports.records import Comparison, ReportView

SUSPECTS_SHOWN = 20
"""More than that is no reading matter here; `suspects.csv` has them all."""

_MARKUP = re.compile(r"([\\`*_\[\]<>|&~#])")
_CELL_LIMIT = 80


@dataclass(frozen=True)
class MarkdownReport:
    """GitHub's Markdown, with the user's text escaped."""

    name: str = "md"
    file_name: str = "report.md"

    def render(self, view: ReportView) -> str:
        """Headline, comparison, classes, first suspects, methods, data."""
        parts = [
            _lay_out_top(view),
            _lay_out_model(view),
            _lay_out_noise(view),
            _lay_out_suspects(view),
            _lay_out_methods(view),
            _lay_out_data(view),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"


def escape_text(text: str) -> str:
    """Escape the user's text: Markdown that shows just that text, on one line."""
    return _MARKUP.sub(r"\\\1", visible(shortened(text, _CELL_LIMIT)))


def escape_label(text: str | None) -> str:
    """Escape a label or an id; what is missing or empty is said."""
    return MISSING if text is None else escape_text(text) or "(empty)"


def lay_out_table(
    headers: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: str = ""
) -> str:
    """A table; ``numbers`` has an ``r`` for each column to be set to the right."""
    rule = ["---:" if side == "r" else "---" for side in numbers.ljust(len(headers))]
    lines = [headers, rule, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _lay_out_top(view: ReportView) -> str:
    lines = [
        f"# Label audit of {escape_text(view.data.source)}",
        "",
        f"- {sentences.say_noise(view)}",
        f"- {sentences.say_reading(view)}",
        f"- {sentences.say_expectation(view)}",
        f"- {sentences.say_model(view)}",
    ]
    lines = [line for line in lines if line != "- "]
    if view.warnings:
        lines += ["", "## Warnings", ""]
        lines += [f"- {escape_notice(notice.message)}" for notice in view.warnings]
    return "\n".join(lines)


def escape_notice(message: str) -> str:
    """Escape a notice's text without cutting it."""
    return _MARKUP.sub(r"\\\1", visible(message))


def _lay_out_model(view: ReportView) -> str:
    lines = ["## Reweighted network and plain training"]
    if view.test is None:
        lines.append("No `--test` file was given.")
    else:
        lines.append(
            f"On {plural(view.test.rows, view.test.kind)}.\n\n{_lay_out_metrics(view.test)}"
        )
    training = view.training
    lines.append(
        f"{training.network} {plural(training.parameters, 'parameter')}, "
        f"{plural(training.rows, 'training row')}, {plural(training.epochs, 'epoch')}, rule "
        f"`{training.rule}`, {seconds(view.timings.get('total'))} in all."
    )
    return "\n\n".join(lines)


def _lay_out_metrics(comparison: Comparison) -> str:
    return lay_out_table(
        ["Measure", "Reweighted", "Plain", "Difference", "Better"],
        (
            [
                metric.title,
                decimal(metric.reweighted),
                decimal(metric.control),
                signed(metric.difference),
                metric.better,
            ]
            for metric in comparison.metrics
        ),
        numbers=" rrr",
    )


def _lay_out_noise(view: ReportView) -> str:
    classes = lay_out_table(
        ["Given label", "Rows", "Expected wrong", "Share", "Range", "Flagged"],
        (
            [
                escape_label(each.name),
                count(each.rows),
                estimate(each.suspected),
                percent(each.suspected_share),
                percent_range(each.low_share, each.high_share),
                count(each.flagged),
            ]
            for each in view.classes
        ),
        numbers=" rrrrr",
    )
    parts = [f"## By class\n\n{classes}"]
    if view.confusions:
        parts.append(f"## Expected confusions\n\n{_lay_out_confusions(view)}")
    if view.budgets:
        parts.append(f"## How far reading pays\n\n{_lay_out_budgets(view)}")
    return "\n\n".join(parts)


def _lay_out_confusions(view: ReportView) -> str:
    return lay_out_table(
        ["Given", "True", "Expected rows", "Share of the given label"],
        (
            [
                escape_label(pair.given),
                escape_label(pair.true),
                estimate(pair.rows),
                percent(pair.share),
            ]
            for pair in view.confusions[: sentences.PAIRS_SHOWN]
        ),
        numbers="  rr",
    )


def _lay_out_budgets(view: ReportView) -> str:
    return lay_out_table(
        ["Rows read", "Wrong labels", "Hit rate", "Range"],
        (
            [
                count(budget.rows),
                estimate(budget.expected_wrong),
                percent(budget.expected_share),
                percent_range(budget.low_share, budget.high_share),
            ]
            for budget in view.budgets
        ),
        numbers="rrrr",
    )


def _lay_out_suspects(view: ReportView) -> str:
    shown = view.suspects[:SUSPECTS_SHOWN]
    rows = lay_out_table(
        ["#", "Row", "Id", "Given", "Suggested", "P(wrong)", "p", "Flagged", "Reason"],
        (
            [
                count(each.rank),
                str(each.row),
                escape_label(each.id),
                escape_label(each.given_label),
                escape_label(each.suggested_label),
                probability(each.mislabel_probability),
                short(each.p_value),
                "yes" if each.flagged else "no",
                escape_notice(each.reason),
            ]
            for each in shown
        ),
        numbers="rr   rr",
    )
    told = f"{sentences.say_listed(view)} All of them are in `suspects.csv`."
    if flag := sentences.say_flag(view):
        told += f" Flagged: {flag}."
    return f"## First {plural(len(shown), 'suspect')}\n\n{told}\n\n{rows}"


def _lay_out_methods(view: ReportView) -> str:
    lines = [
        f"- **{sentences.METHOD_TITLES.get(name, escape_text(name))}**: {escape_notice(sentence)}"
        for name, sentence in view.methods.items()
    ]
    lines.append(f"- **Ranges**: {sentences.RANGES}")
    return "## Methods\n\n" + "\n".join(lines)


def _lay_out_data(view: ReportView) -> str:
    aside = [
        f"- {escape_text(column.name)} ({column.kind}): {escape_notice(column.reason)}"
        for column in view.columns_aside
    ]
    lines = [
        f"- Data: {escape_text(view.data.source)}, {plural(view.data.rows, 'row')}, "
        f"{plural(view.data.columns, 'column')}, sha256 `{view.data.sha256}`",
        f"- Clean set: {escape_text(view.clean.source)}, {plural(view.clean.rows, 'row')} "
        f"({sentences.say_clean_use(view)}), "
        f"sha256 `{view.clean.sha256}`",
        f"- {plural(view.overlap.rows, 'row')} of the data also in the clean set, "
        f"left out of training",
        *[f"- {escape_notice(notice.message)}" for notice in view.notices if not notice.is_warning],
    ]
    command = "    datacleanse " + visible(shlex.join(view.command))
    return (
        "## Data\n\n"
        + "\n".join(lines)
        + ("\n\nColumns set aside:\n\n" + "\n".join(aside) if aside else "")
        + f"\n\nTo repeat this run (seed {view.settings.get('seed', MISSING)}):\n\n{command}"
    )
