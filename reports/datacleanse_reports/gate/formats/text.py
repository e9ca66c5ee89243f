"""A gate as plain text, for a terminal or a log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse_reports.gate.wording import (
    count_exceeded,
    name_row,
    say_allowed,
    say_met,
    say_rest,
)
from datacleanse_reports.wording import make_visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse_reports.gate.records import Checked, Gate

ROWS_SHOWN = 10
"""Rows of a threshold; the JSON has more."""

_HEADERS = ("threshold", "allowed", "met", "")


def render(gate: Gate) -> str:
    """A table of thresholds, then the rows of those that are exceeded."""
    lines = [
        f"Gate {'open' if gate.is_open else 'shut'}: {gate.source} "
        f"({count_exceeded(gate)}, run {gate.run})",
        "",
        *_lay_out_table(gate),
    ]
    for each in gate.exceeded:
        lines += ["", *_lay_out_exceeded(each)]
    return "".join(f"{make_visible(line)}\n" for line in lines)


def _lay_out_table(gate: Gate) -> Iterator[str]:
    cells = [_HEADERS] + [
        (each.threshold, say_allowed(each), say_met(each), "exceeded" if each.is_exceeded else "ok")
        for each in gate.checked
    ]
    widths = [max(len(line[place]) for line in cells) for place in range(len(_HEADERS))]
    for line in cells:
        first, *numbers, last = line
        middle = "  ".join(
            text.rjust(width) for text, width in zip(numbers, widths[1:-1], strict=True)
        )
        yield f"{first.ljust(widths[0])}  {middle}  {last}".rstrip()


def _lay_out_exceeded(each: Checked) -> Iterator[str]:
    yield f"{each.threshold}: {each.sentence}"
    for row in each.rows[:ROWS_SHOWN]:
        yield f"  {name_row(row)}"
    if rest := say_rest(each, ROWS_SHOWN):
        yield f"  {rest}"
