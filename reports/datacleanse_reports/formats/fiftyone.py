"""``fiftyone.json``: the listed suspects of a data set of pictures, for FiftyOne.

The labels file of ``fiftyone.types.FiftyOneImageClassificationDataset``
(https://docs.voxel51.com/user_guide/import_datasets.html), to be imported beside the folder of the
pictures: ``fo.Dataset.from_dir(dataset_type=..., data_path=FOLDER, labels_path=fiftyone.json)``.
The label is the given one, its confidence the probability that it is right, and what else the audit
knows stands in the label's attributes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from datacleanse.errors import SettingsError
from datacleanse_reports.formats.rows import PATH_COLUMNS, collect_known, find_path, list_classes

if TYPE_CHECKING:
    from datacleanse_reports.records import ReportView
    from datacleanse_reports.suspect import Suspect


@dataclass(frozen=True)
class FiftyOneLabels:
    """For FiftyOne; see the module's docstring."""

    name: str = "fiftyone"
    file_name: str = "fiftyone.json"

    def render(self, view: ReportView) -> str:
        """The classes and the label of each picture, lowest rank first.

        Raises:
            SettingsError: the rows have no pictures.
        """
        classes = list_classes(view)
        labels: dict[str, Any] = {}
        for suspect in view.suspects:
            path = find_path(view, suspect)
            if path is None:
                raise SettingsError(
                    f"The suspects of {view.data.source} have no pictures, which FiftyOne shows.",
                    slug="format-needs-pictures",
                    hint=f"Choose another --format; a column with the pictures' paths is named "
                    f"{', '.join(PATH_COLUMNS[:-1])} or {PATH_COLUMNS[-1]}.",
                )
            if _make_key(path) in labels:
                raise SettingsError(
                    f"Two pictures of {view.data.source} differ in their endings only: {path}.",
                    slug="pictures-alike",
                    hint="FiftyOne's labels leave endings out; rename one of them, or choose "
                    "another --format.",
                )
            labels[_make_key(path)] = _make_label(view, suspect, classes)
        whole = {"classes": classes, "labels": labels}
        return json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _make_key(path: str) -> str:
    """A picture's path below the folder, without its ending."""
    return str(PurePosixPath(path.replace("\\", "/")).with_suffix(""))


def _make_label(view: ReportView, suspect: Suspect, classes: list[str]) -> dict[str, Any]:
    label: dict[str, Any] = {"label": classes.index(suspect.given_label)}
    if suspect.mislabel_probability is not None:
        label["confidence"] = 1.0 - suspect.mislabel_probability
    # FiftyOne's labels have an `id` of their own.
    return {**label, "attributes": {"row_id": suspect.id, **collect_known(view, suspect)}}
