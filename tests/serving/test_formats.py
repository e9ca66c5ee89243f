"""What every export format keeps, and what each is for."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from onnx.external_data_helper import set_external_data

from datacleanse.data import read_like, read_moments
from datacleanse.errors import DatacleanseError, InputError, RunFolderError, SettingsError
from datacleanse.models import calendar_parts
from datacleanse.serving.export import FORMATS, export_run
from datacleanse.serving.export import onnx_file as onnx_module
from datacleanse.serving.export.graph import DOUBLE, INT64, Graph
from datacleanse.serving.export.onnx_columns import _add_calendar, list_spellings
from datacleanse.serving.export.raw_network import _split_moment as torch_calendar
from datacleanse.serving.export.raw_network import code_categories
from datacleanse.serving.export.samples import (
    TOLERANCE,
    choose_tolerance,
    make_rows,
)
from datacleanse.serving.onnx_model import load_onnx
from datacleanse.serving.raw_columns import read_raw_columns
from tests.tries import tries

DOCS = Path(__file__).parents[2] / "docs" / "export.md"
NAMES = [each.name for each in FORMATS]


@pytest.fixture(scope="session")
def exported(audited, tmp_path_factory):
    """A run in every format, by name."""
    folder = tmp_path_factory.mktemp("exported")
    targets = {each.name: folder / each.default_target for each in FORMATS}
    for name, target in targets.items():
        written, messages = export_run(audited.folder.path, name, target)
        assert written == target
        assert messages
    return targets


@pytest.fixture(scope="session")
def exported_classes(run, tmp_path_factory):
    """A run of classes as an ONNX file."""
    target = tmp_path_factory.mktemp("exported") / "m.onnx"
    export_run(run, "onnx", target)
    return target


@pytest.fixture(scope="session")
def odd_rows(audited, frames):
    """Usual rows, and rows with missing, unseen and extreme values."""
    model = audited.model
    made = make_rows(model.schema, model.encoding, n=500, seed=1)
    usual = frames["test"].drop(columns=["label", "key"])
    return [read_like(table, model.schema, role="NEW") for table in (made, usual)]


# The contract: what holds for every format.


@pytest.mark.parametrize("name", NAMES)
def test_a_target_that_cannot_be_written_is_refused_and_nothing_is_left(audited, tmp_path, name):
    way = next(each for each in FORMATS if each.name == name)
    with pytest.raises(DatacleanseError, match="cannot be written"):
        export_run(audited.folder.path, name, tmp_path / "nowhere" / way.default_target)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("changed", "slug"),
    [({"status": "running"}, "run-unfinished"), ({"schema_version": 99}, "run-newer")],
)
def test_a_run_that_is_not_to_be_exported_is_refused(audited, tmp_path, name, changed, slug):
    manifest = json.loads((audited.folder.path / "run.json").read_text(encoding="utf-8")) | changed
    (tmp_path / "run.json").write_text(json.dumps(manifest), encoding="utf-8")
    way = next(each for each in FORMATS if each.name == name)
    with pytest.raises(RunFolderError) as caught:
        export_run(tmp_path, name, tmp_path / way.default_target)
    assert caught.value.slug == slug
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "weights"])
@pytest.mark.parametrize("file", ["model.safetensors", "model.json"])
def test_a_changed_model_is_refused_by_its_hash(audited, tmp_path, name, file):
    shutil.copytree(audited.folder.path, tmp_path / "run")
    path = tmp_path / "run" / "model" / file
    content = bytearray(path.read_bytes())
    if file == "model.json":
        # Still good JSON, with another number.
        content = bytearray(content.replace(b'"center": ', b'"center": 1', 1))
    else:
        content[-1] ^= 1
    path.write_bytes(content)
    way = next(each for each in FORMATS if each.name == name)
    with pytest.raises(RunFolderError) as caught:
        export_run(tmp_path / "run", name, tmp_path / way.default_target)
    assert caught.value.slug == "model-tampered"
    assert file in caught.value.message
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_an_unknown_format_names_those_that_are_there(run, tmp_path):
    with pytest.raises(SettingsError, match="onnx, pt2, safetensors, hub-folder, weights"):
        export_run(run, "pickle", tmp_path / "x")


def test_a_missing_package_is_said_with_the_command_that_installs_it(run, tmp_path, monkeypatch):
    monkeypatch.setattr("datacleanse.models.optional_packages.find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=re.escape("pip install 'datacleanse[onnx]'")):
        export_run(run, "onnx", tmp_path / "m.onnx")
    _, messages = export_run(run, "hub-folder", tmp_path / "hub")
    assert "Without model.onnx" in messages[0]
    assert not (tmp_path / "hub" / "model.onnx").exists()


def test_an_export_that_does_something_else_is_refused(run, tmp_path, monkeypatch):
    honest = onnx_module.make_onnx

    def dishonest(finished):
        model = onnx.load_from_string(honest(finished))
        head = max(model.graph.initializer, key=lambda each: int(each.name.rsplit("c", 1)[1]))
        del head  # the last constants are the classes; a bias before them is changed
        for each in model.graph.initializer:
            if list(each.dims) == [2] and each.data_type == TensorProto.FLOAT:
                values = onnx.numpy_helper.to_array(each) + np.float32([0.01, 0])
                each.CopyFrom(onnx.numpy_helper.from_array(values, each.name))
        return model.SerializeToString()

    monkeypatch.setattr(onnx_module, "make_onnx", dishonest)
    with pytest.raises(DatacleanseError, match=r"does not do what the run does: \d+ of") as caught:
        export_run(run, "onnx", tmp_path / "m.onnx")
    assert caught.value.slug == "export-disagrees"
    assert not list(tmp_path.iterdir())


# ONNX


def test_onnxruntime_alone_gives_what_the_run_does(audited, exported, odd_rows):
    """By what the docs say of the inputs, without a line of ours but the arrays."""
    session = onnxruntime.InferenceSession(str(exported["onnx"]))
    about = session.get_modelmeta().custom_metadata_map
    is_of_numbers = "datacleanse.task" in about
    assert is_of_numbers == ("datacleanse.classes" not in about)
    assert json.loads(about["datacleanse.run_id"]) == audited.manifest["run_id"]
    assert json.loads(about["datacleanse.metrics"]) == audited.manifest["metrics"]
    assert [each.name for each in session.get_inputs()] == [
        column["name"] for column in json.loads(about["datacleanse.columns"])
    ]
    for rows in odd_rows:
        outputs = ["prediction"] if is_of_numbers else ["probabilities", "label"]
        found, *labels = session.run(outputs, read_raw_columns(rows))
        expected = audited.model.answer(rows)
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() <= choose_tolerance(audited.model)
        for each in labels:
            assert list(each) == [audited.model.classes[k] for k in expected.argmax(axis=1)]


@pytest.mark.parametrize("n", [1, 2, 7])
def test_onnx_takes_any_number_of_rows_in_plain_numpy(result, exported_classes, frames, n):
    frame = frames["test"].head(n)
    feed = {
        **{name: frame[name].to_numpy(np.float64, na_value=np.nan) for name in ("age", "income")},
        "member": frame["member"].astype("Float64").to_numpy(np.float64, na_value=np.nan),
        **{name: frame[name].fillna("").to_numpy(object) for name in ("city", "grade")},
        "since": frame["since"].to_numpy("datetime64[us]").astype(np.int64),
        "vec": np.array([[np.nan] * 3 if v is None else v for v in frame["vec"]], np.float64),
    }
    session = onnxruntime.InferenceSession(str(exported_classes))
    (found,) = session.run(["probabilities"], feed)
    assert np.abs(found - result.model.predict_proba(frame)).max() <= TOLERANCE


INSTANTS = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)


def _calendar_session():
    graph = Graph(["moment"])
    value = graph.input("moment", INT64)
    for part, name in _add_calendar(graph, value):
        graph.output(part, DOUBLE, name, 1)
    return onnxruntime.InferenceSession(graph.model({}, doc="").SerializeToString())


CALENDAR = _calendar_session()


@settings(max_examples=tries(100), deadline=None)
@given(st.lists(INSTANTS, min_size=1, max_size=50))
def test_both_graphs_know_the_calendar_of_all_years(instants):
    values = np.array([*instants, calendar_parts.MISSING])
    expected = dict(calendar_parts.split_moments(values))
    found = dict(zip(expected, CALENDAR.run(list(expected), {"moment": values}), strict=True))
    traced = dict(torch_calendar(torch.from_numpy(values)))
    for part, numbers in expected.items():
        # One unit of the last decimal kept: rounding may fall either way.
        np.testing.assert_allclose(found[part][:, 0], numbers, rtol=0, atol=1.1e-12)
        np.testing.assert_allclose(traced[part].numpy(), numbers, rtol=0, atol=1.1e-12)


def test_a_month_or_weekday_is_the_same_number_everywhere():
    """No noise in the last bits, which a bin between them would make a feature of."""
    days = np.arange("2023-01-01", "2025-01-01", dtype="datetime64[D]").astype("datetime64[us]")
    values = days.astype(np.int64)
    for part, numbers in calendar_parts.split_moments(values):
        if part != "days":
            assert (
                len(np.unique(numbers)) <= {"month": 12, "weekday": 7, "hour": 1}[part.split()[0]]
            )


@pytest.mark.parametrize(
    ("category", "also"),
    [("1", "1.0"), ("-3", "-3.0"), ("true", "True"), ("false", "FALSE"), ("Ulm", "Ulm")],
)
def test_other_spellings_of_a_category_are_known(category, also):
    assert {category, also} <= set(list_spellings(category))


@pytest.mark.parametrize("category", ["007", "-", "1.5", "Ulm"])
def test_what_only_looks_like_a_number_has_one_spelling(category):
    assert list_spellings(category) == [category]


@pytest.mark.parametrize("kind", ["numbers", "categories"])
def test_a_table_of_one_kind_of_columns_is_exported_in_every_format(kind, tmp_path):
    import datacleanse as dc

    rng = np.random.default_rng(0)
    values = rng.integers(0, 3, (80, 2)) if kind == "categories" else rng.normal(size=(80, 2))
    frame = pd.DataFrame(values, columns=["a", "b"])
    if kind == "categories":
        frame = frame.map("c{}".format)
    frame["label"] = np.where(rng.random(80) < 0.5, "yes", "no")
    out = tmp_path / "run"
    dc.audit(frame[:50], val=frame[50:], epochs=2, fast=True, out=out)
    for name, target in (("pt2", "m.pt2"), ("onnx", "m.onnx"), ("safetensors", "m.safetensors")):
        export_run(out, name, tmp_path / target)
        assert (tmp_path / target).is_file()


def test_an_odd_column_name_is_no_trouble(tmp_path):
    import datacleanse as dc

    rng = np.random.default_rng(0)
    names = ["", "label", "probabilities", "inner/c0", 'a "b" | ü', "rows"]
    frame = pd.DataFrame({name: rng.normal(size=120) for name in names})
    frame["truth"] = np.where(frame["rows"] > 0, "yes", "no")
    options = {"label": "truth", "epochs": 2, "fast": True, "numeric": [""]}
    result = dc.audit(frame.head(80), val=frame.tail(40), out=tmp_path / "run", **options)
    export_run(tmp_path / "run", "onnx", tmp_path / "m.onnx")
    loaded = dc.load(tmp_path / "m.onnx")
    assert list(loaded.feature_names_in_) == names
    np.testing.assert_allclose(
        loaded.predict_proba(frame), result.model.predict_proba(frame), atol=TOLERANCE
    )


def foreign() -> bytes:
    """An ONNX model of somebody else's."""
    made = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "other",
        [made("x", TensorProto.FLOAT, [1])],
        [made("y", TensorProto.FLOAT, [1])],
    )
    opset = [helper.make_opsetid("", 20)]
    return helper.make_model(graph, opset_imports=opset, ir_version=10).SerializeToString()


def with_parameters_elsewhere(content: bytes) -> bytes:
    """The model with one parameter in another file, which lies in the current directory."""
    model = onnx.load_from_string(content)
    stolen = next(each for each in model.graph.initializer if len(each.raw_data) > 1000)
    Path("other.bin").write_bytes(stolen.raw_data)
    size = len(stolen.raw_data)
    set_external_data(stolen, location="other.bin", offset=0, length=size)
    stolen.ClearField("raw_data")
    stolen.data_location = TensorProto.EXTERNAL
    return model.SerializeToString()


def with_metadata(content: bytes, **values: str) -> bytes:
    model = onnx.load_from_string(content)
    for each in model.metadata_props:
        if each.key.removeprefix("datacleanse.") in values:
            each.value = values[each.key.removeprefix("datacleanse.")]
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("spoil", "slug"),
    [
        (lambda content: content[: len(content) // 2], "onnx-damaged"),
        (lambda content: b"not a model", "onnx-damaged"),
        (lambda content: b"", "onnx-damaged"),
        (lambda content: foreign(), "onnx-foreign"),
        (with_parameters_elsewhere, "onnx-damaged"),
        (lambda content: with_metadata(content, format_version="99"), "model-newer"),
        (lambda content: with_metadata(content, schema="{}"), "onnx-damaged"),
        (lambda content: with_metadata(content, columns="[1"), "onnx-damaged"),
    ],
)
def test_a_file_that_is_not_ours_or_not_whole_is_one_error(
    exported, tmp_path, monkeypatch, spoil, slug
):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "m.onnx"
    path.write_bytes(spoil(exported["onnx"].read_bytes()))
    with pytest.raises(DatacleanseError) as caught:
        load_onnx(path)
    assert caught.value.slug == slug
    assert str(path) in caught.value.message


def test_a_missing_file_is_one_error(tmp_path):
    with pytest.raises(InputError, match=r"m\.onnx cannot be read"):
        load_onnx(tmp_path / "m.onnx")


# pt2, safetensors, hub folder, weights


def test_torch_alone_runs_the_pt2_for_any_number_of_rows(audited, exported, odd_rows):
    extra = {"model.json": ""}
    module = torch.export.load(exported["pt2"], extra_files=extra).module()
    assert json.loads(extra["model.json"])["run_id"] == audited.manifest["run_id"]
    for rows in odd_rows:
        for count in (1, rows.n_rows):
            columns = {name: each[:count] for name, each in read_raw_columns(rows).items()}
            found = module(code_categories(columns, audited.model.encoding)).numpy()
            expected = audited.model.answer(rows)[:count]
            assert found.shape == expected.shape
            assert np.abs(found - expected).max() <= choose_tolerance(audited.model)


def test_the_loader_in_the_docs_rebuilds_the_model_by_torch_and_safetensors(
    audited, exported, frames
):
    text = DOCS.read_text(encoding="utf-8")
    code = text.split("<!-- loader -->")[1].split("```python\n")[1].split("```")[0]
    assert len(code.splitlines()) <= 31
    assert set(re.findall(r"^(?:from|import) ([a-z]+)", code, re.M)) == {
        "json",
        "safetensors",
        "torch",
    }
    scope: dict[str, object] = {}
    exec(compile(code, str(DOCS), "exec"), scope)
    classes, compute = scope["load"](exported["safetensors"].with_suffix(""))  # type: ignore[operator]
    rows = read_like(frames["test"], audited.model.schema, role="NEW")
    raw = read_raw_columns(rows)
    since = next(column for column in rows.schema.columns if column.name == "since")
    parts = dict(calendar_parts.split_moments(read_moments(rows, since)))
    numbers = [
        parts[each.part]
        if each.column == "since"
        else raw["vec"][:, int(each.part[1:-1])]
        if each.column == "vec"
        else raw[each.column]
        for each in audited.model.encoding.numeric
    ]
    texts = [raw[each.column] for each in audited.model.encoding.categorical]
    found = compute(torch.tensor(np.stack(numbers, axis=1)), texts).numpy()
    assert tuple(classes) == audited.model.schema.classes
    expected = audited.model.answer(rows)
    assert np.abs(found - expected).max() <= choose_tolerance(audited.model)


def test_safetensors_wants_a_name_beside_which_the_description_can_stand(run, tmp_path):
    with pytest.raises(SettingsError, match=r"ends in \.safetensors"):
        export_run(run, "safetensors", tmp_path / "model.bin")


def test_the_hub_folder_is_what_huggingface_hub_expects(audited, exported):
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
    folder = exported["hub-folder"]
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "model.json",
        "model.onnx",
        "model.safetensors",
    ]
    card = hub.ModelCard.load(folder / "README.md")
    assert card.data.library_name == "datacleanse"
    is_of_numbers = audited.manifest.get("task") == "regression"
    kind = "regression" if is_of_numbers else "classification"
    assert card.data.pipeline_tag == f"tabular-{kind}"
    figures = {each.metric_type: each.metric_value for each in card.data.eval_results}
    expected = audited.manifest["metrics"]["test"]["reweighted"]
    assert figures == pytest.approx(expected)


def test_the_hub_folder_is_never_laid_over_something(run, tmp_path):
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(DatacleanseError, match="no empty folder"):
        export_run(run, "hub-folder", tmp_path / "hub")
    assert [path.name for path in (tmp_path / "hub").iterdir()] == ["mine.txt"]
