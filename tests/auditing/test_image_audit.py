"""An audit of images, from arrays in memory to the run folder."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

import datacleanse as dc
from tests.auditing.made_images import audit_images, digits


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return audit_images(tmp_path_factory.mktemp("images") / "run", epochs=10)


def test_wrong_labels_lead_the_ranking(run):
    folder, is_wrong = run
    suspicion = folder.read_audit()["suspicion"].to_numpy()
    assert average_precision_score(is_wrong, suspicion) > 0.95
    flagged = folder.read_audit()["flagged"].to_numpy()
    assert flagged.sum() > 30
    assert (~is_wrong[flagged]).mean() < 0.2


def test_the_run_says_what_was_done(run):
    manifest = run[0].manifest()
    assert manifest.training.route.name == "layerwise"
    assert "8 x 8 pixels, in training as they are." in manifest.training.network
    assert manifest.metrics.test.rows == 200
    assert manifest.metrics.test.reweighted.accuracy > 0.7


def test_the_model_is_loaded_as_it_was(run):
    folder, _ = run
    model = dc.load_predictor(folder.model_dir)
    images, labels = digits()
    probability = model.predict_proba(images[-500:])
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    assert (probability.argmax(axis=1) == labels[-500:]).mean() > 0.7
    assert model.predict(images[:3]).tolist() == [
        int(model.classes[k]) for k in model.predict_proba(images[:3]).argmax(axis=1)
    ]
    assert not list(folder.path.rglob("*.pk*"))
    assert json.loads((folder.model_dir / "model.json").read_text())["architecture"]["height"] == 8
