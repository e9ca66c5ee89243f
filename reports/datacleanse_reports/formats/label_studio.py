"""``label_studio.json``: the listed suspects as tasks of Label Studio, with the likeliest label.

"Basic Label Studio JSON" with pre-annotations, https://labelstud.io/guide/predictions: a list of
tasks with ``data`` and ``predictions``. One labelling interface serves every run, since the classes
to choose from are in the tasks (https://labelstud.io/tags/choices, dynamic choices).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datacleanse_reports.formats.rows import (
    collect_known,
    find_path,
    list_classes,
    propose_label,
    spell_cells,
)

if TYPE_CHECKING:
    from datacleanse_reports.records import ReportView
    from datacleanse_reports.suspect import Suspect

_CHOICES = '<Choices name="label" toName="row" value="$classes" choice="single" required="true"/>'

LABEL_CONFIG = f'<View><Text name="row" value="$text"/>{_CHOICES}</View>'
"""The labelling interface of a project for rows of a table."""

IMAGE_LABEL_CONFIG = f'<View><Image name="row" value="$image"/>{_CHOICES}</View>'
"""The same for pictures; ``image`` is the path, to be served by Label Studio's local storage."""


@dataclass(frozen=True)
class LabelStudioTasks:
    """For a project in Label Studio; see the module's docstring."""

    name: str = "label-studio"
    file_name: str = "label_studio.json"

    def render(self, view: ReportView) -> str:
        """A list of tasks, lowest rank first."""
        choices = [{"value": name} for name in list_classes(view)]
        tasks = [_make_task(view, suspect, choices) for suspect in view.suspects]
        return json.dumps(tasks, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _make_task(view: ReportView, suspect: Suspect, choices: list[dict[str, str]]) -> dict[str, Any]:
    data: dict[str, Any] = {"id": suspect.id, **collect_known(view, suspect)}
    data |= {"text": spell_cells(view, suspect), "classes": choices}
    path = find_path(view, suspect)
    if path is not None:
        data["image"] = path
    label, probability = propose_label(suspect)
    prediction: dict[str, Any] = {
        "model_version": f"datacleanse {view.run_id}",
        "result": [
            {
                "id": f"row-{suspect.row}",
                "from_name": "label",
                "to_name": "row",
                "type": "choices",
                "value": {"choices": [label]},
            }
        ],
    }
    if probability is not None:
        prediction["score"] = probability
    return {"data": data, "predictions": [prediction]}
