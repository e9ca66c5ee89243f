"""``report.md``: the report for a pull request, a wiki or a mail."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacleanse_reports import flag_sentences, reviewers, sentences
from datacleanse_reports.wording import (
    MISSING,
    estimate,
    format_count,
    format_decimal,
    format_percent,
    format_percent_range,
    format_plural,
    format_probability,
    format_seconds,
    format_signed,
    make_visible,
    shorten,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from datacleanse_reports.records import Comparison, ReportView
    from datacleanse_reports.run_view import RunView
    from datacleanse_reports.suspect import Suspect

SUSPECTS_SHOWN = 20
"""More than that is no reading matter here; `suspects.csv` has them all."""

DECISIONS_SHOWN = 20
"""Decided rows; decisions.jsonl has them all."""

CELLS_SHOWN = 4
"""Cells of a suspect."""

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
            _lay_out_decisions(view),
            lay_out_health(view),
            _lay_out_methods(view),
            _lay_out_data(view),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"


def escape_text(text: str) -> str:
    """Escape the user's text: Markdown that shows just that text, on one line."""
    return _MARKUP.sub(r"\\\1", make_visible(shorten(text, _CELL_LIMIT)))


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
        f"- {flag_sentences.say_reading(view)}",
        f"- {sentences.say_expectation(view)}",
        f"- {sentences.say_model(view)}",
        f"- {sentences.say_verdicts(view)}",
        f"- {sentences.say_next(view)}",
    ]
    lines = [line for line in lines if line != "- "]
    if view.next_words:
        lines += ["", f"    datacleanse {make_visible(shlex.join(view.next_words))}"]
    if view.warnings:
        lines += ["", "## Warnings", ""]
        lines += [f"- {escape_notice(notice.message)}" for notice in view.warnings]
    return "\n".join(lines)


def escape_notice(message: str) -> str:
    """Escape a notice's text without cutting it."""
    return _MARKUP.sub(r"\\\1", make_visible(message))


def _lay_out_model(view: ReportView) -> str:
    lines = [f"## {sentences.title_model(view)}"]
    if view.test is None:
        lines.append("No `--test` file was given.")
    elif view.is_checked:
        lines.append(
            f"On {format_plural(view.test.rows, view.test.kind)}.\n\n{_lay_out_metrics(view.test)}"
        )
    training = view.training
    lines.append(
        f"{training.network} {format_plural(training.parameters, 'parameter')}, "
        f"{format_plural(training.epochs, 'epoch')} over {sentences.say_trained_rows(view)}"
        f"{sentences.say_rule(view)}, {format_seconds(view.timings.get('total'))} in all."
    )
    return "\n\n".join(lines)


def _lay_out_metrics(comparison: Comparison) -> str:
    return lay_out_table(
        ["Measure", "Reweighted", "Plain", "Difference", "Better"],
        (
            [
                metric.title,
                format_decimal(metric.reweighted),
                format_decimal(metric.control),
                format_signed(metric.difference),
                sentences.name_better(metric),
            ]
            for metric in comparison.metrics
        ),
        numbers=" rrr",
    )


def _lay_out_noise(view: ReportView) -> str:
    if not view.is_checked:
        return ""
    classes = lay_out_table(
        ["Given label", "Rows", "Expected wrong", "Share", "Range", "Flagged"],
        (
            [
                escape_label(each.name),
                format_count(each.rows),
                estimate(each.suspected),
                format_percent(each.suspected_share),
                format_percent_range(each.low_share, each.high_share),
                format_count(each.flagged),
            ]
            for each in view.classes
        ),
        numbers=" rrrrr",
    )
    parts = [f"## By class\n\n{classes}"]
    if view.confusions:
        parts.append(f"## Expected confusions\n\n{_lay_out_confusions(view)}")
    if view.budgets:
        parts.append(f"## How many rows to review\n\n{_lay_out_budgets(view)}")
    return "\n\n".join(parts)


def _lay_out_confusions(view: ReportView) -> str:
    return lay_out_table(
        ["Given", "True", "Expected rows", "Share of the given label"],
        (
            [
                escape_label(pair.given),
                escape_label(pair.true),
                estimate(pair.rows),
                format_percent(pair.share),
            ]
            for pair in view.confusions[: sentences.PAIRS_SHOWN]
        ),
        numbers="  rr",
    )


def _lay_out_budgets(view: ReportView) -> str:
    return lay_out_table(
        ["Rows reviewed", "Wrong labels", "Hit rate", "Range"],
        (
            [
                format_count(budget.rows),
                estimate(budget.expected_wrong),
                format_percent(budget.expected_share),
                format_percent_range(budget.low_share, budget.high_share),
            ]
            for budget in view.budgets
        ),
        numbers="rrrr",
    )


def _lay_out_suspects(view: ReportView) -> str:
    shown = view.suspects[:SUSPECTS_SHOWN]
    rows = lay_out_table(
        ["#", "Row", "Id", "Given", "Suggested", "Likely wrong", "Flagged", "Cells", "Reason"],
        (
            [
                format_count(each.rank),
                str(each.row),
                escape_label(each.id),
                escape_label(each.given_label),
                escape_label(each.suggested_label),
                format_probability(each.mislabel_probability),
                "yes" if each.flagged else "no",
                _spell_cells(view.columns, each),
                escape_notice(each.reason),
            ]
            for each in shown
        ),
        numbers="rr   r",
    )
    told = f"{sentences.say_listed(view)} All of them are in `suspects.csv`."
    if unlisted := sentences.say_unlisted(view, view.suspects[-1].rank if view.suspects else 0):
        told += f" {escape_notice(unlisted)}"
    if not view.is_checked:
        told += f" {sentences.UNCHECKED}"
    if flag := flag_sentences.say_flag(view):
        told += f" Flagged: {flag}."
    return f"## First {format_plural(len(shown), 'suspect')}\n\n{told}\n\n{rows}"


def _lay_out_decisions(view: ReportView) -> str:
    """Who decided what; rows decided differently and those with a comment stand first."""
    found = view.progress.reviewers
    if not found.rows:
        return ""
    parts = [
        f"## Decisions so far: {format_plural(len(found.rows), 'row')}",
        reviewers.say_agreement(found.agreement, found.n_differing),
    ]
    if found.agreement.pairs:
        pairs = lay_out_table(
            ["Reviewer", "and", "Rows both decided", "Alike", "Cohen's kappa"],
            (
                [escape_text(cell) for cell in pair]
                for pair in reviewers.list_pairs(found.agreement)
            ),
            numbers="  rrr",
        )
        parts.append(f"{pairs}\n\n{reviewers.KAPPA_EXPLAINED}")
    rows = lay_out_table(
        ["Row", "Given", "Decided", "Reviewer", "Comment"],
        (
            [
                str(each.row),
                escape_label(each.given_label),
                escape_text(reviewers.say_verdict(said)),
                escape_text(said.reviewer or reviewers.NAMELESS),
                escape_text(said.comment),
            ]
            for each in found.rows[:DECISIONS_SHOWN]
            for said in each.opinions
        ),
    )
    return "\n\n".join(part for part in (*parts, rows) if part)


def lay_out_health(view: RunView) -> str:
    """What was seen beside wrong labels, and how."""
    if view.health is None:
        return ""
    lines = [
        f"- **{each.title}**: {escape_notice(f'{each.message} {each.advice}'.strip())} "
        f"Found {each.sure}: {escape_notice(each.method)}"
        for each in view.health.findings
    ]
    lines += [
        f"- {title}: not looked for, since {escape_notice(why)}"
        for title, why in view.health.skipped.items()
    ]
    return "## What else was seen\n\n" + ("\n".join(lines) or "Nothing.")


def _spell_cells(columns: Sequence[str], suspect: Suspect) -> str:
    """The cells that tell most, a few of them."""
    return ", ".join(
        f"{escape_text(columns[i])}: {escape_label(suspect.cells[i])}"
        for i in suspect.telling[:CELLS_SHOWN]
    )


def _lay_out_methods(view: ReportView) -> str:
    lines = [
        f"- **{sentences.METHOD_TITLES.get(name, escape_text(name))}**: {escape_notice(sentence)}"
        for name, sentence in view.methods.items()
    ]
    if view.is_checked:
        lines.append(f"- **Ranges**: {sentences.say_ranges(view)}")
    return "## Methods\n\n" + "\n".join(lines)


def _describe_clean(view: ReportView) -> str:
    clean = view.clean
    if clean is None:
        return "- Clean set: none; no label was verified"
    return (
        f"- Clean set: {escape_text(clean.source)}, {sentences.say_clean_rows(view)}, "
        f"{sentences.say_clean_use(view)}, sha256 `{clean.sha256}`"
    )


def _lay_out_data(view: ReportView) -> str:
    aside = [
        f"- {escape_text(column.name)} ({column.kind}): {escape_notice(column.reason)}"
        for column in view.columns_aside
    ]
    overlap = sentences.say_overlap(view)
    lines = [
        f"- Data: {escape_text(view.data.source)}, {format_plural(view.data.rows, 'row')}, "
        f"{format_plural(view.data.columns, 'column')}, sha256 `{view.data.sha256}`",
        _describe_clean(view),
        *([f"- {overlap}"] if overlap else []),
        *[f"- {escape_notice(notice.message)}" for notice in view.notices if not notice.is_warning],
    ]
    command = "    datacleanse " + make_visible(shlex.join(view.command))
    return (
        "## Data\n\n"
        + "\n".join(lines)
        + ("\n\nColumns set aside:\n\n" + "\n".join(aside) if aside else "")
        + f"\n\nTo repeat this run (seed {view.settings.get('seed', MISSING)}):\n\n{command}"
    )
