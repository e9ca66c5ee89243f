"""Drawing rows to verify, and writing tables."""

from __future__ import annotations

import datetime
import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datacleanse.data import (
    ReadOptions,
    hash_rows,
    read_data,
    read_ids,
    read_like,
    read_numbers,
    sample_rows,
    write_table,
)
from datacleanse.errors import OutputError, SettingsError
from tests.tries import tries


def draw_sample(counts, n, seed=0):
    labels = np.repeat([f"c{at}" for at in range(len(counts))], counts)
    table = pa.table({"x": np.arange(len(labels)) * 0.5, "label": labels})
    data = read_data(table, ReadOptions())
    rows = sample_rows(data, n, seed=seed)
    assert (np.diff(rows) > 0).all()
    assert rows.dtype == np.int64
    return np.bincount(data.labels[rows], minlength=len(counts)).tolist(), rows


@pytest.mark.parametrize(
    ("counts", "n", "expected"),
    [
        ([900, 90, 10], 100, [89, 9, 2]),
        ([9000, 900, 2], 200, [180, 18, 2]),
        ([500, 499, 1], 10, [5, 4, 1]),
        ([50, 30, 20], 3, [1, 1, 1]),
        ([60, 40], 100, [60, 40]),
        ([60, 40], 999, [60, 40]),
    ],
)
def test_a_sample_is_stratified_with_two_of_each_class(counts, n, expected):
    assert draw_sample(counts, n)[0] == expected


@given(
    counts=st.lists(st.integers(1, 60), min_size=2, max_size=8).filter(lambda c: sum(c) > 40),
    n=st.integers(1, 300),
)
@settings(deadline=None)
def test_a_sample_has_the_size_asked_for_and_every_class_that_fits(counts, n):
    found, rows = draw_sample(counts, n)
    assert len(rows) == min(n, sum(counts))
    if n >= len(counts):
        assert min(found) >= 1
    if n >= 2 * len(counts):
        assert all(had >= min(2, count) for had, count in zip(found, counts, strict=True))


def test_a_sample_depends_on_the_seed_alone():
    assert (draw_sample([500, 500], 50)[1] == draw_sample([500, 500], 50)[1]).all()
    assert (draw_sample([500, 500], 50)[1] != draw_sample([500, 500], 50, seed=1)[1]).any()


def test_a_sample_written_as_csv_is_found_again_in_data(tmp_path, mixed):
    mixed["narrow"] = np.float32(0.1) * np.arange(60, dtype=np.float32)
    mixed["vector"] = [[0.1 * row, 1.0] for row in range(60)]
    data = read_data(mixed, ReadOptions(id="key"))
    rows = sample_rows(data, 20, seed=0)
    write_table(data.table.take(rows), tmp_path / "to_verify.csv")
    clean = read_like(tmp_path / "to_verify.csv", data.schema, role="CLEAN")
    np.testing.assert_array_equal(hash_rows(clean), hash_rows(data)[rows])
    assert read_ids(clean).to_pylist() == mixed["key"].iloc[rows].tolist()


FINITE = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=8)
MOMENTS = st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2200, 1, 1))
ROWS = st.lists(
    st.tuples(
        st.one_of(st.none(), FINITE),
        st.one_of(st.none(), TEXT.map("t".__add__)),
        st.one_of(st.none(), st.integers(-(2**53), 2**53)),
        st.one_of(st.none(), MOMENTS),
        TEXT.map("id".__add__),
        st.sampled_from(["a", "b, c", "d\n\"e\""]),
    ),
    min_size=2,
    max_size=20,
    unique_by=lambda row: row[4],
)  # fmt: skip


@pytest.mark.parametrize("name", ["t.csv", "t.tsv.gz", "t.jsonl.zst", "t.parquet", "t.feather"])
@given(rows=ROWS)
@settings(
    deadline=None,
    max_examples=tries(40),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
def test_what_is_written_is_read_again(name, rows, tmp_path):
    columns = list(zip(*rows, strict=True))
    types = [pa.float64(), pa.string(), pa.int64(), pa.timestamp("us"), pa.string(), pa.string()]
    arrays = [pa.array(cells, kind) for cells, kind in zip(columns, types, strict=True)]
    table = pa.table(dict(zip(["x", "v", "k", "when", "key", "label"], arrays, strict=True)))
    table = table.append_column("plain", pa.array(np.arange(len(rows)) * 1.5 + 0.25))
    if len(set(columns[5])) < 2:
        return
    path = tmp_path / name
    write_table(table, path)
    data = read_data(table, ReadOptions(id="key"))
    again = read_like(path, data.schema, role="CLEAN")
    np.testing.assert_array_equal(hash_rows(again), hash_rows(data))
    assert read_ids(again).to_pylist() == list(columns[4])
    assert [again.given_labels[code] for code in again.labels] == list(columns[5])


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet", "t.feather"])
def test_nested_and_odd_columns_can_be_written_everywhere(name, tmp_path):
    table = pa.table(
        {
            "vector": [[1.0, None], None],
            "struct": [{"u": datetime.date(2020, 1, 1)}, None],
            "raw": [b"\x00\xff", None],
            "span": [datetime.timedelta(seconds=1.5), None],
            "price": pa.array(["1.50", None]).cast(pa.decimal128(5, 2)),
            "gap": [math.nan, math.inf],
            "flag": pa.array(["u", "v"]).dictionary_encode(),
            "x": [1.5, 2.5],
            "label": ["a", "b"],
        }
    )
    write_table(table, tmp_path / name)
    back = read_data(tmp_path / name, ReadOptions())
    assert back.n_rows == 2
    assert {"price", "x"} <= {column.name for column in back.schema.columns}
    (gap,) = [column for column in back.schema.columns if column.name == "gap"]
    np.testing.assert_array_equal(read_numbers(back, gap), [math.nan, math.inf])


def test_packed_text_is_written_as_text(tmp_path):
    table = pa.table({"x": ["u", "v"] * 30, "label": ["a", "b"] * 30})
    data = read_data(table, ReadOptions())
    write_table(data.table, tmp_path / "t.parquet")
    assert pa.parquet.read_schema(tmp_path / "t.parquet").field("x").type == pa.string()


def test_pandas_reads_the_csv_alike(tmp_path, mixed):
    write_table(pa.Table.from_pandas(mixed), tmp_path / "t.csv")
    frame = pd.read_csv(tmp_path / "t.csv", dtype={"key": "str"}, parse_dates=["when"])
    assert frame["colour"].tolist()[:3] == mixed["colour"].tolist()[:3]
    assert frame["key"].tolist() == mixed["key"].tolist()


@pytest.mark.parametrize("name", ["t.xlsx", "t.parquet.gz", "t"])
def test_an_ending_that_is_not_written_is_refused(name, tmp_path):
    with pytest.raises(SettingsError, match=r"\.csv") as caught:
        write_table(pa.table({"x": [1]}), tmp_path / name)
    assert caught.value.slug == "format-unwritable"
    assert not list(tmp_path.iterdir())


def test_a_file_that_fails_half_way_does_not_appear(tmp_path, monkeypatch):
    from datacleanse.data import write

    def fail(table, sink):
        sink.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(write._WRITERS, ".csv", fail)
    (tmp_path / "t.csv").write_text("old")
    with pytest.raises(OutputError, match="No space"):
        write_table(pa.table({"x": [1]}), tmp_path / "t.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]
    assert (tmp_path / "t.csv").read_text() == "old"
