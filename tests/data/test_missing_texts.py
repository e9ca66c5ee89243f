"""What counts as missing: in a CSV some texts do, which can be said; in typed text no word does."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather as pafeather
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datacleanse.data import (
    ReadOptions,
    hash_rows,
    read_categories,
    read_data,
    read_ids,
    read_like,
    read_numbers,
    read_portions,
)
from datacleanse.data.columns import MISSING_TEXTS
from datacleanse.records import Schema
from datacleanse.serving.raw_columns import read_raw_columns
from datacleanse.storage.typed_json import from_json
from tests.tries import tries

LIKE_MISSING = sorted(MISSING_TEXTS - {""})
LAND = ["NA", "EU", None, "null", "EU", "NA", "AS", "None"]
LABEL = ["u", "v"] * 4
X = [0.5 * at for at in range(8)]
CSV = "land,x,label\n" + "".join(
    f"{'' if land is None else land},{x},{label}\n"
    for land, x, label in zip(LAND, X, LABEL, strict=True)
)


def write(tmp_path, name):
    table = pa.table({"land": LAND, "x": X, "label": LABEL})
    path = tmp_path / name
    if name.endswith("csv"):
        path.write_text(CSV)
    elif name.endswith("jsonl"):
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    elif name.endswith("parquet"):
        pq.write_table(table, path)
    else:
        pafeather.write_feather(table, path)
    return str(path)


def lands(data):
    """The category of each row; None where it is missing."""
    column = next(column for column in data.schema.columns if column.name == "land")
    codes, names = read_categories(data, column)
    return [None if code < 0 else names[code] for code in codes]


WORDS = [None if land is None else land for land in LAND]
NO_WORDS = [land if land in ("EU", "AS") else None for land in LAND]


@pytest.mark.parametrize("name", ["d.parquet", "d.feather", "d.jsonl"])
@pytest.mark.parametrize("told", [(), ("land",)])
def test_in_typed_text_every_word_is_one(tmp_path, name, told):
    data = read_data(write(tmp_path, name), ReadOptions(categorical=told))
    assert lands(data) == WORDS
    assert "cells-missing" not in [notice.slug for notice in data.notices]


@pytest.mark.parametrize("dtype", [object, "string", "category"])
def test_in_frames_too(dtype):
    frame = pd.DataFrame({"land": pd.Series(LAND, dtype=dtype), "x": X, "label": LABEL})
    assert lands(read_data(frame, ReadOptions())) == WORDS


def test_in_a_csv_they_are_missing_unless_the_column_is_said_to_hold_names(tmp_path):
    source = write(tmp_path, "d.csv")
    assert lands(read_data(source, ReadOptions())) == NO_WORDS
    assert lands(read_data(source, ReadOptions(categorical=("land",)))) == WORDS


def test_what_counts_as_missing_in_a_csv_can_be_said(tmp_path):
    source = write(tmp_path, "d.csv")
    for told in ((), ("land",)):
        data = read_data(source, ReadOptions(categorical=told, missing=("EU", "null")))
        assert lands(data) == ["NA", None, None, None, None, "NA", "AS", "None"]
    assert lands(read_data(source, ReadOptions(missing=()))) == WORDS
    typed = read_data(write(tmp_path, "d.parquet"), ReadOptions(missing=("EU",)))
    assert lands(typed) == WORDS


def test_numbers_stay_numbers_where_some_are_missing(tmp_path):
    path = tmp_path / "d.csv"
    lines = [
        f"{at},{'?' if at % 5 == 3 else at * 2},{-9 if at % 4 == 1 else at}" for at in range(40)
    ]
    path.write_text("k,x,z,label\n" + "".join(f"{e},{'uv'[i % 2]}\n" for i, e in enumerate(lines)))
    data = read_data(str(path), ReadOptions(missing=("?", "-9"), drop=("k",)))
    assert {column.name: column.kind for column in data.schema.columns} == {
        "x": "numeric",
        "z": "numeric",
    }
    x, z = (read_numbers(data, column) for column in data.schema.columns)
    assert np.flatnonzero(np.isnan(x)).tolist() == list(range(3, 40, 5))
    assert np.flatnonzero(np.isnan(z)).tolist() == list(range(1, 40, 4))
    (notice,) = [each for each in data.notices if each.slug == "cells-missing"]
    assert "18 cells of" in notice.message
    assert "'-9' 10 (column 'z' 10); '?' 8 (column 'x' 8)" in notice.message


@pytest.mark.parametrize("said", ["-999", "-999.0", "-999.00"])
@pytest.mark.parametrize("strange", ["", "oops"])
def test_a_missing_number_is_one_in_every_spelling(tmp_path, said, strange):
    """As in a column of numbers, so in one of text, whichever a reader makes of it."""
    cells = ["-999", "-999.0", "-999.00", "-998.5", "999", "-9990", strange or "7"] * 6
    path = tmp_path / "d.csv"
    lines = [f"{cell},{at % 3 - 999},{at}.5,{'uv'[at % 2]}" for at, cell in enumerate(cells)]
    path.write_text("x,whole,z,label\n" + "".join(f"{line}\n" for line in lines))
    data = read_data(str(path), ReadOptions(missing=(said,), numeric=("x",)))
    x, whole, _ = (read_numbers(data, column) for column in data.schema.columns)
    expected = [np.nan] * 3 + [-998.5, 999, -9990, np.nan if strange else 7]
    np.testing.assert_array_equal(x, expected * 6)
    np.testing.assert_array_equal(np.isnan(whole), np.arange(len(cells)) % 3 == 0)
    (notice,) = [each for each in data.notices if each.slug == "cells-missing"]
    assert "'-999.0' 6 (column 'x' 6)" in notice.message
    (portion,) = read_portions(str(path), data.schema, allow_unknown=True)
    np.testing.assert_array_equal(read_numbers(portion, data.schema.columns[0]), x)


def test_a_missing_number_is_no_other_one_and_no_name(tmp_path):
    """Not the next number of 19 digits, nor a code with a zero in front."""
    path = tmp_path / "d.csv"
    numbers = ["9007199254740993", "9007199254740992", "7"] * 8
    codes = ["07", "7", "7.0"] * 8
    lines = [
        f"{n},{c},{'uv'[at % 2]}" for at, (n, c) in enumerate(zip(numbers, codes, strict=True))
    ]
    path.write_text("n,code,label\n" + "".join(f"{line}\n" for line in lines))
    options = ReadOptions(missing=("9007199254740993", "7"), categorical=("code",))
    data = read_data(str(path), options)
    present = [None, 9007199254740992, None] * 8
    assert [None if n is None else int(n) for n in data.table["n"].to_pylist()] == present
    assert data.table["code"].to_pylist() == ["07", None, None] * 8


@pytest.mark.parametrize("name", ["d.parquet", "d.feather", "d.jsonl"])
def test_texts_that_are_looked_for_nowhere_are_told(tmp_path, name):
    data = read_data(write(tmp_path, name), ReadOptions(missing=("EU",)))
    (notice,) = [each for each in data.notices if each.slug == "missing-unused"]
    assert (notice.is_warning, notice.cells) == (True, 0)
    assert "--missing" in notice.message
    assert name in notice.message
    quiet = read_data(write(tmp_path, "d.csv"), ReadOptions(missing=("EU",)))
    assert "missing-unused" not in [each.slug for each in quiet.notices]


def test_one_notice_counts_missing_cells_by_text_and_column(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("a,b,c,label\nNA,1,,u\n,NA,2020-01-01,v\nw,NA,,u\nNA,4,2020-01-03,v\n")
    data = read_data(str(path), ReadOptions(label="label"))
    (notice,) = [each for each in data.notices if each.slug == "cells-missing"]
    assert notice.message.startswith(
        f"7 cells of {path} count as missing: 'NA' 4 (column 'a' 2, 'b' 2); empty 3 (column 'c' 2, "
        "'a' 1). "
    )
    assert "--missing" in notice.message


def test_a_table_without_gaps_is_told_nothing(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("a,label\nw,u\nx,v\nx,u\nw,v\n")
    data = read_data(str(path), ReadOptions())
    assert [notice.slug for notice in data.notices] == ["label-chosen"]


@pytest.mark.parametrize("source", ["d.csv", "d.parquet"])
@pytest.mark.parametrize("other", ["d.csv", "d.parquet", "d.jsonl"])
@pytest.mark.parametrize("told", [(), ("land",)])
def test_other_files_are_read_as_data_is(tmp_path, source, other, told):
    """Also by a schema that was saved and read back, whole and in portions."""
    data = read_data(write(tmp_path, source), ReadOptions(categorical=told))
    schema = from_json(Schema, json.loads(json.dumps(asdict(data.schema))))
    assert schema == data.schema
    path = write(tmp_path, other)
    after = read_like(path, schema, role="CLEAN")
    assert lands(after) == lands(data)
    np.testing.assert_array_equal(hash_rows(after), hash_rows(data))
    (portion,) = read_portions(path, schema)
    expected = ["" if land is None else land for land in lands(data)]
    assert read_raw_columns(portion)["land"].tolist() == expected


def test_schemas_of_before_read_as_they_did(tmp_path):
    schema = read_data(write(tmp_path, "d.parquet"), ReadOptions()).schema
    saved = json.loads(json.dumps(asdict(schema)))
    del saved["missing"]
    for column in saved["columns"]:
        del column["na_is_word"]
    data = read_like(write(tmp_path, "e.parquet"), from_json(Schema, saved), role="CLEAN")
    assert lands(data) == NO_WORDS


def test_an_id_in_quotes_is_a_name_in_portions_too(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text('key,x,label\n"NA",1,u\nb,2,v\n"null",3,u\n')
    data = read_data(str(path), ReadOptions(id="key"))
    (portion,) = read_portions(str(path), data.schema)
    assert read_ids(portion).to_pylist() == ["NA", "b", "null"]


@settings(
    max_examples=tries(30),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    words=st.lists(st.sampled_from([*LIKE_MISSING, "", "w", "7", "a b"]), min_size=6, max_size=20),
    missing=st.none() | st.lists(st.sampled_from([*LIKE_MISSING, "7", "w"]), max_size=3),
)
def test_exactly_what_is_said_is_missing(tmp_path, words, missing):
    path = tmp_path / "d.csv"
    lines = [f"{word},{at}.5,{'uv'[at % 2]}" for at, word in enumerate(words)]
    path.write_text("land,x,label\n" + "".join(f"{line}\n" for line in lines))
    said = None if missing is None else tuple(missing)
    data = read_data(str(path), ReadOptions(categorical=("land",), missing=said))
    absent = {"", *(missing or ())}
    assert lands(data) == [None if word in absent else word for word in words]
    counted = sum(word in absent for word in words)
    told = [each.message for each in data.notices if each.slug == "cells-missing"]
    assert [f"{counted} cell" in message for message in told] == [True] * bool(counted)
