"""Every form of pictures lists the same ones."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather as pafeather
import pyarrow.parquet as pq
import pytest

from datacleanse.data import write_table
from datacleanse.pictures.decode_one import PictureError
from datacleanse.pictures.find import find_pictures
from datacleanse.pictures.forms import FORMS
from datacleanse.pictures.interface import Asked
from tests.pictures.made import CLASSES, DATA, class_folders, picture, refused


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


def _hugging_face(root):
    """Numbers for labels, and in the metadata what they mean."""
    table = _encoded(root, "struct")
    names = list(CLASSES)[::-1]
    codes = [names.index(label) for label in table.column("label").to_pylist()]
    told = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
    table = table.set_column(1, "label", pa.array(codes))
    table = table.replace_schema_metadata({"huggingface": json.dumps(told)})
    pq.write_table(table, root / "data.parquet")
    return root / "data.parquet"


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
    "parquet of Hugging Face": _hugging_face,
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


@pytest.mark.parametrize("name", ["NA", "null", "None"])
@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet"])
@pytest.mark.parametrize("missing", [None, ("NA", "null", "None")])
def test_a_picture_whose_path_reads_like_a_missing_value_is_found(tmp_path, name, ending, missing):
    """Paths are names: in a manifest such a cell leads to a file."""
    root = class_folders(tmp_path / "root", CLASSES, 6)
    places = [path.relative_to(root).as_posix() for path, _, _ in rows_of(root)]
    labels = [label for _, label, _ in rows_of(root)]
    (root / places[3]).rename(root / name)
    places[3] = name
    write_table(pa.table({"path": places, "label": labels}), root / f"list.{ending}")
    listing = find_pictures(root / f"list.{ending}", Asked("DATA", missing=missing))
    assert listing.read_ids().to_pylist()[3] == name
    ((row, blob),) = listing.store.iterate_blobs(np.array([3]))
    assert (row, blob()) == (3, (root / name).read_bytes())


def test_names_in_the_metadata_are_told(root):
    (notice,) = [
        notice
        for notice in find_pictures(_hugging_face(root), DATA).notices
        if notice.slug == "label-names-from-metadata"
    ]
    assert f"0 is '{CLASSES[-1]}'" in notice.message


def test_a_picture_without_bytes_is_said_to_have_none(root):
    cells = pa.array([{"bytes": None, "path": "cat/0.png"}, {"bytes": b"b", "path": "b"}])
    found = find_pictures(pa.table({"image": cells, "label": ["a", "b"]}), DATA)
    (_, read), _ = found.store.iterate_blobs(np.arange(2))
    with pytest.raises(PictureError, match="has no bytes"):
        read()


def test_every_form_is_tried(root):
    found = {find_pictures(make(root.parent / "copy"), DATA).form for make in _fresh(root)}
    assert found == {form.name for form in FORMS}


def _fresh(root):
    """Ways to make each form, each on a fresh copy of the folders."""
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


def test_the_label_of_another_form_may_have_another_name(root):
    frame = _in_memory(root).rename(columns={"label": "target"})
    assert find_pictures(frame, Asked("CLEAN", label="label")).label == "target"
    assert find_pictures(frame, Asked("NEW", label="label")).label == "target"
    odd = frame.rename(columns={"target": "kind"})
    assert refused(odd, Asked("CLEAN", label="label")).slug == "label-column-missing"
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
    assert refused(twice, Asked("DATA", id="key")).slug == "id-duplicate"


@pytest.mark.parametrize("make", [_csv, _jsonl, _parquet, lambda root: root])
def test_missing_texts_that_are_looked_for_nowhere_are_told(root, make):
    asked = Asked("DATA", missing=("?",))
    slugs = [notice.slug for notice in find_pictures(make(root), asked).notices]
    assert ("missing-unused" in slugs) == (make is not _csv)
    other = find_pictures(make(root), Asked("CLEAN", missing=("?",)))
    assert "missing-unused" not in [notice.slug for notice in other.notices]
