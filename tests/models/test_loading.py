"""Saved models that were changed are refused before anything large is made of them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from datacleanse.errors import RunFolderError
from datacleanse.models import loading
from datacleanse.models.loading import load_predictor
from datacleanse.models.predictor import ImagePredictor
from datacleanse.models.residual import ResidualNetwork, build_residual, choose_residual_shape
from datacleanse.models.tabular import TabularNetwork, TabularShape
from datacleanse.records import Schema

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
    shape = choose_residual_shape((1, 8, 8), 100, 2, is_mirrored=False)
    network = build_residual(shape, np.zeros(1), np.ones(1), seed=0)
    ImagePredictor(network, SCHEMA).save(tmp_path)
    assert load_predictor(tmp_path).classes == ("a", "b")
    return tmp_path


def change(folder, **fields):
    file = folder / "model.json"
    description = json.loads(file.read_text(encoding="utf-8"))
    description["architecture"] |= fields
    file.write_text(json.dumps(description), encoding="utf-8")


TABLE = {
    "name": "tabular",
    "n_numeric": 1,
    "n_bins": [8],
    "missing": [],
    "n_categories": [],
    "width": 128,
    "n_hidden": 2,
    "dropout": 0.3,
}


@pytest.mark.parametrize(
    "fields",
    [
        {"widths": [10**9, 10**9]},
        {"channels": 10**9},
        {"stride": 10**9},
        {"n_classes": 10**9},
        TABLE | {"n_hidden": 100_000},
        TABLE | {"n_hidden": 10**9, "width": 0},
        TABLE | {"n_bins": [10**12]},
        TABLE | {"n_categories": [10**12]},
    ],
)
def test_sizes_that_the_parameters_do_not_have_are_refused_unmade(fields, saved, monkeypatch):
    for name in ("ResidualNetwork", "TabularNetwork"):
        monkeypatch.setattr(loading, name, lambda shape: pytest.fail(f"made {shape}"))
    if fields.get("name") == "tabular":
        file = saved / "model.json"
        description = json.loads(file.read_text(encoding="utf-8"))
        description["architecture"] = {"n_classes": 2}
        file.write_text(json.dumps(description), encoding="utf-8")
    change(saved, **fields)
    with pytest.raises(RunFolderError, match="describes a network of") as raised:
        load_predictor(saved)
    assert raised.value.slug == "model-damaged"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_parameter_that_is_no_number_is_refused(value, saved):
    tensors = load_file(saved / "model.safetensors")
    tensors["head.weight"][1, 3] = value
    save_file(tensors, saved / "model.safetensors")
    with pytest.raises(RunFolderError, match=r"NaN or infinity in head\.weight") as raised:
        load_predictor(saved)
    assert raised.value.slug == "model-not-finite"
