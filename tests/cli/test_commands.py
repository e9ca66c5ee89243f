"""The commands as a user runs them."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pandas as pd
import pytest

from datacleanse.settings import Settings
from tests.cli.conftest import run_here, run_program
from tests.cli.forked import run_forked
from tests.tries import BY_CI

AUDIT = ("audit", "data.csv", "--val", "clean.csv", "--epochs", "3")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """One audited folder that the tests below only read."""
    from tests.cli.conftest import people

    folder = tmp_path_factory.mktemp("finished")
    people(300, seed=0, wrong=0.1).to_csv(folder / "data.csv", index=False)
    people(80, seed=1).to_csv(folder / "clean.csv", index=False)
    people(100, seed=2).to_csv(folder / "test.csv", index=False)
    done = run_forked(*AUDIT, "--test", "test.csv", "--id", "key", cwd=folder)
    assert done.code == 0, done.err
    return folder, done


def test_audit_leaves_the_whole_run_folder(finished):
    folder, _ = finished
    run = folder / "runs" / "data"
    files = {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}
    assert files == {
        "run.json",
        "audit.parquet",
        "suspects.parquet",
        "calibration.parquet",
        "model/README.md",
        "neighbours.parquet",
        "conflicts.parquet",
        "likelihoods.parquet",
        "clean_rows.parquet",
        "telling.parquet",
        "model/model.json",
        "model/model.safetensors",
        *(f"weights/epoch-{epoch:04d}.parquet" for epoch in range(3)),
        *(f"reports/{name}" for name in ("report.html", "report.md", "suspects.csv")),
        "reports/summary.json",
    }


def test_audit_prints_results_on_stdout_and_progress_on_stderr(finished):
    _, done = finished
    assert "Top 10 suspects" in done.out
    assert "Training" in done.err
    assert "Training" not in done.out
    assert max(len(line) for line in done.out.splitlines()) <= 80


def test_audit_table_has_a_row_for_every_row_of_data(finished):
    folder, _ = finished
    table = pd.read_parquet(folder / "runs" / "data" / "audit.parquet")
    data = pd.read_csv(folder / "data.csv")
    assert list(table["row"]) == list(range(300))
    assert list(table["id"]) == list(data["key"])
    assert list(table["given_label"]) == list(data["label"])
    assert sorted(table["rank"]) == list(range(1, 301))
    assert table["suspicion"].is_unique
    assert (table.sort_values("rank")["suspicion"].diff().dropna() < 0).all()
    assert all(len(weights) == 3 for weights in table["weight_by_epoch"])


def test_manifest_says_what_is_needed_to_repeat_the_run(finished):
    folder, _ = finished
    manifest = json.loads((folder / "runs" / "data" / "run.json").read_text(encoding="utf-8"))
    assert manifest["status"] == "finished"
    assert manifest["command"][:4] == ["audit", "data.csv", "--val", "clean.csv"]
    assert manifest["settings"]["epochs"] == 3
    assert manifest["data"]["rows"] == 300
    assert manifest["training"]["route"] == {
        "name": "closed-form",
        "reason": "The network is a multilayer perceptron under cross-entropy.",
    }
    assert len(manifest["data"]["sha256"]) == 64
    assert set(manifest["versions"]) >= {"datacleanse", "torch", "python"}
    assert set(manifest["metrics"]["test"]) == {"rows", "reweighted", "control", "by_class"}


def test_predict_gives_the_probabilities_of_the_run_s_own_model(finished):
    folder, _ = finished
    done = run_here("predict", "runs/data", "test.csv", "-o", "p.csv", cwd=folder)
    assert done.code == 0, done.err
    predictions = pd.read_csv(folder / "p.csv")
    manifest = json.loads((folder / "runs" / "data" / "run.json").read_text(encoding="utf-8"))
    truth = pd.read_csv(folder / "test.csv")["label"]
    expected = manifest["metrics"]["test"]["reweighted"]
    assert (predictions["predicted_label"] == truth).mean() == pytest.approx(expected["accuracy"])
    given = predictions[["probability_no", "probability_yes"]].to_numpy()
    picked = given[np.arange(len(truth)), (truth == "yes").astype(int)]
    assert -np.log(picked).mean() == pytest.approx(expected["log_loss"], abs=1e-6)


def test_predict_needs_no_label_and_takes_other_formats(finished):
    folder, _ = finished
    frame = pd.read_csv(folder / "test.csv", parse_dates=["since"])
    frame.drop(columns=["label", "key"]).to_parquet(folder / "new.parquet")
    for arguments in (("test.csv", "-o", "a.csv"), ("new.parquet", "-o", "b.parquet")):
        assert run_here("predict", "runs/data", *arguments, cwd=folder).code == 0
    first, second = pd.read_csv(folder / "a.csv"), pd.read_parquet(folder / "b.parquet")
    np.testing.assert_allclose(first["probability_yes"], second["probability_yes"], atol=1e-6)


def test_report_renders_again_what_was_deleted(finished):
    folder, _ = finished
    report = folder / "runs" / "data" / "reports" / "report.html"
    before = report.read_text(encoding="utf-8")
    report.unlink()
    done = run_here("report", "runs/data", "--format", "html", cwd=folder)
    assert done.code == 0, done.err
    assert report.read_text(encoding="utf-8") == before


def test_a_finished_run_is_not_overwritten_without_force(finished):
    folder, _ = finished
    before = (folder / "runs" / "data" / "run.json").read_bytes()
    done = run_here(*AUDIT, cwd=folder)
    assert done.code == 2
    assert "--force" in done.err
    assert (folder / "runs" / "data" / "run.json").read_bytes() == before


@pytest.mark.parametrize("words", [("--out=~/drawn.csv",), ("--out", "~/drawn.csv")])
def test_the_user_s_folder_may_be_written_as_shells_leave_it(tables, monkeypatch, words):
    home = tables / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    done = run_program("sample", "data.csv", "-n", "5", "-q", *words, cwd=tables)
    assert done.code == 0, done.err
    assert (home / "drawn.csv").is_file()
    assert not (tables / "~").exists()


def test_force_keeps_the_decisions_on_the_run_that_it_replaces(tables):
    for _ in range(2):
        done = run_here(*AUDIT, "--fast", "--force", "--out", "again", cwd=tables)
        assert done.code == 0, done.err
        decisions = tables / "again" / "decisions.jsonl"
        assert not decisions.exists()
        decisions.write_text("{}\n", encoding="utf-8")
    assert "are kept: again.decisions.jsonl (--decisions)." in done.err
    assert (tables / "again.decisions.jsonl").read_text(encoding="utf-8") == "{}\n"


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tables):
    """In whichever process: the order of Python's sets, for one, differs between them."""
    for name, seed, run in (("a", 5, run_forked), ("b", 5, run_here), ("c", 6, run_here)):
        done = run(*AUDIT, "--seed", seed, "--out", name, "--fast", "--quiet", cwd=tables)
        assert done.code == 0, done.err
    audits = [(tables / name / "audit.parquet").read_bytes() for name in "abc"]
    assert audits[0] == audits[1]
    assert audits[0] != audits[2]


@pytest.mark.parametrize(
    ("rule", "least", "most"), [("uniform", 1, 1), ("random", 0.95, 1.05), ("lilaw", 1, 3)]
)
def test_other_rules_run_the_same_way(tables, rule, least, most):
    done = run_here(*AUDIT, "--rule", rule, "--quiet", cwd=tables)
    assert done.code == 0, done.err
    table = pd.read_parquet(tables / "runs" / "data" / "audit.parquet")
    assert table["mean_influence"].isna().all()
    assert least <= table["mean_weight"].mean() <= most


def test_quiet_is_silent_on_stderr_and_json_is_one_object(tables):
    done = run_forked(*AUDIT, "--quiet", "--json", cwd=tables)
    assert done.code == 0
    assert done.err == ""
    summary = json.loads(done.out)
    assert summary["run"] == "runs/data" or summary["run"].endswith("data")


def test_fail_over_turns_more_flags_than_allowed_into_exit_code_1(tables):
    """A list that may hold nine false alarms in ten is never empty."""
    how = (*AUDIT, "--fdr", "0.9")
    strict = run_forked(*how, "--fail-over", "0", cwd=tables)
    lenient = run_here(*how, "--force", "--fail-over", "1", cwd=tables)
    assert (strict.code, lenient.code) == (1, 0), strict.err
    flagged = pd.read_parquet(tables / "runs" / "data" / "audit.parquet")["flagged"]
    assert flagged.any()


def test_a_sample_with_corrected_labels_serves_as_the_clean_set(tables):
    done = run_here("sample", "data.csv", "-n", "60", "-o", "to_verify.csv", cwd=tables)
    assert done.code == 0, done.err
    sample = pd.read_csv(tables / "to_verify.csv")
    assert len(sample) == 60
    shares = pd.read_csv(tables / "data.csv")["label"].value_counts(normalize=True)
    assert sample["label"].value_counts(normalize=True)["yes"] == pytest.approx(
        shares["yes"], abs=0.03
    )
    sample.loc[0, "label"] = {"yes": "no", "no": "yes"}[sample.loc[0, "label"]]
    sample.to_csv(tables / "to_verify.csv", index=False)

    done = run_here("audit", "data.csv", "--val", "to_verify.csv", "--epochs", "4", cwd=tables)

    assert done.code == 0, done.err
    table = pd.read_parquet(tables / "runs" / "data" / "audit.parquet").set_index("id")
    verified = table[table["verified_label"].notna()]
    assert len(verified) == 60
    assert not verified["flagged"].any()
    (corrected,) = verified[verified["verified_label"] != verified["given_label"]].itertuples()
    # The first behind all that nobody verified.
    assert corrected.rank == len(table) - 60 + 1
    assert corrected.suggested_label == sample.loc[0, "label"]


def test_sample_does_not_overwrite(tables):
    (tables / "to_verify.csv").write_text("mine", encoding="utf-8")
    done = run_here("sample", "data.csv", cwd=tables)
    assert done.code == 2
    assert (tables / "to_verify.csv").read_text(encoding="utf-8") == "mine"


@BY_CI
def test_demo_finds_most_planted_errors(tmp_path):
    done = run_program("demo", cwd=tmp_path)
    assert done.code == 0, done.err
    line = next(line for line in done.out.splitlines() if line.strip().startswith("first  100"))
    assert int(line.split(":")[1].split("found")[0]) >= 90


def test_the_demo_can_be_repeated(tmp_path, monkeypatch):
    monkeypatch.setattr("datacleanse_cli.demo.Settings", partial(Settings, epochs=2, fast=True))
    first, second = (run_here("demo", cwd=tmp_path) for _ in range(2))
    assert (first.code, second.code) == (0, 0), second.err
    assert first.out.splitlines()[-5:] == second.out.splitlines()[-5:]
