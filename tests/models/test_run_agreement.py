"""A model that is not its run's own is refused, by the first value in which both differ."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from datacleanse.errors import RunFolderError
from datacleanse.models.run_agreement import check_agreement
from datacleanse.records import Column, Schema, SetAside

SCHEMA = Schema(
    "label",
    "key",
    ("0", "1", "true"),
    (Column("x", "numeric"), Column("y", "categorical")),
    (SetAside("z", "constant", "every value is 1"),),
)


def manifest(schema=SCHEMA, *, classes=("0", "1", "true")):
    """What is read of `run.json`."""
    data = SimpleNamespace(label=schema.label, label_type=schema.label_type, id=schema.id)
    columns = SimpleNamespace(columns=schema.columns, set_aside=schema.set_aside)
    return SimpleNamespace(data=data, schema=columns, classes=dict.fromkeys(classes, 4))


@pytest.mark.parametrize("classes", [("0", "1", "true"), ("0.0", "1", "true")])
def test_the_run_s_own_model_agrees(classes, tmp_path):
    check_agreement(SCHEMA, manifest(classes=classes), tmp_path / "model.json")


@pytest.mark.parametrize(
    ("other", "classes", "said"),
    [
        (replace(SCHEMA, label="y"), None, "the label is 'label' in the model, and 'y' in run.jso"),
        (replace(SCHEMA, label_type="int64"), None, "the type of the labels is None in the model"),
        (replace(SCHEMA, id=None), None, "the id is 'key' in the model, and None in run.json"),
        (SCHEMA, ("0", "1"), "the number of classes is 3 in the model, and 2 in run.json"),
        (SCHEMA, ("1", "0", "true"), "class 0 is '0' in the model, and '1' in run.json"),
        (SCHEMA, ("0", "1", "yes"), "class 2 is 'true' in the model, and 'yes' in run.json"),
        (replace(SCHEMA, columns=SCHEMA.columns[:1]), None, "the number of columns is 2"),
        (
            replace(SCHEMA, columns=(SCHEMA.columns[0], Column("w", "categorical"))),
            None,
            "columns[1].name is 'y' in the model, and 'w' in run.json",
        ),
        (
            replace(SCHEMA, columns=(SCHEMA.columns[0], Column("y", "numeric"))),
            None,
            "columns[1].kind is 'categorical' in the model, and 'numeric' in run.json",
        ),
        (replace(SCHEMA, set_aside=()), None, "the number of columns set aside is 1"),
    ],
)
def test_another_run_s_model_is_refused(other, classes, said, tmp_path):
    run = manifest(other, classes=classes or SCHEMA.classes)
    with pytest.raises(RunFolderError) as caught:
        check_agreement(SCHEMA, run, tmp_path / "model.json")
    assert caught.value.slug == "model-other-run"
    assert said in caught.value.message
    assert str(tmp_path / "model.json") in caught.value.message
