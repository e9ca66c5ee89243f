"""``argilla.json``: the listed suspects as records of Argilla 2, the likeliest label suggested.

The list of records that ``dataset.records.from_json`` reads and ``to_json`` writes
(https://docs.argilla.io/latest/how_to_guides/import_export). The data set needs a text field
``text``, a label question ``label`` with the classes and, to filter by them, the metadata below.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datacleanse_reports.formats.rows import collect_known, find_path, propose_label, spell_cells

if TYPE_CHECKING:
    from datacleanse_reports.records import ReportView
    from datacleanse_reports.suspect import Suspect


@dataclass(frozen=True)
class ArgillaRecords:
    """For a data set in Argilla; see the module's docstring."""

    name: str = "argilla"
    file_name: str = "argilla.json"

    def render(self, view: ReportView) -> str:
        """A list of records, lowest rank first."""
        records = [_make_record(view, suspect) for suspect in view.suspects]
        return json.dumps(records, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _make_record(view: ReportView, suspect: Suspect) -> dict[str, Any]:
    fields = {"text": spell_cells(view, suspect)}
    path = find_path(view, suspect)
    if path is not None:
        fields["image"] = path
    label, score = propose_label(suspect)
    return {
        "id": suspect.id,
        "fields": fields,
        "metadata": {
            name: _spell_metadata(value) for name, value in collect_known(view, suspect).items()
        },
        "suggestions": {
            "label": {"value": label, "score": score, "agent": f"datacleanse {view.run_id}"}
        },
        "responses": {},
        "vectors": {},
        "status": "pending",
    }


def _spell_metadata(value: str | int | float | bool) -> str | int | float:
    """Argilla's metadata are words and numbers."""
    return str(value).lower() if isinstance(value, bool) else value
