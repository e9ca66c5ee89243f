"""Decisions written by hand, completed by what the run says of their rows.

``row``, ``given_label`` and ``action`` are enough in a line of `decisions.jsonl`. The row is then
that of the audit: its id and the hash of its content are looked up there, so that it is found again
by them like any other, wherever it stands now.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
import pyarrow.compute as pc

from datacleanse.data.any_number import is_one_label
from datacleanse.data.row_seals import spell_label

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from datacleanse.review.decisions import Decision
    from datacleanse.storage.run_folder import RunFolder

_KNOWN = ("row", "id", "row_sha256", "given_label")


@dataclass(frozen=True)
class Contradiction:
    """A decision whose row is another one in the audit than it says."""

    decision: Decision
    """As it was written."""
    about: Literal["id", "given_label"]
    """What is another one there."""
    audited: str
    """What the audit says of it."""


@dataclass(frozen=True)
class Completed:
    """Decisions by what a run knows. A decision is in one of the fields."""

    decisions: tuple[Decision, ...]
    """Each with id, and with the hash of its row's content if the run knows one."""
    contradictions: tuple[Contradiction, ...]
    """Those whose id or given label is another one in the audit."""


def complete_decisions(
    decisions: Sequence[Decision], folder: RunFolder, labels: Container[str]
) -> Completed:
    """Look up what decisions written by hand leave out; those of the review page have it all.

    Args:
        decisions: at most one a row; rows are those of the audit.
        folder: of the run that they are about.
        labels: that its rows may get.

    Raises:
        RunFolderError: the audit table is missing or damaged.
    """
    by_hand = [each for each in decisions if each.id is None or each.row_sha256 is None]
    if not by_hand:
        return Completed(tuple(decisions), ())
    known = _look_up(folder, [each.row for each in by_hand])
    done, contradictions = [], []
    for decision in decisions:
        about = known.get(decision.row)
        if about is None:
            done.append(decision)
        elif decision.id is not None and decision.id != about["id"]:
            contradictions.append(Contradiction(decision, "id", about["id"]))
        elif not is_one_label(
            spell_label(decision.given_label), spell_label(about["given_label"]), labels
        ):
            contradictions.append(Contradiction(decision, "given_label", about["given_label"]))
        else:
            # The hash is of the label as the audit spells it.
            done.append(
                replace(
                    decision,
                    id=about["id"],
                    row_sha256=about["row_sha256"],
                    given_label=about["given_label"],
                )
            )
    return Completed(tuple(done), tuple(contradictions))


def _look_up(folder: RunFolder, rows: Sequence[int]) -> dict[int, dict[str, str]]:
    """What the audit says of some rows, by row."""
    table = folder.read_audit_columns(_KNOWN)
    wanted = table.filter(pc.is_in(table["row"], value_set=pa.array(rows, pa.int64())))
    return {record["row"]: record for record in wanted.to_pylist()}
