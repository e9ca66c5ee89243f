"""Shards read in portions into a mapped file are the table that reading them at once gives."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datacleanse.data import ReadOptions, read_data
from datacleanse.data.interface import Request
from datacleanse.data.readers import parquet
from datacleanse.data.readers.parquet import ParquetReader
from datacleanse.data.sources import locate
from datacleanse.errors import InputError, OutputError
from datacleanse.storage import mapped_files
from datacleanse.storage.mapped_files import keep_on_disk
from datacleanse.storage.mapped_tables import is_table_mapped
from tests.tries import tries

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows keeps all in memory")

WORDS = st.sampled_from(["a", "b", "a longer word", "", "1"])

CELLS = {
    "int8": st.integers(-100, 100),
    "int64": st.integers(-(2**60), 2**60),
    "float32": st.floats(width=32, allow_nan=False),
    "float64": st.floats(allow_nan=False),
    "bool": st.booleans(),
    "text": WORDS,
    "long text": WORDS,
    "dictionary": WORDS,
    "date": st.dates(),
    "list": st.lists(st.floats(-1, 1), max_size=3),
}

TYPES = {
    "int8": pa.int8(),
    "int64": pa.int64(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "text": pa.string(),
    "long text": pa.large_string(),
    "dictionary": pa.dictionary(pa.int32(), pa.string()),
    "date": pa.timestamp("us"),
    "list": pa.list_(pa.float64()),
}

ALIKE = [("int8", "int64"), ("float32", "float64"), ("text", "dictionary"), ("dictionary", "text")]
"""Kinds that shards may mix in a column."""


def make_cells(kind, values):
    if kind == "date":
        values = [None if v is None else v.isoformat() for v in values]
        return pa.array(values, pa.string()).cast(pa.timestamp("us"))
    if kind == "dictionary":
        return pa.array(values, pa.string()).dictionary_encode().cast(TYPES[kind])
    return pa.array(values, TYPES[kind])


@st.composite
def shards(draw):
    """One to three tables of the same columns, of which some have other types."""
    kinds = draw(st.lists(st.sampled_from([*((k, k) for k in CELLS), *ALIKE]), min_size=1))
    tables = []
    for number in range(draw(st.integers(1, 3))):
        n = draw(st.integers(0, 7))
        columns = {}
        for place, pair in enumerate(kinds):
            kind = pair[number % 2]
            cells = st.lists(st.none() | CELLS[kind], min_size=n, max_size=n)
            columns[f"c{place}"] = make_cells(kind, draw(cells))
        tables.append(pa.table(columns))
    return tables


def read(folder, *, is_streamed):
    location = locate(folder)
    with (
        mock.patch.object(parquet, "LARGE_TABLE", 0),
        mock.patch.object(parquet, "ROWS_AT_ONCE", 3),
    ):
        if not is_streamed:
            return ParquetReader().read(location, request=Request())
        with keep_on_disk(Path(folder), 0):
            return ParquetReader().read(location, request=Request())


@settings(max_examples=tries(120), deadline=None)
@given(shards())
def test_the_streamed_table_is_the_one_that_is_read_at_once(tables):
    with tempfile.TemporaryDirectory() as folder:
        for number, table in enumerate(tables):
            pq.write_table(table, Path(folder) / f"{number}.parquet", row_group_size=4)
        at_once, streamed = (read(folder, is_streamed=each) for each in (False, True))
        assert streamed.column_names == at_once.column_names
        for name, kind in zip(at_once.column_names, at_once.schema.types, strict=True):
            assert streamed.column(name).to_pylist() == at_once.column(name).to_pylist()
            found = streamed.schema.field(name).type
            # Text may be held as codes, which are marked so that they can be undone.
            assert found == kind or pa.types.is_dictionary(found)
        assert sum(table.num_rows for table in tables) == streamed.num_rows


def make_table(n, *, first=0):
    rows = range(first, first + n)
    return pa.table(
        {
            "x": [float(k) for k in rows],
            "c": [f"w{k % 3}" for k in rows],
            "name": [f"row {k}" for k in rows],
            "label": [f"k{k % 2}" for k in rows],
        }
    )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data").mkdir()
    for number in range(3):
        pq.write_table(make_table(40, first=40 * number), tmp_path / "data" / f"{number}.parquet")
    return tmp_path / "data"


@pytest.fixture
def streaming(monkeypatch, tmp_path):
    monkeypatch.setattr(parquet, "LARGE_TABLE", 0)
    with keep_on_disk(tmp_path, 0):
        yield


def test_a_data_set_is_the_same_in_every_field(folder, monkeypatch, tmp_path):
    at_once = read_data(folder, ReadOptions())
    monkeypatch.setattr(parquet, "LARGE_TABLE", 0)
    with keep_on_disk(tmp_path, 0):
        streamed = read_data(folder, ReadOptions())
    assert is_table_mapped(streamed.table)
    assert not is_table_mapped(at_once.table)
    assert streamed.table.schema.equals(at_once.table.schema, check_metadata=True)
    assert streamed.table.equals(at_once.table)
    assert streamed.schema == at_once.schema
    assert streamed.notices == at_once.notices
    assert streamed.labels.tolist() == at_once.labels.tolist()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_without_a_place_on_disk_all_is_read_at_once(folder, monkeypatch):
    monkeypatch.setattr(parquet, "LARGE_TABLE", 0)
    assert not is_table_mapped(read_data(folder, ReadOptions()).table)


def test_folders_named_by_a_column_are_one(tmp_path, streaming):
    for year in (2019, 2020):
        (tmp_path / "data" / f"year={year}").mkdir(parents=True)
        pq.write_table(make_table(20), tmp_path / "data" / f"year={year}" / "a.parquet")
    found = read_data(tmp_path / "data", ReadOptions()).table
    assert found.column("year").to_pylist() == ["2019"] * 20 + ["2020"] * 20


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (make_table(5).drop_columns(["x"]), "different columns: x"),
        (make_table(5).set_column(0, "x", pa.array([[1.0]] * 5)), "do not fit together"),
    ],
)
def test_shards_that_do_not_fit_are_refused_before_any_row_is_read(
    folder, streaming, table, words, monkeypatch
):
    pq.write_table(table, folder / "9.parquet")
    monkeypatch.setattr(parquet, "keep_portions", lambda portions: pytest.fail("read"))
    with pytest.raises(InputError, match=words) as caught:
        read_data(folder, ReadOptions())
    assert caught.value.slug == "shards-differ"


def test_a_shard_that_is_cut_off_is_named(folder, streaming):
    whole = (folder / "2.parquet").read_bytes()
    (folder / "2.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"2\.parquet is not a readable Parquet file"):
        read_data(folder, ReadOptions())


def test_a_shard_that_is_damaged_within_is_named(folder, streaming):
    pq.write_table(make_table(40), folder / "2.parquet", compression="none", use_dictionary=False)
    whole = bytearray((folder / "2.parquet").read_bytes())
    whole[4:200] = bytes(196)
    (folder / "2.parquet").write_bytes(whole)
    with pytest.raises(InputError, match=r"2\.parquet is not a readable Parquet file"):
        read_data(folder, ReadOptions())


def test_a_full_disk_is_one_error_and_leaves_nothing(folder, streaming, monkeypatch, tmp_path):
    class Full:
        def __init__(self, *_):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(mapped_files.pa.ipc, "new_file", Full)
    with pytest.raises(OutputError, match="No space left") as caught:
        read_data(folder, ReadOptions())
    assert caught.value.slug == "disk-full"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]
