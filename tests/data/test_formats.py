"""The contract of table readers: one small table, the same Dataset from every format."""

from __future__ import annotations

import gzip
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather as pafeather
import pyarrow.parquet as pq
import pytest

from datacleanse.data import (
    ReadOptions,
    fingerprint,
    hash_rows,
    read_categories,
    read_data,
    read_ids,
    read_like,
    read_moments,
    read_numbers,
    write_table,
)
from datacleanse.data.readers import READERS

OPTIONS = ReadOptions(id="key")
WRITTEN = [
    f"t{suffix}{packing}"
    for reader in READERS
    for suffix in reader.suffixes
    for packing in (("", ".gz", ".zst") if reader.compressible else ("",))
]


def ipc_stream(table, path):
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


def shards(table, path):
    path.mkdir()
    pq.write_table(table.slice(0, 20), path / "part-0.parquet")
    pq.write_table(table.slice(20), path / "part-1.parquet")
    (path / "_SUCCESS").touch()
    (path / "_meta.parquet").write_bytes(b"no data")


@pytest.fixture(params=[*WRITTEN, "frame", "table", "stream.arrow", "folder", "glob", "dictionary"])
def same_table(request, mixed, tmp_path):
    table = pa.Table.from_pandas(mixed, preserve_index=False)
    name = request.param
    path = tmp_path / name
    if name == "frame":
        return mixed
    if name == "table":
        return table
    if name == "stream.arrow":
        ipc_stream(table, path)
    elif name in ("folder", "glob"):
        shards(table, path)
        return path if name == "folder" else path / "part-*.parquet"
    elif name == "dictionary":
        return mixed.astype({"colour": "category", "label": "category"})
    else:
        write_table(table, path)
    return path


def forget_words(schema):
    """The schema without whether NA is a word, and the labels' type: a CSV has neither."""
    return replace(
        schema, label_type=None, columns=tuple(replace(c, na_is_word=False) for c in schema.columns)
    )


def test_every_format_gives_the_same_dataset(same_table, mixed):
    expected, found = read_data(mixed, OPTIONS), read_data(same_table, OPTIONS)
    assert forget_words(found.schema) == forget_words(expected.schema)
    assert found.schema.label_type in (None, expected.schema.label_type)
    assert found.given_labels == expected.given_labels == ("no", "yes")
    np.testing.assert_array_equal(found.labels, expected.labels)
    assert read_ids(found).to_pylist() == list(mixed["key"])
    for column in expected.schema.columns:
        if column.kind == "categorical":
            codes, names = read_categories(found, column)
            expected_codes, expected_names = read_categories(expected, column)
            assert names == expected_names == ('blue, "sky"\nlight', "green", "red")
            np.testing.assert_array_equal(codes, expected_codes)
            assert codes[4] == -1
        else:
            read = read_moments if column.kind == "datetime" else read_numbers
            np.testing.assert_array_equal(read(found, column), read(expected, column))
    np.testing.assert_array_equal(hash_rows(found), hash_rows(expected))


def test_hashes_do_not_depend_on_the_portions_they_are_made_in(same_table, monkeypatch):
    whole = hash_rows(read_data(same_table, OPTIONS))
    monkeypatch.setattr("datacleanse.data.portions.ROWS_AT_ONCE", 3)
    np.testing.assert_array_equal(hash_rows(read_data(same_table, OPTIONS)), whole)


def test_every_format_can_be_held_to_the_schema(same_table, mixed):
    data = read_data(mixed, OPTIONS)
    clean = read_like(same_table, data.schema, role="CLEAN")
    np.testing.assert_array_equal(clean.labels, data.labels)
    np.testing.assert_array_equal(hash_rows(clean), hash_rows(data))
    assert not clean.notices


def test_kinds_and_values_are_those_of_the_table(mixed):
    data = read_data(mixed, OPTIONS)
    assert [(column.name, column.kind) for column in data.schema.columns] == [
        ("size", "numeric"),
        ("count", "numeric"),
        ("colour", "categorical"),
        ("ready", "boolean"),
        ("when", "datetime"),
    ]
    by_name = {column.name: column for column in data.schema.columns}
    size = read_numbers(data, by_name["size"])
    assert np.isnan(size[3])
    assert size[7] == 0.1 * 7
    assert read_numbers(data, by_name["ready"])[:5].tolist() == [1, 0, 0, 0, 1]
    when = read_moments(data, by_name["when"])
    assert when[1] == pd.Timestamp("2020-01-01 01:00", tz="UTC").value // 1000
    assert when[5] == np.iinfo(np.int64).min


def test_a_byte_order_mark_is_no_part_of_the_first_name(csv):
    assert read_data(csv(b"\xef\xbb\xbflabel,x\na,1\nb,2\n"), ReadOptions()).schema.label == "label"


def test_a_delimiter_can_be_named(csv):
    data = read_data(csv("x;label\n1;a\n2;b\n"), ReadOptions(delimiter=";"))
    assert data.schema.columns[0].name == "x"
    clean = read_like(csv("x\tlabel\n1\ta\n"), data.schema, role="CLEAN", delimiter="\\t")
    assert clean.n_rows == 1


def test_a_type_that_changes_after_the_first_block_loses_nothing(csv):
    head = "1,007,,a\n2,008,,b\n" * 200_000
    path = csv(f"x,code,late,label\n{head}2.5,A1,2020-01-01,a\n")
    data = read_data(path, ReadOptions())
    assert data.table.column("x")[-1].as_py() == 2.5
    assert data.table.column("code").slice(400_000).to_pylist() == ["A1"]
    assert data.table.column("late").slice(400_000).to_pylist() == ["2020-01-01"]


def test_a_row_longer_than_a_block_is_read(csv):
    path = csv(f'z,x,label\n1,"{"long " * 500_000}",a\n2,short,b\n')
    assert len(read_data(path, ReadOptions(drop=())).table.column("x")[0].as_py()) == 2_500_000


def test_json_of_mixed_types_is_read_as_text(csv):
    rows = "".join(f'{{"x": {value}, "label": "{"ab"[at % 2]}"}}\n' for at, value in enumerate(
        [*range(30), '"?"']
    ))  # fmt: skip
    data = read_data(csv(rows, "t.jsonl"), ReadOptions())
    assert data.schema.columns[0].kind == "numeric"
    assert read_numbers(data, data.schema.columns[0])[:3].tolist() == [0, 1, 2]


def test_json_ids_that_look_like_dates_stay_as_written(csv):
    path = csv(
        '{"d":"2020-01-01","x":1,"label":"a"}\n{"d":"2020-01-02","x":2,"label":"b"}\n', "t.jsonl"
    )
    assert read_ids(read_data(path, ReadOptions(id="d"))).to_pylist() == [
        "2020-01-01",
        "2020-01-02",
    ]


def test_folders_named_key_value_are_columns(tmp_path):
    for name in ("label=a", "label=b%20c", "label=d"):
        (tmp_path / name).mkdir()
        pq.write_table(pa.table({"x": [1.5, 2.5]}), tmp_path / name / "0.parquet")
    data = read_data(tmp_path, ReadOptions())
    assert data.schema.classes == ("a", "b c", "d")
    assert data.labels.tolist() == [0, 0, 1, 1, 2, 2]


def test_an_address_of_memory_is_read(mixed):
    import fsspec

    with fsspec.open("memory://bucket/t.csv", "w", newline="") as file:
        mixed.to_csv(file, index=False)
    data = read_data("memory://bucket/t.csv", OPTIONS)
    assert data.source == "memory://bucket/t.csv"
    np.testing.assert_array_equal(hash_rows(data), hash_rows(read_data(mixed, OPTIONS)))


def test_an_address_of_a_file_is_read(mixed, tmp_path):
    path = tmp_path / "t.parquet"
    mixed.to_parquet(path)
    assert read_data(path.as_uri(), OPTIONS).n_rows == 60
    assert fingerprint(path.as_uri()) == fingerprint(path)


def test_a_named_index_is_a_column_and_another_is_not(mixed):
    named = read_data(mixed.set_index("key"), OPTIONS)
    assert read_ids(named)[0].as_py() == "000"
    filtered = read_data(mixed[mixed["count"] > 2], OPTIONS)
    assert "__index_level_0__" not in filtered.table.column_names


def test_objects_of_several_types_in_a_frame_are_read_as_text():
    frame = pd.DataFrame({"x": [1, "u", None, 2.5], "label": ["a", "b", "a", "b"]})
    assert read_data(frame, ReadOptions()).table.column("x").to_pylist() == ["1", "u", None, "2.5"]


def test_arrow_types_of_other_tools_are_made_plain():
    table = pa.table(
        {
            "view": pa.array(["u", "v", None], pa.string_view()),
            "runs": pa.RunEndEncodedArray.from_arrays([2, 3], pa.array([1.5, 2.5])),
            "label": pa.array(["a", "b", "a"], pa.large_string()),
        }
    )
    data = read_data(table, ReadOptions())
    assert [column.kind for column in data.schema.columns] == ["categorical", "numeric"]
    assert read_numbers(data, data.schema.columns[1]).tolist() == [1.5, 1.5, 2.5]


def test_repeated_text_is_held_as_a_dictionary_but_not_declared_one():
    codes = pa.array(["12", "7", "13"] * 20)
    data = read_data(pa.table({"x": codes, "label": pa.array(["a", "b"] * 30)}), ReadOptions())
    assert pa.types.is_dictionary(data.table.column("x").type)
    again = read_data(data.table, ReadOptions())
    assert again.schema == data.schema


def test_the_fingerprint_is_of_the_bytes(csv, tmp_path):
    import hashlib

    path = csv("x,label\n1,a\n")
    assert fingerprint(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    packed = tmp_path / "t.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    assert fingerprint(packed) == hashlib.sha256(packed.read_bytes()).hexdigest()


def test_fingerprints_of_shards_and_frames_change_with_the_content(tmp_path, mixed):
    table = pa.Table.from_pandas(mixed)
    shards(table, tmp_path / "folder")
    before = fingerprint(tmp_path / "folder")
    assert before == fingerprint(tmp_path / "folder")
    pq.write_table(table.slice(21), tmp_path / "folder" / "part-1.parquet")
    assert fingerprint(tmp_path / "folder") != before
    assert fingerprint(mixed) == fingerprint(mixed.copy())
    assert fingerprint(mixed) != fingerprint(mixed.assign(count=1))


def test_feather_compressed_inside_is_read(tmp_path, mixed):
    pafeather.write_feather(mixed, tmp_path / "t.feather", compression="zstd")
    assert read_data(tmp_path / "t.feather", OPTIONS).n_rows == 60
