"""`datacleanse export`, and `predict` on what it wrote, as a user types them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from tests.cli.conftest import people, run_here
from tests.cli.forked import run_forked

AUDIT = ("audit", "data.csv", "--val", "clean.csv", "--epochs", "2", "--fast", "-q", "-o")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    people(200, seed=0, wrong=0.1).to_csv(folder / "data.csv", index=False)
    people(60, seed=1).to_csv(folder / "clean.csv", index=False)
    people(50, seed=2).to_csv(folder / "new.csv", index=False)
    done = run_here(*AUDIT, "run", "--id", "key", cwd=folder)
    assert done.code == 0, done.err
    done = run_forked("export", "run", "--format", "onnx", "-o", "m.onnx", cwd=folder)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Written: m.onnx. It agrees with the run's own predictions on")
    return folder


def test_the_exported_file_predicts_what_the_run_does(folder, program):
    for name, (run, *more) in {
        "a": ("run",),
        "b": ("run", "--model", "m.onnx"),
        "c": ("m.onnx",),
    }.items():
        done = program("predict", run, "new.csv", *more, "-q", "-o", f"{name}.csv")
        assert (done.code, done.err) == (0, "")
        assert done.out == f"50 rows classified: {name}.csv\n"
    tables = [pd.read_csv(folder / f"{name}.csv") for name in "abc"]
    for table in tables[1:]:
        pd.testing.assert_frame_equal(tables[0], table, atol=1e-6)
    assert list(tables[0]["id"]) == [f"p2-{row}" for row in range(50)]


def test_format_and_no_proba_choose_what_is_written(folder, program):
    assert program("predict", "run", "new.csv", "-f", "jsonl", "--no-proba", "-q").code == 0
    lines = (folder / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    assert list(json.loads(lines[0])) == ["row", "id", "predicted_label"]
    done = program("predict", "run", "new.csv", "--format", "parquet", "-o", "p.dat", "-q")
    assert done.code == 0, done.err
    table = pd.read_parquet(folder / "p.dat")
    assert np.allclose(table[["probability_no", "probability_yes"]].sum(axis=1), 1)


def test_what_there_is_to_say_of_new_rows_is_said_on_stderr(folder, program):
    frame = pd.read_csv(folder / "new.csv").assign(more=1)
    frame["age"] = frame["age"].astype(object)
    frame.loc[3, "age"] = "unknown"
    frame.to_csv(folder / "odd.csv", index=False)
    done = program("predict", "run", "odd.csv", "-o", "odd-out.csv", "--ignore-extra")
    assert done.code == 0, done.err
    assert "has 1 column that DATA lacks: more; ignored." in done.err
    assert "column 'age' is read as numbers; 1 value that is no number" in done.err
    assert "note: odd.csv (NEW) has 1 column" in done.err
    again = ("predict", "run", "odd.csv", "-o", "odd-out.csv", "--ignore-extra")
    refused = program(*again)
    assert refused.code == 2
    assert "odd-out.csv exists already" in refused.err
    done = program(*again, "--force", "-q")
    assert done.err.startswith("warning: odd.csv (NEW): column 'age'")
    assert len(done.err.splitlines()) == 1
    done = program(*again, "--force", "--json")
    told = {notice["slug"]: notice for notice in json.loads(done.out)["notices"]}
    assert (told["values-unreadable"]["column"], told["values-unreadable"]["cells"]) == ("age", 1)


def test_a_column_without_a_known_value_leaves_no_file_unless_allowed(folder, program):
    pd.read_csv(folder / "new.csv").assign(city="Lima").to_csv(folder / "far.csv", index=False)
    done = program("predict", "run", "far.csv", "-o", "far-out.csv", "-q")
    assert done.code == 2
    assert "'city' holds no value that the model knows: 50 values" in done.err
    assert "--allow-unknown" in done.err.splitlines()[1]
    assert not (folder / "far-out.csv").exists()
    done = program("predict", "run", "far.csv", "-o", "far-out.csv", "-q", "--allow-unknown")
    assert (done.code, len(done.err.splitlines())) == (0, 1)
    assert (folder / "far-out.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("export", "run", "-f", "pickle"), ("'pickle'", "onnx, pt2")),
        (("export", "run"), ("--format", "--help")),
        (("export", "nowhere", "-f", "onnx"), ("holds no run", "datacleanse audit")),
        (("export", "run", "-f", "onnx", "-o", "no/m.onnx"), ("no/m.onnx", "Make the folder")),
        (("export", "run", "-f", "weights", "-o", "w.xlsx"), ("w.xlsx", "one of these endings")),
        (("predict", "other.onnx", "new.csv"), ("other.onnx cannot be read", "export")),
        (("predict", "m.onnx", "new.csv", "--model", "m.onnx"), ("holds its network", "Leave")),
        (("predict", "second", "new.csv", "--model", "m.onnx"), ("exported from run", "again")),
        (("predict", "run", "new.csv", "--model", "nonsense"), ("'nonsense'", "factory")),
        (("predict", "run", "new.csv", "-f", "docx"), ("cannot be written", "endings")),
        (("audit", "data.csv", "--val", "clean.csv", "--mlflow", "-o", "x"), ("MLflow", "MLFLOW_")),
    ],
)
def test_what_cannot_be_done_is_one_message_and_leaves_nothing(
    folder, program, arguments, words, monkeypatch
):
    second = folder / "second"
    if not second.exists():
        second.mkdir()
        manifest = json.loads((folder / "run" / "run.json").read_text(encoding="utf-8"))
        (second / "run.json").write_text(json.dumps(manifest | {"run_id": "x"}), encoding="utf-8")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense://x")
    before = sorted(path.name for path in folder.iterdir())
    done = program(*arguments)
    assert done.code == 2, done.err
    message, hint = done.err.splitlines()
    assert words[0] in message
    assert words[1] in hint
    assert sorted(path.name for path in folder.iterdir()) == before
