"""No command writes over the data, the clean rows, a decision or a file of the run."""

from __future__ import annotations

import shutil

import pytest

from tests.cli.conftest import run_here

AUDIT = ("audit", "data.csv", "--val", "clean.csv", "--epochs", "2", "--fast", "-q")


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    import numpy as np
    import pandas as pd

    folder = tmp_path_factory.mktemp("spared")
    x = np.random.default_rng(0).normal(size=(160, 2))
    rows = pd.DataFrame(x, columns=["u", "v"]).assign(label=np.where(x[:, 0] > 0, "a", "b"))
    rows[:120].to_csv(folder / "data.csv", index=False)
    rows[120:].to_csv(folder / "clean.csv", index=False)
    rows[:9].to_csv(folder / "new.csv", index=False)
    done = run_here(*AUDIT, cwd=folder)
    assert done.code == 0, done.err
    (folder / "decided.csv").write_text("row,given_label,action\n0,a,keep\n", encoding="utf-8")
    shutil.copy(folder / "clean.csv", folder / "same.csv")
    return folder


RUN, FORCE = "runs/data", "--force"
WRITERS = {
    "export": ("export", RUN, "--format", "onnx"),
    "weights": ("export", RUN, "--format", "weights"),
    "predict": ("predict", RUN, "new.csv", "-q"),
    "explain": ("explain", RUN, "new.csv", "--row", "0", "-q"),
    "apply": ("apply", RUN, "-q"),
    "sample": ("sample", "data.csv", "-n", "5", "-q"),
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize(
    "place", ["data.csv", "clean.csv", f"{RUN}/run.json", f"{RUN}/audit.parquet", f"{RUN}/model"]
)
def test_inputs_and_files_of_the_run_stay(audited, writer, place):
    if (writer, place) == ("sample", "clean.csv"):
        pytest.skip("which files are clean is not known")
    path = audited / place
    before = path.read_bytes() if path.is_file() else sorted(path.iterdir())
    done = run_here(*WRITERS[writer], "-o", place, FORCE, cwd=audited)
    assert done.code == 2, done.err
    assert (path.read_bytes() if path.is_file() else sorted(path.iterdir())) == before


def test_clean_rows_under_another_name_are_known_by_their_bytes(audited):
    done = run_here(*WRITERS["predict"], "-o", "same.csv", FORCE, cwd=audited)
    assert done.code == 2
    assert "same.csv is CLEAN of the run" in done.err


def test_decisions_that_are_applied_stay(audited):
    done = run_here(
        *WRITERS["apply"], "--decisions", "decided.csv", "-o", "decided.csv", FORCE, cwd=audited
    )
    assert done.code == 2
    assert "holds the decisions" in done.err


def test_what_a_command_wrote_it_writes_again_also_in_the_run_s_folder(audited):
    for place in ("model.onnx", f"{RUN}/mine.onnx"):
        for _ in range(2):
            done = run_here(*WRITERS["export"], "-o", place, FORCE, cwd=audited)
            assert done.code == 0, done.err


def test_the_description_beside_safetensors_replaces_nothing_unasked(audited):
    beside = audited / "net.json"
    beside.write_text("{}", encoding="utf-8")
    words = ("export", RUN, "--format", "safetensors", "-o", "net.safetensors")
    done = run_here(*words, cwd=audited)
    assert done.code == 2
    assert "net.json exists already" in done.err
    assert beside.read_text(encoding="utf-8") == "{}"
    assert run_here(*words, FORCE, cwd=audited).code == 0
