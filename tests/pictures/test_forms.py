"""Every form of pictures lists the same ones; what is wrong with a folder or manifest is said."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather as pafeather
import pyarrow.parquet as pq
import pytest

from datacleanse.errors import InputError
from datacleanse.pictures.find import find_pictures
from datacleanse.pictures.forms import FORMS
from datacleanse.pictures.interface import Asked
from datacleanse.pictures.signatures import PictureError
from tests.pictures.made import class_folders, picture

CLASSES = ("cat", "dog")
DATA = Asked("DATA")


@pytest.fixture
def root(tmp_path):
    """Two class folders with three pictures each."""
    return class_folders(tmp_path / "pets", CLASSES, 3)


def rows_of(root):
    """(path, label, bytes) of each picture of class folders."""
    paths = sorted(root.rglob("*.png"))
    return [(path, path.parent.name, path.read_bytes()) for path in paths]


def _manifest(root, name, write):
    frame = pd.DataFrame(
        {
            "path": [path.relative_to(root).as_posix() for path, _, _ in rows_of(root)],
            "label": [label for _, label, _ in rows_of(root)],
            "weight": 1.5,
        }
    )
    write(frame, root / name)
    return root / name


def _csv(root):
    return _manifest(root, "list.csv", lambda frame, path: frame.to_csv(path, index=False))


def _jsonl(root):
    return _manifest(
        root, "list.jsonl", lambda frame, path: frame.to_json(path, orient="records", lines=True)
    )


def _parquet(root):
    return _manifest(root, "list.parquet", lambda frame, path: frame.to_parquet(path))


def _absolute(root):
    frame = pd.DataFrame(
        {
            "image": [str(path) for path, _, _ in rows_of(root)],
            "y": [c for _, c, _ in rows_of(root)],
        }
    )
    frame.to_csv(root / "list.tsv", sep="\t", index=False)
    return root / "list.tsv"


def _in_memory(root):
    return pd.DataFrame(
        {
            "filepath": [str(p) for p, _, _ in rows_of(root)],
            "label": [c for _, c, _ in rows_of(root)],
        }
    )


def _metadata(name):
    def make(root):
        lines = [
            {"file_name": path.relative_to(root).as_posix(), "label": label}
            for path, label, _ in rows_of(root)
        ]
        if name.endswith("csv"):
            pd.DataFrame(lines).to_csv(root / name, index=False)
        else:
            (root / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
        return root

    return make


def _encoded(root, kind="binary"):
    blobs = [blob for _, _, blob in rows_of(root)]
    if kind == "struct":
        named = [{"bytes": blob, "path": f"{at}.png"} for at, blob in enumerate(blobs)]
        image = pa.array(named, pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    else:
        image = pa.array(blobs, pa.large_binary() if kind == "large" else pa.binary())
    return pa.table({"image": image, "label": [label for _, label, _ in rows_of(root)]})


def _bytes_parquet(kind):
    def make(root):
        pq.write_table(_encoded(root, kind), root / "data.parquet", row_group_size=2)
        return root / "data.parquet"

    return make


def _shards(root):
    table = _encoded(root, "struct")
    folder = root.parent / "shards"
    folder.mkdir()
    pq.write_table(table.slice(0, 2), folder / "0.parquet")
    pq.write_table(table.slice(2), folder / "1.parquet", row_group_size=1)
    return folder


def _feather(root):
    pafeather.write_feather(_encoded(root), root / "data.feather")
    return root / "data.feather"


def _train(root):
    place = root.parent / "split"
    place.mkdir()
    root.rename(place / "train")
    class_folders(place / "test", CLASSES, 1, first=50)
    return place


def _other_name(root):
    return _encoded(root).rename_columns(["picture", "label"])


FORMS_MADE = {
    "class folders": lambda root: root,
    "class folders below train": _train,
    "csv": _csv,
    "jsonl": _jsonl,
    "parquet of paths": _parquet,
    "absolute paths in a tsv": _absolute,
    "frame of paths": _in_memory,
    "metadata.csv": _metadata("metadata.csv"),
    "metadata.jsonl": _metadata("metadata.jsonl"),
    "parquet of bytes": _bytes_parquet("binary"),
    "parquet of large bytes": _bytes_parquet("large"),
    "parquet of structs": _bytes_parquet("struct"),
    "shards of structs": _shards,
    "feather of bytes": _feather,
    "frame of bytes": lambda root: _encoded(root).to_pandas(),
    "frame of structs": lambda root: _encoded(root, "struct").to_pandas(),
    "table of bytes": _encoded,
    "the only column of bytes": _other_name,
}


@pytest.mark.parametrize("make", FORMS_MADE.values(), ids=FORMS_MADE)
def test_every_form_lists_the_same_pictures(root, make):
    expected = [(label, blob) for _, label, blob in rows_of(root)]
    listing = find_pictures(make(root), DATA)
    assert listing.form in {form.name for form in FORMS}
    assert len(listing.store) == listing.table.num_rows == 6
    labels = listing.table.column(listing.label).to_pylist()
    blobs = [(row, blob()) for row, blob in listing.store.iterate_blobs(np.arange(6))]
    assert [row for row, _ in blobs] == list(range(6))
    assert list(zip(labels, (blob for _, blob in blobs), strict=True)) == expected
    assert not any(pa.types.is_binary(field.type) for field in listing.table.schema)


@pytest.mark.parametrize("make", FORMS_MADE.values(), ids=FORMS_MADE)
@pytest.mark.parametrize("rows", [[], [5], [0, 3, 4]])
def test_some_pictures_can_be_had_by_their_rows(root, make, rows):
    expected = [blob for _, _, blob in rows_of(root)]
    store = find_pictures(make(root), DATA).store
    found = [(row, blob()) for row, blob in store.iterate_blobs(np.array(rows, np.int64))]
    assert found == [(row, expected[row]) for row in rows]


def test_every_form_is_tried(root):
    found = {find_pictures(make(root.parent / "copy"), DATA).form for make in _fresh(root)}
    assert found == {form.name for form in FORMS}


def _fresh(root):
    """Ways to make each form, each on a fresh copy of the folders."""
    import shutil

    for make in FORMS_MADE.values():
        for name in ("copy", "split", "shards"):
            shutil.rmtree(root.parent / name, ignore_errors=True)
        shutil.copytree(root, root.parent / "copy")
        yield make


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"x": [1.0, 2.0], "label": ["a", "b"]}),
        pa.table({"path": ["a.txt", "b.txt"], "label": ["a", "b"]}),
        pa.table({"path": ["/usr/bin", "/etc/x.png"], "label": ["a", "b"]}),
        pa.table({"image": [1, 2], "label": ["a", "b"]}),
        pa.table({"one": [b"a"], "two": [b"b"], "label": ["a"]}),
        pa.table({"key": [b"\xff\0", None, b""], "label": ["a", "b", "b"]}),
    ],
    ids=["no path", "other endings", "mostly others", "numbers", "two columns of bytes", "bytes"],
)
def test_other_tables_are_tables(table):
    assert find_pictures(table, DATA) is None


def test_a_dropped_column_of_paths_makes_a_table(root):
    assert find_pictures(_csv(root), Asked("DATA", drop=("path",))) is None


def notices(listing):
    return {notice.slug: notice.message for notice in listing.notices}


def test_hidden_files_and_clutter_are_not_seen(root):
    for name in (".DS_Store", "._001.png", "Thumbs.db", ".thumbs/x.png", "__MACOSX/cat/1.png"):
        path = root / "cat" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"clutter")
    (root / ".git").mkdir()
    listing = find_pictures(root, DATA)
    assert len(listing.store) == 6
    assert not listing.notices


def test_what_is_left_out_is_said(root):
    (root / "empty").mkdir()
    (root / "loose.png").write_bytes(picture(1))
    (root / "cat" / "notes.txt").write_text("x")
    said = notices(find_pictures(root, DATA))
    assert "1 folder without pictures" in said["class-folder-empty"]
    assert "'empty'" in said["class-folder-empty"]
    assert "'loose.png'" in said["pictures-without-class"]
    assert ".txt" in said["files-no-pictures"]
    assert "cat/notes.txt" in said["files-no-pictures"]


def test_folders_below_a_class_belong_to_it(root):
    (root / "cat" / "more" / "deep").mkdir(parents=True)
    (root / "cat" / "more" / "deep" / "x.png").write_bytes(picture(70))
    listing = find_pictures(root, DATA)
    rows = dict(zip(*(listing.table.column(n).to_pylist() for n in ("path", "label")), strict=True))
    assert rows["cat/more/deep/x.png"] == "cat"


@pytest.mark.skipif(os.name == "nt", reason="making links takes a privilege on Windows")
def test_links_are_followed_once(root):
    (root / "cat" / "loop").symlink_to(root)
    (root / "cat" / "self.png").symlink_to("self.png")
    elsewhere = root.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "linked.png").write_bytes(picture(71))
    (root / "dog" / "more").symlink_to(elsewhere)
    listing = find_pictures(root, DATA)
    paths = listing.table.column("path").to_pylist()
    assert "dog/more/linked.png" in paths
    assert len(paths) == 8
    assert "cat/loop" in notices(listing)["folder-loop"]
    at = paths.index("cat/self.png")
    [(_, blob)] = listing.store.iterate_blobs(np.array([at]))
    with pytest.raises(PictureError, match="loop of links"):
        blob()


@pytest.mark.skipif(os.name == "nt", reason="no such names on Windows")
@pytest.mark.parametrize(
    "name", ["a b.png", 'it\'s "x".png', "ü漢字.PNG", "new\nline.png", "%s{}.png"]
)
def test_any_name_will_do(root, name):
    (root / "cat" / name).write_bytes(picture(72))
    listing = find_pictures(root, DATA)
    at = listing.table.column("path").to_pylist().index(f"cat/{name}")
    [(_, blob)] = listing.store.iterate_blobs(np.array([at]))
    assert blob() == picture(72)


@pytest.mark.skipif(os.name == "nt", reason="no such names on Windows")
def test_a_name_that_is_no_text_is_spelled_out(root):
    try:
        Path(os.fsdecode(os.fsencode(root / "cat") + b"/\xff.png")).write_bytes(picture(73))
    except OSError:
        pytest.skip("the file system takes only UTF-8")
    listing = find_pictures(root, DATA)
    at = listing.table.column("path").to_pylist().index("cat/\\xff.png")
    [(_, blob)] = listing.store.iterate_blobs(np.array([at]))
    assert blob() == picture(73)


def find_error(source, asked=DATA):
    with pytest.raises(InputError) as caught:
        find_pictures(source, asked)
    return caught.value


def test_the_wrong_level_is_told_with_the_right_one(root):
    above = find_error(root.parent)
    assert (above.slug, f"{root.parent}/pets" in above.hint) == ("pictures-level", True)
    below = find_error(root / "cat")
    assert (below.slug, "folder above" in below.hint) == ("pictures-level", True)


def test_a_single_class_folder_is_no_audit(root):
    for path in (root / "dog").iterdir():
        path.unlink()
    assert find_error(root).slug == "label-one-class"


def test_parts_of_a_set_go_by_their_role(root):
    split = _train(root)
    class_folders(split / "val", CLASSES, 2, first=60)
    counts = {
        role: len(find_pictures(split, Asked(role)).store) for role in ("DATA", "CLEAN", "TEST")
    }
    assert counts == {"DATA": 6, "CLEAN": 4, "TEST": 2}
    assert "test, val" in notices(find_pictures(split, DATA))["pictures-part"]
    assert find_error(split, Asked("NEW")).slug == "pictures-split"


def test_classes_may_be_named_like_parts_if_no_class_folders_lie_in_them(root):
    (root / "cat").rename(root / "train")
    (root / "dog").rename(root / "test")
    listing = find_pictures(root, DATA)
    assert set(listing.table.column("label").to_pylist()) == {"train", "test"}


def test_new_pictures_need_no_classes(root):
    listing = find_pictures(root / "cat", Asked("NEW"))
    assert (listing.label, len(listing.store)) == (None, 3)
    table = _encoded(root).drop_columns(["label"])
    pq.write_table(table, root / "new.parquet")
    for source in (table, root / "new.parquet"):
        listing = find_pictures(source, Asked("NEW"))
        assert (listing.label, len(listing.store), listing.table.num_rows) == (None, 6, 6)


def test_shards_beside_a_picture_are_a_table(tmp_path):
    pq.write_table(pa.table({"x": [1.0, 2.0], "label": ["a", "b"]}), tmp_path / "0.parquet")
    (tmp_path / "plot.png").write_bytes(picture(0))
    assert find_pictures(tmp_path, DATA) is None


def lines(*paths):
    return "path,label\n" + "".join(f"{path},{'ab'[at % 2]}\n" for at, path in enumerate(paths))


def test_a_manifest_that_climbs_out_is_refused(root):
    (root / "m.csv").write_text(lines("cat/000.png", "../secret.png", "cat/../../x.png"))
    error = find_error(root / "m.csv")
    assert error.slug == "path-outside"
    assert "rows 1, 2" in error.message
    assert "../secret.png" in error.message
    (root / "m.csv").write_text(lines("cat/000.png", "cat/001.png", "..\\secret.png"))
    assert find_error(root / "m.csv").slug == "path-outside"
    (root / "m.csv").write_text(lines("cat/../dog/003.png", "cat/000.png", "..hidden/a.png"))
    assert len(find_pictures(root / "m.csv", DATA).store) == 3


def test_what_a_manifest_points_to_in_vain_is_told_picture_by_picture(root):
    (root / "cat" / "folder.png").mkdir()
    paths = [
        "gone.png",
        "cat/folder.png",
        "https://x.org/1.png",
        "cat\\000.png",
        "cat/000.png/x.png",
    ]
    (root / "m.csv").write_text(lines(*paths))
    found = []
    for _, blob in find_pictures(root / "m.csv", DATA).store.iterate_blobs(np.arange(5)):
        try:
            found.append(blob())
        except PictureError as error:
            found.append(str(error))
    assert found[:3] == [
        "does not exist",
        "is a folder",
        "is an address; download it and give its path",
    ]
    assert found[3] == (root / "cat/000.png").read_bytes()
    assert found[4] == "does not exist"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes as files on Windows")
def test_a_pipe_named_like_a_picture_is_not_waited_for(root):
    os.mkfifo(root / "cat" / "pipe.png")
    listing = find_pictures(root, DATA)
    at = listing.table.column("path").to_pylist().index("cat/pipe.png")
    [(_, blob)] = listing.store.iterate_blobs(np.array([at]))
    with pytest.raises(PictureError, match="pipe"):
        blob()


def test_the_label_of_another_form_may_have_another_name(root):
    frame = _in_memory(root).rename(columns={"label": "target"})
    assert find_pictures(frame, Asked("CLEAN", label="label")).label == "target"
    assert find_pictures(frame, Asked("NEW", label="label")).label == "target"
    odd = frame.rename(columns={"target": "kind"})
    assert find_error(odd, Asked("CLEAN", label="label")).slug == "label-column-missing"
    assert find_pictures(odd, Asked("NEW", label="label")).label is None
    assert find_pictures(root, Asked("DATA", label="kind")).label == "kind"
    assert find_pictures(odd, Asked("CLEAN", label="kind")).label == "kind"


def test_ids_are_a_column_or_the_paths(root):
    frame = _in_memory(root).assign(key=[f"k{at}" for at in range(6)])
    assert find_pictures(frame, Asked("DATA", id="key")).read_ids().to_pylist()[0] == "k0"
    assert find_pictures(root, DATA).read_ids()[0].as_py() == "cat/000.png"
    assert find_pictures(_encoded(root, "struct"), DATA).read_ids()[2].as_py() == "2.png"
    assert find_pictures(_encoded(root), DATA).read_ids()[2].as_py() == "2"
    twice = frame.assign(key="k")
    assert find_error(twice, Asked("DATA", id="key")).slug == "id-duplicate"
