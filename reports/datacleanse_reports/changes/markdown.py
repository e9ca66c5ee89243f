"""``comparison.md``: what changed, for a pull request or a mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse_reports.changes import sentences
from datacleanse_reports.formats.markdown import label_text, plain, plain_notice, table
from datacleanse_reports.wording import decimal, probability, signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacleanse_reports.changes.records import Changes, RowChange

ROWS_SHOWN = 20
"""Rows listed of each kind; `comparison.json` has all of them."""


def render(changes: Changes) -> str:
    """The whole file."""
    before, now = changes.before, changes.now
    lines = [
        sentences.noise(changes),
        sentences.flags(changes),
        sentences.outcomes(changes),
        sentences.clean(changes),
        sentences.matching(changes),
    ]
    parts = [
        f"# What changed: {plain(before.source)} ({before.created_at}) to {plain(now.source)} "
        f"({now.created_at})",
        "\n".join(f"- {plain_notice(line)}" for line in lines if line),
        _metrics(changes),
        _rows("Newly flagged", changes.newly_flagged),
        _rows("Resolved", changes.resolved),
        _rows("Largest moves in the ranking", changes.moves),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _metrics(changes: Changes) -> str:
    parts = ["## Model", sentences.test(changes)]
    if changes.metrics:
        cells = (
            [each.title, decimal(each.before), decimal(each.now), signed(each.difference)]
            for each in changes.metrics
        )
        parts.append(table(["Measure", "Before", "Now", "Difference"], cells, numbers=" rrr"))
    return "\n\n".join(part for part in parts if part)


def _rows(title: str, changes: Sequence[RowChange]) -> str:
    if not changes:
        return ""
    cells = (
        [
            str(change.shown.row),
            label_text(change.shown.id),
            sentences.move(change),
            label_text(change.shown.given_label),
            label_text(change.shown.suggested_label),
            probability(change.shown.mislabel_probability),
            *([] if change.outcome is None else [change.outcome]),
        ]
        for change in changes[:ROWS_SHOWN]
    )
    headers = ["Row", "Id", "Rank", "Given", "Suggested", "P(wrong)"]
    headers += [] if changes[0].outcome is None else ["Outcome"]
    shown = f"{min(len(changes), ROWS_SHOWN):,} of {len(changes):,}"
    return f"## {title} ({shown})\n\n{table(headers, cells, numbers='r')}"
