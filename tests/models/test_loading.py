"""Saved models that were changed are refused before anything large is made of them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from datacleanse.errors import RunFolderError
from datacleanse.models import loading
from datacleanse.models.encoding import CategoricalFeature, Encoding, NumericFeature
from datacleanse.models.loading import load_predictor
from datacleanse.models.predictor import ImagePredictor, Predictor
from datacleanse.models.residual import ResidualNetwork, build_residual, choose_residual_shape
from datacleanse.models.tabular import TabularNetwork, TabularShape, build_network
from datacleanse.records import Column, Schema

SCHEMA = Schema("label", None, ("a", "b"), (), ())
SHAPE = TabularShape(3, (2, 0, 4), (1,), (3, 2), 2, 8, 3, 0.3)


def count(network):
    return sum(values.numel() for values in network.state_dict().values())


@pytest.mark.parametrize("shape", [SHAPE, replace(SHAPE, n_numeric=0, n_bins=(), missing=())])
def test_values_of_a_table_network_are_counted(shape):
    assert shape.count_values() == count(TabularNetwork(shape))


@pytest.mark.parametrize("size", [(1, 8, 8), (3, 64, 48)])
def test_values_of_an_image_network_are_counted(size):
    shape = choose_residual_shape(size, 100, 4, is_mirrored=False)
    assert shape.count_values() == count(ResidualNetwork(shape))


@pytest.fixture
def saved(tmp_path):
    """A network for images."""
    shape = choose_residual_shape((1, 8, 8), 100, 2, is_mirrored=False)
    network = build_residual(shape, np.zeros(1), np.ones(1), seed=0)
    ImagePredictor(network, SCHEMA).save(tmp_path)
    assert load_predictor(tmp_path).classes == ("a", "b")
    return tmp_path


@pytest.fixture
def saved_table(tmp_path):
    """A network for a table with a number and a word."""
    columns = (Column("x", "numeric"), Column("y", "categorical"))
    feature = NumericFeature("x", "", 0.5, 2.0, True, (-1.0, 0.0, 1.5))
    encoding = Encoding((feature,), (CategoricalFeature("y", ("p", "q")),))
    network = build_network(encoding, 2, seed=0).eval()
    Predictor(network, encoding, replace(SCHEMA, columns=columns)).save(tmp_path)
    assert load_predictor(tmp_path).encoding == encoding
    return tmp_path


def edit(folder, change):
    file = folder / "model.json"
    description = json.loads(file.read_text(encoding="utf-8"))
    change(description)
    file.write_text(json.dumps(description), encoding="utf-8")


def refuse_unmade(folder, fields, monkeypatch):
    """What is said of a description with another architecture; nothing is made of it."""
    for name in ("ResidualNetwork", "TabularNetwork"):
        monkeypatch.setattr(loading, name, lambda shape: pytest.fail(f"made {shape}"))
    edit(folder, lambda description: description["architecture"].update(fields))
    with pytest.raises(RunFolderError) as raised:
        load_predictor(folder)
    assert raised.value.slug == "model-damaged"
    return raised.value.message


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"widths": [10**9, 10**9]}, "describes a network of"),
        ({"channels": 10**9}, "architecture.channels is 1,000,000,000, where a whole number from"),
        ({"height": 10**9}, "architecture.height is 1,000,000,000, where a whole number from 1 to"),
        ({"stride": 10**9}, "architecture.stride is 1,000,000,000, where"),
        ({"margin": 8}, "architecture.margin is 8, where a whole number from 0 to 7 was"),
        ({"widths": []}, "architecture.widths has 0 of them"),
        ({"n_classes": 10**9}, "architecture.n_classes is 1,000,000,000, where 2 was expected"),
    ],
)
def test_an_image_network_of_other_sizes_is_refused_unmade(fields, said, saved, monkeypatch):
    assert said in refuse_unmade(saved, fields, monkeypatch)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"n_hidden": 100_000}, "describes a network of"),
        ({"n_hidden": 10**9, "width": 0}, "describes a network of"),
        ({"width": -1}, "architecture.width is -1, where a whole number from 0 on"),
        ({"dropout": 1.0}, "architecture.dropout is 1.0, where a share below 1"),
        ({"n_bins": [10**12]}, "architecture.n_bins is not what encoding"),
        ({"n_categories": [10**12]}, "architecture.n_categories is not what encoding"),
        ({"missing": [5]}, "architecture.missing is not what encoding"),
    ],
)
def test_a_table_network_of_other_sizes_is_refused_unmade(fields, said, saved_table, monkeypatch):
    assert said in refuse_unmade(saved_table, fields, monkeypatch)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(encoding=[]), "encoding is [], where an object was expected"),
        (lambda d: d.pop("schema"), "schema is null, where an object was expected"),
        (lambda d: d["encoding"]["numeric"][0].update(scale=0), "encoding.numeric[0].scale is 0,"),
        (lambda d: d["encoding"]["numeric"][0].update(edges=[1, 0, 2]), "edges do not increase"),
        (
            lambda d: d["encoding"]["numeric"][0].update(column="z"),
            "encoding.numeric is not of the",
        ),
        (lambda d: d["encoding"]["numeric"].clear(), "encoding.numeric is not of the columns"),
        (lambda d: d["encoding"]["categorical"][0].update(categories=["p", "p"]), "'p' 2 times"),
        (lambda d: d["schema"].update(classes=["a", "a"]), "schema.classes names 'a' 2 times"),
        (lambda d: d["schema"].update(classes=["a"]), "schema.classes names 1 of them"),
        (lambda d: d["schema"].update(label="x"), "schema.columns[0].name is 'x', which is the"),
        (
            lambda d: d["schema"]["columns"][0].update(width=2),
            "schema.columns[0].width is 2, where",
        ),
        (lambda d: d["architecture"].update(name="forest"), 'architecture.name is "forest", where'),
        (lambda d: d.update(added=float("nan")), "it holds NaN, which is no JSON"),
    ],
)
def test_a_description_that_contradicts_itself_is_refused(change, said, saved_table):
    edit(saved_table, change)
    with pytest.raises(RunFolderError) as raised:
        load_predictor(saved_table)
    assert raised.value.slug == "model-damaged"
    assert raised.value.message.startswith(f"{saved_table / 'model.json'} is damaged: ")
    assert said in raised.value.message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.pop("offsets"), "offsets is (1,) int64 now and was missing"),
        (lambda t: t.update(extra=t["head.bias"].clone()), "extra is missing now and was (2,)"),
        (
            lambda t: t.update({"head.bias": t["head.bias"].double()}),
            "head.bias is (2,) now and was",
        ),
        (lambda t: t["numbers.feature"].fill_(9), "numbers.feature leads to other columns"),
    ],
)
def test_tensors_of_another_network_are_refused(change, said, saved_table):
    tensors = load_file(saved_table / "model.safetensors")
    before = sum(values.numel() for values in tensors.values())
    change(tensors)
    if sum(values.numel() for values in tensors.values()) != before:
        said = "describes a network of"
    save_file(tensors, saved_table / "model.safetensors")
    with pytest.raises(RunFolderError) as raised:
        load_predictor(saved_table)
    assert raised.value.slug == "model-damaged"
    assert said in raised.value.message


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_parameter_that_is_no_number_is_refused(value, saved):
    tensors = load_file(saved / "model.safetensors")
    tensors["head.weight"][1, 3] = value
    save_file(tensors, saved / "model.safetensors")
    with pytest.raises(RunFolderError, match=r"NaN or infinity in head\.weight") as raised:
        load_predictor(saved)
    assert raised.value.slug == "model-not-finite"
