"""`datacleanse audit --task regression`, from files to reports; what it refuses."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest

import datacleanse as dc
from datacleanse.errors import RunFolderError
from tests.cli.conftest import run_here

AUDIT = ("audit", "data.csv", "--val", "clean.csv", "--label", "price", "--id", "key")
REGRESSION = (*AUDIT, "--task", "regression", "--epochs", "2")


def houses(n, *, seed):
    rng = np.random.default_rng(seed)
    size, town = rng.uniform(20, 200, n).round(1), rng.choice(["Ulm", "Genf"], n)
    price = 3 * size + 100 * (town == "Genf") + rng.normal(scale=10, size=n)
    keys = [f"h{seed}-{i}" for i in range(n)]
    return pd.DataFrame({"key": keys, "size": size, "town": town, "price": price.round(1)})


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """300 houses, 30 with ten times their price; 80 of them verified."""
    folder = tmp_path_factory.mktemp("houses")
    data = houses(300, seed=0)
    data.iloc[::4].head(80).to_csv(folder / "clean.csv", index=False)
    wrong = np.arange(300) % 10 == 2
    data.loc[wrong, "price"] = (10 * data.loc[wrong, "price"]).round(1)
    data.to_csv(folder / "data.csv", index=False)
    houses(100, seed=1).to_csv(folder / "test.csv", index=False)
    done = run_here(
        *REGRESSION, "--test", "test.csv", "--hold-back", "0.1", "-o", "run", cwd=folder
    )
    assert done.code == 0, done.err
    return folder, wrong, done


def test_wrong_numbers_are_found_and_their_slip_is_named(audited):
    folder, wrong, done = audited
    table = pd.read_parquet(folder / "run/audit.parquet")
    asked = table.verified_label.isna() & (
        table["rank"] <= (wrong & table.verified_label.isna()).sum()
    )
    assert wrong[asked].mean() > 0.9
    assert wrong[table.flagged].mean() > 0.8
    first = table.sort_values("rank").iloc[0]
    assert first.slip == "× 10"
    assert float(first.suggested_label) == pytest.approx(float(first.given_label) / 10, abs=0.06)
    assert first.predicted_low < first.predicted < first.predicted_high
    assert "× 10" in done.out
    assert "RMSE" in done.out


def test_a_verified_row_is_proven_right_or_wrong(audited):
    folder, wrong, _ = audited
    table = pd.read_parquet(folder / "run/audit.parquet")
    known = table.verified_label.notna()
    assert (table.mislabel_probability[known] == wrong[known]).all()
    assert (table.suggested_label.notna() == wrong)[known].all()
    assert not table.flagged[known].any()
    assert ((table.verdict == "likely wrong") == wrong)[known].all()


def test_the_ledger_holds_residuals(audited):
    folder, _, _ = audited
    files = sorted((folder / "run/weights").iterdir())
    epochs = [pd.read_parquet(file) for file in files]
    assert len(epochs) == 2
    table = pd.read_parquet(folder / "run/audit.parquet")
    mean = np.mean([epoch.margin for epoch in epochs], axis=0)
    assert table.mean_margin.to_numpy() == pytest.approx(mean, rel=1e-4, abs=1e-4)
    assert epochs[0].loss.to_numpy() == pytest.approx(epochs[0].margin ** 2 / 2, rel=1e-4)
    assert epochs[0].weight.mean() == pytest.approx(1, abs=0.05)


def test_run_json_card_and_reports_tell_the_same(audited):
    folder, wrong, _ = audited
    run = json.loads((folder / "run/run.json").read_text("utf-8"))
    assert run["task"] == "regression"
    rate = run["noise"]["rate"]
    assert rate["low"] <= wrong.mean() <= rate["high"]
    measured = run["metrics"]["test"]
    assert measured["rows"] == 100
    assert measured["reweighted"]["rmse"] < measured["control"]["rmse"] * 1.1
    assert run["metrics"]["held_back"]["rows"] == 7
    card = (folder / "run/model/README.md").read_text("utf-8")
    assert f"{measured['reweighted']['rmse']:.4g}" in card
    assert "tabular-regression" in card
    suspects = pd.read_csv(folder / "run/reports/suspects.csv")
    summary = json.loads((folder / "run/reports/summary.json").read_text("utf-8"))
    assert suspects["row"].tolist() == [each["row"] for each in summary["suspects"]]
    assert {"key", "size", "town"} <= set(suspects.columns)
    page = (folder / "run/reports/report.html").read_text("utf-8")
    markdown = (folder / "run/reports/report.md").read_text("utf-8")
    for text in (page, markdown):
        assert str(suspects.id[0]) in text
        assert "× 10" in text
    assert "<script" not in page


@pytest.mark.parametrize(
    "words",
    [
        ("apply", "run", "-o", "cleaned.csv"),
        ("review", "run"),
        ("export", "run", "--format", "onnx", "-o", "model.onnx"),
        ("explain", "run", "test.csv", "--row", "0"),
        ("report", "run", "--compare", "run"),
    ],
    ids=lambda words: words[0],
)
def test_what_is_of_classes_alone_so_far_refuses_in_a_sentence(audited, words):
    folder, _, _ = audited
    done = run_here(*words, cwd=folder)
    assert done.code == 2
    assert "--task regression" in done.err
    assert not (folder / "cleaned.csv").exists()


def test_a_finished_run_is_gone_on_with_and_never_overwritten(audited):
    folder, _, _ = audited
    again = run_here(*REGRESSION, "-o", "run", cwd=folder)
    assert again.code == 2
    done = run_here(
        *REGRESSION, "--test", "test.csv", "--hold-back", "0.1", "-o", "run", "--resume", "--json",
        cwd=folder,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert json.loads(done.out)["flagged"] > 0


REFUSED = {
    "no verified rows": (("--task", "regression"), "without verified rows"),
    "repeats": ((*REGRESSION[2:], "--repeats", "2"), "--repeats"),
    "a network for pictures": ((*REGRESSION[2:], "--model", "pretrained"), "--model pretrained"),
    "a rule of classes": ((*REGRESSION[2:], "--rule", "lilaw"), "--rule lilaw"),
    "a column of names": (
        ("--val", "clean.csv", "--label", "town", "--task", "regression"),
        "names, not numbers",
    ),
    "a forecast": ((*REGRESSION[2:], "--plan"), "--plan"),
    "several jobs": ((*REGRESSION[2:], "--jobs", "2"), "--jobs 2"),
    "an unknown task": (("--val", "clean.csv", "--task", "ranking"), "'ranking'"),
    "numbers as classes": (("--val", "clean.csv", "--label", "price"), "to predict"),
}


@pytest.mark.parametrize(("words", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_a_call_that_cannot_be_served_is_refused(audited, words, said):
    folder, _, _ = audited
    done = run_here("audit", "data.csv", *words, "-o", "other", cwd=folder)
    assert done.code == 2
    assert said in done.err
    assert len(done.err.strip().splitlines()) >= 2
    assert not (folder / "other").exists()


def test_new_rows_are_predicted_as_the_audit_measured(audited):
    folder, _, _ = audited
    done = run_here("predict", "run", "test.csv", "-o", "p.csv", "--force", cwd=folder)
    assert done.code == 0, done.err
    predicted = pd.read_csv(folder / "p.csv").predicted_label
    true = pd.read_csv(folder / "test.csv").price
    run = json.loads((folder / "run/run.json").read_text("utf-8"))
    measured = run["metrics"]["test"]["reweighted"]
    assert np.sqrt(np.mean((predicted - true) ** 2)) == pytest.approx(measured["rmse"])
    assert np.abs(predicted - true).mean() == pytest.approx(measured["mae"])


def test_a_changed_model_is_not_predicted_with(audited, tmp_path):
    folder, _, _ = audited
    shutil.copytree(folder / "run", tmp_path / "run")
    file = tmp_path / "run/model/model.json"
    file.write_text(file.read_text("utf-8").replace('"scale"', '"size"'), "utf-8")
    done = run_here("predict", "run", folder / "test.csv", cwd=tmp_path)
    assert done.code == 2
    assert "model.json" in done.err


def test_reports_are_rendered_again(audited):
    folder, _, _ = audited
    before = (folder / "run/reports/suspects.csv").read_text("utf-8")
    done = run_here("report", "run", "--top", "3", "--format", "csv", cwd=folder)
    assert done.code == 0, done.err
    after = (folder / "run/reports/suspects.csv").read_text("utf-8")
    assert before.startswith(after)
    assert len(after.splitlines()) == 4
    assert run_here("report", "run", "--format", "argilla", cwd=folder).code == 2
    assert run_here("report", "run", cwd=folder).code == 0


def test_from_python_the_table_has_the_frames_index_and_floats(audited):
    folder, wrong, _ = audited
    frame = pd.read_csv(folder / "data.csv").set_index(np.arange(300) + 1000)
    result = dc.audit(
        frame,
        val=pd.read_csv(folder / "clean.csv"),
        label="price",
        id="key",
        task="regression",
        epochs=2,
        progress=False,
    )
    assert list(result.table.index) == list(frame.index)
    assert (result.table.given_label == frame.price).all()
    assert wrong[result.table.flagged].mean() > 0.8
    assert result.suspects(5).town.isin(["Ulm", "Genf"]).all()
    assert np.isfinite(result.model.predict(frame.drop(columns="price"))).all()
    assert result.manifest["task"] == "regression"
    assert "300 rows" in repr(result)
    with pytest.raises(RunFolderError, match="regression"):
        result.cleaned()
