"""``suspects.csv``: the listed suspects, lowest rank first, beside their original columns."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datacleanse_reports.run_view import RunView
    from datacleanse_reports.suspect import Suspect

SUGGESTION_COLUMNS = (
    "rank",
    "row",
    "id",
    "given_label",
    "suggested_label",
    "mislabel_probability",
    "flagged",
    "verdict",
    "reason",
)
"""What a reader needs first; the row's own columns follow."""

TECHNICAL_COLUMNS = (
    "p_value",
    "suspicion",
    "mean_weight",
    "zero_weight_share",
    "mean_influence",
    "mean_margin",
    "mean_loss",
    "control_margin",
    "in_training",
    "verified_label",
    "weight_by_epoch",
)
"""What stands last. Names are those of ``audit.parquet``, and ``reason``."""

PREFIX = "data."
"""Put before an original column whose name is one of the audit's."""


@dataclass(frozen=True)
class SuspectsCsv:
    """For spreadsheets and scripts. Missing values are empty cells; booleans are true and false."""

    name: str = "csv"
    file_name: str = "suspects.csv"
    raw: bool = False
    """Whether cells that a spreadsheet would run as formulas stay as they are."""
    first: tuple[str, ...] = SUGGESTION_COLUMNS
    """Fields of a suspect that stand before its own columns."""
    last: tuple[str, ...] = TECHNICAL_COLUMNS
    """Those that stand behind them."""

    def render(self, view: RunView) -> str:
        """One line a suspect; unless ``raw``, what a spreadsheet would run is defused."""
        from datacleanse.data.spreadsheets import defuse_formula, format_csv_line

        taken = {*self.first, *self.last}
        names = (PREFIX + name if name in taken else name for name in view.columns)
        rows = (
            [_spell_cell(value) for value in self._collect_values(suspect)]
            for suspect in view.suspects
        )
        lines = [[*self.first, *names, *self.last], *rows]
        return "".join(
            format_csv_line(line if self.raw else map(defuse_formula, line)) for line in lines
        )

    def _collect_values(self, suspect: Suspect) -> list[object]:
        return [
            *(getattr(suspect, name) for name in self.first),
            *suspect.cells,
            *(getattr(suspect, name) for name in self.last),
        ]


def _spell_cell(value: object) -> str:
    """A value as a cell; what is missing is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return json.dumps(value)
    return value if isinstance(value, str) else repr(value)
