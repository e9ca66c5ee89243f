"""Files for other tools, read by those tools' own packages; each test needs its package.

They are large, and two of them want a server for more than reading, so that they are no
requirement: ``pip install label-studio-sdk argilla fiftyone`` runs what is skipped. It passed with
2.1.2, 2.8.0 and 1.22.1. `test_tools.py` holds the files to the documented schemas in any case.
"""

from __future__ import annotations

import json

import pytest

from datacleanse_reports.formats import label_studio
from datacleanse_reports.formats.registry import TOOLS

pytestmark = pytest.mark.filterwarnings("default")


def written(name, view, folder):
    place = folder / TOOLS[name].file_name
    place.write_text(TOOLS[name].render(view), encoding="utf-8")
    return place


def test_label_studio_s_own_interface_accepts_tasks_and_predictions(view, tmp_path):
    objects = pytest.importorskip("label_studio_sdk.label_interface")
    interface = objects.LabelInterface(label_studio.LABEL_CONFIG)
    tasks = json.loads(written("label-studio", view, tmp_path).read_text(encoding="utf-8"))
    assert len(tasks) == 25
    for task in tasks:
        # Its check of a task with predictions lacks an argument of its own (2.1.2).
        assert interface.validate_task({"data": task["data"]})
        assert interface.validate_prediction(task["predictions"][0])


def test_argilla_s_own_reader_takes_the_records(view, tmp_path):
    reader = pytest.importorskip("argilla.records._io")
    records = reader.JsonIO._records_from_json(written("argilla", view, tmp_path))
    assert [record.id for record in records] == [suspect.id for suspect in view.suspects]
    for record, suspect in zip(records, view.suspects, strict=True):
        proposed = suspect.suggested_label or suspect.given_label
        assert [each.value for each in record.suggestions] == [proposed]


def test_fiftyone_s_own_importer_finds_every_picture_s_label(pictures, tmp_path):
    datasets = pytest.importorskip("fiftyone.utils.data")
    paths = [tmp_path / "data" / f"a b/{suspect.row}.v1.jpg" for suspect in pictures.suspects]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    importer = datasets.FiftyOneImageClassificationDatasetImporter(
        data_path=str(tmp_path / "data"),
        labels_path=str(written("fiftyone", pictures, tmp_path)),
    )
    importer.setup()
    labels = {path: label.label for path, _, label in importer}
    given = [suspect.given_label for suspect in pictures.suspects]
    assert [labels[str(path)] for path in paths] == given
