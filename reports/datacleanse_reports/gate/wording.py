"""Words that the formats of a gate share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse_reports.wording import (
    format_count,
    format_percent,
    format_plural,
    format_probability,
    format_rate,
    shorten,
)

if TYPE_CHECKING:
    from datacleanse_reports.gate.records import Checked, Gate, GateRow

RATE = "max-noise-rate"
_LIMIT = 60


def count_exceeded(gate: Gate) -> str:
    """How many thresholds are exceeded, as a part of a sentence."""
    if gate.is_open:
        return f"{format_plural(len(gate.checked), 'threshold')} kept"
    return (
        f"{format_count(len(gate.exceeded))} of "
        f"{format_plural(len(gate.checked), 'threshold')} exceeded"
    )


def say_allowed(each: Checked) -> str:
    """The most that is allowed."""
    return format_rate(each.allowed) if each.threshold == RATE else format_count(each.allowed)


def say_met(each: Checked) -> str:
    """What was met."""
    return format_percent(each.met) if each.threshold == RATE else format_count(each.met)


def name_place(row: GateRow) -> str:
    """Name a row by its number, its id where that is another one, and its line."""
    named = f"row {row.row}" if row.id == str(row.row) else f"row {row.row} ({_cut(row.id)})"
    return named if row.line is None else f"{named}, line {row.line}"


def say_labels(row: GateRow) -> str:
    """What the row is labelled, and what it may be."""
    if row.suggested_label is None:
        return f"labelled {_cut(row.given_label)}"
    return (
        f"labelled {_cut(row.given_label)}, likely {_cut(row.suggested_label)} "
        f"({format_probability(row.mislabel_probability)} likely wrong)"
    )


def name_row(row: GateRow) -> str:
    """Where a row is and what it is labelled."""
    return f"{name_place(row)}: {say_labels(row)}"


def say_rest(each: Checked, shown: int) -> str:
    """How many rows of a threshold are not shown; empty where all are."""
    rest = each.n_rows - min(shown, len(each.rows))
    return f"and {format_plural(rest, 'more row')}" if rest > 0 and each.rows else ""


def _cut(text: str) -> str:
    return shorten(text, _LIMIT) or "(empty)"
