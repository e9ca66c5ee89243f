"""The hash of a row: the same for equal values in any format, another for any change."""

from __future__ import annotations

import datetime
import decimal
import hashlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from datacleanse.data import (
    ReadOptions,
    digest_features,
    read_data,
    seal_row,
    seal_rows,
    write_table,
)
from datacleanse.data.row_seals import spell_value
from tests.data.conftest import with_label
from tests.tries import tries


def digest_of(value, name="a"):
    (digest,) = digest_features(pa.table({name: pa.array([value])}), label="label")
    return digest


def test_the_hash_is_as_documented():
    """Spelled out, since files of decisions outlive the program that wrote them."""
    table = pa.table({"b": ["hello"], "a": [1.0], "c": pa.nulls(1), "label": ["ja, sí"]})
    cells = b"1:a,1:1," + b"1:b,5:hello," + b"1:c,~"
    features = hashlib.sha256(cells).hexdigest()
    assert digest_features(table, label="label") == [features]
    whole = features.encode() + "7:ja, sí,".encode()
    assert seal_row(features, "ja, sí") == hashlib.sha256(whole).hexdigest()


@pytest.mark.parametrize("name", ["a.csv", "a.tsv.gz", "a.jsonl", "a.parquet", "a.feather"])
def test_all_formats_give_a_row_the_same_hash(mixed, tmp_path, name):
    rows = np.arange(60)
    expected = seal_rows(read_data(mixed, ReadOptions()), rows)
    assert len(set(expected)) == 60
    write_table(pa.Table.from_pandas(mixed), tmp_path / name)
    assert seal_rows(read_data(tmp_path / name, ReadOptions()), rows) == expected


def test_a_row_keeps_its_hash_when_a_cell_elsewhere_changes_the_column_s_type(csv):
    text = "id,n,f,d,b,label\n007,1,1.50,2020-01-01,True,x\n8,2,2,2020-01-02,False,y\n"
    text += "9,3,3,2020-01-03 00:30:00,False,x\n"
    first = read_data(csv(text), ReadOptions(id="id"))
    worse = text + "x,oops,oops,oops,oops,y\n"
    second = read_data(csv(worse, "worse.csv"), ReadOptions(id="id"))
    types = [(str(first.table[c].type), str(second.table[c].type)) for c in "nfdb"]
    assert all(before != after for before, after in types)
    rows = np.arange(3)
    assert seal_rows(first, rows) == seal_rows(second, rows)


value = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.binary(max_size=4)
    | st.dates()
    | st.lists(st.integers(0, 3), max_size=2)
)


@settings(max_examples=tries(300), deadline=None)
@given(first=value, second=value)
def test_different_values_have_different_hashes(first, second):
    assume(str(first) != str(second))
    texts = [None if v is None else spell_value(str(v)) for v in (first, second)]
    assume(texts[0] != texts[1])
    assert digest_of(first) != digest_of(second)


@pytest.mark.parametrize(
    "alike",
    [
        [1, 1.0, "1", "1.0", "001", " 1", decimal.Decimal("1.0"), np.float32(1), np.int8(1)],
        [0.1, "0.1", "0.10", "1e-1", np.float32(0.1), np.float16(0.1)],
        [None, "", " ", float("nan"), np.float32("nan"), np.float16("nan")],
        [True, "true", "True", " TRUE"],
        [
            datetime.date(2020, 1, 1),
            "2020-01-01",
            "2020-01-01T00:00",
            datetime.datetime(2020, 1, 1),
        ],
        ["2020-01-01 10:00:00.500", "2020-01-01T10:00:00.5"],
        [2**62 + 1, str(2**62 + 1)],
        [-0.0, 0, "0", "-0.0"],
    ],
)
def test_the_same_value_has_one_hash_however_it_is_written(alike):
    assert len({digest_of(each) for each in alike}) == 1


@pytest.mark.parametrize("word", ["NA", "nan", "null", "None", "N/A"])
def test_a_word_is_no_missing_cell(word):
    """Else a decision about the one row would fit the other, where rows have moved."""
    assert digest_of(word) not in (digest_of(None), digest_of(""))
    table = pa.table({"a": pa.array([word, None, word]).dictionary_encode()})
    first, second, third = digest_features(table, label="label")
    assert first == third == digest_of(word)
    assert second == digest_of(None)


def test_what_a_csv_calls_missing_is_missing_in_any_column(csv):
    text = "a,b,label\nNA,NA,x\n1,u,y\n,,x\n2,v,y\n"
    data = read_data(csv(text), ReadOptions())
    seals = seal_rows(data, np.arange(4))
    assert seals[0] == seals[2]


@pytest.mark.parametrize(
    "kind",
    [
        pa.timestamp("ns", "Europe/Berlin"),
        pa.duration("s"),
        pa.time64("us"),
        pa.binary(2),
        pa.dictionary(pa.int8(), pa.int64()),
        pa.map_(pa.string(), pa.int64()),
        pa.struct([("a", pa.binary())]),
        pa.decimal128(9, 2),
        pa.null(),
    ],
    ids=str,
)
def test_any_type_of_column_can_be_hashed(kind):
    assert len(digest_features(pa.table({"a": pa.nulls(3, kind)}), label="label")) == 3


def test_cells_cannot_be_moved_between_columns_unnoticed():
    rows = [{"a": "x", "b": "1:y,"}, {"a": "x1:b,4:1:y,", "b": ""}, {"a": "1:y,", "b": "x"}]
    digests = digest_features(pa.Table.from_pylist(rows), label="label")
    assert len(set(digests)) == 3


def test_many_rows_are_hashed_portion_by_portion(monkeypatch):
    data = with_label(a=list(range(50)), b=[f"t{i % 7}" for i in range(50)])
    expected = seal_rows(data, np.arange(50))
    monkeypatch.setattr("datacleanse.data.row_seals.ROWS_AT_ONCE", 8)
    assert seal_rows(data, np.arange(50)) == expected
    assert seal_rows(data, np.array([33, 2])) == [expected[33], expected[2]]


def test_rows_without_features_have_no_hash(monkeypatch):
    data = with_label(a=[1, 2, 3, 4])
    bare = pd.DataFrame({"label": ["x", "y"]})
    from dataclasses import replace

    nothing = replace(data, table=pa.Table.from_pandas(bare), labels=np.array([0, 1]))
    assert seal_rows(nothing, np.arange(2)) == [None, None]
