"""What columns are taken for, and what overrules that."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pyarrow as pa
import pytest

from datacleanse.data import (
    ReadOptions,
    read_categories,
    read_data,
    read_like,
    read_moments,
    read_numbers,
)
from datacleanse.errors import InputError, SettingsError
from tests.data.conftest import kinds, set_aside, slugs, with_label

N = 60
RANDOM = np.random.default_rng(0)


def read_kind(values, *, name="x", **more):
    """Kind of a column beside a plain one."""
    data = with_label(**{name: values, "plain": RANDOM.normal(size=len(values)), **more})
    if data.schema.id == name:
        return "identifier"
    return kinds(data).get(name) or set_aside(data)[name]


def words(count, rows=N):
    return [" ".join(f"w{row}x{at}" for at in range(count)) for row in range(rows)]


COLUMNS = {
    "booleans": (pa.array([True, False, None] * 20), "boolean"),
    "true and false as text": (["true", "False"] * 30, "boolean"),
    "whole numbers": ([1, 5, 9] * 20, "numeric"),
    "zero and one": ([0, 1] * 30, "numeric"),
    "fractions": (RANDOM.normal(size=N), "numeric"),
    "decimals": ([decimal.Decimal(f"{row % 7}.25") for row in range(N)], "numeric"),
    "durations": ([datetime.timedelta(hours=row % 7) for row in range(N)], "numeric"),
    "infinities": ([1.0, float("inf")] * 30, "numeric"),
    "nothing": (pa.nulls(N), "empty"),
    "only NaN": ([float("nan")] * N, "empty"),
    "only empty texts": (["", None] * 30, "empty"),
    "words like missing texts": (["NA", "", None] * 20, "categorical"),
    "one number": ([3] * N, "constant"),
    "one text": (["same"] * N, "constant"),
    "one flag": ([True] * N, "constant"),
    "one moment": ([datetime.date(2020, 1, 1)] * N, "constant"),
    "one value and gaps": (["same", None] * 30, "categorical"),
    "one number and gaps": (pa.array([3, None] * 30), "numeric"),
    "a run in any order": (RANDOM.permutation(N) + 1000, "identifier"),
    "distinct numbers with gaps between": (np.arange(N) * 3, "numeric"),
    "names": (["red", "green", None] * 20, "categorical"),
    "dates": ([datetime.date(2020, 1, 1 + row % 28) for row in range(N)], "datetime"),
    "times of day": ([datetime.time(row % 24) for row in range(N)], "datetime"),
    "zoned moments": (
        pa.array(np.arange(N) * 10**9, pa.timestamp("us", "Europe/Vienna")),
        "datetime",
    ),
    "dates as text": ([f"2020-01-{1 + row % 28:02d}" for row in range(N)], "datetime"),
    "moments as text": ([f"2020-01-01T{row % 24:02d}:00:00+02:00" for row in range(N)], "datetime"),
    "numbers as text": ([f"{row / 7:.3f}" for row in range(N)], "numeric"),
    "numbers and a marker": (["?", *[f"{row / 7:.3f}" for row in range(N)]], "numeric"),
    "codes that are digits in typed text": (["1", "2", "10"] * 20, "categorical"),
    "codes of letters and digits": (
        [*[str(row % 50) for row in range(950)], *[f"V{row % 10}" for row in range(50)]],
        "categorical",
    ),
    "few different codes of letters and digits": (
        [*[f"{row % 100}.5" for row in range(290)], *["V58", "E932", "V45.1", "V58", "x"] * 2],
        "categorical",
    ),
    "codes that hardly repeat": ([*[str(row) for row in range(95)], "V1", "V2"], "numeric"),
    "one code as a marker": ([*[str(row % 40) for row in range(95)], "X9", "X9"], "numeric"),
    "numbers with remarks": (
        [*[str(row % 40) for row in range(95)], "<5", "12*", "ca. 3", "#REF!", "N/A?"], "numeric",
    ),
    "numbers with a unit here and there": (
        [*[str(row % 40) for row in range(95)], "12kg", "7kg", "9 kg", "3kg"], "numeric",
    ),
    "more words than numbers": (["1", "2", "many"] * 20, "categorical"),
    "vectors": ([[float(row), 1.0] for row in range(N)], "embedding"),
    "vectors of fixed size": (
        pa.array([[1, row] for row in range(N)], pa.list_(pa.int8(), 2)), "embedding",
    ),
    "lists of text": ([["u"]] * N, "nested"),
    "structs": ([{"u": row} for row in range(N)], "nested"),
    "bytes": ([b"u", b"v"] * 30, "nested"),
    "sentences": (words(6), "text"),
    "names all different": (words(1), "identifier"),
    "sentences that sometimes repeat": (words(6, 40) + words(6, 20), "text"),
    "short names half different": (words(1, 40) + words(1, 20), "categorical"),
    "declared categories": (pa.array(["1.5", "2.5"] * 30).dictionary_encode(), "categorical"),
    "declared numbers": (pa.array([1, 2] * 30).dictionary_encode(), "categorical"),
}  # fmt: skip


@pytest.mark.parametrize("case", COLUMNS)
def test_a_column_is_taken_for_its_kind(case):
    values, kind = COLUMNS[case]
    assert read_kind(values) == kind


def test_a_word_in_every_tenth_row_hides_no_numbers():
    """Every tenth of 10,000 texts was tried: words alone."""
    cells = [f"w{row}" if row % 10 == 0 else f"{row / 7:.3f}" for row in range(10_000)]
    assert read_kind(cells) == "numeric"


@pytest.mark.parametrize(
    "name",
    ["id", "customer_id", "customerID", "index", "row", "row_number", "uuid", "Unnamed: 0", ""],
)
def test_distinct_whole_numbers_named_like_an_id_are_set_aside(name):
    assert read_kind(np.arange(N) * 3, name=name) == "identifier"
    assert read_kind([1, 5, 9] * 20, name=name) == "numeric"


@pytest.mark.parametrize("name", ["paid", "humid", "width", "rowing"])
def test_a_name_that_only_ends_alike_is_no_id(name):
    assert read_kind(np.arange(N) * 3, name=name) == "numeric"


def test_a_csv_column_of_digits_is_numeric(csv):
    path = csv("x,label\n" + "1,a\n2,b\n" * 30)
    assert kinds(read_data(path, ReadOptions())) == {"x": "numeric"}


def test_unreadable_numbers_count_as_missing_and_are_said():
    data = with_label(x=[*[f"{row / 7:.3f}" for row in range(N)], "?", "NA"])
    assert np.flatnonzero(np.isnan(read_numbers(data, data.schema.columns[0]))).tolist() == [60, 61]
    notice, missing = data.notices[1:]
    assert missing.slug == "cells-missing"
    assert "1 cell of <Table> counts as missing: 'NA' 1 (column 'x' 1)." in missing.message
    assert notice.is_warning
    assert (
        "1 value that is no number counts as missing, for example '?' in row 60" in notice.message
    )


def test_many_values_that_are_no_numbers_come_with_the_option_that_keeps_them():
    odd = ["<5", "<7", "12*", "ca. 3", "#REF!", "N/A?"]
    data = with_label(x=[*[f"{row / 7:.3f}" for row in range(N)], *odd])
    (notice,) = [each for each in data.notices if each.slug == "values-unreadable"]
    assert notice.option == "--categorical x"
    assert "--categorical x keeps them" in notice.message


def test_infinite_values_stay_and_are_said():
    data = with_label(x=[1.0, np.inf, -np.inf, 4.0])
    assert read_numbers(data, data.schema.columns[0]).tolist() == [1.0, np.inf, -np.inf, 4.0]
    assert "rows 1, 2" in data.notices[-1].message
    assert data.notices[-1].slug == "values-infinite"


def test_many_categories_are_fine_and_said():
    values = [f"v{row % 10_000}" for row in range(25_000)]
    data = with_label(x=values)
    codes, names = read_categories(data, data.schema.columns[0])
    assert len(names) == 10_000
    assert [names[code] for code in codes[:3]] == ["v0", "v1", "v2"]
    assert "10,000 categories" in data.notices[-1].message


def test_vectors_keep_gaps_and_their_width():
    data = with_label(x=[[1.0, 2.0], None, [3.0, None], [5.0, 6.0]])
    (column,) = data.schema.columns
    assert column.width == 2
    np.testing.assert_array_equal(
        read_numbers(data, column), [[1, 2], [np.nan, np.nan], [3, np.nan], [5, 6]]
    )


def test_vectors_of_different_lengths_are_an_error():
    with pytest.raises(InputError, match="2 numbers in 3 rows, 1 in row 2") as caught:
        with_label(x=[[1.0, 2.0], [1.0, 2.0], [1.0], [5.0, 6.0]])
    assert caught.value.slug == "embedding-lengths"


def test_columns_set_aside_are_said_with_the_reason():
    data = with_label(x=RANDOM.normal(size=N), same=[1] * N, gone=pa.nulls(N))
    (notice,) = [notice for notice in data.notices if notice.slug == "columns-set-aside"]
    assert "2 columns" in notice.message
    assert "'same' (every value is 1)" in notice.message
    assert "'gone' (every value is missing)" in notice.message


def test_options_overrule_the_detection(csv):
    path = csv("zip,size,z,label\n" + "007,3 kg,1,a\n08,4,2,b\n7,5,3,b\n8,6,4,b\n" * 20)
    options = ReadOptions(categorical=("zip",), numeric=("size",), drop=("z",))
    data = read_data(path, options)
    assert kinds(data) == {"zip": "categorical", "size": "numeric"}
    assert set_aside(data) == {"z": "dropped"}
    assert read_categories(data, data.schema.columns[0])[1] == ("007", "08", "7", "8")
    assert np.isnan(read_numbers(data, data.schema.columns[1])).sum() == 20


def test_a_column_called_numeric_that_is_not_is_an_error(csv):
    path = csv("x,label\nred,a\ngreen,b\n3,a\n")
    with pytest.raises(InputError, match=r"'x'.*2 values of 3.*'red' in row 0") as caught:
        read_data(path, ReadOptions(numeric=("x",)))
    assert caught.value.slug == "column-not-numeric"


@pytest.mark.parametrize("flag", ["drop", "categorical", "numeric"])
def test_an_option_that_names_no_column_is_an_error(csv, flag):
    with pytest.raises(InputError, match=rf"'heigth' \(from {flag}=\).*'height'") as caught:
        read_data(csv("height,label\n1,a\n2,b\n"), ReadOptions(**{flag: ("heigth",)}))
    assert caught.value.slug == "column-unknown"


@pytest.mark.parametrize(
    "options",
    [
        ReadOptions(categorical=("x",), numeric=("x",)),
        ReadOptions(label="label", drop=("label",)),
        ReadOptions(numeric=("label",), label="label"),
        ReadOptions(id="label", label="label"),
    ],
)
def test_options_that_contradict_each_other_are_refused(csv, options):
    with pytest.raises(SettingsError) as caught:
        read_data(csv("x,label\n1,a\n2,b\n"), options)
    assert caught.value.slug == "column-options-conflict"


def test_a_table_without_features_is_an_error(csv):
    with pytest.raises(InputError, match="'x': every value is 1") as caught:
        read_data(csv("x,label\n1,a\n1,b\n"), ReadOptions())
    assert caught.value.slug == "no-features"


def hold_to_schema(other, **columns):
    """Another table read like DATA made of the columns."""
    data = with_label(**columns)
    return read_like(pa.table(other), data.schema, role="CLEAN")


def test_the_order_of_columns_is_free_and_extra_ones_are_said():
    clean = hold_to_schema(
        {"extra": [1], "label": ["a"], "v": ["u"], "x": [1]}, x=[1, 2], v=["u", "w"]
    )
    assert read_numbers(clean, clean.schema.columns[0]).tolist() == [1.0]
    assert slugs(clean.notices) == ["columns-extra"]
    assert "extra" in clean.notices[0].message


@pytest.mark.parametrize("ignore", [None, False, True])
def test_new_rows_have_no_extra_columns_unless_they_are_to_be_ignored(ignore):
    schema = with_label(x=[1, 2]).schema
    new = pa.table({"x": [1], "label": ["a"], "hour": [3]})
    if ignore:
        data = read_like(new, schema, role="NEW", ignore_extra=True)
        assert slugs(data.notices) == ["columns-extra"]
    else:
        with pytest.raises(InputError, match="1 column that DATA lacks: hour") as caught:
            read_like(new, schema, role="NEW", ignore_extra=ignore)
        assert caught.value.slug == "columns-unknown"


def test_columns_that_data_set_aside_are_not_extra():
    assert not hold_to_schema(
        {"x": [1], "same": [2], "label": ["a"]}, x=[1, 2], same=[1, 1]
    ).notices


def test_missing_columns_are_an_error_that_offers_the_nearest():
    with pytest.raises(InputError, match=r"CLEAN.*2 columns.*x, height.*'Height'") as caught:
        hold_to_schema({"Height": [1], "label": ["a"]}, x=[1, 2], height=[1, 2])
    assert caught.value.slug == "columns-missing"


@pytest.mark.parametrize(
    ("values", "other", "example"),
    [
        ([1.5, 2.5], ["1.5", "high"], "'high' in row 1"),
        ([True, False], ["true", "perhaps"], "'perhaps' in row 1"),
        ([datetime.date(2020, 1, day) for day in (1, 2)], ["2020-01-01", "x"], "'x' in row 1"),
        ([1.5, 2.5], [[1.0], [2.0]], r"\[1.0\] in row 0"),
    ],
)  # fmt: skip
def test_a_column_of_another_kind_is_an_error(values, other, example):
    with pytest.raises(InputError, match=example) as caught:
        hold_to_schema({"x": other, "label": ["a", "b"]}, x=values)
    assert caught.value.slug == "column-retyped"


@pytest.mark.parametrize("other", [[[1.0]], ["no list"], [3]])
def test_vectors_of_another_width_are_an_error(other):
    with pytest.raises(InputError, match="lists of 2 numbers") as caught:
        hold_to_schema({"x": other, "label": ["a"]}, x=[[1.0, 2.0], [3.0, 4.0]])
    assert caught.value.slug == "embedding-lengths"


def test_vectors_written_as_json_text_are_read():
    clean = hold_to_schema(
        {"x": ["[1, 2.5]", None], "label": ["a", "b"]}, x=[[1.0, 2.0], [3.0, 4.0]]
    )
    np.testing.assert_array_equal(
        read_numbers(clean, clean.schema.columns[0]), [[1, 2.5], [np.nan, np.nan]]
    )


def test_one_odd_value_in_twenty_counts_as_missing():
    clean = hold_to_schema({"x": ["?", *map(str, range(19))], "label": ["a"] * 20}, x=[1.5, 2.5])
    assert np.isnan(read_numbers(clean, clean.schema.columns[0])).sum() == 1


def test_a_column_that_is_empty_here_is_all_missing():
    clean = hold_to_schema(
        {"x": pa.nulls(1), "v": pa.nulls(1), "d": pa.nulls(1), "label": ["a"]},
        x=[1, 2],
        v=["u", "w"],
        d=[datetime.date(2020, 1, 1), datetime.date(2020, 1, 2)],
    )
    x, v, d = clean.schema.columns
    assert np.isnan(read_numbers(clean, x)).all()
    assert read_categories(clean, v)[0].tolist() == [-1]
    assert read_moments(clean, d).tolist() == [np.iinfo(np.int64).min]


def test_categories_agree_between_numbers_and_text():
    data = with_label(v=pa.array(["1", "2", "x"] * 20))
    for spelling in ([1, 2], [1.0, 2.0], ["1.0", "2"]):
        clean = read_like(pa.table({"v": spelling, "label": ["a", "b"]}), data.schema, role="TEST")
        assert read_categories(clean, data.schema.columns[0])[1] == ("1", "2")


def test_progress_hears_of_every_column(listener):
    table = pa.table({"x": [1, 2], "label": ["a", "b"]})
    read_data(table, ReadOptions(), progress=listener)
    assert ("Looking at columns", 2) in listener.stages
    assert any("'label'" in said for said in listener.said)
