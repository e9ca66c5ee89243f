"""The programs on the page on exports, on files with the names that it uses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import datacleanse as dc
from datacleanse.serving.export import export_run

PAGE = Path(__file__).parents[2] / "docs" / "export.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
N, N_CLEAN = 160, 40


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A folder with `income.onnx` and the like, and new rows."""
    folder = tmp_path_factory.mktemp("income")
    rng = np.random.default_rng(0)
    age = rng.integers(18, 90, N + N_CLEAN).astype(float)
    city = rng.choice(["Bonn", "Ulm"], N + N_CLEAN)
    days = pd.to_timedelta(rng.integers(0, 2000, N + N_CLEAN), "D")
    frame = pd.DataFrame({"age": age, "city": city, "since": pd.Timestamp("2020-01-01") + days})
    frame["label"] = np.where(age + 20 * (city == "Ulm") > 60, "more", "less")
    frame.loc[::17, "age"], frame.loc[::23, "city"] = np.nan, None
    how = {"label": "label", "epochs": 2, "fast": True, "device": "cpu", "progress": False}
    result = dc.audit(frame[:N], val=frame[N:], **how)
    run = result.save(folder / "runs" / "income")
    for name in ("onnx", "pt2", "safetensors"):
        export_run(run, name, folder / f"income.{name}")
    return folder, frame[N:].drop(columns="label")


@pytest.fixture
def rows(exported, monkeypatch):
    monkeypatch.chdir(exported[0])
    return exported[1]


def run_block(start, names):
    (code,) = [each for each in BLOCKS if each.startswith(start)]
    exec(compile(code, str(PAGE), "exec"), names)
    return names


def test_onnx_takes_what_the_page_feeds(rows):
    found = run_block("import numpy", {"frame": rows})
    expected = dc.load("runs/income").predict_proba(rows)
    assert found["probabilities"] == pytest.approx(expected, abs=1e-4)
    assert found["labels"].tolist() == dc.load("income.onnx").predict(rows).tolist()


def test_pt2_takes_what_the_page_feeds(rows):
    extra = {"model.json": ""}
    torch.export.load("income.pt2", extra_files=extra)
    ((city,),) = [json.loads(extra["model.json"])["encoding"]["categorical"]]
    code = {name: 1 + place for place, name in enumerate(city["categories"])}
    given = {
        "torch": torch,
        "age": torch.tensor(rows["age"].to_numpy()),
        "codes": torch.tensor([code.get(each, 0) for each in rows["city"]]),
        "microseconds": torch.tensor(rows["since"].to_numpy("datetime64[us]").astype(np.int64)),
    }
    found = run_block("extra = ", given)["probabilities"].detach().numpy()
    assert found == pytest.approx(dc.load("runs/income").predict_proba(rows), abs=1e-6)


def test_the_loader_reads_the_files_by_the_names_that_they_were_given(rows):
    load = run_block("import json", {})["load"]
    for name in ("income", "runs/income/model/model"):
        classes, compute = load(name)
        assert classes == ["less", "more"]
        assert callable(compute)


def test_a_loaded_model_answers_as_the_page_asks(rows):
    model = run_block("import datacleanse", {"frame": rows})["model"]
    assert model.feature_names_in_.tolist() == ["age", "city", "since"]
