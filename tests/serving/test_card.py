"""The model card, and what MLflow is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from datacleanse.models.model_card import write_card
from datacleanse.storage.run_folder import RunFolder


@pytest.fixture
def manifest(run):
    return json.loads((run / "run.json").read_text(encoding="utf-8"))


@pytest.fixture
def card_of(tmp_path):
    """The card of a run whose `run.json` is as given."""

    def card(manifest):
        (tmp_path / "run.json").write_text(json.dumps(manifest), encoding="utf-8")
        return write_card(RunFolder(tmp_path).manifest())

    return card


def header(text: str) -> dict[str, object]:
    """The metadata header; its values are JSON."""
    assert text.startswith("---\n")
    lines = text.split("---\n")[1].splitlines()
    return {key: json.loads(value) for key, _, value in (line.partition(": ") for line in lines)}


def test_every_audit_leaves_a_card_with_the_run_s_own_figures(run, manifest):
    text = (run / "model" / "README.md").read_text(encoding="utf-8")
    test = manifest["metrics"]["test"]
    for sha256 in (manifest[role]["sha256"] for role in ("data", "clean", "test")):
        assert sha256 in text
    assert f"{manifest['noise']['rate']['share']:.1%} (range of two estimates" in text
    assert "interval" not in text
    for model in ("reweighted", "control"):
        assert f"{test[model]['accuracy']:.4f}" in text
        for name in ("no", "yes"):
            assert f"{test['by_class'][name][model]['recall']:.3f}" in text
    assert (
        header(text)["model-index"][0]["results"][0]["metrics"][0]["value"]
        == (test["reweighted"]["accuracy"])
    )


def test_a_rate_that_nobody_checked_is_told_as_doubtful(manifest, card_of):
    assert "Doubtful" not in card_of(manifest)
    told = {"message": "m", "is_warning": True, "column": None, "cells": None, "option": None}
    manifest["notices"].append({"slug": "clean-unchecked", **told})

    assert "**Doubtful**: nobody seems to have checked all of the trusted rows" in card_of(manifest)


def test_figures_by_class_are_those_of_the_predictions(result, frames, manifest):
    truth = frames["test"]["label"].to_numpy()
    predicted = result.model.predict(frames["test"])
    for name, figures in manifest["metrics"]["test"]["by_class"].items():
        hits = ((predicted == name) & (truth == name)).sum()
        assert figures["rows"] == (truth == name).sum()
        assert figures["reweighted"]["recall"] == pytest.approx(hits / figures["rows"])
        expected = hits / max(1, (predicted == name).sum())
        assert figures["reweighted"]["precision"] == pytest.approx(expected)


def test_without_true_labels_no_figure_is_claimed(manifest, card_of):
    manifest["metrics"] = {"test": None, "held_back": None}
    text = card_of(manifest)
    assert "Not measured" in text
    assert "Accuracy |" not in text
    assert "model-index" not in header(text)


def test_names_cannot_break_out_of_the_card(manifest, card_of):
    nasty = "a|b\n---\n# x <script>alert(1)</script> [l](http://x) `c`"
    manifest["data"] |= {"label": nasty, "source": "/secret/folder/a|b.csv"}
    manifest["data"]["classes"] = {nasty: manifest["data"]["rows"], "b": 0}
    manifest["schema"]["columns"] = [{"name": f"{nasty}2", "kind": "numeric", "width": 1}]
    manifest["noise"] |= {"by_given_label": {nasty: manifest["noise"]["rate"]}, "confusions": []}
    text = card_of(manifest)
    body = text.split("---\n", 2)[2]
    assert "<script>" not in body
    assert "\n# x" not in body
    assert "](http" not in body.replace("](https://pypi.org/project/datacleanse/)", "")
    assert "/secret" not in text
    assert header(text)["library_name"] == "datacleanse"
    rows = [line for line in body.splitlines() if line.startswith("| a")]
    assert rows
    assert all(line.count("|") in (3, 4) for line in rows)


def test_the_hub_reads_the_header(run):
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
    data = hub.metadata_load(run / "model" / "README.md")
    assert data["pipeline_tag"] == "tabular-classification"


MLFLOW = pytest.mark.skipif(find_spec("mlflow") is None, reason="mlflow is not installed")


def logged(run, **environment) -> subprocess.CompletedProcess[str]:
    """Log the run as the command does, in a process of its own: MLflow keeps global state."""
    program = (
        "import sys; from pathlib import Path; from datacleanse.errors import DatacleanseError\n"
        "from datacleanse.serving.mlflow_log import check_mlflow, log_run\n"
        "from datacleanse.storage.run_folder import RunFolder\n"
        "try:\n    check_mlflow(); print(log_run(RunFolder(Path(sys.argv[1]))))\n"
        "except DatacleanseError as error:\n    sys.exit(f'{error.slug}: {error}')"
    )
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW")}
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    return subprocess.run(
        [sys.executable, "-c", program, str(run)],
        env={**kept, **quiet, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@MLFLOW
def test_mlflow_gets_settings_figures_and_files(run, manifest, tmp_path):
    store = (tmp_path / "mlruns").as_uri()
    done = logged(run, MLFLOW_TRACKING_URI=store, MLFLOW_ALLOW_FILE_STORE="true")
    assert done.returncode == 0, done.stderr
    (found,) = (tmp_path / "mlruns").rglob(done.stdout.split()[-1])
    assert (found / "params" / "epochs").read_text(encoding="utf-8") == "2"
    metric = (found / "metrics" / "test_reweighted_accuracy").read_text(encoding="utf-8")
    assert float(metric.split()[1]) == manifest["metrics"]["test"]["reweighted"]["accuracy"]
    tag = (found / "tags" / "datacleanse.data.sha256").read_text(encoding="utf-8")
    assert tag == manifest["data"]["sha256"]
    kept = {path.name for path in (found / "artifacts").rglob("*") if path.is_file()}
    assert {"run.json", "README.md", "model.safetensors", "model.json"} <= kept


@MLFLOW
def test_a_store_that_cannot_be_used_is_one_error_with_its_address(run):
    done = logged(run, MLFLOW_TRACKING_URI="nonsense://x")
    assert done.returncode == 1
    assert done.stderr.startswith("mlflow-unusable: MLflow cannot be used at nonsense://x")
