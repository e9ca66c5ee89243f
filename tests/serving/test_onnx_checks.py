"""An exported ONNX file that was changed is refused in one sentence, or gives probabilities."""

from __future__ import annotations

import json
from random import Random

import numpy as np
import onnx
import pytest

from datacleanse.errors import DatacleanseError, InputError, RunFolderError
from datacleanse.notices import NoticeLog
from datacleanse.serving.export import export_run
from datacleanse.serving.onnx_model import KEY, load_onnx
from datacleanse.serving.onnx_parameters import find_not_finite
from datacleanse.serving.predictions import NewRowsOptions, predict_source
from tests.cli.tampering import tamper_bytes, tamper_json


@pytest.fixture(scope="module")
def content(run, tmp_path_factory):
    """The file's bytes."""
    target = tmp_path_factory.mktemp("onnx") / "m.onnx"
    export_run(run, "onnx", target)
    return target.read_bytes()


def told(model, name):
    return next(entry for entry in model.metadata_props if entry.key == KEY + name)


def with_told(content, name, value):
    """The file with another entry in its metadata."""
    model = onnx.load_from_string(content)
    told(model, name).value = json.dumps(value)
    return model.SerializeToString()


def with_parameter(content, value):
    """The file with a parameter of the network replaced."""
    model = onnx.load_from_string(content)
    each = next(t for t in model.graph.initializer if t.data_type == onnx.TensorProto.FLOAT)
    values = onnx.numpy_helper.to_array(each).copy()
    values.reshape(-1)[-1] = value
    each.CopyFrom(onnx.numpy_helper.from_array(values, each.name))
    return model.SerializeToString(), each.name


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("format_version", "1", 'format_version is "1", where a whole number from 1 on'),
        ("run_id", None, "run_id is null, where a text was expected"),
        ("output", "x", "output is 'x', which is no output of the network with 2 columns"),
        ("output", "label", "output is 'label', which is no output"),
        ("columns", [], "columns are not those that schema names"),
        ("columns", {}, "columns is {}, where a list was expected"),
        ("schema", {}, "schema.label is missing, where a text was expected"),
        ("images", {"size": [3, 8, 8]}, "images.size is [3, 8, 8], where the network's input"),
    ],
)
def test_metadata_that_no_export_writes_are_refused(name, value, said, content):
    model = onnx.load_from_string(content)
    if name == "images":
        model.metadata_props.add(key=KEY + name, value="null")
    with pytest.raises(InputError) as caught:
        load_onnx(with_told(model.SerializeToString(), name, value))
    assert caught.value.slug == "onnx-damaged"
    assert said in caught.value.message


def test_a_text_that_is_no_utf_8_is_refused(content):
    at = content.rindex(b'"classes"')
    with pytest.raises(InputError, match="its metadata are no UTF-8"):
        load_onnx(content[: at + 2] + b"\xbc" + content[at + 3 :])


def test_a_later_version_is_refused(content):
    with pytest.raises(RunFolderError, match="has format 9; this program reads up to 1"):
        load_onnx(with_told(content, "format_version", 9))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_parameters_that_are_no_numbers_are_refused(value, content):
    assert find_not_finite(content) is None
    spoilt, name = with_parameter(content, value)
    assert find_not_finite(spoilt) == name
    with pytest.raises(InputError, match="holds NaN or infinity in") as caught:
        load_onnx(spoilt)
    assert caught.value.slug == "model-not-finite"


@pytest.mark.parametrize("raw", [b"", b"\xff" * 40, b"\x3a\xff\x01", b"\x3a\x05\x2a\x03\x10\x01"])
def test_any_bytes_are_looked_through(raw):
    assert find_not_finite(raw) is None


def test_outputs_that_are_no_probabilities_are_refused(content, frames):
    model = onnx.load_from_string(content)
    next(node for node in model.graph.node if node.op_type == "Softmax").op_type = "LogSoftmax"
    model = load_onnx(model.SerializeToString())
    with pytest.raises(InputError, match="what it gives are no probabilities"):
        list(model.answer(read(frames, model)))


def test_numbers_that_are_none_are_refused(number_result, frames, tmp_path):
    target = tmp_path / "m.onnx"
    export_run(number_result.folder.path, "onnx", target)
    content = target.read_bytes()
    with pytest.raises(InputError, match="no output of the network with a number a row"):
        load_onnx(with_told(content, "output", "x"))
    with pytest.raises(InputError, match="names 0 of them"):
        load_onnx(with_told(content, "task", None))
    model = onnx.load_from_string(content)
    # Outputs are divided by 0 where they should be multiplied by the label's scale.
    last = next(node for node in reversed(model.graph.node) if node.op_type == "Mul")
    last.op_type = "Div"
    scale = next(each for each in model.graph.initializer if each.name == last.input[1])
    scale.CopyFrom(onnx.numpy_helper.from_array(np.float64(0), scale.name))
    spoilt = load_onnx(model.SerializeToString())
    with pytest.raises(InputError, match="what it gives are no numbers"):
        spoilt.answer(read(frames, spoilt))


def read(frames, model):
    from datacleanse.data import read_like

    return read_like(frames["test"], model.schema, role="NEW")


@pytest.mark.parametrize("portion", range(2))
def test_mutated_files(portion, content, frames, tmp_path):
    frames["test"].drop(columns=["vec"]).assign(vec=list(np.ones((len(frames["test"]), 3)))).head(
        5
    ).to_parquet(tmp_path / "new.parquet")
    random, refused = Random(portion), 0
    for _ in range(40):
        if random.random() < 0.7:
            model = onnx.load_from_string(content)
            entry = random.choice([told(model, "schema"), told(model, "columns")])
            entry.value = tamper_json(entry.value.encode(), random).decode("utf-8", "ignore")
            spoilt = model.SerializeToString()
        else:
            spoilt = tamper_bytes(content, random)
        try:
            model = load_onnx(spoilt)
            options = NewRowsOptions(allow_unknown=True)
            new = str(tmp_path / "new.parquet")
            list(predict_source(model, new, scratch=tmp_path, options=options, log=NoticeLog()))
        except DatacleanseError as error:
            told_so = error
        else:
            continue
        refused += 1
        assert told_so.message.isprintable()
        assert told_so.hint
    assert refused > 10
