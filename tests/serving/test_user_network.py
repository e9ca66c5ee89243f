"""Exports of a network of the user's own: traced by torch, put behind our encoding."""

from __future__ import annotations

import numpy as np
import pytest
from torch import nn

import datacleanse as dc
from datacleanse.errors import DatacleanseError
from datacleanse.serving.export import export_run
from datacleanse.serving.export.samples import TOLERANCE


def residual(n_features: int, n_classes: int) -> nn.Module:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.layer = nn.LayerNorm(n_features), nn.Linear(n_features, n_features)

        def forward(self, x):
            return x + nn.functional.gelu(self.layer(self.norm(x)))

    return nn.Sequential(Block(), nn.Linear(n_features, n_classes))


def by_value(n_features: int, n_classes: int) -> nn.Module:
    """What no tracer can follow: the way depends on the values."""

    class Choosy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(n_features, n_classes)

        def forward(self, x):
            logits = self.layer(x)
            return logits * 2 if bool(logits.sum() > 0) else logits

    return Choosy()


@pytest.fixture(scope="module")
def own_run(frames, tmp_path_factory):
    out = tmp_path_factory.mktemp("own") / "run"
    options = {"id": "key", "epochs": 2, "fast": True, "out": out}
    return dc.audit(frames["data"], val=frames["clean"], model=residual, **options)


def test_onnx_holds_the_network_and_the_encoding(own_run, frames, tmp_path):
    pytest.importorskip("onnxscript", reason="onnxscript is not installed")
    target = tmp_path / "m.onnx"
    export_run(own_run.folder.path, "onnx", target, model=residual)
    rows = frames["test"].drop(columns=["label"])
    for count in (1, len(rows)):
        found = dc.load(target).predict_proba(rows.head(count))
        expected = own_run.model.predict_proba(rows.head(count))
        assert np.abs(found - expected).max() <= TOLERANCE


def test_no_code_is_run_because_a_file_names_it(own_run, tmp_path):
    for name in ("onnx", "pt2", "safetensors", "hub-folder"):
        with pytest.raises(dc.RunFolderError, match="No code is run because a file names it"):
            export_run(own_run.folder.path, name, tmp_path / f"m.{name}")
    assert not list(tmp_path.iterdir())


def test_a_network_that_cannot_be_traced_is_said_to_be(frames, tmp_path):
    options = {"id": "key", "epochs": 2, "fast": True, "out": tmp_path / "run"}
    dc.audit(frames["data"], val=frames["clean"], model=by_value, **options)
    with pytest.raises(DatacleanseError, match="torch cannot trace this network for pt2") as caught:
        export_run(tmp_path / "run", "pt2", tmp_path / "m.pt2", model=by_value)
    assert caught.value.slug == "export-untraceable"
    export_run(tmp_path / "run", "safetensors", tmp_path / "m.safetensors", model=by_value)
    assert '"the network that' in (tmp_path / "m.json").read_text(encoding="utf-8")
