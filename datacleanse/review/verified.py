"""Rows that the clean set shows to be mislabelled, corrected without being decided about again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from datacleanse.data.any_number import is_one_label
from datacleanse.data.messages import format_count
from datacleanse.records import Notice
from datacleanse.review.decisions import Decision, read_clock
from datacleanse.review.recognition import name_row

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    import pyarrow as pa

CLEAN_SET = "clean set"
"""Reviewer of what the clean set verified."""


def decide_verified(
    verified: pa.Table, *, run_id: str, labels: Container[str]
) -> dict[int, Decision]:
    """Decide about mislabelled rows as the clean set verified them, by row of DATA.

    Args:
        verified: what `RunFolder.read_verified` gives.
        run_id: of the run.
        labels: that its rows may get.
    """
    at = read_clock()
    return {
        record["row"]: replace(correct_as_verified(record), at=at, run_id=run_id)
        for record in verified.to_pylist()
        if not is_one_label(record["verified_label"], record["given_label"], labels)
    }


def correct_as_verified(record: Mapping[str, Any]) -> Decision:
    """The correction of a row, given as a line of what `RunFolder.read_verified` gives."""
    return Decision(
        row=record["row"],
        id=record["id"],
        row_sha256=record["row_sha256"],
        given_label=record["given_label"],
        action="relabel",
        new_label=record["verified_label"],
        reviewer=CLEAN_SET,
        at="",
        run_id="",
    )


def note_contradictions(
    made: Mapping[int, Decision], verified: pa.Table, labels: Container[str]
) -> list[Notice]:
    """Tell of rows to which a reviewer gives another label than the clean set does.

    Args:
        made: a reviewer's decisions by row.
        verified: what `RunFolder.read_verified` gives.
        labels: that rows of the run may get.
    """
    columns = (verified["row"].to_pylist(), verified["verified_label"].to_pylist())
    decided = {row: made[row].label for row in columns[0] if row in made}
    rows = [
        row
        for row, label in zip(*columns, strict=True)
        if (said := decided.get(row)) is not None and not is_one_label(said, label, labels)
    ]
    if not rows:
        return []
    n = len(rows)
    named = ", ".join(name_row(made[row]) for row in rows[:5])
    named += f" and {n - 5:,} more" if n > 5 else ""
    message = (
        f"A reviewer gives {format_count(n, 'row')} another label than the clean set does "
        f"(row {named}): the reviewer's counts here. Correct the clean set if the reviewer is "
        "right."
    )
    return [Notice("decisions-contradict-clean", message, is_warning=True)]
