"""A column that names rows without being named: rows are called by it from file to file."""

from __future__ import annotations

import json
import shlex

import pandas as pd
import pytest

from tests.cli.conftest import people, run_here

QUICK = ("--epochs", "2", "--fast")
N = 150


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table audited with verified rows of its own, and cleaned by two decisions."""
    folder = tmp_path_factory.mktemp("found")
    people(N, seed=0, wrong=0.1).to_csv(folder / "data.csv", index=False)
    people(N, seed=0).iloc[::3].to_csv(folder / "clean.csv", index=False)
    done = run_here("audit", "data.csv", "--val", "clean.csv", *QUICK, "-o", "run", cwd=folder)
    assert done.code == 0, done.err
    assert "Column 'key' of data.csv is taken as the id" in done.err
    table = read_audit(folder)
    open_rows = table[table["verified_label"].isna()].sort_values("rank")
    dropped, kept = open_rows["row"].tolist()[:2]
    lines = [
        {"row": row, "given_label": table["given_label"][row], "action": action}
        for row, action in ((dropped, "drop"), (kept, "keep"))
    ]
    decisions = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "run" / "decisions.jsonl").write_text(decisions)
    done = run_here("apply", "run", "-o", "cleaned.csv", cwd=folder)
    assert done.code == 0, done.err
    (folder / "next.txt").write_text(done.out)
    return folder


def read_audit(folder, run="run"):
    return pd.read_parquet(folder / run / "audit.parquet")


def key(row):
    return f"p0-{row}"


def read_manifest(folder, run="run"):
    return json.loads((folder / run / "run.json").read_text())


def test_every_file_of_the_run_calls_rows_by_it(folder):
    table, manifest = read_audit(folder), read_manifest(folder)
    assert table["id"].tolist() == [key(row) for row in range(N)]
    assert manifest["data"]["id"] == "key"
    assert manifest["data"]["reading"]["id"] is None
    assert manifest["overlap"]["matched_by"] == "id"
    assert "id-found" in [notice["slug"] for notice in manifest["notices"]]
    assert "key" not in [each["name"] for each in manifest["schema"]["set_aside"]]
    suspects = pd.read_csv(folder / "run" / "reports" / "suspects.csv")
    assert (suspects["id"] == suspects["row"].map(key)).all()
    page = (folder / "run" / "reports" / "report.html").read_text()
    assert f'"id":"{suspects["id"][0]}"' in page


def test_the_diff_predictions_and_weights_have_it(folder):
    diff = pd.read_csv(folder / "cleaned.diff.csv")
    assert (diff["id"] == diff["row"].map(key)).all()
    for words, name in (
        (("predict", "run", "data.csv", "-o", "p.csv", "--force"), "p.csv"),
        (("export", "run", "--format", "weights", "-o", "w.csv", "--force"), "w.csv"),
    ):
        done = run_here(*words, cwd=folder)
        assert done.code == 0, done.err
        found = pd.read_csv(folder / name)
        assert found["id"].tolist() == [key(row) for row in range(N)]


def test_a_next_round_calls_rows_as_the_first_one_did(folder):
    command = next(
        line for line in (folder / "next.txt").read_text().splitlines() if "audit cleaned" in line
    )
    words = shlex.split(command)[1:]
    assert "--id" not in words
    assert "--no-id" not in words
    done = run_here(*words, *QUICK, "-o", "second", cwd=folder)
    assert done.code == 0, done.err
    assert "datacleanse report second --compare run" in done.out
    (dropped,) = pd.read_csv(folder / "cleaned.diff.csv").query("action == 'drop'")["row"]
    table = read_audit(folder, "second")
    expected = [key(row) for row in range(N) if row != dropped]
    assert table["id"].tolist() == expected
    assert read_manifest(folder, "second")["reviewed"]["kept"] == 1
    done = run_here("report", "second", "--compare", "run", "--json", cwd=folder)
    changes = json.loads(done.out)
    assert changes["matched_by"] == "id"
    assert changes["outcomes"]["gone"] == 0


def test_without_it_rows_are_numbers_and_the_next_commands_say_so(folder):
    done = run_here(
        *("audit", "data.csv", "--val", "clean.csv", "--no-id", *QUICK, "-o", "numbers"), cwd=folder
    )
    assert done.code == 0, done.err
    table = read_audit(folder, "numbers")
    assert table["id"].tolist() == [str(row) for row in range(N)]
    done = run_here("apply", "numbers", "-o", "numbered.csv", "--force", cwd=folder)
    assert done.code == 0, done.err
    assert "--no-id" in done.out
    # But for the id nothing is another: the same rows are trained on by the same numbers.
    same = table.drop(columns="id")
    pd.testing.assert_frame_equal(same, read_audit(folder).drop(columns="id"))


def test_an_id_and_none_at_once_are_refused(folder):
    done = run_here("audit", "data.csv", "--id", "key", "--no-id", "-o", "x", cwd=folder)
    assert done.code == 2
    assert "--id" in done.err
    assert "--no-id" in done.err
    assert not (folder / "x").exists()


def test_clean_without_the_column_is_matched_by_values(folder, tmp_path):
    clean = pd.read_csv(folder / "clean.csv").drop(columns="key")
    clean.to_csv(tmp_path / "clean.csv", index=False)
    words = ("audit", folder / "data.csv", "--val", "clean.csv", *QUICK, "-o", "run")
    done = run_here(*words, cwd=tmp_path)
    assert done.code == 0, done.err
    manifest = read_manifest(tmp_path)
    assert manifest["overlap"]["verified"] == len(clean)
    assert manifest["overlap"]["matched_by"] == "values"
    told = [each for each in manifest["notices"] if each["slug"] == "id-not-matched"]
    assert len(told) == 1
    assert "has no column 'key', the id of DATA" in told[0]["message"]


def test_a_run_that_knew_no_ids_is_applied_by_its_numbers(folder, tmp_path):
    """As runs of before columns were found are."""
    done = run_here(
        *("audit", folder / "data.csv", "--val", folder / "clean.csv", "--no-id", *QUICK),
        *("-o", "old"),
        cwd=tmp_path,
    )
    assert done.code == 0, done.err
    file = tmp_path / "old" / "run.json"
    manifest = json.loads(file.read_text())
    del manifest["data"]["reading"]["seeks_id"]
    file.write_text(json.dumps(manifest))
    table = read_audit(tmp_path, "old")
    row = int(table[table["verified_label"].isna()].sort_values("rank")["row"].iloc[0])
    line = {"row": row, "id": str(row), "given_label": table["given_label"][row], "action": "drop"}
    (tmp_path / "old" / "decisions.jsonl").write_text(json.dumps(line) + "\n")
    done = run_here("apply", "old", "-o", "cleaned.csv", cwd=tmp_path)
    assert done.code == 0, done.err
    assert "Not applied" not in done.out
    assert key(row) not in pd.read_csv(tmp_path / "cleaned.csv")["key"].tolist()
    # And a next round that calls rows by ids knows that decision's row again.
    words = ("audit", folder / "data.csv", "--val", folder / "clean.csv", "--decisions", "old")
    done = run_here(*words, *QUICK, "-o", "next", cwd=tmp_path)
    assert done.code == 0, done.err
    assert read_manifest(tmp_path, "next")["reviewed"]["left_out"] == 1
