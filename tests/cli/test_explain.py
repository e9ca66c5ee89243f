"""`datacleanse explain`, as a user types it."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from tests.cli.conftest import people, run_here

AUDIT = ("audit", "data.csv", "--val", "clean.csv", "--epochs", "4", "--fast", "-q", "-o", "run")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explain")
    people(200, seed=0, wrong=0.3).to_csv(folder / "data.csv", index=False)
    people(60, seed=1).to_csv(folder / "clean.csv", index=False)
    people(30, seed=2).to_csv(folder / "new.csv", index=False)
    done = run_here(*AUDIT, cwd=folder)
    assert done.code == 0, done.err
    return folder


def test_rows_are_named_with_their_labels_and_suspects_are_marked(folder, program):
    done = program(
        "explain", "run", "new.csv", "--row", "4", "--top", "100", "-q", "-o", "rows.csv"
    )
    assert (done.code, done.err) == (0, "")
    assert max(map(len, done.out.splitlines())) <= 80
    rows = pd.read_csv(folder / "rows.csv")
    label = "yes" if rows.iloc[0]["given_label"] == "yes" else "no"
    assert f"The model gives {label} " in done.out
    assert f"Pushed the model toward {label}\n" in done.out
    assert f"Pushed it away from {label}\n" in done.out
    suspects = rows[(rows["push"] > 0) & rows["is_suspect"]]
    assert (suspects["mislabel_probability"] > 0.5).all()
    said = " ".join(done.out.split())
    n = (rows["push"] > 0).sum()
    assert f"{len(suspects)} of these {n} rows are likelier mislabelled than not" in said
    assert done.out.count("\n  !  row") == len(rows[rows["is_suspect"]])
    again = program("explain", "run", "new.csv", "--row", "4", "-o", "rows.csv")
    assert again.code == 2
    assert "rows.csv exists already" in again.err


def test_what_the_audit_said_of_the_data_is_not_said_again(tmp_path):
    said = people(80, seed=0, wrong=0.2)
    said["words"] = [f"number {i} of them lives in {city}" for i, city in enumerate(said["city"])]
    said.to_csv(tmp_path / "data.csv", index=False)
    said.iloc[::2].to_csv(tmp_path / "clean.csv", index=False)
    first = run_here(*(each for each in AUDIT if each != "-q"), cwd=tmp_path)
    line = {"row": 1, "given_label": said["label"][1], "action": "drop"}
    (tmp_path / "run" / "decisions.jsonl").write_text(json.dumps(line), encoding="utf-8")
    explained = run_here("explain", "run", "data.csv", "--row", "4", cwd=tmp_path)
    applied = run_here("apply", "run", "-o", "cleaned.csv", cwd=tmp_path)

    assert (explained.code, applied.code) == (0, 0), explained.err + applied.err
    assert "--drop words leaves it out" in first.err
    for later in (explained, applied):
        assert "Reading DATA" in later.err
        assert "--drop" not in later.err


def test_json_holds_the_same_as_the_file(folder, program):
    done = program("explain", "run", "new.csv", "--row", "9", "--json", "-q", "-o", "nine.jsonl")
    found = json.loads(done.out)
    lines = (folder / "nine.jsonl").read_text(encoding="utf-8").splitlines()
    assert found["pushes"] == [json.loads(line) for line in lines]
    assert found["row"] == 9
    assert 0 <= found["suspect_share"] <= 1


def test_data_that_has_changed_since_is_refused(folder, program):
    people(200, seed=3, wrong=0.1).to_csv(folder / "later.csv", index=False)
    done = program("explain", "run", "new.csv", "--row", "0", "--data", "later.csv", "-q")
    assert done.code == 2
    assert "later.csv is another one than when it was audited" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--row", "30"), "NEW has no row 30: it has 30 rows, counted from 0."),
        (("--row", "-1"), "-1"),
        (("--row", "0", "--class", "maybe"), "'maybe' is no class of the run in run."),
        (("--row", "0", "--model", "m.onnx"), "m.onnx"),
        ((), "--row"),
    ],
)
def test_what_is_wrong_with_the_call_is_said(program, words, message):
    done = program("explain", "run", "new.csv", *words, "-q")
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err
