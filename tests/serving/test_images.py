"""Exports of a model of images: bytes of any batch to probabilities."""

from __future__ import annotations

import json

import numpy as np
import onnxruntime
import pytest
import torch
from torch.nn import functional as F

import datacleanse as dc
from datacleanse.serving.export import export_run
from datacleanse.serving.export.samples import TOLERANCE
from tests.auditing.made_images import audit_images, digits


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder, _ = audit_images(tmp_path_factory.mktemp("images") / "run", epochs=2, fast=True)
    return folder


@pytest.fixture(scope="module")
def images():
    return digits()[0][-50:]


@pytest.fixture(scope="module")
def expected(run, images):
    return dc.load_predictor(run.model_dir).predict_proba(images)


@pytest.fixture(scope="module")
def hub(run, tmp_path_factory):
    """Its hub folder, which holds the ONNX file."""
    target = tmp_path_factory.mktemp("exported") / "hub"
    export_run(run.path, "hub-folder", target)
    return target


def test_onnxruntime_alone_classifies_bytes_of_any_batch(hub, images, expected):
    session = onnxruntime.InferenceSession(str(hub / "model.onnx"))
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about["datacleanse.images"])["size"] == [1, 8, 8]
    assert json.loads(about["datacleanse.classes"]) == [str(k) for k in range(10)]
    for count in (1, len(images)):
        labels, found = session.run(None, {"images": images[:count]})
        assert np.abs(found - expected[:count]).max() <= TOLERANCE
        assert [int(label) for label in labels] == list(expected[:count].argmax(axis=1))


def test_the_file_and_the_run_are_loaded_the_same_way(run, hub, images, expected):
    for source in (run.path, hub / "model.onnx"):
        loaded = dc.load(source)
        np.testing.assert_allclose(loaded.predict_proba(images), expected, atol=TOLERANCE)
        assert loaded.predict(images)[0] == expected[0].argmax()
        with pytest.raises(ValueError, match=r"\(50, 1, 8, 7\)"):
            loaded.predict(images[..., :7])


def test_torch_alone_runs_the_pt2(run, images, expected, tmp_path):
    export_run(run.path, "pt2", tmp_path / "m.pt2")
    module = torch.export.load(tmp_path / "m.pt2").module()
    for count in (1, len(images)):
        found = module(torch.from_numpy(images[:count])).numpy()
        assert np.abs(found - expected[:count]).max() <= TOLERANCE


def test_the_description_says_all_it_takes_to_rebuild_the_network(run, images, expected, tmp_path):
    """Written from the sentences of ``computation``, without a layer of ours."""
    from safetensors.torch import load_file

    export_run(run.path, "safetensors", tmp_path / "m.safetensors")
    t = load_file(tmp_path / "m.safetensors")
    about = json.loads((tmp_path / "m.json").read_text(encoding="utf-8"))
    shape = about["architecture"]

    def norm(x, name):
        groups = max(2, x.shape[1] // 8)
        return F.group_norm(x, groups, t[f"{name}.weight"], t[f"{name}.bias"], 1e-5)

    def conv(x, name, stride):
        weight = t[f"{name}.weight"]
        return F.conv2d(x, weight, stride=stride, padding=weight.shape[2] // 2)

    x = (torch.from_numpy(images.copy()) - t["mean"]) / t["deviation"]
    assert t["stages.0.weight"].shape[2] == max(3, 2 * shape["stride"] - 1)
    h = norm(conv(x, "stages.0", shape["stride"]), "stages.1").relu()
    for i in range(3, 2 + len(shape["widths"])):
        block = f"stages.{i}"
        inner = norm(conv(h, f"{block}.first", 2), f"{block}.first_norm").relu()
        inner = norm(conv(inner, f"{block}.second", 1), f"{block}.second_norm")
        h = (inner + conv(h, f"{block}.short", 2)).relu()
    logits = h.mean(dim=(2, 3)) @ t["head.weight"].T + t["head.bias"]
    found = logits.double().softmax(dim=1).numpy()
    assert np.abs(found - expected).max() <= TOLERANCE


def test_the_card_is_one_of_images(hub):
    card = (hub / "README.md").read_text(encoding="utf-8")
    assert 'pipeline_tag: "image-classification"' in card
