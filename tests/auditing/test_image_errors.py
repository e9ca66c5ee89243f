"""What is told when images, networks and models do not fit."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

import datacleanse as dc
from datacleanse.auditing.tasks.images import plan_images
from datacleanse.errors import InputError, RunFolderError, SettingsError
from datacleanse.models.loading import load_predictor
from datacleanse.models.predictor import ImagePredictor
from datacleanse.models.residual import build_residual, choose_residual_shape
from datacleanse.records import Schema
from datacleanse.settings import Settings
from tests.auditing.made_images import image_inputs, request


@pytest.fixture
def predictor():
    shape = choose_residual_shape((3, 8, 10), 100, 2, is_mirrored=False)
    network = build_residual(shape, np.full(3, 100.0), np.full(3, 50.0), seed=0).eval()
    return ImagePredictor(network, Schema("label", None, ("a", "b"), (), ()))


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (np.zeros((2, 3, 8, 10), np.float32), "The images are float32, not an array of bytes"),
        ([1, 2], "The images are list"),
        (np.zeros((2, 1, 8, 10), np.uint8), r"trained on \(n, 3, 8, 10\)"),
        (np.zeros((3, 8, 10), np.uint8), r"an array of \(3, 8, 10\)"),
    ],
)
def test_images_of_another_kind_are_refused(predictor, images, said):
    with pytest.raises(InputError, match=said):
        predictor.predict_proba(images)


def test_saved_and_loaded_it_says_the_same(predictor, tmp_path):
    images = np.random.default_rng(0).integers(256, size=(5, 3, 8, 10), dtype=np.uint8)
    images.setflags(write=False)
    predictor.save(tmp_path)
    again = load_predictor(tmp_path)
    assert isinstance(again, ImagePredictor)
    assert again.size == (3, 8, 10)
    np.testing.assert_array_equal(again.predict_proba(images), predictor.predict_proba(images))
    assert again.predict_proba(images[:0]).shape == (0, 2)
    described = json.loads((tmp_path / "model.json").read_text())
    assert described["architecture"]["name"] == "residual"
    assert "bilinear" in described["resize"]


def test_a_damaged_model_is_told(predictor, tmp_path):
    predictor.save(tmp_path)
    described = json.loads((tmp_path / "model.json").read_text())
    described["architecture"]["widths"] = [16, 64]
    (tmp_path / "model.json").write_text(json.dumps(described))
    with pytest.raises(RunFolderError, match="describes a network of"):
        load_predictor(tmp_path)


@pytest.mark.parametrize("model", ["mlp", "networks:small"])
def test_networks_for_tables_are_not_for_images(model):
    with pytest.raises(SettingsError, match="which is no network for images"):
        plan_images(request(model=model), image_inputs()[0])


def test_the_network_for_images_is_not_for_tables(tmp_path):
    frame = pa.table({"x": [1.0, 2.0, 3.0, 4.0], "label": ["a", "b", "a", "b"]})
    clean = pa.table({"x": [5.0, 6.0], "label": ["a", "b"]})
    with pytest.raises(SettingsError, match="a network for images; DATA is a table"):
        dc.audit(frame, val=clean, model="residual", out=tmp_path / "run")


def test_settings_take_the_network_for_images():
    assert Settings(model="residual").model == "residual"
