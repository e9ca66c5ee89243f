"""A gate in GitHub's Markdown: for ``$GITHUB_STEP_SUMMARY``, or a comment on a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse_reports.formats.markdown import (
    escape_label,
    escape_notice,
    escape_text,
    lay_out_table,
)
from datacleanse_reports.gate.wording import count_exceeded, say_allowed, say_met, say_rest
from datacleanse_reports.wording import MISSING, format_probability

if TYPE_CHECKING:
    from datacleanse_reports.gate.records import Checked, Gate

ROWS_SHOWN = 20


def render(gate: Gate) -> str:
    """A heading, a table of thresholds, and a table of rows for each that is exceeded."""
    state = "open" if gate.is_open else "shut"
    table = lay_out_table(
        ["Threshold", "Allowed", "Met", ""],
        (
            [
                f"`{each.threshold}`",
                say_allowed(each),
                say_met(each),
                "**exceeded**" if each.is_exceeded else "ok",
            ]
            for each in gate.checked
        ),
        numbers=" rr",
    )
    parts = [
        f"## Label gate {state}: {escape_text(gate.source)}",
        f"{count_exceeded(gate)}. Run {escape_text(gate.run)}.",
        table,
        *(_lay_out_exceeded(each) for each in gate.exceeded),
    ]
    return "\n\n".join(parts) + "\n"


def _lay_out_exceeded(each: Checked) -> str:
    parts = [f"### `{each.threshold}`", escape_notice(each.sentence)]
    if each.rows:
        cells = (
            [
                str(row.row),
                MISSING if row.line is None else str(row.line),
                escape_label(row.id),
                escape_label(row.given_label),
                escape_label(row.suggested_label),
                format_probability(row.mislabel_probability),
            ]
            for row in each.rows[:ROWS_SHOWN]
        )
        headers = ["Row", "Line", "Id", "Given", "Suggested", "Likely wrong"]
        parts.append(lay_out_table(headers, cells, numbers="rr   r"))
    if rest := say_rest(each, ROWS_SHOWN):
        parts.append(rest)
    return "\n\n".join(parts)
