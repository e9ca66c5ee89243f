"""Formats for other tools, against their documented import schemas, written out here.

`test_tools_packages.py` has the tools' own packages read the files where they are installed.
"""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from datacleanse.errors import SettingsError
from datacleanse_reports import write_reports
from datacleanse_reports.formats import label_studio
from datacleanse_reports.formats.registry import FORMATS, TOOLS


def rendered(name, view):
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(TOOLS[name].render(view), parse_constant=refuse)


def is_share(value):
    return isinstance(value, float) and math.isfinite(value) and 0 <= value <= 1


# --- Label Studio: https://labelstud.io/guide/predictions and /tags/choices -----------------------


def test_label_studio_tasks_keep_the_documented_schema(view):
    tasks = rendered("label-studio", view)
    assert len(tasks) == 25
    for task, suspect in zip(tasks, view.suspects, strict=True):
        assert set(task) == {"data", "predictions"}
        assert {"text", "classes", "id", "row", "rank", "given_label", "reason"} <= set(
            task["data"]
        )
        assert "image" not in task["data"]
        assert task["data"]["classes"] == [
            {"value": name} for name in sorted(each.name for each in view.classes)
        ]
        (prediction,) = task["predictions"]
        assert set(prediction) <= {"model_version", "result", "score"}
        assert prediction["model_version"] == f"datacleanse {view.run_id}"
        assert is_share(prediction.get("score", 0.0))
        (region,) = prediction["result"]
        assert set(region) == {"id", "from_name", "to_name", "type", "value"}
        assert (region["from_name"], region["to_name"], region["type"]) == (
            "label",
            "row",
            "choices",
        )
        proposed = suspect.suggested_label or suspect.given_label
        assert region["value"] == {"choices": [proposed]}
        assert {"value": proposed} in task["data"]["classes"]


def test_label_studio_s_interface_names_what_the_tasks_hold(pictures):
    """Every ``$variable`` of the interface is a key of each task's data, every name is used."""
    (task, *_) = rendered("label-studio", pictures)
    for config in (label_studio.LABEL_CONFIG, label_studio.IMAGE_LABEL_CONFIG):
        tags = {tag.get("name"): tag for tag in ET.fromstring(config)}
        assert set(tags) == {"row", "label"}
        assert tags["label"].get("toName") == "row"
        for tag in tags.values():
            assert tag.get("value").removeprefix("$") in task["data"]


# --- Argilla: https://docs.argilla.io/latest/how_to_guides/import_export --------------------------


def test_argilla_records_keep_the_documented_schema(view):
    records = rendered("argilla", view)
    assert len(records) == len({record["id"] for record in records}) == 25
    for record, suspect in zip(records, view.suspects, strict=True):
        assert set(record) == {
            "id",
            "fields",
            "metadata",
            "suggestions",
            "responses",
            "vectors",
            "status",
        }
        assert (record["responses"], record["vectors"], record["status"]) == ({}, {}, "pending")
        assert set(record["fields"]) == {"text"}
        assert all(
            isinstance(value, str | int | float) and not isinstance(value, bool)
            for value in record["metadata"].values()
        )
        assert set(record["suggestions"]) == {"label"}
        suggestion = record["suggestions"]["label"]
        assert set(suggestion) == {"value", "score", "agent"}
        assert suggestion["value"] == (suspect.suggested_label or suspect.given_label)
        assert suggestion["score"] is None or is_share(suggestion["score"])


# --- FiftyOne: https://docs.voxel51.com/user_guide/import_datasets.html ---------------------------


def test_fiftyone_labels_keep_the_documented_schema(pictures):
    found = rendered("fiftyone", pictures)
    assert set(found) == {"classes", "labels"}
    assert len(found["labels"]) == 25
    for suspect in pictures.suspects:
        label = found["labels"][f"a b/{suspect.row}.v1"]
        assert set(label) <= {"label", "confidence", "attributes"}
        assert found["classes"][label["label"]] == suspect.given_label
        assert is_share(label["confidence"])
        assert label["attributes"]["rank"] == suspect.rank
        assert label["attributes"]["row_id"] == suspect.id
        assert not {"id", "label", "confidence", "logits", "tags"} & set(label["attributes"])


def test_fiftyone_needs_pictures(hostile_run):
    with pytest.raises(SettingsError, match="have no pictures"):
        write_reports(hostile_run, top=5, formats=["fiftyone"])
    assert list(hostile_run.reports_dir.iterdir()) == []


def test_fiftyone_cannot_tell_pictures_by_their_endings(pictures):
    suspects = (pictures.suspects[0], replace(pictures.suspects[0], rank=2))
    with pytest.raises(SettingsError, match="differ in their endings only"):
        TOOLS["fiftyone"].render(replace(pictures, suspects=suspects))


# --- all of them ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["label-studio", "argilla"])
def test_pictures_are_named_and_a_row_s_own_cells_are_its_text(pictures, name):
    first = rendered(name, pictures)[0]
    data = first["data"] if name == "label-studio" else first["fields"]
    suspect = pictures.suspects[0]
    assert data["image"] == f"a b/{suspect.row}.v1.jpg"
    lines = data["text"].split("\n")
    assert lines[0] == f"file_name: {data['image']}"
    assert f"rank: {suspect.row} of the user's" in lines


def test_other_tools_files_are_written_only_if_asked_for(hostile_run):
    assert set(write_reports(hostile_run, top=5)) == set(FORMATS)
    written = write_reports(hostile_run, top=5, formats=["label-studio", "csv"])
    assert set(written) == {"label-studio", "csv"}
