"""`datacleanse audit DATA` before any label is verified, and what follows from it."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from tests.cli.applying import decide
from tests.cli.conftest import people, run_here
from tests.light_judge import judge_wholly

RUN = "runs/data"


@pytest.fixture(scope="module")
def ranked(tmp_path_factory):
    """A table with wrong labels, audited alone by the program, and what that said."""
    folder = tmp_path_factory.mktemp("ranked")
    people(300, seed=0, wrong=0.1).to_csv(folder / "data.csv", index=False)
    people(60, seed=1).to_csv(folder / "clean.csv", index=False)
    people(100, seed=2).to_csv(folder / "test.csv", index=False)
    with judge_wholly():
        done = run_here(
            "audit", "data.csv", "--epochs", "6", "--id", "key", "--test", "test.csv", cwd=folder
        )
    assert done.code == 0, done.err
    return folder, done


@pytest.fixture
def folder(ranked, tmp_path):
    """A copy of its folder to change."""
    shutil.copytree(ranked[0], tmp_path, dirs_exist_ok=True)
    return tmp_path


def manifest_of(folder, run=RUN):
    return json.loads((folder / run / "run.json").read_text(encoding="utf-8"))


def test_the_program_says_that_there_is_no_rate_and_what_comes_next(ranked):
    _, done = ranked
    words = " ".join(done.out.split())
    assert "No rate of wrong labels is told: no label was verified" in words
    assert "No row is flagged" in words
    assert "none steered" not in words
    assert "datacleanse verify data.csv -n 150 -o verified.jsonl --id key" in done.out
    assert "likely wrong" not in words
    assert "expected to" not in words


def test_the_ranking_finds_wrong_labels(ranked):
    folder, _ = ranked
    table = pd.read_parquet(folder / RUN / "audit.parquet")
    right = people(300, seed=0)["label"].to_numpy()
    is_wrong = table["given_label"].to_numpy() != right
    assert is_wrong[table["rank"] <= 10].mean() >= 0.7
    assert is_wrong.mean() < 0.15


def test_nothing_is_promised_in_the_files(ranked):
    folder, _ = ranked
    found = manifest_of(folder)
    assert found["clean"] is None
    assert found["noise"] == {
        "basis": "none",
        "rate": None,
        "by_given_label": {},
        "confusions": [],
        "matrix_trust": [],
    }
    assert found["budget"] == []
    assert (found["flags"]["basis"], found["flags"]["flagged"]) == ("none", 0)
    assert found["flags"]["estimated_wrong"] is None
    assert found["settings"]["rule"] is None
    assert found["training"]["rule"] == "none steered"
    assert "no-verified-rows" in {notice["slug"] for notice in found["notices"]}
    table = pd.read_parquet(folder / RUN / "audit.parquet")
    assert not table["flagged"].any()
    assert table["p_value"].isna().all()
    assert table["verified_label"].isna().all()
    assert table["in_training"].all()
    assert table["mislabel_probability"].between(0, 1).all()
    summary = json.loads((folder / RUN / "reports/summary.json").read_text(encoding="utf-8"))
    assert summary["headline"]["estimated_share"] is None
    assert summary["clean"] is None
    card = (folder / RUN / "model/README.md").read_text(encoding="utf-8")
    assert "No rate is known, since no label was verified." in card
    assert "each row counts alike, as in plain training" in card


def test_the_saved_model_is_plain_training(ranked):
    folder, _ = ranked
    measured = manifest_of(folder)["metrics"]["test"]
    assert measured["reweighted"] == measured["control"]
    assert measured["control"]["accuracy"] > 0.6


@pytest.mark.parametrize("name", ["report.html", "report.md"])
def test_reports_say_why_there_is_no_rate(ranked, name):
    folder, _ = ranked
    text = (folder / RUN / "reports" / name).read_text(encoding="utf-8")
    assert "no label was verified" in text
    assert "datacleanse verify data.csv" in text
    assert "No verified row checks that" in text


def test_json_says_the_same(folder):
    done = run_here(
        "audit", "data.csv", "--epochs", "2", "-q", "--json", "--rule", "uniform", "-o", "u",
        cwd=folder,
    )  # fmt: skip
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["headline"]["estimated_wrong"] is None
    assert found["training"]["rule"] == "none steered"
    assert found["settings"]["rule"] == "uniform"


def test_model_predicts_and_is_exported(folder):
    done = run_here("predict", RUN, "test.csv", "-o", "p.csv", "-q", cwd=folder)
    assert done.code == 0, done.err
    predicted = pd.read_csv(folder / "p.csv")
    assert len(predicted) == 100
    done = run_here("export", RUN, "--format", "safetensors", "-o", "m.safetensors", cwd=folder)
    assert done.code == 0, done.err


def test_auto_says_that_flags_are_missing(folder):
    done = run_here("apply", RUN, "--auto", "--drop-above", "0.9", cwd=folder)
    assert done.code == 2
    assert "has none, since no row was verified" in done.err
    assert "--val" in done.err


def test_reviewed_rows_serve_the_next_round_with_a_clean_set(folder):
    decide(folder, {0: "keep", 1: "keep", 2: "keep"})
    done = run_here(
        "audit", "data.csv", "--val", "clean.csv", "--decisions", RUN, "--id", "key",
        "--epochs", "2", "-q", "-o", "second",
        cwd=folder,
    )  # fmt: skip
    assert done.code == 0, done.err
    second = manifest_of(folder, "second")
    assert second["reviewed"]["rows"] == second["clean"]["reviewed_rows"] == 3
    assert second["training"]["rule"] == "l2rw"
    compared = run_here("report", "second", "--compare", RUN, cwd=folder)
    assert compared.code == 0, compared.err
    assert "not known (no label of 300 was verified) before" in " ".join(compared.out.split())


def test_reviewed_rows_alone_are_learned_from_and_steer_nothing(folder):
    decide(folder, {0: "keep", 1: "keep", 2: "keep", 5: "relabel"})
    applied = run_here("apply", RUN, cwd=folder)
    assert applied.code == 0, applied.err
    again = applied.out.strip().splitlines()[-1].split()
    assert again[:3] == ["datacleanse", "audit", "cleaned.csv"]
    assert "--val" not in again
    done = run_here(*again[1:], "--epochs", "2", "-q", "-o", "second", cwd=folder)
    assert done.code == 0, done.err
    second = manifest_of(folder, "second")
    assert second["training"]["rule"] == "none steered"
    assert second["noise"]["rate"] is None
    assert (second["clean"]["rows"], second["clean"]["steering_rows"]) == (4, 0)
    table = pd.read_parquet(folder / "second/audit.parquet")
    assert np.flatnonzero(table["verified_label"].notna()).tolist() == [0, 1, 2, 5]
    assert not table["flagged"].any()
    assert "neither steer nor calibrate" in json.dumps(second["notices"])


def test_resumed_it_ends_with_the_same_table(folder):
    command = ("audit", "data.csv", "--epochs", "3", "--id", "key", "-q", "-o", "again")
    assert run_here(*command, cwd=folder).code == 0
    first = (folder / "again/audit.parquet").read_bytes()
    finished = run_here(*command, "--resume", cwd=folder)
    assert finished.code == 0, finished.err
    assert (folder / "again/audit.parquet").read_bytes() == first
    with_clean = run_here(*command, "--resume", "--val", "clean.csv", cwd=folder)
    assert with_clean.code == 2
    assert "CLEAN" in with_clean.err
