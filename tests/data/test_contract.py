"""Every type of column is read, or refused in one sentence that names it: before any training."""

from __future__ import annotations

import datetime
import decimal
import uuid

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from PIL import Image

from datacleanse.data import (
    ReadOptions,
    digest_features,
    hash_rows,
    read_data,
    read_ids,
    read_like,
    write_table,
)
from datacleanse.data.column_values import read_categories, read_moments, read_numbers
from datacleanse.data.labels import match_labels
from datacleanse.errors import InputError
from datacleanse.pictures.find import find_pictures
from datacleanse.pictures.interface import Asked
from datacleanse.pictures.read import read_listing

WORDS = ["u", "v", None, "w"] * 6
DAYS = pd.date_range("2020-01-01", periods=24, freq="MS")


def _make_moments(kind, days):
    if pa.types.is_time(kind):
        return pa.array([datetime.time(1), None, datetime.time(2, 30)] * 8, kind)
    if pa.types.is_duration(kind):
        return pa.array([datetime.timedelta(1), None, datetime.timedelta(2)] * 8, kind)
    return pa.array([*days[:-1].to_pydatetime(), None], kind)


def arrow_columns():
    text = pa.array(WORDS)
    coded = text.dictionary_encode()
    numbers = pa.array([1, 2, None, 4] * 6)
    views = text.cast(pa.string_view())
    lists = pa.array([["u"], ["v", "w"], None, []] * 6)
    bytes_ = pa.array([b"u", b"\xff", None, b"w"] * 6)
    pairs = pa.array([{"a": 1, "b": "u"}, None, {"a": 2, "b": None}, {"a": 1, "b": "u"}] * 6)
    kinds = [pa.int8(), pa.uint64(), pa.float16(), pa.float32(), pa.float64(), pa.decimal128(9, 2)]
    kinds += [pa.decimal256(50, 3), pa.date32(), pa.date64(), pa.time32("s"), pa.time64("ns")]
    kinds += [
        pa.timestamp("s"),
        pa.timestamp("ns", "Europe/Berlin"),
        pa.duration("ms"),
        pa.string(),
    ]
    for kind in kinds:
        if pa.types.is_temporal(kind):
            days = DAYS.tz_localize("UTC") if getattr(kind, "tz", None) else DAYS
            yield str(kind), _make_moments(kind, days)
        elif pa.types.is_float16(kind):
            yield str(kind), pa.array(np.float16([1, 2, np.nan, 4] * 6))
        elif pa.types.is_decimal(kind):
            yield str(kind), pa.array([decimal.Decimal("1.50"), None, decimal.Decimal(2)] * 8, kind)
        else:
            yield str(kind), numbers.cast(kind)
    yield "bool", pa.array([True, False, None, True] * 6)
    yield "null", pa.nulls(24)
    yield "large string", text.cast(pa.large_string())
    yield "string view", views
    yield "binary", bytes_
    yield "binary view", bytes_.cast(pa.binary_view())
    yield "fixed binary", pa.array([b"ab", b"\xff\xff", None, b"cd"] * 6, pa.binary(2))
    yield "dictionary", coded
    yield (
        "dictionary of views",
        pa.DictionaryArray.from_arrays(
            coded.indices.cast(pa.uint32()), coded.dictionary.cast(pa.string_view())
        ),
    )
    yield "dictionary of numbers", numbers.dictionary_encode()
    yield "dictionary of bytes", bytes_.dictionary_encode()
    yield (
        "dictionary of lists",
        pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 1] * 6), pa.array([["u"], ["v"]])),
    )
    yield "runs", pa.compute.run_end_encode(numbers)
    yield "runs of text, cut", pa.compute.run_end_encode(pa.array(["x"] * 5 + WORDS)).slice(5, 24)
    yield "list", lists
    yield "list of views", lists.cast(pa.list_(pa.string_view()))
    yield (
        "list of dictionaries",
        pa.array(lists.to_pylist(), pa.list_(pa.dictionary(pa.int8(), pa.string()))),
    )
    yield "list view", pa.array(lists.to_pylist(), pa.list_view(pa.string()))
    yield (
        "vectors as list views",
        pa.array([[1.0, 2.0], [3.0, 4.5]] * 12, pa.list_view(pa.float64())),
    )
    yield "fixed list", pa.array([[1.0, 2.0], None] * 12, pa.list_(pa.float32(), 2))
    yield "struct", pairs
    yield "struct of views", pa.StructArray.from_arrays([views, numbers], ["a", "b"])
    yield "map", pa.array([[("a", 1)], None] * 12, pa.map_(pa.string(), pa.int64()))
    yield "interval", pa.array([(1, 2, 3), None] * 12, pa.month_day_nano_interval())
    yield (
        "dense union",
        pa.UnionArray.from_dense(
            pa.array([0, 1] * 12, pa.int8()),
            pa.array(np.repeat(np.arange(12), 2), pa.int32()),
            [pa.array(range(12)), pa.array(list("abcdefghijkl"))],
        ),
    )
    yield "uuid", pa.array([uuid.UUID(int=n % 3).bytes for n in range(24)], pa.uuid())
    yield (
        "bool8",
        pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, 0, None, 1] * 6, pa.int8())),
    )
    yield "json", pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a": 1}', "[]"] * 12))
    tensor = pa.fixed_shape_tensor(pa.float32(), [2, 1])
    yield (
        "tensor",
        pa.ExtensionArray.from_storage(tensor, pa.array([[1.0, 2.0]] * 24, tensor.storage_type)),
    )


def pandas_columns():
    yield "category", pd.Categorical(WORDS)
    yield "category of numbers", pd.Categorical([1, 2, None, 4] * 6)
    yield "category of intervals", pd.cut(np.arange(24) / 8, [-1, 1, 2, 9])
    yield "category of periods", pd.Categorical(DAYS.to_period("Q"))
    yield "category of moments", pd.Categorical(DAYS)
    yield "category of several types", pd.Categorical([1, "u", None, 2.5] * 6)
    yield "intervals", pd.arrays.IntervalArray.from_breaks(range(25))
    yield "intervals of moments", pd.arrays.IntervalArray.from_breaks([*DAYS, DAYS[-1] + DAYS.freq])
    for freq in ("D", "W", "M", "Q", "Y", "h"):
        yield f"periods of {freq}", DAYS.to_period(freq)
    yield "Int64", pd.array([1, 2, None, 4] * 6, "Int64")
    yield "boolean", pd.array([True, False, None, True] * 6, "boolean")
    yield "string", pd.array(WORDS, "string")
    yield "sparse", pd.arrays.SparseArray([0, 0, 1.5, 0] * 6)
    yield "complex", np.array([1 + 2j, 0, 1j, 3] * 6)
    yield "objects", np.array([1, "u", None, 2.5] * 6, dtype=object)
    yield "decimals", [decimal.Decimal("1.50"), None, decimal.Decimal(2)] * 8
    yield "sets", [{1}, {2}, None] * 8
    yield "bytes", [b"u", b"\xff", None] * 8
    yield "dates", [datetime.date(2020, 1, 1), None, datetime.date(2020, 2, 1)] * 8
    yield "moments with zone", DAYS.tz_localize("Europe/Berlin")
    yield "lengths of time", pd.to_timedelta(np.arange(24) % 3, unit="h")
    yield (
        "periods as objects",
        pd.Series([pd.Period("2020-01"), pd.Period("2020-02")] * 12, dtype=object),
    )


def polars_columns():
    words = pl.Series(WORDS)
    yield "String", words
    yield "Categorical", words.cast(pl.Categorical)
    yield "Enum", words.cast(pl.Enum(["u", "v", "w", "unused"]))
    yield "List", pl.Series([["u"], ["v", "w"], None, []] * 6)
    yield "List of Categorical", pl.Series([["u"], ["v"]] * 12, dtype=pl.List(pl.Categorical))
    yield "Array", pl.Series([[1.0, 2.0], [3.0, 4.0]] * 12, dtype=pl.Array(pl.Float32, 2))
    yield "Binary", pl.Series([b"u", b"\xff", None] * 8)
    yield "Struct", pl.Series([{"a": "u", "b": 1}, {"a": None, "b": 2}] * 12)
    yield "Decimal", pl.Series([decimal.Decimal("1.50"), decimal.Decimal("2.25")] * 12)
    yield "Date", pl.Series([datetime.date(2020, 1, 1), datetime.date(2020, 2, 1)] * 12)
    yield "Time", pl.Series([datetime.time(1), datetime.time(2)] * 12)
    yield "Duration", pl.Series([datetime.timedelta(1), datetime.timedelta(2)] * 12)
    yield "Int128", pl.Series([1, 2, 3] * 8, dtype=pl.Int128)
    yield "Null", pl.Series([None] * 24)
    yield "Object", pl.Series([object(), object()] * 12, dtype=pl.Object)


def list_columns():
    return [
        pytest.param(library, cells, id=f"{library} {name}")
        for library, make in (
            ("arrow", arrow_columns),
            ("pandas", pandas_columns),
            ("polars", polars_columns),
        )
        for name, cells in make()
    ]


def make_frame(library, name, cells, other, values):
    if library == "arrow":
        return pa.table({name: cells, other: values})
    if library == "pandas":
        return pd.DataFrame({name: cells, other: values})
    return pl.DataFrame({name: cells, other: values})


def use(frame, folder, options):
    """All that an audit does with columns before and after its training."""
    data = read_data(frame, options)
    again = read_like(frame, data.schema, role="CLEAN")
    np.testing.assert_array_equal(again.labels, data.labels)
    np.testing.assert_array_equal(hash_rows(again), hash_rows(data))
    assert len(digest_features(data.table, label="label")) == len(read_ids(data)) == 24
    for column in data.schema.columns:
        if column.kind == "categorical":
            read_categories(data, column)
        else:
            (read_moments if column.kind == "datetime" else read_numbers)(data, column)
    for suffix in (".parquet", ".feather", ".csv", ".jsonl"):
        write_table(data.table.take(pa.array([3, 1])), folder / f"out{suffix}")
    return data


def check_use(frame, folder, *, name, **options):
    try:
        use(frame, folder, ReadOptions(**options))
    except InputError as refused:
        error = refused
    else:
        return
    assert f"'{name}'" in error.message
    assert "\n" not in error.message


@pytest.mark.parametrize(("library", "cells"), list_columns())
def test_a_feature_of_any_type_is_read_or_refused_by_its_name(tmp_path, library, cells):
    frame = make_frame(library, "odd column", cells, "label", ["a", "b"] * 12)
    check_use(add_numbers(frame), tmp_path, name="odd column")


def add_numbers(frame):
    if isinstance(frame, pa.Table):
        return frame.append_column("x", pa.array(np.arange(24) * 0.5))
    if isinstance(frame, pl.DataFrame):
        return frame.with_columns(x=pl.Series(np.arange(24) * 0.5))
    return frame.assign(x=np.arange(24) * 0.5)


@pytest.mark.parametrize(("library", "cells"), list_columns())
def test_a_label_of_any_type_is_read_or_refused_by_its_name(tmp_path, library, cells):
    frame = make_frame(library, "label", cells, "x", np.arange(24) * 0.5)
    check_use(frame, tmp_path, name="label")


@pytest.mark.parametrize(("library", "cells"), list_columns())
def test_an_id_of_any_type_names_rows_or_is_refused_by_its_name(tmp_path, library, cells):
    frame = make_frame(library, "odd column", cells, "label", ["a", "b"] * 12)
    check_use(add_numbers(frame), tmp_path, name="odd column", id="odd column")


def test_names_of_folders_are_not_taken_for_numbers(tmp_path):
    for name in ("1", "1.0", "0.5"):
        (tmp_path / name).mkdir()
        Image.new("L", (8, 8)).save(tmp_path / name / "a.png")
    listing = find_pictures(tmp_path, Asked("DATA"))
    data = read_listing(listing)
    assert set(data.schema.classes) == {"1", "1.0", "0.5"}
    folders = [path.split("/")[0] for path in listing.table["path"].to_pylist()]
    assert [data.given_labels[code] for code in data.labels] == folders
    clean = match_labels(
        pa.chunked_array([["1.0", "1", "0.50", "0.5"]]),
        data.schema.classes,
        name="label",
        source="new",
        role="NEW",
    )
    assert [-1 if c < 0 else data.schema.classes[c] for c in clean.codes] == ["1.0", "1", -1, "0.5"]


def read_classes(labels, n=3):
    frame = pd.DataFrame({"x": np.arange(8 * n) * 0.5, "label": labels})
    return read_data(frame, ReadOptions()).schema.classes


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (pd.PeriodIndex(["2020-01", "2020-02"] * 12, freq="M"), ("2020-01", "2020-02")),
        (pd.Categorical(pd.PeriodIndex(["2020Q1", "2020Q2"] * 12, freq="Q")), ("2020Q1", "2020Q2")),
        (pd.cut([0.0, 1.0] * 12, [-1, 0.5, 9]), ("(-1.0, 0.5]", "(0.5, 9.0]")),
        (pd.Categorical(["1", "1.0", "2"] * 8), ("1", "1.0", "2")),
        (pd.Categorical(["0.5", "1.5"] * 12), ("0.5", "1.5")),
        (pd.to_datetime(["2020-01-01", "2020-01-02"] * 12), ("2020-01-01", "2020-01-02")),
    ],
    ids=str,
)
def test_labels_are_the_names_that_people_see(labels, classes):
    found = read_classes(labels)
    assert sorted(found) == sorted(classes)
