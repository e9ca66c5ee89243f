"""``comparison.md``: what changed, for a pull request or a mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse_reports.changes import sentences
from datacleanse_reports.formats.markdown import (
    escape_label,
    escape_notice,
    escape_text,
    lay_out_table,
)
from datacleanse_reports.wording import format_probability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacleanse_reports.changes.records import Changes, RowChange

ROWS_SHOWN = 20
"""Rows listed of each kind; `comparison.json` has all of them."""


def render(changes: Changes) -> str:
    """Lay out the whole of `comparison.md`."""
    before, now = changes.before, changes.now
    lines = [
        sentences.say_noise(changes),
        sentences.say_flags(changes),
        sentences.say_outcomes(changes),
        sentences.say_clean(changes),
        sentences.say_matching(changes),
    ]
    parts = [
        f"# What changed: {escape_text(before.source)} ({before.created_at}) to "
        f"{escape_text(now.source)} ({now.created_at})",
        "\n".join(f"- {escape_notice(line)}" for line in lines if line),
        _lay_out_metrics(changes),
        _lay_out_rows("Newly flagged", changes.newly_flagged),
        _lay_out_rows("Resolved", changes.resolved),
        _lay_out_rows("Largest moves in the ranking", changes.moves),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _lay_out_metrics(changes: Changes) -> str:
    parts = ["## Model", sentences.say_test(changes)]
    if changes.metrics:
        cells = map(sentences.list_metric_cells, changes.metrics)
        parts.append(
            lay_out_table(["Measure", "Before", "Now", "Difference"], cells, numbers=" rrr")
        )
    return "\n\n".join(part for part in parts if part)


def _lay_out_rows(title: str, changes: Sequence[RowChange]) -> str:
    if not changes:
        return ""
    cells = (
        [
            str(change.shown.row),
            escape_label(change.shown.id),
            sentences.say_move(change),
            escape_label(change.shown.given_label),
            escape_label(change.shown.suggested_label),
            format_probability(change.shown.mislabel_probability),
            *([] if change.outcome is None else [change.outcome]),
        ]
        for change in changes[:ROWS_SHOWN]
    )
    headers = ["Row", "Id", "Rank", "Given", "Suggested", "Likely wrong"]
    headers += [] if changes[0].outcome is None else ["Outcome"]
    shown = f"{min(len(changes), ROWS_SHOWN):,} of {len(changes):,}"
    return f"## {title} ({shown})\n\n{lay_out_table(headers, cells, numbers='r')}"
