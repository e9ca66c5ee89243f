"""Texts that a language model reads beside their counts: chosen, kept, checked, refused."""

from __future__ import annotations

import json
import sys
import types
import zlib

import numpy as np
import pytest

import datacleanse as dc
from datacleanse.errors import DatacleanseError
from datacleanse.models import text_models as module
from datacleanse.models.loading import load_predictor
from datacleanse.models.text_models import (
    PROBED,
    check_text_model,
    choose_text_model,
    embed_texts,
)
from datacleanse.serving.export import export_run
from tests.auditing.test_text_audit import SHORT, made

WIDTH = 24


class Made:
    """A model of words: each has a vector of its own, and a text is their mean."""

    def __init__(self, salt=""):
        self.salt = salt

    def embed(self, texts):
        found = np.zeros((len(texts), WIDTH), dtype=np.float32)
        for at, text in enumerate(texts):
            for word in text.split():
                seed = zlib.crc32((self.salt + word).encode())
                found[at] += np.random.default_rng(seed).normal(size=WIDTH)
        return found


@pytest.fixture
def installed(monkeypatch):
    """As if the extra were installed."""
    monkeypatch.setattr(module, "find_spec", lambda _: object())
    monkeypatch.setattr(module, "check_installed", lambda *_, **__: None)
    monkeypatch.setattr(module, "version", lambda _: "1.0")
    monkeypatch.setattr(module, "_load", lambda _: Made())


@pytest.fixture
def missing(monkeypatch):
    """As if neither library were installed."""
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    monkeypatch.setattr("datacleanse.models.optional_packages.find_spec", lambda _: None)


@pytest.fixture
def audited(installed, tmp_path):
    return dc.audit(
        made(150, seed=0, wrong=0.15), val=made(45, seed=1), out=tmp_path / "r", **SHORT
    )


def test_the_run_says_what_read_its_texts_and_predicts_by_it(audited, tmp_path):
    folder = audited.folder
    described = json.loads((folder.model_dir / "model.json").read_text(encoding="utf-8"))
    used = described["encoding"]["text_model"]
    assert (used["name"], used["release"], used["width"]) == ("wordllama", "1.0", WIDTH)
    assert len(used["probe"]) == PROBED
    sentence = "Texts are read by wordllama beside their counts."
    assert sentence in audited.manifest["training"]["network"]
    assert sentence in (folder.model_dir / "README.md").read_text(encoding="utf-8")
    right = made(150, seed=0)["label"].to_numpy()
    is_wrong = made(150, seed=0, wrong=0.15)["label"].to_numpy() != right
    suspicion = audited.table["suspicion"].to_numpy()
    assert suspicion[is_wrong].mean() > suspicion[~is_wrong].mean() + 0.4
    export_run(folder.path, "hub-folder", tmp_path / "hub")
    new = made(60, seed=2).drop(columns="label")
    alone = dc.load(folder.path).predict_proba(new)
    np.testing.assert_array_equal(load_predictor(tmp_path / "hub").predict_proba(new), alone)
    told = json.loads((tmp_path / "hub" / "model.json").read_text(encoding="utf-8"))
    assert any("text_model" in step for step in told["computation"])


def test_of_many_classes_trees_read_no_texts(installed, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("datacleanse.auditing.prepared.FEW_CLASSES", 2)
    monkeypatch.setattr(
        "datacleanse.detection.second_opinion.tables.vote_out_of_bag",
        lambda rows, labels, *_, n_classes, **__: (
            asked.append(rows.shape[1]) or [np.zeros((len(rows), n_classes), np.float32)]
        ),
    )
    data, clean = made(150, seed=0, wrong=0.15), made(45, seed=1)
    # In this process, where it is seen who is asked.
    dc.audit(data, val=clean, out=tmp_path / "r", jobs=1, **SHORT)
    # The age alone, by both kinds of trees.
    assert asked == [1, 1]


def test_loading_without_the_model_or_with_another_one_is_refused(audited, monkeypatch):
    monkeypatch.setattr(module, "_load", lambda _: Made("other"))
    with pytest.raises(DatacleanseError, match="another one than the run was made with"):
        dc.load(audited.folder.path)
    monkeypatch.undo()
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    monkeypatch.setattr("datacleanse.models.optional_packages.find_spec", lambda _: None)
    with pytest.raises(DatacleanseError) as told:
        dc.load(audited.folder.path)
    assert "pip install 'datacleanse[text]'" in str(told.value)


def test_none_is_as_without_the_extra(missing, tmp_path):
    data, clean = made(150, seed=0, wrong=0.15), made(45, seed=1)
    runs = [
        dc.audit(data, val=clean, out=tmp_path / name, text_model=asked, **SHORT).folder.path
        for name, asked in (("a", None), ("b", "none"))
    ]
    for name in ("audit.parquet", "model/model.safetensors", "model/model.json"):
        assert (runs[0] / name).read_bytes() == (runs[1] / name).read_bytes(), name


def test_what_is_not_there_is_told_with_what_installs_it(missing, monkeypatch):
    assert choose_text_model(None) is None
    with pytest.raises(DatacleanseError, match="needs wordllama and tokenizers") as told:
        choose_text_model("wordllama")
    assert "pip install 'datacleanse[text]'" in told.value.hint
    with pytest.raises(DatacleanseError, match="sentence-transformers, which is not") as told:
        choose_text_model("all-MiniLM-L6-v2")
    assert "pip install sentence-transformers" in told.value.hint


def test_a_model_without_texts_to_read_is_refused(tmp_path):
    data = made(60, seed=0).drop(columns="text")
    with pytest.raises(DatacleanseError, match="no column of DATA is text"):
        dc.audit(data, out=tmp_path / "r", text_model="wordllama", **SHORT)


@pytest.fixture
def library(monkeypatch):
    """A stand-in for sentence-transformers, whose models are called good or are not there."""

    class Model:
        def __init__(self, name, device):
            if "good" not in name:
                raise OSError(f"{name} is not a local folder\nand cannot be fetched")

        def encode(self, texts, *, show_progress_bar, convert_to_numpy):
            return Made().embed(texts)

    stand_in = types.ModuleType("sentence_transformers")
    stand_in.SentenceTransformer = Model
    monkeypatch.setitem(sys.modules, "sentence_transformers", stand_in)
    monkeypatch.setattr(module, "find_spec", lambda _: object())
    monkeypatch.setattr(module, "version", lambda _: "5.0")
    module._load.cache_clear()
    yield
    module._load.cache_clear()


def test_models_of_sentence_transformers_are_used(library, tmp_path):
    (tmp_path / "good").mkdir()
    used = choose_text_model(str(tmp_path / "good"))
    assert used is not None
    assert (used.name, used.release) == (str((tmp_path / "good").resolve()), "5.0")
    check_text_model(used)
    with pytest.raises(DatacleanseError, match="cannot be loaded") as told:
        choose_text_model("gone")
    assert "\n" not in told.value.message


def test_a_folder_that_asks_for_code_is_refused(library, tmp_path):
    folder = tmp_path / "good"
    folder.mkdir()
    (folder / "modules.json").write_text('[{"type": "evil.Module"}]', encoding="utf-8")
    with pytest.raises(DatacleanseError, match=r"code of its own, evil\.Module"):
        choose_text_model(str(folder))
    (folder / "modules.json").write_text("[3]", encoding="utf-8")
    with pytest.raises(DatacleanseError, match="cannot be read"):
        choose_text_model(str(folder))


def test_texts_are_read_as_their_counts_are(installed):
    used = choose_text_model(None)
    found = embed_texts(used, ["The <b>CARD</b>", "the card", "", "a \ud800 b"])
    np.testing.assert_array_equal(found[0], found[1])
    assert found.shape == (4, WIDTH)
    assert not found[2].any()
    assert embed_texts(used, []).shape == (0, WIDTH)
