"""A whole audit of pictures, and predictions by its model, as a user types them."""

from __future__ import annotations

import json

import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.cli.conftest import run_here
from tests.pictures.made import class_folders, picture

CLASSES = ("cat", "dog")
AUDIT = ("audit", "data", "--epochs", "2", "--fast", "-q", "-o", "run")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A finished run of class folders with unreadable pictures, copies and a mixed clean set."""
    folder = tmp_path_factory.mktemp("pictures")
    data = class_folders(folder / "data", CLASSES, 30, size=(20, 16))
    (data / "cat" / "zero.png").write_bytes(b"")
    (data / "dog" / "text.jpg").write_text("no picture")
    (data / "dog" / "copy.png").write_bytes((data / "cat" / "003.png").read_bytes())
    (data / "empty").mkdir()
    blobs = [picture(100 + at, colour=("red", "green")[at % 2], size=(20, 16)) for at in range(24)]
    blobs[0] = (data / "cat" / "005.png").read_bytes()
    clean = pd.DataFrame({"image": blobs, "target": [CLASSES[at % 2] for at in range(24)]})
    clean.to_parquet(folder / "clean.parquet")
    test = class_folders(folder / "test", CLASSES, 5, first=200, size=(20, 16))
    frame = pd.DataFrame(
        [(path.relative_to(folder).as_posix(), path.parent.name) for path in test.rglob("*.png")],
        columns=["file_name", "label"],
    )
    frame.to_csv(folder / "test.csv", index=False)
    more = ("--val", "clean.parquet", "--test", "test.csv", "--max-unreadable", "0.1")
    done = run_here(*AUDIT, *more, cwd=folder)
    assert done.code == 0, done.err
    (folder / "said.txt").write_text(done.out)
    return folder


def test_every_readable_picture_has_a_row_known_by_its_path(folder):
    table = pq.read_table(folder / "run" / "audit.parquet")
    paths = sorted(path.relative_to(folder / "data") for path in (folder / "data").rglob("*.png"))
    expected = [path.as_posix() for path in paths if path.name != "zero.png"]
    assert table.column("id").to_pylist() == expected
    assert table.column("given_label").to_pylist() == [path.split("/")[0] for path in expected]
    rows = dict(zip(expected, table.to_pylist(), strict=True))
    assert rows["cat/005.png"]["verified_label"] == "cat"
    kept = pq.read_table(folder / "run" / "calibration.parquet").to_pylist()
    pair = kept[0]
    assert (pair["data_row"], pair["is_wrong"]) == (rows["cat/005.png"]["row"], False)
    assert pair["given_label"] == "cat"
    assert [each["data_row"] for each in kept[1:]] == [None] * (len(kept) - 1)
    # A pair that steers does so by its verified label.
    assert rows["cat/005.png"]["in_training"] == (pair["part"] == "calibration")


def test_what_was_found_about_the_pictures_is_kept_and_said(folder):
    told = json.loads((folder / "run" / "run.json").read_text())
    assert told["pictures"]["unreadable"] == {"data": 2, "clean": 0, "test": 0}
    assert told["pictures"]["duplicates"]["conflicting_groups"] == 1
    assert told["overlap"] == {
        "rows": 1,
        "verified": 1,
        "wrong": 0,
        "new_classes": 0,
        "matched_by": "pictures",
    }
    assert told["metrics"]["test"]["rows"] == 10
    said = " ".join((folder / "said.txt").read_text().split())
    for words in ("2 of 63 pictures", "'cat/zero.png' is empty", "labels differ", "'empty'"):
        assert words in said
    left_out = pq.read_table(folder / "run" / "unreadable.parquet").column("id").to_pylist()
    assert left_out == ["cat/zero.png", "dog/text.jpg"]


def test_suspects_and_their_neighbours_have_thumbnails(folder):
    run = folder / "run"
    shown = pq.read_table(run / "thumbnails.parquet").to_pandas()
    suspects = pq.read_table(run / "suspects.parquet").column("row").to_pylist()
    neighbours = pq.read_table(run / "neighbours.parquet").column("clean_row").to_pylist()
    assert set(shown[shown["source"] == "data"]["row"]) == set(suspects)
    assert set(shown[shown["source"] == "clean"]["row"]) == set(neighbours)


def test_a_run_goes_on_only_with_the_same_pictures(program):
    more = ("--val", "clean.parquet", "--test", "test.csv", "--max-unreadable", "0.1", "--resume")
    assert program(*AUDIT, *more).code == 0
    done = program(*AUDIT, *more, "--image-size", "24")
    assert (done.code, "--image-size not given; now it is 24" in done.err) == (2, True)


def test_new_pictures_are_classified_from_any_form(folder, program):
    new = folder / "new"
    new.mkdir()
    for at, colour in enumerate(("red", "green", "red")):
        (new / f"{at}.png").write_bytes(picture(300 + at, colour=colour, size=(33, 33)))
    (new / "bad.png").write_bytes(b"bad")
    Image.open(new / "2.png").convert("L").save(new / "grey.jpg")
    done = program("predict", "run", "new", "-o", "p.csv", "-q")
    assert (done.code, len(done.err.splitlines())) == (0, 1)
    assert done.err.startswith("warning: new: left out 1 of 5 pictures that cannot be read")
    assert done.out == "4 pictures classified: p.csv\n"
    table = pd.read_csv(folder / "p.csv", dtype={"id": str})
    assert table["id"].tolist() == ["0.png", "1.png", "2.png", "grey.jpg"]
    assert table["row"].tolist() == [0, 1, 2, 4]
    assert set(table["predicted_label"]) <= set(CLASSES)
    sums = table["probability_cat"] + table["probability_dog"]
    assert sums.to_numpy() == pytest.approx(1)
    blobs = pd.DataFrame({"image": [(new / f"{at}.png").read_bytes() for at in (0, 1, 2)]})
    blobs.to_parquet(folder / "new.parquet")
    assert program("predict", "run", "new.parquet", "-o", "q.csv", "-q").code == 0
    again = pd.read_csv(folder / "q.csv")
    assert again["probability_cat"].to_numpy() == pytest.approx(table["probability_cat"][:3])
    assert again["id"].tolist() == [0, 1, 2]


def test_a_table_is_nothing_for_a_model_of_pictures(folder, program):
    pd.DataFrame({"x": [1.0, 2.0]}).to_csv(folder / "table.csv", index=False)
    done = program("predict", "run", "table.csv", "-o", "r.csv", "-q")
    assert (done.code, "table.csv (NEW) is a table without pictures" in done.err) == (2, True)
    assert not (folder / "r.csv").exists()


def test_pictures_alone_are_ranked_and_reviewed_ones_are_learned_from(folder, tmp_path):
    place = tmp_path / "alone"
    more = ("--max-unreadable", "0.1", "-o", place)
    done = run_here("audit", "data", "--epochs", "2", *more, cwd=folder)
    assert done.code == 0, done.err
    assert "datacleanse verify data -n 30 -o verified.jsonl" in done.out
    told = json.loads((place / "run.json").read_text())
    assert (told["clean"], told["noise"]["rate"]) == (None, None)
    assert told["pictures"]["unreadable"] == {"data": 2}
    assert told["pictures"]["duplicates"]["conflicting_groups"] == 1
    assert not (place / "neighbours.parquet").exists()
    row = pq.read_table(place / "audit.parquet").slice(7, 1).to_pylist()[0]
    kept = {key: row[key] for key in ("row", "id", "row_sha256", "given_label")}
    kept |= {"action": "keep", "run_id": told["run_id"], "reviewer": "", "at": "2026-01-01"}
    (place / "decisions.jsonl").write_text(json.dumps(kept) + "\n")
    second = ("--max-unreadable", "0.1", "-o", tmp_path / "second", "--decisions", place)
    done = run_here("audit", "data", "--epochs", "2", "-q", *second, cwd=folder)
    assert done.code == 0, done.err
    told = json.loads((tmp_path / "second" / "run.json").read_text())
    assert (told["clean"]["rows"], told["training"]["rule"]) == (1, "none steered")
    near = pq.read_table(tmp_path / "second" / "thumbnails.parquet").to_pandas()
    assert near.loc[near["source"] == "clean", "row"].tolist() == [0]


def test_a_prediction_is_led_back_to_pictures_of_data(folder):
    done = run_here("explain", "run", "test.csv", "--row", "3", "--json", "-q", cwd=folder)
    assert done.code == 0, done.err
    found = json.loads(done.out)
    predicted = run_here("predict", "run", "test.csv", "-q", "-o", "again.csv", cwd=folder)
    assert predicted.code == 0
    assert found["predicted"] == pd.read_csv(folder / "again.csv")["predicted_label"][3]
    table = pq.read_table(folder / "run" / "audit.parquet").to_pylist()
    assert found["pushes"]
    for push in found["pushes"]:
        assert table[push["row"]]["id"] == push["id"]
        learned = push["verified_label"] or push["given_label"]
        # Of two classes each row pushes toward its own.
        assert (push["push"] > 0) == (learned == found["label"])
