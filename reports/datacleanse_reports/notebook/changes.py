"""Two runs compared, as a notebook shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datacleanse_reports.changes import sentences
from datacleanse_reports.changes.view import read_changes
from datacleanse_reports.changes.write import describe_changes
from datacleanse_reports.notebook.pages import get_template

if TYPE_CHECKING:
    from datacleanse.storage.run_folder import RunFolder
    from datacleanse_reports.changes.records import Changes

ROWS = 10
"""Rows of each kind that are shown."""


@dataclass(frozen=True, repr=False)
class RunComparison:
    """What changed from one run to another."""

    changes: Changes
    """All of it."""

    def to_json(self) -> dict[str, Any]:
        """The comparison as plain values, as `comparison.json` has it."""
        return describe_changes(self.changes)

    def _repr_html_(self) -> str:
        changes = self.changes
        return get_template("notebook_changes.html.j2").render(
            changes=changes,
            said=self._say(),
            test=sentences.say_test(changes),
            kinds=(
                ("Newly flagged", changes.newly_flagged, ROWS),
                ("Flagged no more", changes.resolved, ROWS),
                ("Largest moves in the ranking", changes.moves, ROWS),
            ),
            move=sentences.say_move,
        )

    def __repr__(self) -> str:
        return "\n".join(self._say())

    def _say(self) -> list[str]:
        said = (
            sentences.say_noise(self.changes),
            sentences.say_flags(self.changes),
            sentences.say_outcomes(self.changes),
            sentences.say_clean(self.changes),
            sentences.say_matching(self.changes),
        )
        return [line for line in said if line]


def compare_runs(folder: RunFolder, earlier: RunFolder) -> RunComparison:
    """What changed from an earlier finished run to a later one.

    Raises:
        DatacleanseError: one of them cannot be read, or both are one.
    """
    return RunComparison(read_changes(folder, earlier))
