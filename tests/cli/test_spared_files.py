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


@pytest.mark.parametrize("writer", WRITERS)
def test_verdicts_of_a_reviewer_stay(audited, tmp_path, writer):
    from tests.review.verifying import draw, verify

    path = tmp_path / ("verified.onnx" if writer == "export" else "verified.jsonl")
    verify(path, draw(audited / "data.csv", 4), ["a"] * 120)
    before = path.read_bytes()
    done = run_here(*WRITERS[writer], "-o", path, FORCE, cwd=audited)
    assert done.code == 2, done.err
    assert "verdicts" in done.err
    assert path.read_bytes() == before


def test_parts_of_the_data_are_not_drawn_over(tmp_path):
    import pandas as pd
    from PIL import Image

    rows = pd.DataFrame({"u": range(40), "label": ["a", "b"] * 20})
    (tmp_path / "shards").mkdir()
    (tmp_path / "photos").mkdir()
    for part in (0, 1):
        rows[part::2].to_parquet(tmp_path / f"shards/{part}.parquet")
    names = [f"{row}.png" for row in range(8)]
    for row, name in enumerate(names):
        Image.new("RGB", (8, 8), (row * 30, 0, 0)).save(tmp_path / "photos" / name)
    listed = pd.DataFrame({"file_name": names, "label": ["a", "b"] * 4})
    listed.to_csv(tmp_path / "photos/metadata.csv", index=False)
    for data, place in (
        ("shards", "shards/0.parquet"),
        ("shards/*.parquet", "shards/0.parquet"),
        ("photos", "photos/metadata.csv"),
    ):
        before = (tmp_path / place).read_bytes()
        done = run_here("sample", data, "-n", "4", "-q", "-o", place, FORCE, cwd=tmp_path)
        assert done.code == 2, done.out
        assert f"{place} is a part of {data}" in done.err
        assert (tmp_path / place).read_bytes() == before
