"""`--model package.module:factory` as a user types it, in a directory that is not on the path."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from tests.cli.conftest import people, run_here
from tests.cli.forked import run_forked
from tests.cli.houses import AUDIT as AUDIT_OF_HOUSES
from tests.cli.houses import write_houses

NETS = """
from torch import nn


def small(n_features, n_classes):
    return nn.Sequential(nn.Linear(n_features, 16), nn.ReLU(), nn.Linear(16, n_classes))


def wide(n_features, n_classes):
    return nn.Linear(n_features, 2)


def frozen(n_features, n_classes):
    return small(n_features, n_classes).requires_grad_(False)
"""
PRICED = (*AUDIT_OF_HOUSES, "--task", "regression", "--epochs", "2")
AUDIT = ("audit", "data.csv", "--val", "clean.csv", "--epochs", "2")


def run(*arguments, cwd):
    """The program as its script starts it: without the current directory on the path (-P)."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "datacleanse", *arguments],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    people(120, seed=0, wrong=0.1).to_csv(folder / "data.csv", index=False)
    people(40, seed=1).to_csv(folder / "clean.csv", index=False)
    people(100, seed=2).to_csv(folder / "test.csv", index=False)
    (folder / "nets").mkdir()
    (folder / "nets" / "tables.py").write_text(NETS, encoding="utf-8")
    # Nor is the directory on the path of a forked program.
    model = ("--model", "nets.tables:small")
    done = run_forked(*AUDIT, "--test", "test.csv", *model, cwd=folder)
    assert done.code == 0, done.err
    return folder


def test_the_network_is_named_in_the_manifest_and_the_report(folder):
    manifest = json.loads((folder / "runs/data/run.json").read_text(encoding="utf-8"))
    assert manifest["settings"]["model"] == "nets.tables:small"
    report = (folder / "runs/data/reports/report.md").read_text(encoding="utf-8")
    assert "Network of your own, nets.tables:small, on" in report
    assert sorted(path.name for path in (folder / "runs/data/model").iterdir()) == [
        "README.md",
        "model.json",
        "model.safetensors",
    ]


def test_predict_runs_the_users_code_only_on_their_word(folder):
    without = run_here("predict", "runs/data", "test.csv", "-o", "p.csv", cwd=folder)
    assert without.code == 2
    message, hint = without.err.splitlines()
    assert "No code is run because a file names it" in message
    assert "--model nets.tables:small" in hint
    assert not (folder / "p.csv").exists()
    given = ("--model", "nets.tables:small")
    done = run_forked("predict", "runs/data", "test.csv", "-o", "p.csv", *given, cwd=folder)
    assert done.code == 0, done.err
    manifest = json.loads((folder / "runs/data/run.json").read_text(encoding="utf-8"))
    predictions, truth = pd.read_csv(folder / "p.csv"), pd.read_csv(folder / "test.csv")["label"]
    probability = predictions[["probability_no", "probability_yes"]].to_numpy()
    loss = -np.log(probability[np.arange(100), (truth == "yes").astype(int)]).mean()
    expected = manifest["metrics"]["test"]["reweighted"]["log_loss"]
    assert loss == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("model", "said", "cure"),
    [
        ("nets/tables.py:small", "There is no module nets/tables", "For networks/small.py give"),
        ("nets.tables:frozen", "has no trainable parameters", "requires_grad"),
        ("nets.tables", "--model is 'nets.tables'", "auto, mlp"),
    ],
)
def test_a_network_that_cannot_be_used_is_one_error_and_leaves_nothing(
    folder, model, said, cure, monkeypatch
):
    monkeypatch.setattr(sys, "path", [*sys.path])  # the program puts the directory there
    done = run_here(*AUDIT, "--model", model, "--out", "other", "-q", cwd=folder)
    for name in ("nets", "nets.tables"):
        sys.modules.pop(name, None)
    assert done.code == 2
    message, hint = done.err.splitlines()
    assert said in message
    assert cure in hint
    assert not (folder / "other").exists()


def test_without_such_a_name_no_file_of_the_directory_is_imported(folder):
    shadow = folder / "safetensors.py"
    shadow.write_text("raise SystemExit('imported')", encoding="utf-8")
    try:
        done = run(*AUDIT, "--out", "plain", "-q", "--fast", cwd=folder)
    finally:
        shadow.unlink()
    assert done.returncode == 0, done.stderr


def test_a_network_of_ones_own_predicts_numbers(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    wrong = write_houses(tmp_path)
    shutil.copytree(folder / "nets", tmp_path / "nets")
    model = ("--model", "nets.tables:small")
    done = run_here(*PRICED, *model, "--test", "test.csv", "-o", "run", cwd=tmp_path)
    assert done.code == 0, done.err
    table = pd.read_parquet(tmp_path / "run/audit.parquet")
    assert wrong[table.flagged].mean() > 0.8
    untrusted = run_here("predict", "run", "test.csv", "-o", "p.csv", cwd=tmp_path)
    assert "No code is run because a file names it" in untrusted.err
    done = run_here("predict", "run", "test.csv", *model, "-o", "p.csv", cwd=tmp_path)
    assert done.code == 0, done.err
    error = (
        pd.read_csv(tmp_path / "p.csv").predicted_label - pd.read_csv(tmp_path / "test.csv").price
    )
    run = json.loads((tmp_path / "run/run.json").read_text("utf-8"))
    assert np.sqrt((error**2).mean()) == pytest.approx(run["metrics"]["test"]["reweighted"]["rmse"])
    wide = ("--model", "nets.tables:wide", "-o", "other")
    refused = run_here(*PRICED, *wide, cwd=tmp_path)
    for name in ("nets", "nets.tables"):
        sys.modules.pop(name, None)
    assert refused.code == 2
    assert "a number a row" in refused.err
    assert not (tmp_path / "other").exists()
