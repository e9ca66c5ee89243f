"""A file read a portion at a time is the file read whole, in every format."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datacleanse.data import (
    ReadOptions,
    read_data,
    read_ids,
    read_like,
    read_portions,
    write_table,
    write_tables,
)
from datacleanse.data.readers import csv, feather, jsonl, parquet
from datacleanse.errors import InputError
from datacleanse.serving.raw_columns import read_raw_columns
from tests.tries import tries

N = 300


@pytest.fixture
def small(monkeypatch):
    """Portions of a few rows."""
    monkeypatch.setattr(parquet, "ROWS_AT_ONCE", 32)
    monkeypatch.setattr(feather, "ROWS_AT_ONCE", 32)
    monkeypatch.setattr(csv, "_BLOCK", 1024)
    blocks = jsonl._split_at_lines

    def cut(location):
        for block in blocks(location):
            lines = block.splitlines(keepends=True)
            for start in range(0, len(lines), 32):
                yield b"".join(lines[start : start + 32])

    monkeypatch.setattr(jsonl, "_split_at_lines", cut)


def table() -> pa.Table:
    rng = np.random.default_rng(0)
    gaps = rng.random(N) < 0.1
    return pa.table(
        {
            "number": pa.array(rng.normal(size=N), mask=gaps),
            "count": pa.array(rng.integers(0, 1000, N)),
            "city": pa.array(rng.choice(["Ulm", "Köln, am Rhein", 'a "b"'], N), mask=gaps),
            "flag": pa.array(rng.random(N) < 0.5),
            "day": pa.array(np.datetime64("2020-01-01", "s") + np.arange(N)),
            "vector": pa.array(list(rng.normal(size=(N, 2)))),
            "label": pa.array(rng.choice(["a", "b"], N)),
        }
    )


SCHEMA = read_data(table(), ReadOptions(label="label")).schema


def write_stream(path):
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table().schema) as writer:
        writer.write_table(table(), max_chunksize=50)


def write_shards(path):
    (path / "part=1").mkdir(parents=True)
    (path / "part=2").mkdir()
    pq.write_table(table().slice(0, 100), path / "part=1" / "0.parquet", row_group_size=40)
    pq.write_table(table().slice(100), path / "part=2" / "0.parquet")


WRITERS = {
    "t.csv": lambda path: write_table(table(), path),
    "t.tsv.gz": lambda path: write_table(table(), path),
    "t.jsonl": lambda path: write_table(table(), path),
    "t.jsonl.zst": lambda path: write_table(table(), path),
    "t.parquet": lambda path: write_table(table(), path),
    "t.feather": lambda path: write_table(table(), path),
    "stream.arrow": write_stream,
    "shards": write_shards,
}


def join_portions(portions):
    """The arrays of all portions, one below the other."""
    parts = [read_raw_columns(portion) for portion in portions]
    return {
        name: np.concatenate([part[name] for part in parts]) for part in parts[:1] for name in part
    }


@pytest.mark.parametrize("name", WRITERS)
def test_portions_are_the_whole_file_in_its_order(small, tmp_path, name):
    WRITERS[name](tmp_path / name)
    # The folders of "shards" are named after a column of their own.
    portions = list(read_portions(str(tmp_path / name), SCHEMA, ignore_extra=True))
    assert len(portions) > 3
    sizes = [portion.n_rows for portion in portions]
    assert [portion.first_row for portion in portions] == [0, *np.cumsum(sizes)[:-1]]
    whole = read_like(str(tmp_path / name), SCHEMA, role="NEW", ignore_extra=True)
    found, expected = join_portions(portions), read_raw_columns(whole)
    for column, values in expected.items():
        np.testing.assert_array_equal(found[column], values)
    assert [each for portion in portions for each in read_ids(portion).to_pylist()] == [
        str(row) for row in range(N)
    ]


@settings(max_examples=tries(25), deadline=None)
@given(
    st.lists(
        st.one_of(
            st.integers(-(2**40), 2**40).map(str),
            st.floats(allow_nan=False, width=32).map(str),
            st.sampled_from(["", "NA", "n/a", "x", " 5 ", "1e400", "-0.0"]),
        ),
        min_size=40,
        max_size=120,
    ),
    st.integers(0, 40),
)
def test_a_number_is_the_same_whatever_stands_around_it(tmp_path_factory, cells, first):
    """CSV blocks get the types of the first one; later ones must not change what was read."""
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    known = [*cells[:first], *(str(k) for k in range(100)), *cells[first:]]
    pd.DataFrame({"number": known, "pad": ["x" * 40] * len(known)}).to_csv(path, index=False)
    schema = read_data(
        pd.DataFrame({"number": np.arange(40.0), "label": ["a", "b"] * 20}),
        ReadOptions(label="label", numeric=("number",)),
    ).schema
    before = csv._BLOCK
    csv._BLOCK = 1000
    # Each portion is judged by itself: one of mostly unreadable numbers would be refused.
    lenient = {"ignore_extra": True, "allow_unknown": True}
    try:
        portions = list(read_portions(str(path), schema, **lenient))
    finally:
        csv._BLOCK = before
    whole = read_raw_columns(read_like(str(path), schema, role="NEW", **lenient))
    np.testing.assert_array_equal(join_portions(portions)["number"], whole["number"])


def test_a_key_that_only_late_lines_name_is_missing_before(small, tmp_path):
    path = tmp_path / "t.jsonl"
    rows = table().drop_columns(["day"]).to_pylist()
    for row in rows[:200]:
        del row["city"]
    rows[-1]["day"] = "2020-01-01"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = join_portions(read_portions(str(path), SCHEMA))
    assert list(found["city"][:200]) == [""] * 200
    assert found["city"][250] != "" or found["city"][251] != ""


def test_a_key_that_no_line_names_is_a_missing_column(small, tmp_path):
    path = tmp_path / "t.jsonl"
    write_table(table().drop_columns(["city"]), path)
    with pytest.raises(InputError, match="lacks 1 column of DATA: city"):
        list(read_portions(str(path), SCHEMA))


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_messages_count_rows_from_the_file_s_start(small, tmp_path, ending):
    """Of a column that is retyped late in the file, after portions that were fine."""
    cells = [str(value) for value in table().column("count").to_pylist()]
    cells[200:] = [f"n{row}" for row in range(200, N)]
    spoiled = table().set_column(1, "count", pa.array(cells))
    path = tmp_path / f"t.{ending}"
    write_table(spoiled, path)
    portions = read_portions(str(path), SCHEMA)
    seen = []
    with pytest.raises(InputError) as caught:
        seen.extend(portion.n_rows for portion in portions)
    assert caught.value.slug == "column-retyped"
    row = int(caught.value.message.split("in row ")[1].split()[0])
    assert 200 <= row < N
    assert f"'n{row}'" in caught.value.message


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.csv", "number,count\n", "a header but no rows"),
        ("t.jsonl", "\n\n", "neither columns nor rows"),
        ("t.csv", "a;b\n1;2\n", "a single column"),
        ("t.csv", "a,b\n1,2\n1,2,3\n", "3 cells"),
        ("t.csv", 'number,count,city,flag,day,vector\n1,1,a,0,,"[1, 2]\n', "open quote"),
        ("t.jsonl", '{"a": 1}\n{"a": \n', "row 1 "),
        ("t.jsonl", "[1]\n", "not an object"),
    ],
)
def test_what_reading_whole_refuses_is_refused_here_too(tmp_path, name, content, said):
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        list(read_portions(str(tmp_path / name), SCHEMA))


def test_a_cut_file_is_one_error(tmp_path):
    write_table(table(), tmp_path / "t.csv.gz")
    content = (tmp_path / "t.csv.gz").read_bytes()
    (tmp_path / "t.csv.gz").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"t\.csv\.gz"):
        list(read_portions(str(tmp_path / "t.csv.gz"), SCHEMA))


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.jsonl.gz", "t.parquet", "t.feather"])
def test_tables_written_one_by_one_are_the_table_written_whole(tmp_path, name):
    parts = [table().slice(start, 70) for start in range(0, N, 70)]
    assert write_tables(iter(parts), tmp_path / name) == N
    write_table(table(), tmp_path / f"whole-{name}")
    found, expected = (
        read_like(str(tmp_path / each), SCHEMA, role="NEW") for each in (name, f"whole-{name}")
    )
    for column, values in read_raw_columns(expected).items():
        np.testing.assert_array_equal(read_raw_columns(found)[column], values)


def test_a_suffix_asked_for_overrules_the_name(tmp_path):
    write_tables([pa.table({"a": [1]})], tmp_path / "out.txt.gz", suffix=".jsonl")
    assert gzip.decompress((tmp_path / "out.txt.gz").read_bytes()) == b'{"a": 1}\n'


def test_what_fails_half_way_leaves_no_file(tmp_path):
    def tables():
        yield pa.table({"a": [1]})
        raise InputError("broken", slug="x", hint="y")

    with pytest.raises(InputError):
        write_tables(tables(), tmp_path / "t.csv")
    assert not list(tmp_path.iterdir())
