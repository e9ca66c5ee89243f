"""Shards of Parquet: written one by one, and one table all the same."""

from __future__ import annotations

import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datacleanse.data import ReadOptions, read_data
from datacleanse.data.readers.frame import convert_frame
from datacleanse.data.rewriting import Edits, Rewriting, rewrite
from datacleanse.data.sources import locate
from datacleanse.errors import InputError

TEXTS = (["b", "a", "b"], ["c", "a", None])

STORED = {
    "text": pa.array,
    "long text": lambda cells: pa.array(cells, pa.large_string()),
    "dictionary": lambda cells: pa.array(cells).dictionary_encode(),
    "narrow dictionary": lambda cells: (
        pa.array(cells).dictionary_encode().cast(pa.dictionary(pa.int8(), pa.string()))
    ),
    "ordered dictionary": lambda cells: pa.DictionaryArray.from_arrays(
        pa.array(cells).dictionary_encode().indices,
        pa.array(cells).dictionary_encode().dictionary,
        ordered=True,
    ),
}


def write_shards(folder, *tables):
    folder.mkdir()
    for number, table in enumerate(tables):
        pq.write_table(table, folder / f"{number}.parquet")
    return folder


@pytest.mark.parametrize("second", STORED)
@pytest.mark.parametrize("first", STORED)
def test_text_and_dictionaries_of_it_are_one_column(tmp_path, first, second):
    stored = (STORED[first](TEXTS[0]), STORED[second](TEXTS[1]))
    tables = [
        pa.table({"x": [1.0, 2.0, 3.0], "c": cells, "label": ["u", "v", "u"]}) for cells in stored
    ]
    for at, table in enumerate(tables):
        labels = STORED[(first, second)[at]](table.column("label").to_pylist())
        tables[at] = table.set_column(2, "label", labels)
    data = read_data(write_shards(tmp_path / "data", *tables), ReadOptions())
    assert data.table.column("c").to_pylist() == [*TEXTS[0], *TEXTS[1]]
    assert data.schema.classes == ("u", "v")
    assert data.labels.tolist() == [0, 1, 0, 0, 1, 0]


def test_dictionaries_in_every_shard_stay_categories(tmp_path):
    narrow, ordered = STORED["narrow dictionary"], STORED["ordered dictionary"]
    tables = [
        pa.table({"x": [1.0, 2.0], "label": make(["1.0", "1"])}) for make in (narrow, ordered)
    ]
    data = read_data(write_shards(tmp_path / "data", *tables), ReadOptions())
    assert data.schema.classes == ("1", "1.0")


def test_text_beside_numbers_is_refused(tmp_path):
    tables = [pa.table({"x": [1, 2], "label": cells}) for cells in (["a", "b"], [1, 2])]
    with pytest.raises(InputError, match="do not fit together"):
        read_data(write_shards(tmp_path / "data", *tables), ReadOptions())


def name_classes(table, names):
    told = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
    return table.replace_schema_metadata({"huggingface": json.dumps(told)})


NUMBERED = pa.table({"x": [0.5, 1.5, 2.5, 3.5], "label": pa.array([0, 1, 2, 1], pa.int8())})


def test_names_of_classes_in_the_metadata_hold_for_all_shards(tmp_path):
    named = name_classes(NUMBERED, ["no", "so", "yes"])
    data = read_data(write_shards(tmp_path / "data", named, named), ReadOptions())
    assert [data.schema.classes[code] for code in data.labels] == ["no", "so", "yes", "so"] * 2


@pytest.mark.parametrize("names", [["yes", "so", "no"], None])
def test_shards_whose_numbers_mean_other_classes_are_refused(tmp_path, names):
    first = name_classes(NUMBERED, ["no", "so", "yes"])
    second = NUMBERED if names is None else name_classes(NUMBERED, names)
    with pytest.raises(InputError, match="name classes differently"):
        read_data(write_shards(tmp_path / "data", first, second), ReadOptions())


def relabel(source, target, labels):
    data = read_data(source, ReadOptions())
    task = Rewriting(locate(source), data.table, "label", None, Edits(labels, frozenset()))
    rewrite(task, target, check=lambda path: None)


def test_new_labels_are_written_as_the_numbers_that_stood_there(tmp_path):
    named = name_classes(NUMBERED, ["no", "so", "yes"])
    pq.write_table(named, tmp_path / "data.parquet")
    relabel(tmp_path / "data.parquet", tmp_path / "cleaned.parquet", {0: "yes", 3: "no"})
    written = pq.read_table(tmp_path / "cleaned.parquet")
    assert written.schema.equals(named.schema, check_metadata=True)
    assert written.column("label").to_pylist() == [2, 1, 2, 0]
    relabel(tmp_path / "data.parquet", tmp_path / "cleaned.csv", {0: "yes"})
    cleaned = pd.read_csv(tmp_path / "cleaned.csv")
    assert cleaned["label"].tolist() == ["yes", "so", "yes", "so"]


def test_a_new_label_that_has_no_number_is_refused(tmp_path):
    pq.write_table(name_classes(NUMBERED, ["no", "so", "yes"]), tmp_path / "data.parquet")
    with pytest.raises(InputError, match="'maybe' of row 2 is none of the classes") as caught:
        relabel(tmp_path / "data.parquet", tmp_path / "cleaned.parquet", {2: "maybe"})
    assert "'so'" in caught.value.message
    assert not (tmp_path / "cleaned.parquet").exists()


def test_a_table_in_memory_keeps_its_names():
    named = name_classes(NUMBERED, ["no", "so", "yes"])
    assert convert_frame(named) is named
    assert read_data(named, ReadOptions()).schema.classes == ("no", "so", "yes")
