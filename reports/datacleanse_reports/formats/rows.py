"""What the formats for other tools have in common: a suspect's cells, and what is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datacleanse_reports.records import ReportView
    from datacleanse_reports.suspect import Suspect

PATH_COLUMNS = ("path", "file_name", "filepath", "image")
"""Names of a column that says where a row's picture lies, those of a manifest of pictures, in the
order in which they are looked for."""


def find_path(view: ReportView, suspect: Suspect) -> str | None:
    """Where the row's picture lies; None where the rows have none."""
    for name in PATH_COLUMNS:
        if name in view.columns:
            return suspect.cells[view.columns.index(name)]
    return None


def spell_cells(view: ReportView, suspect: Suspect) -> str:
    """The row's own cells, one a line; missing ones are left out."""
    cells = zip(view.columns, suspect.cells, strict=True)
    return "\n".join(f"{name}: {cell}" for name, cell in cells if cell is not None)


def collect_known(suspect: Suspect) -> dict[str, str | int | float | bool]:
    """What the audit knows of the row, under the names of `audit.parquet`; without what is null."""
    known: dict[str, str | int | float | bool | None] = {
        "row": suspect.row,
        "rank": suspect.rank,
        "given_label": suspect.given_label,
        "suggested_label": suspect.suggested_label,
        "mislabel_probability": suspect.mislabel_probability,
        "p_value": suspect.p_value,
        "flagged": suspect.flagged,
        "reason": suspect.reason,
    }
    return {name: value for name, value in known.items() if value is not None}


def list_classes(view: ReportView) -> list[str]:
    """The labels of the data, by name."""
    return sorted(each.name for each in view.classes)


def propose_label(suspect: Suspect) -> tuple[str, float | None]:
    """The likeliest label, and how probable it is that it is right."""
    wrong = suspect.mislabel_probability
    if suspect.suggested_label is not None:
        return suspect.suggested_label, wrong
    return suspect.given_label, None if wrong is None else 1.0 - wrong
