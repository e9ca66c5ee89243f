"""Pictures whose labels are numbers: audited, reviewed, cleaned, predicted, exported, explained."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image

import datacleanse as dc
from datacleanse.auditing.reading import Request, read_inputs
from datacleanse.auditing.regression.number_audit import plan_number_audit
from datacleanse.data import ReadOptions
from datacleanse.progress import SILENT
from datacleanse.storage.run_folder import RunFolder
from datacleanse_reports.any_page import read_any_view
from tests.cli.conftest import run_here
from tests.cli.inked import INKED, inked

__all__ = ["inked"]  # a fixture


def read_pixels(folder, names):
    return np.stack([np.array(Image.open(folder / name))[None] for name in names])


def test_wrong_numbers_of_pictures_are_found(inked):
    folder, wrong, done = inked
    table = pd.read_parquet(folder / "run/audit.parquet")
    is_open = table.verified_label.isna()
    first = is_open & (table["rank"] <= (wrong & is_open).sum())
    assert wrong[first].mean() > 0.9
    assert list(table.id[:2]) == ["img/p000.png", "img/p001.png"]
    assert table.slip[first & wrong].eq("× 10").mean() > 0.9
    assert "× 10" in done.out
    assert "RMSE" in done.out


def test_the_run_says_how_pictures_were_read(inked):
    folder, _, _ = inked
    run = json.loads((folder / "run/run.json").read_text("utf-8"))
    assert (run["task"], run["data"]["decimals"]) == ("regression", 1)
    assert [run["pictures"][key] for key in ("channels", "height", "width")] == [1, 8, 8]
    assert run["metrics"]["test"]["rows"] == 60
    assert "Residual network" in run["training"]["network"]
    card = (folder / "run/model/README.md").read_text("utf-8")
    assert "Trained on 240 pictures" in card
    assert "image-regression" in card
    assert "category" not in card


def test_reports_show_the_pictures_of_suspects(inked):
    folder, _, _ = inked
    view = read_any_view(RunFolder(folder / "run"), top=5)
    assert all(each.picture.uri.startswith("data:image/png") for each in view.suspects)
    page = (folder / "run/reports/report.html").read_text("utf-8")
    assert view.suspects[0].picture.uri.removeprefix("data:image/png;base64,")[:200] in page
    assert view.suspects[0].expected in page
    summary = (folder / "run/reports/summary.json").read_text("utf-8")
    assert "base64" not in summary


def test_new_pictures_are_predicted_as_the_audit_measured(inked):
    folder, _, _ = inked
    done = run_here("predict", "run", "test.csv", "-o", "p.csv", "--force", cwd=folder)
    assert done.code == 0, done.err
    assert "60 pictures predicted" in done.out
    predicted, true = (pd.read_csv(folder / name) for name in ("p.csv", "test.csv"))
    run = json.loads((folder / "run/run.json").read_text("utf-8"))
    error = np.sqrt(np.mean((predicted.predicted_label - true.label) ** 2))
    assert error == pytest.approx(run["metrics"]["test"]["reweighted"]["rmse"])
    loaded = dc.load(folder / "run")
    pixels = read_pixels(folder, true.path)
    assert loaded.predict(pixels) == pytest.approx(predicted.predicted_label)
    assert loaded.n_features_in_ == 0
    with pytest.raises(ValueError, match="trained on"):
        loaded.predict(pixels[:, :, :4])


@pytest.mark.parametrize("name", ["onnx", "pt2", "safetensors", "weights"])
def test_the_model_is_exported(inked, name):
    folder, _, _ = inked
    suffix = "csv" if name == "weights" else name
    done = run_here("export", "run", "--format", name, "-o", f"m.{suffix}", cwd=folder)
    assert done.code == 0, done.err
    if name == "onnx":
        true = pd.read_csv(folder / "test.csv")
        pixels = read_pixels(folder, true.path)
        ours, theirs = (dc.load(folder / each).predict(pixels) for each in ("run", "m.onnx"))
        assert theirs == pytest.approx(ours, rel=1e-4)
        done = run_here("predict", "m.onnx", "test.csv", "-o", "o.csv", cwd=folder)
        assert "60 pictures predicted" in done.out
    if name == "safetensors":
        described = json.loads((folder / "m.json").read_text("utf-8"))
        assert "label.centre + label.scale" in described["computation"][-1]


def test_a_predicted_number_is_explained_by_pictures(inked):
    folder, _, _ = inked
    done = run_here("explain", "run", "test.csv", "--row", "3", "--json", cwd=folder)
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["number"] is None
    assert told["predicted"] > 0


def test_decided_numbers_are_written_and_known_in_the_next_round(inked, tmp_path):
    shutil.copytree(inked[0], tmp_path / "here")
    folder = tmp_path / "here"
    table = pd.read_parquet(folder / "run/audit.parquet").sort_values("rank")
    first = table.iloc[0]
    decision = {"row": int(first.row), "id": first.id, "given_label": first.given_label}
    decision |= {"action": "relabel", "new_label": "12.5"}
    (folder / "run/decisions.jsonl").write_text(json.dumps(decision) + "\n", "utf-8")
    done = run_here("apply", "run", "-o", "cleaned.csv", cwd=folder)
    assert done.code == 0, done.err
    cleaned, true = (pd.read_csv(folder / f"{each}.csv") for each in ("cleaned", "truth"))
    assert cleaned.label[first.row] == 12.5
    verified = table.row[table.verified_label.notna()]
    assert (cleaned.label[verified] == true.label[verified]).all()
    again = ("audit", "cleaned.csv", "--val", "clean.csv", "--decisions", "run", *INKED[4:])
    done = run_here(*again, "-o", "run2", cwd=folder)
    assert done.code == 0, done.err
    second = pd.read_parquet(folder / "run2/audit.parquet")
    assert second.verified_label[first.row] == "12.5"
    done = run_here("report", "run2", "--compare", "run", cwd=folder)
    assert "corrected" in done.out


def test_every_form_of_pictures_gives_the_same_numbers(inked, tmp_path):
    folder, _, _ = inked
    data = pd.read_csv(folder / "data.csv")
    for name, label in zip(data.path[:60], data.label[:60], strict=True):
        place = tmp_path / "folders" / str(label) / name[4:]
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / name, place)
    shutil.copytree(folder / "img", tmp_path / "beside/img")
    data.rename(columns={"path": "file_name"}).to_csv(tmp_path / "beside/metadata.csv", index=False)
    blobs = [{"bytes": (folder / name).read_bytes(), "path": name} for name in data.path]
    pd.DataFrame({"image": blobs, "label": data.label}).to_parquet(tmp_path / "p.parquet")
    options = ReadOptions(task="regression")
    for name, n in (("folders", 60), ("beside", 240), ("p.parquet", 240)):
        request = Request(str(tmp_path / name), (), options=options)
        inputs = read_inputs(request, SILENT, scratch=tmp_path)
        assert sorted(inputs.data.targets) == sorted(data.label[:n])
        assert plan_number_audit(request, inputs).make_examples(inputs).n_classes == 1


def test_what_is_no_number_is_named_before_a_picture_is_read(inked, tmp_path):
    folder, _, _ = inked
    data = pd.read_csv(folder / "data.csv", dtype=str)
    data.loc[7, "label"] = "much"
    data.to_csv(folder / "odd.csv", index=False)
    done = run_here("audit", "odd.csv", *INKED[2:], "-o", str(tmp_path / "x"), cwd=folder)
    assert done.code == 2
    assert "'much' in 1 row: row 7" in done.err
    plain = run_here("audit", "data.csv", "--val", "clean.csv", "-o", "x", cwd=folder)
    assert plain.code == 2
    assert "--task regression" in plain.err


def test_pictures_are_drawn_to_be_verified_by_numbers(inked):
    folder, _, _ = inked
    drawn = ("sample", "data.csv", "-n", "20", "-o", "s.csv", "--task", "regression")
    done = run_here(*drawn, cwd=folder)
    assert done.code == 0, done.err
    assert "low and high numbers in proportion" in done.out
    assert "--task regression" in done.out
    drawn, whole = (pd.read_csv(folder / f"{each}.csv") for each in ("s", "data"))
    assert len(drawn) == 20
    # Two of each tenth of the numbers.
    tenth = np.searchsorted(whole.label.quantile(np.arange(1, 10) / 10), drawn.label)
    assert (np.bincount(tenth) == 2).all()


def test_from_python_and_with_features_of_ones_own(inked, tmp_path):
    folder, wrong, _ = inked
    data = pd.read_csv(folder / "data.csv")
    clean = pd.read_csv(folder / "clean.csv")
    for frame in (data, clean):
        frame["path"] = [str(folder / name) for name in frame.path]
    data.loc[5, "path"] = str(folder / "gone.png")
    both = [*data.path.drop(5), *clean.path]
    np.save(tmp_path / "f.npy", read_pixels(folder, both).reshape(len(both), -1) / 255)
    result = dc.audit(
        data,
        val=clean,
        task="regression",
        features=str(tmp_path / "f.npy"),
        epochs=2,
        progress=False,
    )
    table = result.table
    # Rows are named as in the frame, without the picture that is not there.
    assert list(table.index) == [row for row in data.index if row != 5]
    assert (table.given_label == data.label[table.index]).all()
    is_open, wrong = table.verified_label.isna(), wrong[table.index]
    first = is_open & (table["rank"] <= (wrong & is_open).sum())
    assert wrong[first].mean() > 0.9
    assert pq.read_table(result.folder.path / "thumbnails.parquet").num_rows
