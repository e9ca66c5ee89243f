"""From a source to a Dataset and its pixels: size, colours, memory, what is left out."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from datacleanse.auditing.reading import Request, read_inputs
from datacleanse.data import ReadOptions
from datacleanse.errors import InputError, OutputError, SettingsError
from datacleanse.pictures import decode_all as module
from datacleanse.pictures import worker_processes
from datacleanse.pictures.chunks import ColourFoundError
from datacleanse.pictures.decode_all import choose_shape, decode_all
from datacleanse.pictures.decode_one import decode
from datacleanse.pictures.find import find_pictures
from datacleanse.pictures.interface import Asked
from datacleanse.pictures.read import read_picture_data, read_pictures_like
from datacleanse.progress import SILENT
from datacleanse.storage import mapped_files
from datacleanse.storage.mapped_files import is_mapped, keep_on_disk
from tests.data.conftest import Listener, slugs
from tests.pictures.made import class_folders, encoded, picture, scene

CLASSES = ("cat", "dog", "emu")


@pytest.fixture
def root(tmp_path):
    """Three class folders with four pictures each, 32 x 24 pixels."""
    return class_folders(tmp_path / "data", CLASSES, 4)


def read(root, **options):
    listing = find_pictures(root, Asked("DATA"))
    return read_picture_data(
        listing, ReadOptions(**options), scratch=Path(root).parent, progress=SILENT
    )


def read_like_data(source, dataset, pictures, role="CLEAN", **options):
    return read_pictures_like(
        source,
        dataset.schema,
        role=role,
        shape=pictures.shape,
        options=ReadOptions(**options),
        scratch=Path.cwd(),
        progress=SILENT,
    )


def test_rows_are_the_files_in_order_with_their_pixels(root):
    dataset, pictures = read(root)
    paths = dataset.table.column("path").to_pylist()
    assert paths == sorted(path.relative_to(root).as_posix() for path in root.rglob("*.png"))
    assert [dataset.schema.classes[code] for code in dataset.labels] == [p[:3] for p in paths]
    assert (dataset.schema.columns, dataset.schema.id) == ((), "path")
    hashes = [hashlib.sha256((root / path).read_bytes()).hexdigest() for path in paths]
    assert dataset.table.column("sha256").to_pylist() == hashes
    assert pictures.values.dtype == np.uint8
    for row, path in enumerate(paths):
        expected = np.asarray(decode((root / path).read_bytes(), (24, 24)).image)
        assert (pictures.values[row] == expected.transpose(2, 0, 1)).all()
    assert (pictures.sizes == (32, 24)).all()


@pytest.mark.parametrize(
    ("size", "side"),
    [((32, 32), 32), ((28, 28), 28), ((30, 30), 28), ((500, 400), 64), ((4, 4), 8), ((20, 80), 40)],
)
def test_the_side_follows_from_the_pictures(tmp_path, size, side):
    class_folders(tmp_path, CLASSES, 3, size=(16, 16))
    for path in tmp_path.rglob("*.png"):
        Image.new("RGB", size, (1, 2, 3)).save(path)
    assert choose_shape(find_pictures(tmp_path, Asked("DATA")).store, None) == (3, side, side)


def test_a_side_can_be_asked_for(root):
    assert read(root, image_size=17)[1].values.shape == (12, 3, 17, 17)
    for size in (7, 1025):
        with pytest.raises(SettingsError, match=str(size)):
            ReadOptions(image_size=size)


def test_grey_pictures_have_one_channel_however_they_are_stored(root):
    for at, path in enumerate(sorted(root.rglob("*.png"))):
        grey = Image.open(path).convert("L")
        (grey.convert("RGB") if at % 2 else grey).save(path)
    dataset, pictures = read(root)
    assert pictures.shape == (1, 24, 24)
    coloured = class_folders(root.parent / "clean", CLASSES, 1, first=90)
    assert read_like_data(coloured, dataset, pictures)[1].shape == (1, 24, 24)


def test_one_coloured_picture_that_no_probe_met_is_not_turned_grey(root, monkeypatch):
    paths = sorted(root.rglob("*.png"))
    for path in paths:
        Image.open(path).convert("L").save(path)
    scene(5).save(paths[5])
    monkeypatch.setattr(module, "_PROBED", 2)
    assert choose_shape(find_pictures(root, Asked("DATA")).store, None)[0] == 1
    listener = Listener()
    listing = find_pictures(root, Asked("DATA"))
    _, pictures = read_picture_data(listing, ReadOptions(), scratch=root, progress=listener)
    assert pictures.shape == (3, 24, 24)
    assert [name for name, _ in listener.stages] == ["Decoding DATA", "Decoding DATA"]


def spoil_pictures(root, *names):
    for name in names:
        (root / name).write_bytes(b"no picture")


def test_unreadable_pictures_are_named_counted_and_left_out(root):
    whole, _ = read(root)
    spoil_pictures(root, "cat/001.png", "emu/010.png")
    dataset, pictures = read(root, max_unreadable=0.2)
    kept = np.delete(np.arange(12), [1, 10])
    assert pictures.places.tolist() == kept.tolist()
    assert len(pictures.values) == dataset.n_rows == len(pictures.sha256) == 10
    names = whole.table.column("path").take(kept).to_pylist()
    assert dataset.table.column("path").to_pylist() == names
    assert (dataset.labels == whole.labels[kept]).all()
    for row, name in enumerate(names):
        expected = np.asarray(decode((root / name).read_bytes(), (24, 24)).image)
        assert (pictures.values[row] == expected.transpose(2, 0, 1)).all()
    assert [(u.place, u.id) for u in pictures.unreadable] == [
        (1, "cat/001.png"),
        (10, "emu/010.png"),
    ]
    [notice] = [n for n in dataset.notices if n.slug == "pictures-unreadable"]
    assert "2 of 12 pictures" in notice.message
    assert "'cat/001.png' is no picture" in notice.message
    assert notice.is_warning


@pytest.mark.parametrize(
    ("share", "n_spoiled", "is_refused"),
    [(0.0, 1, True), (0.05, 1, False), (0.05, 2, True), (0.25, 3, False), (0.25, 4, True)],
)
def test_too_many_unreadable_pictures_are_an_error(root, share, n_spoiled, is_refused):
    names = [path.relative_to(root) for path in sorted(root.rglob("*.png"))]
    spoil_pictures(root, *names[:n_spoiled])
    if not is_refused:
        assert read(root, max_unreadable=share)[0].n_rows == 12 - n_spoiled
        return
    with pytest.raises(InputError) as caught:
        read(root, max_unreadable=share)
    assert caught.value.slug == "pictures-unreadable"
    assert f"{n_spoiled} of 12" in caught.value.message
    assert "--max-unreadable" in caught.value.hint


def test_nothing_readable_is_an_error_whatever_is_allowed(root):
    spoil_pictures(root, *(path.relative_to(root) for path in root.rglob("*.png")))
    with pytest.raises(InputError, match="12 of 12"):
        read(root, max_unreadable=1.0)


def test_a_class_of_unreadable_pictures_is_no_class(root):
    spoil_pictures(root, *(path.relative_to(root) for path in (root / "emu").iterdir()))
    dataset, _ = read(root, max_unreadable=0.5)
    assert dataset.schema.classes == ("cat", "dog")


def test_a_manifest_of_files_that_are_not_there_says_where_they_were_looked_for(root):
    frame = pd.DataFrame({"path": ["a/1.png", "b/2.png"], "label": ["a", "b"]})
    frame.to_csv(root / "m.csv", index=False)
    with pytest.raises(InputError) as caught:
        read(root / "m.csv")
    assert "'a/1.png' does not exist" in caught.value.message
    assert "manifest's folder" in caught.value.hint


@pytest.mark.skipif(
    os.name == "nt" or (hasattr(os, "geteuid") and os.geteuid() == 0), reason="root may read all"
)
def test_a_file_that_may_not_be_read_is_named(root):
    (root / "cat" / "001.png").chmod(0)
    _, pictures = read(root, max_unreadable=0.1)
    assert pictures.unreadable[0].reason == "may not be read: permission denied"


def test_class_folders_that_differ_by_case_or_form_are_told_and_kept_apart(tmp_path):
    names = ("cat", "Cat", "café", unicodedata.normalize("NFD", "café"))
    for at, name in enumerate(names):
        class_folders(tmp_path / "root", (name,), 2, first=10 * at)
    if len(list((tmp_path / "root").iterdir())) < len(names):
        pytest.skip("the file system does not tell them apart")
    data = read(tmp_path / "root")[0]
    assert set(data.schema.classes) == set(names)
    (notice,) = [notice for notice in data.notices if notice.slug == "classes-look-alike"]
    assert "'Cat' (2 rows), 'cat' (2 rows)" in notice.message
    assert "(2 rows, U+00E9)" in notice.message


def test_what_is_only_about_tables_is_refused(root):
    with pytest.raises(SettingsError, match="numeric="):
        read(root, numeric=("x",))


def test_beyond_memory_pixels_lie_in_a_file_without_a_name(root, monkeypatch):
    _, in_memory = read(root)
    spoil_pictures(root, "cat/001.png")
    monkeypatch.setattr(module, "measure_free_memory", lambda: 0)
    monkeypatch.setattr(module, "_BLOCK", 5000)  # rows are moved in several blocks
    before = sorted(root.parent.rglob("*"))
    _, pictures = read(root)
    assert is_mapped(pictures.values)
    assert sorted(root.parent.rglob("*")) == before
    assert (pictures.values == np.delete(in_memory.values, 1, axis=0)).all()


def test_less_memory_allowed_than_is_free_counts_too(root, tmp_path):
    with keep_on_disk(tmp_path, allowed=1000):
        _, pictures = read(root)
    assert is_mapped(pictures.values)
    assert not is_mapped(read(root)[1].values)


def test_a_disk_that_is_too_small_is_said_before_the_pictures_are_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "measure_free_memory", lambda: 0)

    def full(handle, size):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mapped_files, "reserve", full)
    with pytest.raises(OutputError, match="No space left"):
        module.allocate((10, 3, 8, 8), tmp_path / "not" / "there")


def test_many_pictures_in_many_chunks_keep_their_places(tmp_path):
    blobs = [picture(seed, size=(9, 9)) for seed in range(150)]
    blobs[77] = b""
    frame = pd.DataFrame({"image": blobs, "label": ["a", "b"] * 75})
    listing = find_pictures(frame, Asked("DATA"))
    pixels = decode_all(listing.store, (3, 9, 9), scratch=tmp_path, progress=SILENT)
    assert pixels.rows.tolist() == [row for row in range(150) if row != 77]
    assert pixels.failures == {77: "is empty (0 bytes)"}
    for at, row in enumerate(pixels.rows):
        expected = np.asarray(decode(blobs[row], (9, 9)).image).transpose(2, 0, 1)
        assert (pixels.values[at] == expected).all()


@pytest.fixture
def many(monkeypatch):
    """Few pictures count as many, and one core as two."""
    monkeypatch.setattr(module, "MANY", 1)
    monkeypatch.setattr(module, "count_cores", lambda: 2)


def _frame(root):
    return pd.DataFrame({"image": [path.read_bytes() for path in sorted(root.rglob("*.png"))]})


@pytest.mark.parametrize("make", [lambda root: root, _frame], ids=["files", "bytes"])
def test_processes_give_what_threads_give(root, many, make):
    class_folders(root, CLASSES, 20, first=100)
    spoil_pictures(root, "cat/001.png")
    (root / "dog" / "004.png").unlink()
    store = find_pictures(make(root), Asked("NEW")).store
    found = decode_all(store, (3, 24, 24), scratch=root, progress=SILENT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MANY", 10**9)
        expected = decode_all(store, (3, 24, 24), scratch=root, progress=SILENT)
    assert found.failures == expected.failures != {}
    for name in ("values", "rows", "sha256", "sizes"):
        assert (getattr(found, name) == getattr(expected, name)).all()


def test_processes_find_colours_too(root, many):
    store = find_pictures(root, Asked("DATA")).store
    with pytest.raises(ColourFoundError):
        decode_all(store, (1, 24, 24), scratch=root, progress=SILENT, must_be_grey=True)


def test_processes_that_are_killed_only_cost_time(root, many, monkeypatch):
    started = []
    start = worker_processes._start_process

    def start_and_kill():
        started.append(start())
        started[-1].kill()
        return started[-1]

    store = find_pictures(root, Asked("DATA")).store
    expected = decode_all(store, (3, 24, 24), scratch=root, progress=SILENT)
    monkeypatch.setattr(worker_processes, "_start_process", start_and_kill)
    found = decode_all(store, (3, 24, 24), scratch=root, progress=SILENT)
    assert len(started) == 2
    assert all(process.poll() is not None for process in started)
    assert (found.values == expected.values).all()


def test_a_pipe_that_takes_a_part_gets_the_rest():
    """As one that is unbuffered does, whose writer was stopped for a while."""

    class Narrow(io.BytesIO):
        def write(self, content):
            return super().write(bytes(content[:1000]))

    pipe = Narrow()
    worker_processes._send(pipe, b"x" * 5_000)
    pipe.seek(0)
    assert worker_processes._receive(pipe) == b"x" * 5_000


def test_where_no_process_can_be_started_threads_decode(root, many, monkeypatch):
    def refuse():
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(worker_processes, "_start_process", refuse)
    store = find_pictures(root, Asked("DATA")).store
    assert len(decode_all(store, (3, 24, 24), scratch=root, progress=SILENT).rows) == 12


@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        (
            "datacleanse.pictures.worker_processes",
            ("torch", "pandas", "pyarrow", "scipy", "sklearn"),
        ),
        (
            "datacleanse.auditing.reading, datacleanse.auditing.picture_files",
            ("PIL", "scipy.sparse", "torch"),
        ),
    ],
    ids=["a process that decodes", "an audit of a table"],
)
def test_nothing_is_loaded_that_is_not_needed(modules, heavy):
    program = f"import sys, {modules}; print([m for m in {heavy!r} if m in sys.modules])"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_clean_may_be_of_another_form_and_lack_classes(root, tmp_path):
    dataset, pictures = read(root)
    frame = pd.DataFrame(
        {"image": [picture(90), picture(91)], "target": ["emu", "cat"], "source": ["x", "y"]}
    )
    clean, clean_pictures = read_like_data(frame, dataset, pictures)
    assert [clean.schema.classes[code] for code in clean.labels] == ["emu", "cat"]
    assert clean.schema.classes == dataset.schema.classes
    assert clean_pictures.shape == pictures.shape


def test_a_class_of_clean_that_data_never_has_is_refused(root):
    dataset, pictures = read(root)
    frame = pd.DataFrame({"image": [picture(90), picture(91)], "label": ["emu", "Dog"]})
    with pytest.raises(InputError) as caught:
        read_like_data(frame, dataset, pictures)
    assert (caught.value.slug, "'dog'" in caught.value.hint) == ("label-unknown", True)


def test_new_pictures_need_no_labels_and_may_have_others(root):
    dataset, pictures = read(root)
    new, new_pictures = read_like_data(root / "cat", dataset, pictures, role="NEW")
    assert (new.labels == -1).all()
    assert new_pictures.values.shape == (4, *pictures.shape)
    frame = pd.DataFrame({"image": [picture(90), picture(91)], "label": ["emu", "yak"]})
    assert read_like_data(frame, dataset, pictures, role="NEW")[0].labels.tolist() == [2, -1]


def test_a_table_beside_pictures_is_refused(root):
    dataset, pictures = read(root)
    with pytest.raises(InputError) as caught:
        read_like_data(pd.DataFrame({"x": [1.0], "label": ["cat"]}), dataset, pictures)
    assert caught.value.slug == "pictures-missing"


def test_the_fingerprint_is_that_of_names_labels_and_contents(root):
    first = read(root)[1].fingerprint
    assert read(root)[1].fingerprint == first
    path = root / "cat" / "000.png"
    path.write_bytes(encoded(Image.open(path), compress_level=1))  # the same pixels
    changed = read(root)[1].fingerprint
    assert changed != first
    (root / "dog" / "005.png").rename(root / "cat" / "005.png")
    assert len({first, changed, read(root)[1].fingerprint}) == 3


def test_inputs_of_an_audit_are_read_and_compared(root, tmp_path):
    clean = class_folders(tmp_path / "clean", CLASSES, 2, first=40)
    (clean / "cat" / "copy.png").write_bytes((root / "dog" / "004.png").read_bytes())
    (root / "emu" / "again.png").write_bytes((root / "cat" / "002.png").read_bytes())
    test = class_folders(tmp_path / "test", CLASSES, 1, first=60)
    inputs = read_inputs(Request(root, (clean,), test), SILENT, tmp_path / "runs")
    assert inputs.pictures.data.shape == (13, 3, 24, 24)
    assert inputs.pictures.clean.shape == (7, 3, 24, 24)
    assert inputs.pictures.test.shape == (3, 3, 24, 24)
    paths = inputs.data.table.column("path").to_pylist()
    overlap = inputs.comparison.overlap
    assert [paths[row] for row in overlap.data_rows] == ["dog/004.png"]
    clean_paths = inputs.clean.table.column("path").to_pylist()
    assert [clean_paths[row] for row in overlap.clean_rows] == ["cat/copy.png"]
    assert overlap.matched_by == "pictures"
    found = slugs(inputs.comparison.notices)
    assert {"verified", "pictures-duplicate"} <= set(found)
    [told] = [n for n in inputs.comparison.notices if n.slug == "verified"]
    assert "1 is mislabelled there (100%)" in told.message
    duplicates = inputs.gallery.duplicates
    assert [paths[row] for row in duplicates.rows] == ["cat/002.png", "emu/again.png"]
    assert duplicates.n_conflicting == 1
    assert set(inputs.sha256) == {"data", "clean", "test"}


def test_data_given_as_clean_is_refused(root):
    with pytest.raises(InputError) as caught:
        read_inputs(Request(root, (root,)), SILENT)
    assert caught.value.slug == "clean-is-data"


def test_tables_are_read_as_ever(tmp_path):
    frame = pd.DataFrame({"x": np.arange(40.0), "label": ["a", "b"] * 20})
    clean = frame.assign(x=frame["x"] + 0.5)
    inputs = read_inputs(Request(frame, (clean,)), SILENT)
    assert (inputs.pictures, inputs.gallery) == (None, None)
    assert inputs.data.n_rows == 40
