"""``suspects.csv``: the listed suspects, lowest rank first, beside their original columns."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacleanse_reports.cells import safe_for_spreadsheets

if TYPE_CHECKING:
    from collections.abc import Iterable

    from datacleanse_reports.records import ReportView, Suspect

AUDIT_COLUMNS = (
    "rank",
    "row",
    "id",
    "given_label",
    "suggested_label",
    "mislabel_probability",
    "p_value",
    "flagged",
    "reason",
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
"""What a reader needs first comes first; names are those of ``audit.parquet``, and ``reason``."""

PREFIX = "data."
"""Put before an original column whose name is one of the audit's."""


@dataclass(frozen=True)
class SuspectsCsv:
    """For spreadsheets and scripts. Missing values are empty cells; booleans are true and false."""

    name: str = "csv"
    file_name: str = "suspects.csv"

    def render(self, view: ReportView) -> str:
        """One line a suspect; cells that a spreadsheet would run as formulas are defused."""
        header = [*AUDIT_COLUMNS, *map(_header, view.columns)]
        rows = ([_cell(value) for value in _values(suspect)] for suspect in view.suspects)
        return "".join(map(_line, [header, *rows]))


def _line(cells: Iterable[str]) -> str:
    # Not by the csv module: with this line end it leaves a lone carriage return unquoted, and
    # readers take that for a new row.
    return ",".join(map(_quoted, cells)) + "\n"


def _quoted(cell: str) -> str:
    if any(character in cell for character in ',"\r\n'):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def _header(column: str) -> str:
    return safe_for_spreadsheets(PREFIX + column if column in AUDIT_COLUMNS else column)


def _values(suspect: Suspect) -> list[object]:
    return [*(getattr(suspect, name) for name in AUDIT_COLUMNS), *suspect.cells]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return json.dumps(value)
    return safe_for_spreadsheets(value) if isinstance(value, str) else repr(value)
