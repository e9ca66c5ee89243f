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


def collect_known(view: ReportView, suspect: Suspect) -> dict[str, str | int | float | bool]:
    """What is known of the row, under the names of the run's own files; without what is null.

    What the audit found, and of a row that is decided what reviewers said.
    """
    known: dict[str, str | int | float | bool | None] = {
        "row": suspect.row,
        "rank": suspect.rank,
        "given_label": suspect.given_label,
        "suggested_label": suspect.suggested_label,
        "mislabel_probability": suspect.mislabel_probability,
        "p_value": suspect.p_value,
        "flagged": suspect.flagged,
        "reason": suspect.reason,
        **_collect_decided(view, suspect.row),
    }
    return {name: value for name, value in known.items() if value is not None}


def _collect_decided(view: ReportView, row: int) -> dict[str, str]:
    """The decision that counts, who made it, and all comments on the row."""
    decided = next((each for each in view.progress.reviewers.rows if each.row == row), None)
    if decided is None:
        return {}
    last, comments = decided.opinions[-1], [each.comment for each in decided.comments]
    known = {"action": last.action, "new_label": last.new_label, "reviewer": last.reviewer}
    known["comment"] = "\n".join(comments)
    return {name: value for name, value in known.items() if value}


def list_classes(view: ReportView) -> list[str]:
    """The labels of the data, by name."""
    return sorted(each.name for each in view.classes)


def propose_label(suspect: Suspect) -> tuple[str, float | None]:
    """The likeliest label, and how probable it is that it is right."""
    wrong = suspect.mislabel_probability
    if suspect.suggested_label is not None:
        return suspect.suggested_label, wrong
    return suspect.given_label, None if wrong is None else 1.0 - wrong
