"""Pictures seen by a frozen pretrained network: a stand-in for that of the extra ``vision``."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

import datacleanse as dc
from datacleanse.auditing import pretrained_features as module
from datacleanse.auditing import pretrained_trial
from datacleanse.auditing.conduct import Conduct
from datacleanse.auditing.image_features import wants_pretrained
from datacleanse.auditing.pretrained_features import (
    choose_reading,
    show_to_pretrained,
)
from datacleanse.auditing.reading import Request, read_inputs
from datacleanse.auditing.run import forecast_audit, run_audit
from datacleanse.data import ReadOptions
from datacleanse.errors import InputError, RunFolderError, SettingsError, Stopped
from datacleanse.models import loading, optional_packages
from datacleanse.models.frozen_network import FrozenNetwork, PictureFeatures
from datacleanse.models.optional_packages import VISION
from datacleanse.models.vision_extra import (
    BLOCKS,
    MIRRORED,
    NAME,
    WITH_HEAD,
    choose_side,
    describe_lite0,
    open_lite0,
)
from datacleanse.notices import NoticeLog
from datacleanse.pictures.decode_one import decode
from datacleanse.progress import SILENT
from datacleanse.review.decisions import Decision, append_decisions
from datacleanse.serving.export import export_run
from datacleanse.serving.open_model import open_model
from datacleanse.serving.predictions import NewRowsOptions, predict_source
from datacleanse.settings import Settings
from datacleanse.storage.run_folder import RunFolder
from tests.auditing.made_backbone import vision
from tests.auditing.made_images import audit_inputs, image_inputs
from tests.auditing.test_draws import StopIn
from tests.pictures.made import class_folders, scene
from tests.review.verifying import draw, verify

__all__ = ["vision"]

CPU = torch.device("cpu")


def open_network(side=160, **options):
    return open_lite0(side, CPU, what="this", **options)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """DATA, CLEAN and TEST of two kinds of pictures."""
    root = tmp_path_factory.mktemp("pictures")
    for name, n, first in (("data", 30, 0), ("clean", 8, 100), ("test", 10, 200)):
        class_folders(root / name, ("cat", "dog"), n, first=first)
    return root


def request(root, **settings):
    options = {"model": "pretrained", "epochs": 2, "device": "cpu"} | settings
    places = [str(root / name) for name in ("data", "clean", "test")]
    return Request(
        places[0], (places[1],), places[2], options=ReadOptions(), settings=Settings(**options)
    )


@pytest.fixture(scope="module")
def run(folders, vision, tmp_path_factory):
    return run_audit(request(folders), Conduct(tmp_path_factory.mktemp("audit") / "run"))


def test_layers_that_are_merged_give_the_same_features(vision):
    images = np.random.default_rng(0).integers(256, size=(20, 3, 160, 160), dtype=np.uint8)
    x = (torch.from_numpy(images).float() - 127) / 128
    with torch.no_grad(), keep_outputs(vision._blocks) as outputs:
        head = vision.extract_features(x)
    # The first two blocks have as many channels, and so are one stage.
    stages = [outputs[2], outputs[1]]
    means = [each.mean(dim=(2, 3)) for each in stages]
    spreads = [each.var(dim=(2, 3), correction=0).sqrt() for each in stages]
    expected = {
        WITH_HEAD: head.mean(dim=(2, 3)),
        BLOCKS: means[0],
        NAME: torch.cat([*means, *spreads], dim=1),
    }
    for name, features in expected.items():
        found = open_network(name=name).compute_features(images)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, features, rtol=1e-3, atol=1e-4)


@contextmanager
def keep_outputs(blocks):
    """What each of the blocks gives, within."""
    kept = []
    handles = [each.register_forward_hook(lambda *a: kept.append(a[2].clone())) for each in blocks]
    yield kept
    for handle in handles:
        handle.remove()


@pytest.mark.parametrize(
    ("name", "width"), [(NAME, 40), (MIRRORED, 40), (BLOCKS, 12), (WITH_HEAD, 24)]
)
def test_a_saved_model_reads_the_features_that_it_learned(vision, tmp_path, name, width):
    network = loading._open_backbone(describe_lite0(160, name), tmp_path)
    assert network.backbone.name == name
    images = np.zeros((2, 3, 160, 160), np.uint8)
    assert network.compute_features(images).shape == (2, width)


def test_features_of_an_unknown_name_are_refused(vision, tmp_path):
    with pytest.raises(RunFolderError, match="which this program does not know"):
        loading._open_backbone(describe_lite0(160, "efficientnet-lite9"), tmp_path)


def test_small_pictures_are_scaled_to_a_smaller_side():
    assert choose_side(np.array([[32, 32], [300, 200], [20, 60]], np.int32)) == 160
    assert choose_side(np.array([[128, 128]], np.int32)) == 224


def test_other_parameters_are_not_taken(vision, monkeypatch):
    monkeypatch.setattr("datacleanse.models.vision_extra.SHA256", "0" * 64)
    with pytest.raises(SettingsError, match=r"not those that this program knows: .* the sha256"):
        open_network()


def test_the_run_says_which_network_saw_the_pictures(run):
    manifest = run.manifest()
    backbone = manifest.training.backbone
    assert (backbone.use, backbone.side, backbone.licence) == ("network", 160, "Apache-2.0")
    card = (run.model_dir / "README.md").read_text()
    for text in (manifest.training.network, card):
        assert "EfficientNet-Lite0 (licence Apache-2.0, trained on ImageNet-1k)" in text
    assert 'pipeline_tag: "image-classification"' in card
    assert "pip install 'datacleanse[vision]'" in card
    assert manifest.identity["pretrained network"]["name"] == MIRRORED
    # Nothing is kept that only an unfinished run needs.
    assert not run.checkpoint_dir.exists()


def test_pictures_are_decoded_at_the_size_that_the_network_wants(run, folders):
    file = sorted((folders / "test" / "dog").iterdir())[0]
    image = np.asarray(decode(file.read_bytes(), (160, 160)).image).transpose(2, 0, 1)[None]
    model = dc.load_predictor(run.model_dir)
    assert model.size == (3, 160, 160)
    table = pa.concat_tables(
        predict_source(
            open_model(run.path),
            str(folders / "test"),
            scratch=run.path,
            options=NewRowsOptions(),
            log=NoticeLog(),
        )
    )
    assert table.num_rows == 20
    at = table["id"].to_pylist().index(f"dog/{file.name}")
    np.testing.assert_allclose(
        table["probability_dog"][at].as_py(), model.predict_proba(image)[0, 1], atol=1e-5
    )


def test_a_loaded_model_classifies_arrays(run):
    images = np.zeros((2, 3, 160, 160), np.uint8)
    loaded = dc.load(run.path)
    assert loaded.n_features_in_ == 0
    assert set(loaded.predict(images)) <= {"cat", "dog"}
    assert loaded.predict_proba(images[:0]).shape == (0, 2)
    assert "EfficientNet-Lite0" in dc.load_predictor(run.model_dir)._repr_html_()
    with pytest.raises(InputError, match=r"the network was trained on \(n, 3, 160, 160\)"):
        dc.load_predictor(run.model_dir).predict(np.zeros((2, 3, 8, 8), np.uint8))


def test_exports_say_what_they_cannot_hold(run, tmp_path):
    for name in ("onnx", "pt2"):
        with pytest.raises(SettingsError, match="reads pictures through EfficientNet-Lite0") as no:
            export_run(run.path, name, tmp_path / f"m.{name}")
        assert no.value.slug == "export-pretrained"
    export_run(run.path, "safetensors", tmp_path / "m.safetensors")
    said = json.loads((tmp_path / "m.json").read_text())
    assert said["computation"][0].startswith("features, (N, F): the whole picture onto 160 x 160")
    assert said["backbone"]["sha256"] == describe_lite0(160).sha256
    _, told = export_run(run.path, "hub-folder", tmp_path / "hub")
    assert told[0].startswith("Without model.onnx: The model reads pictures through")
    assert told[0].endswith("which --format onnx cannot hold.")


def test_a_model_needs_the_extra(run, monkeypatch):
    monkeypatch.setattr(optional_packages, "find_spec", lambda name: None)
    with pytest.raises(SettingsError) as raised:
        dc.load_predictor(run.model_dir)
    assert f"The model in {run.model_dir} needs {' and '.join(VISION)}" in raised.value.message
    assert "pip install 'datacleanse[vision]'" in raised.value.hint


def test_a_model_names_no_network_but_ours(run, tmp_path):
    shutil.copytree(run.model_dir, tmp_path / "model")
    file = tmp_path / "model" / "model.json"
    described = json.loads(file.read_text())
    described["backbone"]["name"] = "timm:resnet18"
    file.write_text(json.dumps(described))
    with pytest.raises(RunFolderError, match="backbone is 'timm:resnet18' with sha256"):
        dc.load_predictor(tmp_path / "model")
    described["backbone"]["side"] = 5_000
    file.write_text(json.dumps(described))
    with pytest.raises(RunFolderError, match=r"backbone.side is 5,000, where a whole number"):
        dc.load_predictor(tmp_path / "model")


def test_a_resumed_run_computes_no_features_again(run, folders, tmp_path, monkeypatch):
    expected = run.read_audit()["suspicion"]
    place = tmp_path / "run"
    with pytest.raises(Stopped):
        run_audit(request(folders), Conduct(place, progress=StopIn("Encoding")))
    assert RunFolder(place).features_file.is_file()
    monkeypatch.setattr(FrozenNetwork, "encode", lambda *_: pytest.fail("computed again"))
    found = run_audit(request(folders), Conduct(place, resume=True)).read_audit()["suspicion"]
    assert found.equals(expected)


@pytest.mark.parametrize("model", ["auto", "pretrained"])
def test_a_finished_run_asks_for_no_features(model, run, folders, tmp_path, monkeypatch):
    place = run.path
    if model == "auto":
        place = tmp_path / "run"
        run_audit(request(folders, model=model), Conduct(place))
    monkeypatch.setattr(FrozenNetwork, "encode", lambda *_: pytest.fail("computed again"))
    before = RunFolder(place).manifest()
    assert (
        run_audit(request(folders, model=model), Conduct(place, resume=True)).manifest() == before
    )


@pytest.mark.parametrize("blob", [b"", b"nothing of that kind"])
def test_damaged_features_are_computed_again(blob, folders, vision, tmp_path):
    place = tmp_path / "run"
    with pytest.raises(Stopped):
        run_audit(request(folders), Conduct(place, progress=StopIn("Encoding")))
    RunFolder(place).features_file.write_bytes(blob)
    run_audit(request(folders), Conduct(place, resume=True))
    assert RunFolder(place).is_finished()


@pytest.mark.parametrize("model", ["auto", "pretrained"])
def test_an_audit_of_pretrained_features_is_planned(folders, vision, tmp_path, monkeypatch, model):
    """Some pictures are seen: the others take as long, and the network's inputs are as wide."""
    monkeypatch.setattr(pretrained_trial, "TRIED", 12)
    monkeypatch.setattr(pretrained_trial, "COMPARED", 20)
    monkeypatch.setattr(FrozenNetwork, "compute_features", None)  # originals are decoded anew
    shown = []
    encode = FrozenNetwork.encode
    monkeypatch.setattr(
        FrozenNetwork, "encode", lambda self, x: shown.append(len(x)) or encode(self, x)
    )
    asked = request(folders, model=model)
    inputs = read_inputs(asked, SILENT)
    found, further = pretrained_trial.try_pretrained(inputs, asked.settings, SILENT)
    n_seen = sum(shown)
    assert n_seen == (20 if model == "auto" else 12)
    assert further > 0
    assert found.features.data.shape == (60, 40)
    assert found.features.clean.shape == (16, 40)
    # Each picture has the features of the nearest before it that was seen.
    assert len(np.unique(found.features.data, axis=0)) == n_seen
    assert forecast_audit(asked, tmp_path / "run").seconds > further
    if model == "auto":
        said = found.comparison.notices[-1].message
        assert "saw 20 of the pictures" in said


def test_a_picture_that_changes_meanwhile_is_noticed(folders, vision, tmp_path, monkeypatch):
    class_folders(tmp_path / "data", ("cat", "dog"), 8)
    original = module.open_network

    def open_later(*arguments):
        for file in sorted((tmp_path / "data" / "cat").iterdir())[:1]:
            file.write_bytes(sorted((folders / "data" / "dog").iterdir())[-1].read_bytes())
        return original(*arguments)

    monkeypatch.setattr(module, "open_network", open_later)
    clean = str(folders / "clean")
    asked = Request(str(tmp_path / "data"), (clean,), settings=Settings(model="pretrained"))
    with pytest.raises(InputError, match="A picture of DATA was changed while the audit read it"):
        run_audit(asked, Conduct(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("model", ["auto", "pretrained"])
@pytest.mark.parametrize("n", [2, 12])
def test_few_grey_pictures_without_verified_ones_are_seen(model, n, vision, tmp_path):
    for number in range(2 * n):
        place = tmp_path / "data" / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        scene(number).convert("L").save(place / f"{number}.png")
    asked = Request(str(tmp_path / "data"), (), settings=Settings(model=model, epochs=2))
    manifest = run_audit(asked, Conduct(tmp_path / "run")).manifest()
    assert manifest.training.backbone.side == 160
    assert manifest.pictures.channels == 1
    assert "features of a pretrained network" in manifest.methods["suspicion"]


def test_decisions_clean_a_copy_and_steer_the_next_round(run, folders, tmp_path):
    shutil.copytree(run.path, tmp_path / "first")
    table = run.read_audit().to_pandas()
    (row,) = table.index[table["id"] == "cat/003.png"]
    decision = Decision(
        row=int(row),
        id="cat/003.png",
        row_sha256=table["row_sha256"][row],
        given_label="cat",
        action="relabel",
        new_label="dog",
        reviewer="Ada",
        at="2026-01-02T03:04:05+00:00",
        run_id=run.manifest().run_id,
    )
    log = tmp_path / "first" / "decisions.jsonl"
    append_decisions(log, [decision])
    dc.apply(tmp_path / "first", out=tmp_path / "cleaned.csv")
    cleaned = pd.read_csv(tmp_path / "cleaned.csv").set_index("path")["label"]
    assert cleaned.filter(like="003.png").tolist() == ["dog"]
    again = replace(request(folders), decisions=(log,))
    second = run_audit(again, Conduct(tmp_path / "second")).manifest()
    assert second.clean.reviewed_rows == 1
    assert second.training.backbone.use == "network"


def test_pictures_with_verdicts_are_seen_as_those_of_data(folders, vision, tmp_path):
    drawing = draw(folders / "data", 20)
    file = verify(tmp_path / "verified.jsonl", drawing, ["cat"] * 30 + ["dog"] * 30)
    asked = replace(request(folders), clean=(str(file), str(folders / "clean")))
    inputs = read_inputs(asked, SILENT)
    found = show_to_pretrained(inputs, asked.settings, kept=None, progress=SILENT)
    of_clean, of_data = found.features.clean, found.features.data
    assert of_clean.shape == (36, 40)
    rows = sorted(each.row for each in drawing.rows)
    np.testing.assert_allclose(of_clean[:20], of_data[rows], rtol=1e-4, atol=1e-5)
    assert found.clean.table.num_rows == 36


def show(telling: bool):
    """Inputs of digits, with features that tell their true classes, or nothing."""
    inputs, _ = image_inputs()
    rng = np.random.default_rng(0)
    truth = (image_inputs(share=0)[0].data.labels, inputs.clean.labels, inputs.test.labels)
    parts = [
        (np.eye(10)[labels] * telling + 0.1 * rng.normal(size=(len(labels), 10))).astype(np.float32)
        for labels in truth
    ]
    inputs.features = PictureFeatures(describe_lite0(160), *parts)
    return inputs


def test_features_that_tell_more_than_pixels_are_read():
    found = choose_reading(show(telling=True), Settings(), SILENT)
    assert found.pictures is None
    assert found.data.schema.columns[0].width == 10
    notice = found.comparison.notices[-1]
    assert notice.slug == "pretrained-chosen"
    assert notice.message.endswith("a network reads the features.")


def test_other_features_are_heard_beside_a_network_from_scratch(tmp_path):
    found = choose_reading(show(telling=False), Settings(), SILENT)
    assert found.pictures is not None
    assert "trained from scratch" in found.comparison.notices[-1].message
    folder = audit_inputs(found, tmp_path / "run", epochs=2)
    training = folder.manifest().training
    assert training.backbone.use == "second opinion"
    assert training.network.startswith("Residual network")
    assert training.network.endswith("Its features are a second opinion.")


def test_without_the_extra_nothing_changes(monkeypatch):
    inputs, _ = image_inputs()
    monkeypatch.setattr(optional_packages, "find_spec", lambda name: None)
    assert not wants_pretrained(Settings(), inputs)
    monkeypatch.setattr(optional_packages, "find_spec", lambda name: name)
    assert wants_pretrained(Settings(), inputs)
    assert not wants_pretrained(Settings(model="residual"), inputs)
    assert not wants_pretrained(Settings(features="f.npy"), inputs)


def test_asked_for_without_the_extra_it_says_how_to_install_it(folders, monkeypatch, tmp_path):
    monkeypatch.setattr(optional_packages, "find_spec", lambda name: None)
    with pytest.raises(SettingsError) as raised:
        run_audit(request(folders), Conduct(tmp_path / "run"))
    assert raised.value.hint == "Install it: pip install 'datacleanse[vision]'."
    assert raised.value.message.startswith("--model pretrained needs efficientnet_lite_pytorch and")


def test_it_is_not_for_tables(vision, tmp_path):
    frame = pa.table({"x": [1.0, 2.0, 3.0, 4.0], "label": ["a", "b", "a", "b"]})
    pq.write_table(frame, tmp_path / "t.parquet")
    with pytest.raises(SettingsError, match="model= pretrained is for images, and DATA is a table"):
        dc.audit(frame, val=frame.slice(0, 2), model="pretrained", out=tmp_path / "run")
