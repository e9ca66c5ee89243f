"""Tables with a column of text: audited, saved, loaded, exported, resumed, refused."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file

import datacleanse as dc
from datacleanse.auditing import judge
from datacleanse.detection.assessment import assess
from datacleanse.errors import DatacleanseError
from datacleanse.models.loading import load_predictor
from datacleanse.serving.export import export_run

ABOUT = {
    "card": "card arrive waiting delivery post mail",
    "transfer": "transfer money send account pending bank",
    "fee": "charged fee extra cost statement price",
}
USUAL = ["please", "tell", "me", "why", "my", "the", "is", "it", "still", "and", "what", "can"]
SHORT = {"epochs": 3, "fast": True, "label": "label"}


def made(n, *, seed, wrong=0.0) -> pd.DataFrame:
    """Short questions, whose words tell their label; some are missing or of odd signs."""
    rng = np.random.default_rng(seed)
    names = rng.choice(list(ABOUT), n)
    texts = [
        " ".join(rng.permutation([*rng.choice(ABOUT[name].split(), 2), *rng.choice(USUAL, 6)]))
        for name in names
    ]
    texts[3], texts[4], texts[5] = None, "🙂 💳", "我的卡还没有到请问怎么办"
    is_wrong = rng.random(n) < wrong
    given = np.where(is_wrong, rng.choice(list(ABOUT), n), names)
    return pd.DataFrame({"text": texts, "age": rng.integers(18, 80, n), "label": given})


@pytest.fixture(scope="module")
def frames():
    return made(150, seed=0, wrong=0.15), made(45, seed=1)


@pytest.fixture(scope="module")
def result(frames, tmp_path_factory):
    data, clean = frames
    return dc.audit(data, val=clean, out=tmp_path_factory.mktemp("text") / "run", **SHORT)


def test_wrong_labels_of_texts_are_found(result, frames):
    right = made(150, seed=0)["label"].to_numpy()
    is_wrong = frames[0]["label"].to_numpy() != right
    suspicion = result.table["suspicion"].to_numpy()
    assert suspicion[is_wrong].mean() > suspicion[~is_wrong].mean() + 0.4


def test_a_loaded_model_classifies_new_texts(result):
    new = made(60, seed=2)
    model = dc.load(result.folder.path)
    found = np.asarray(model.predict(new.drop(columns="label")))
    assert (found == new["label"].to_numpy()).mean() > 0.8
    shuffled = new.sample(frac=1, random_state=0)
    alone = model.predict_proba(new.drop(columns="label"))
    np.testing.assert_array_equal(
        model.predict_proba(shuffled.drop(columns="label")), alone[shuffled.index]
    )


def test_the_card_and_the_manifest_name_the_text(result):
    assert "text (text)" in (result.folder.model_dir / "README.md").read_text(encoding="utf-8")
    column = result.manifest["schema"]["columns"][0]
    assert (column["name"], column["kind"]) == ("text", "text")


def test_formats_without_text_refuse_and_the_others_are_whole(result, tmp_path):
    for name in ("onnx", "pt2"):
        with pytest.raises(DatacleanseError, match="reads column 'text' as text"):
            export_run(result.folder.path, name, tmp_path / f"model.{name}")
    _, (without, _) = export_run(result.folder.path, "hub-folder", tmp_path / "hub")
    assert without.endswith("as text, which --format onnx cannot hold.")
    described = json.loads((tmp_path / "hub" / "model.json").read_text(encoding="utf-8"))
    assert described["computation"][0].startswith("texts: ")
    assert "texts.0.axes" in load_file(tmp_path / "hub" / "model.safetensors")


def test_the_card_of_a_model_of_texts_shows_a_way_that_works(result, monkeypatch):
    card = (result.folder.model_dir / "README.md").read_text(encoding="utf-8")
    code = card.split("```python")[1].split("```")[0]
    monkeypatch.chdir(result.folder.model_dir)
    told = {"frame": made(20, seed=2).drop(columns="label")}
    exec(code.replace("model.predict_proba", "found = model.predict_proba"), told)

    assert told["found"].shape == (20, 3)
    assert "--format onnx" not in card


@pytest.mark.parametrize("change", ["missing", "shape", "names"])
def test_a_model_whose_texts_do_not_fit_is_refused(result, tmp_path, change):
    source = result.folder.model_dir
    tensors = load_file(source / "model.safetensors")
    described = json.loads((source / "model.json").read_text(encoding="utf-8"))
    if change == "missing":
        del tensors["texts.0.rarity"]
    elif change == "shape":
        tensors["texts.0.axes"] = tensors["texts.0.axes"][:-1].copy()
    else:
        described["encoding"]["texts"][0]["words"][1] = described["encoding"]["texts"][0]["words"][
            0
        ]
    save_file(tensors, tmp_path / "model.safetensors")
    (tmp_path / "model.json").write_text(json.dumps(described), encoding="utf-8")
    with pytest.raises(DatacleanseError, match=r"texts"):
        load_predictor(tmp_path)


def test_a_second_run_leaves_the_same_bytes(result, frames, tmp_path):
    data, clean = frames
    again = dc.audit(data, val=clean, out=tmp_path / "again", **SHORT)
    for name in ("audit.parquet", "model/model.safetensors", "model/model.json"):
        one, other = (found.folder.path / name for found in (result, again))
        assert one.read_bytes() == other.read_bytes(), name


def test_where_there_are_texts_their_opinion_has_the_greater_vote(frames, monkeypatch):
    data, clean = frames
    heard = []

    def listen(evidence, **by):
        heard.append(evidence)
        return assess(evidence, **by)

    monkeypatch.setattr(judge, "assess", listen)
    for drop in ([], ["text"]):
        dc.audit(data, val=clean, drop=drop, **SHORT | {"epochs": 2})
    assert [evidence.has_texts for evidence in heard] == [True, False]
