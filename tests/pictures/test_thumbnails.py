"""What people are shown: thumbnails, notes on quality, and the files of a run that hold them."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageFilter
from scipy.ndimage import laplace

from datacleanse.auditing.picture_files import describe_pictures, write_picture_files
from datacleanse.auditing.reading import Request, read_inputs
from datacleanse.pictures.quality import Usual, find_usual, measure_sharpness, note_quality
from datacleanse.pictures.thumbnails import make_thumbnails, measure_usual
from datacleanse.progress import SILENT
from datacleanse.storage.atomic_files import write_parquet
from datacleanse.storage.manifest.inputs import DuplicatesSection
from datacleanse.storage.run_folder import RunFolder
from datacleanse.storage.schemas import (
    AUDIT_SCHEMA,
    DUPLICATES_SCHEMA,
    UNREADABLE_SCHEMA,
)
from datacleanse.storage.suspect_schemas import THUMBNAILS_SCHEMA
from tests.pictures.made import class_folders, encoded, scene

SQUARE = Usual(size=(6.0, 8.0), ratio=(-1.0, 1.0), sharpness=100.0)
"""64 to 256 pixels, neither twice as wide as high nor the other way round."""


def notes(image, size=(128, 128), common=SQUARE):
    return note_quality(np.asarray(image.convert("L")), np.array(size, np.int32), common)


def test_sharpness_is_the_variance_of_the_laplacian():
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (20, 31), dtype=np.uint8)
    inner = laplace(grey.astype(float))[1:-1, 1:-1]
    assert measure_sharpness(grey) == pytest.approx(inner.var(), rel=1e-5)
    assert measure_sharpness(grey[:2]) == np.inf


def test_a_good_picture_has_no_notes():
    assert notes(scene(0, size=(128, 128))) == ()


def test_each_fault_is_noted():
    image = scene(0, size=(128, 128))
    assert notes(image.filter(ImageFilter.GaussianBlur(6))) == ("blurred",)
    assert notes(image.point(lambda v: v // 5)) == ("dark",)
    assert notes(Image.new("RGB", (128, 128), (200, 200, 200))) == ("blank",)
    assert notes(Image.new("RGB", (128, 128), (9, 9, 9))) == ("blank", "dark")
    assert notes(image, size=(40, 40)) == ("small",)
    assert notes(image, size=(999, 999)) == ("large",)
    assert notes(image, size=(300, 100)) == ("wide",)
    assert notes(image, size=(100, 300)) == ("tall",)


def test_what_most_pictures_are_is_not_noted():
    sizes = np.array([[32, 32]] * 50 + [[640, 480]] * 50, np.int32)
    common = find_usual(sizes, np.full(100, 40.0))
    assert common.size[0] < 5
    assert common.size[1] > 9.2
    assert common.sharpness == pytest.approx(40.0)
    assert find_usual(sizes, np.full(100, 4000.0)).sharpness == 100.0
    assert find_usual(sizes, np.empty(0)).sharpness == 100.0
    alike = find_usual(np.full((100, 2), 100, np.int32), np.empty(0))
    assert (2 ** alike.size[0], 2 ** alike.size[1]) == pytest.approx((50, 200))


@pytest.fixture
def inputs(tmp_path):
    """DATA with a picture of each kind of thumbnail, an unreadable one and a copy; CLEAN."""
    root = class_folders(tmp_path / "data", ("cat", "dog"), 4, size=(90, 60))
    scene(50, size=(400, 200)).save(root / "cat" / "wide.png")
    scene(51, size=(20, 30)).save(root / "dog" / "tiny.png")
    scene(52, size=(90, 60)).convert("L").save(root / "dog" / "grey.png")
    (root / "dog" / "copy.jpg").write_bytes(encoded(scene(0, size=(90, 60)), "JPEG", quality=95))
    (root / "cat" / "bad.png").write_bytes(b"bad")
    clean = class_folders(tmp_path / "clean", ("cat", "dog"), 2, first=70)
    return read_inputs(Request(root, (clean,)), SILENT, tmp_path)


def test_thumbnails_are_small_pictures_of_their_rows(inputs):
    gallery, ids = inputs.gallery, inputs.data.table.column("path").to_pylist()
    rows = np.array([ids.index(n) for n in ("cat/000.png", "cat/wide.png", "dog/tiny.png")])
    table = make_thumbnails(gallery.data, "data", rows, measure_usual(gallery.data))
    assert table.schema == THUMBNAILS_SCHEMA
    assert table.column("row").to_pylist() == rows.tolist()
    assert set(table.column("source").to_pylist()) == {"data"}
    images = [Image.open(io.BytesIO(blob)) for blob in table.column("image").to_pylist()]
    assert [image.size for image in images] == [(90, 60), (128, 64), (20, 30)]
    assert [image.format for image in images] == ["JPEG", "JPEG", "PNG"]
    originals = [
        scene(0, size=(90, 60)),
        scene(50, size=(400, 200)).resize((128, 64)),
        scene(51, size=(20, 30)),
    ]
    for image, original in zip(images, originals, strict=True):
        difference = np.asarray(image).astype(int) - np.asarray(original)
        assert abs(difference).mean() < 12
    assert (np.asarray(images[2]) == np.asarray(originals[2])).all()
    assert table.column("note").to_pylist()[1] == "large"


def test_a_picture_that_is_gone_has_no_thumbnail(inputs, tmp_path):
    (tmp_path / "data" / "cat" / "001.png").unlink()
    gallery = inputs.gallery
    table = make_thumbnails(gallery.data, "data", np.arange(3), measure_usual(gallery.data))
    ids = inputs.data.table.column("path").to_pylist()
    assert [ids[row] for row in table.column("row").to_pylist()] == ["cat/000.png", "cat/002.png"]


def test_the_run_keeps_thumbnails_duplicates_and_what_was_left_out(inputs, tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    pq.write_table(pa.table({"row": [3, 0], "path": ["x", "y"]}), folder.suspects_file)
    near = {"row": [3, 0], "place": [1, 1], "clean_row": [2, 2]}
    write_parquet(
        folder.neighbours_file, pa.table({**near, "label": ["a", "a"], "distance": [0.5, 0.5]})
    )
    ranks = np.arange(inputs.data.n_rows, 0, -1)
    audit = {each.name: pa.nulls(len(ranks), each.type) for each in AUDIT_SCHEMA}
    pq.write_table(pa.table(audit | {"rank": ranks}), folder.audit_file)
    write_picture_files(folder, inputs)
    shown = pq.read_table(folder.thumbnails_file)
    pairs = list(zip(*(shown.column(n).to_pylist() for n in ("source", "row")), strict=True))
    assert pairs == [("data", 0), ("data", 3), ("clean", 2)]
    duplicates = pq.read_table(folder.duplicates_file)
    assert duplicates.schema.equals(DUPLICATES_SCHEMA)
    ids = inputs.data.table.column("path").to_pylist()
    assert [
        (ids[r["row"]], r["id"], r["match"], r["conflicting"]) for r in duplicates.to_pylist()
    ] == [
        ("cat/000.png", "cat/000.png", "near", True),
        ("dog/copy.jpg", "dog/copy.jpg", "near", True),
    ]
    conflicts = pq.read_table(folder.conflicts_file).to_pylist()
    assert [(ids[each["row"]], each["label"], each["group"]) for each in conflicts] == [
        ("dog/copy.jpg", "dog", 0),
        ("cat/000.png", "cat", 0),
    ]
    left_out = pq.read_table(folder.unreadable_file)
    assert left_out.schema.equals(UNREADABLE_SCHEMA)
    assert [(r["source"], r["id"]) for r in left_out.to_pylist()] == [("data", "cat/bad.png")]
    told = describe_pictures(inputs.gallery)
    assert told is not None
    assert told.unreadable == {"data": 1, "clean": 0}
    assert told.duplicates == DuplicatesSection(rows=2, groups=1, conflicting_groups=1)
    assert (told.channels, told.height, told.width) == (3, 64, 64)


def test_a_run_of_a_table_has_none_of_them(tmp_path):
    folder = RunFolder(tmp_path / "run")
    write_picture_files(folder, SimpleNamespace(gallery=None))
    assert not folder.path.exists()
    assert describe_pictures(None) is None


def test_thumbnails_of_bytes_in_parquet(tmp_path):
    blobs = [encoded(scene(seed)) for seed in range(12)]
    table = pa.table({"image": blobs, "label": ["a", "b"] * 6})
    pq.write_table(table, tmp_path / "data.parquet", row_group_size=5)
    clean = pd.DataFrame(
        {"image": [encoded(scene(seed)) for seed in (20, 21)], "label": ["a", "b"]}
    )
    gallery = read_inputs(Request(tmp_path / "data.parquet", (clean,)), SILENT).gallery
    found = make_thumbnails(gallery.data, "data", np.array([1, 4, 11]), measure_usual(gallery.data))
    for row, blob in zip((1, 4, 11), found.column("image").to_pylist(), strict=True):
        assert (np.asarray(Image.open(io.BytesIO(blob))) == np.asarray(scene(row))).all()
