"""The sentences that the terminal and Markdown share, made of the numbers of two runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse_reports.sentences import RANGE_NAMES
from datacleanse_reports.wording import (
    MISSING,
    estimate,
    format_count,
    format_decimal,
    format_measure,
    format_percent,
    format_percent_range,
    format_plural,
    format_signed,
)

if TYPE_CHECKING:
    from datacleanse_reports.changes.records import Changes, MetricChange, RowChange, RunState

_OUTCOMES = {
    "corrected": "corrected as decided",
    "kept": "kept as decided",
    "dropped": "dropped as decided",
    "relabelled": "relabelled",
    "gone": "gone",
    "verified": "verified to be right",
    "cleared": "unchanged, and no longer suspicious enough for a flag",
}
_MATCHED = {
    "row": "Rows are matched by their position: the data is the same file.",
    "id": "Rows are matched by their ids.",
    "content": "Rows are matched by their cells, the label apart, among the stored suspects of "
    "both runs; rows that only one of them stored count as gone or new.",
    "picture": "Pictures are matched by what they show, wherever they lie, among the stored "
    "suspects of both runs, and by their paths beyond these.",
}


def say_noise(changes: Changes) -> str:
    """Say how noisy the labels were and are."""
    before, now = _say_noise(changes.before), _say_noise(changes.now)
    return f"Expected wrong labels: {before} before, {now} now."


def _say_noise(state: RunState) -> str:
    if state.low_share is None or state.high_share is None:
        return f"not known (no label of {format_count(state.rows)} was verified)"
    spread = format_percent_range(state.low_share, state.high_share)
    return (
        f"{estimate(state.estimated_wrong)} of {format_count(state.rows)} "
        f"({format_percent(state.estimated_share)}, {RANGE_NAMES[state.rate_basis]} {spread})"
    )


def say_flags(changes: Changes) -> str:
    """Say how many rows were and are flagged."""
    new, old = len(changes.newly_flagged), len(changes.resolved)
    return (
        f"Flagged: {format_count(changes.before.flagged)} before, "
        f"{format_count(changes.now.flagged)} now: "
        f"{format_count(old)} resolved, {format_count(new)} new, "
        f"{format_count(changes.still_flagged)} still flagged."
    )


def say_outcomes(changes: Changes) -> str:
    """Say why rows are flagged no more; empty where there are none."""
    parts = [
        f"{format_count(number)} {_OUTCOMES[outcome]}"
        for outcome, number in changes.outcomes.items()
        if number
    ]
    return f"Resolved: {', '.join(parts)}." if parts else ""


def say_clean(changes: Changes) -> str:
    """Say how many clean rows there were and are."""
    return (
        f"Trusted: {format_plural(changes.before.clean_rows, 'row')} before, "
        f"{format_count(changes.now.clean_rows)} now."
    )


def say_matching(changes: Changes) -> str:
    """Say how rows were found to be the same."""
    return _MATCHED[changes.matched_by]


def say_test(changes: Changes) -> str:
    """Say what the measures are worth; empty where they are those of the same rows."""
    if not changes.metrics:
        return "The models are not compared: not both runs had a --test file."
    if not changes.same_test:
        return "The two runs were tested on different rows, so differences may be theirs."
    return ""


def say_move(change: RowChange) -> str:
    """The rank before and the rank now, e.g. ``12 → 3``, or ``12 → none`` of a row not there."""
    before = "new" if change.before is None else format_count(change.before.rank)
    return f"{before} → {'none' if change.now is None else format_count(change.now.rank)}"


def list_metric_cells(metric: MetricChange) -> list[str]:
    """A measure's title, its values before and now, and their difference."""
    values = metric.before, metric.now
    if not metric.is_in_label_unit:
        return [metric.title, *map(format_decimal, values), format_signed(metric.difference)]
    spelled = [MISSING if value is None else format_measure(value) for value in values]
    change = metric.difference
    return [metric.title, *spelled, MISSING if change is None else f"{change:+.2g}"]
