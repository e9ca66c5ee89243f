"""Columns of text that are odd: several, empty, all alike, with halves of signs, as labels."""

from __future__ import annotations

import json

import numpy as np

import datacleanse as dc
from tests.auditing.test_text_audit import SHORT, made


def as_lines(frame, path):
    lines = [json.dumps(each) for each in frame.to_dict("records")]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_several_columns_of_text_are_read_each_for_itself(tmp_path):
    frames = [made(120, seed=0, wrong=0.1), made(45, seed=1)]
    for frame in frames:
        words = frame["text"].fillna("").str.split()
        frame["title"] = words.str[:3].str.join(" ")
        frame["note"] = words.str[3:].str.join(" ")
    data, clean = frames
    result = dc.audit(data, val=clean, text=["title"], out=tmp_path / "r", **SHORT)
    described = json.loads((result.folder.model_dir / "model.json").read_text(encoding="utf-8"))
    assert [each["column"] for each in described["encoding"]["texts"]] == ["text", "title", "note"]
    terms = result.folder.read_terms().to_pandas()
    assert set(terms["column"]) <= {"text", "title", "note"}
    assert result.model.predict(clean.drop(columns="label")).shape == (45,)


def test_halves_of_signs_and_empty_texts_do_no_harm(tmp_path):
    data, clean = made(120, seed=0, wrong=0.1), made(45, seed=1)
    data["text"] = data["text"].fillna("").astype(object)
    texts = data["text"].tolist()
    texts[8:12] = ["", "   ", "card <script>alert(1)</script>", "card " * 5000]
    data["text"] = texts
    lines = as_lines(data, tmp_path / "data.jsonl")
    # As JSON spells half a sign.
    lines.write_text(lines.read_text(encoding="utf-8").replace("script>", "\\ud800"), "utf-8")
    result = dc.audit(lines, val=clean, out=tmp_path / "r", **SHORT)
    assert np.isfinite(result.table["mislabel_probability"]).all()


def test_one_text_in_most_rows_is_judged_by_its_labels(tmp_path):
    data, clean = made(120, seed=0), made(45, seed=1)
    # Half of the rows say the same.
    data.loc[data.index % 2 == 0, ["text", "age", "label"]] = ["where is my card", 30, "card"]
    data.loc[10, "label"] = "fee"
    result = dc.audit(data, val=clean, text=["text"], out=tmp_path / "r", **SHORT)
    assert result.table["suspicion"].to_numpy().argmax() == 10


def test_labels_may_be_sentences(tmp_path):
    data, clean = made(120, seed=0, wrong=0.1), made(45, seed=1)
    names = {name: f"who asks for a {name} & <b>waits</b>" for name in set(data["label"])}
    for frame in (data, clean):
        frame["label"] = frame["label"].map(names)
    result = dc.audit(data, val=clean, out=tmp_path / "r", **SHORT)
    assert set(result.manifest["data"]["classes"]) == set(names.values())
