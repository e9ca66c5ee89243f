"""Folders as `datasets.Dataset.save_to_disk` writes them, read without that library."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from datacleanse.data import ReadOptions, read_data
from datacleanse.data.class_names import add_class_names
from datacleanse.errors import InputError

NAMES = ["cat", "dog"]


def table(*codes):
    found = pa.table({"x": [float(i) for i in range(len(codes))], "label": list(codes)})
    return add_class_names(found, {"label": NAMES})


def save(folder, *tables, listed=None):
    """The files and the list of them; ``listed`` names others than those that are there."""
    folder.mkdir()
    names = [f"data-{i:05d}-of-{len(tables):05d}.arrow" for i in range(len(tables))]
    for name, each in zip(names, tables, strict=True):
        with pa.OSFile(str(folder / name), "w") as file, pa.ipc.new_stream(file, each.schema) as to:
            to.write_table(each)
    state = {"_data_files": [{"filename": name} for name in listed or names], "_split": None}
    (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
    return folder


def test_files_are_joined_in_the_order_of_the_list_and_others_left_out(tmp_path):
    first, second = table(1, 1, 0), table(0, 1)
    folder = save(tmp_path / "set", first, second)
    with pa.OSFile(str(folder / "cache-1.arrow"), "w") as file:
        pa.ipc.new_stream(file, first.schema).write_table(first)
    listed = [f"data-0000{i}-of-00002.arrow" for i in (1, 0)]
    state = {"_data_files": [{"filename": name} for name in listed]}
    (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")

    data = read_data(folder, ReadOptions())
    assert data.schema.classes == ("cat", "dog")
    assert data.labels.tolist() == [0, 1, 1, 1, 0]
    assert data.table.column("x").to_pylist() == [0.0, 1.0, 0.0, 1.0, 2.0]


def test_a_set_of_parts_names_them(tmp_path):
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train", "test"]}', encoding="utf-8")
    with pytest.raises(InputError, match="'train', 'test'") as caught:
        read_data(tmp_path, ReadOptions())
    assert f"{tmp_path}/train" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("state.json", "{"),
        ("state.json", "[]"),
        ("state.json", '{"_data_files": [1]}'),
        ("state.json", '{"_data_files": []}'),
        ("state.json", '{"_data_files": [{"filename": "../elsewhere.arrow"}]}'),
        ("dataset_dict.json", "[" * 100_000),
    ],
)
def test_a_damaged_list_is_named(file, content, tmp_path):
    (tmp_path / file).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=f"{file} does not list"):
        read_data(tmp_path, ReadOptions())


def test_a_file_that_is_listed_and_gone_is_named(tmp_path):
    folder = save(tmp_path / "set", table(0, 1), listed=["data-00007-of-00008.arrow"])
    with pytest.raises(InputError, match="set is not a readable Arrow file"):
        read_data(folder, ReadOptions())


def test_files_with_other_columns_are_refused(tmp_path):
    other = table(0, 1).rename_columns(["y", "label"])
    folder = save(tmp_path / "set", table(0, 1), other)
    with pytest.raises(InputError, match="do not have the same columns"):
        read_data(folder, ReadOptions())
