"""Rows are equal only where every cell is: no digit is rounded away, whatever holds it."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from datacleanse.data import (
    ReadOptions,
    compare,
    digest_features,
    hash_rows,
    read_data,
    read_like,
    write_table,
)
from datacleanse.detection.conflicts import find_conflicts

DECIMAL = decimal.Decimal
ORDER = 1212092628029698055

DISTINCT = {
    "19-digit numbers": pa.array([ORDER, ORDER + 1, ORDER + 4096, -ORDER]),
    "20-digit numbers": pa.array([2**64 - 1, 2**64 - 2, 2**63], pa.uint64()),
    "the same as text": pa.array([str(ORDER), str(ORDER + 1), "9" * 25, "9" * 24 + "8"]),
    "epoch times with fractions": pa.array([1700000000.125, 1700000000.25, 1700000001.125]),
    "quarters of a million": pa.array([1000000.06, 1000000.0625, 1000000.0]),
    "prices": pa.array([16777216.25, 16777217.25, 16777217.5]),
    "decimals": pa.array(
        [DECIMAL("12345678901234.5678"), DECIMAL("12345678901234.5679"), DECIMAL("0.5000")]
    ),
    "long decimals": pa.array(
        [DECIMAL(f"{first}.123456789012345678901234567890123456") for first in (1, 2)]
        + [DECIMAL("1.123456789012345678901234567890123457")]
    ),
    "decimals as text": pa.array(["12345678901234.5678", "12345678901234.5679", "0.1"]),
    "beyond floats": pa.array(["1e400", "1e401", "-1e400", "1e-400", "1e-401", "0"]),
    "nanoseconds": pa.array(
        [1_600_000_000_000_000_001, 1_600_000_000_000_000_002, 5], pa.timestamp("ns")
    ),
    "nanoseconds as text": pa.array(
        [f"2020-01-01T00:00:00.{fraction}" for fraction in ("0000001", "0000002", "00000011", "5")]
    ),
    "nanoseconds of a day": pa.array([1_000_001, 1_000_002, 5_000_000], pa.time64("ns")),
    "long times": pa.array([2**60 + 1, 2**60 + 2, 5], pa.duration("ns")),
    "lists of large numbers": pa.array([[ORDER, 1], [ORDER + 1, 1], [1, ORDER]]),
    "words among numbers": pa.array([*map(str, range(60)), "<5", ">100", None]),
    "float32": pa.array(np.float32([0.1, 0.2, 16777216, 3e38])),
    "float16": pa.array(np.float16([0.1, 0.2, 2048])),
}  # fmt: skip


def read_column(cells, **options):
    labels = pa.array(["a" if row % 2 else "b" for row in range(len(cells))])
    table = pa.table({"c": cells, "x": pa.array([0.5, *[1.5] * (len(cells) - 1)]), "label": labels})
    return read_data(table, ReadOptions(**options))


@pytest.mark.parametrize("name", DISTINCT)
def test_cells_that_differ_make_rows_differ(name):
    cells = DISTINCT[name]
    data = read_column(pa.concat_arrays([cells, cells.take(pa.array([0]))]))
    assert data.schema.columns[0].name == "c", data.schema.set_aside
    hashes = hash_rows(data)[1:-1]
    assert len(set(hashes)) == len(cells) - 1
    digests = digest_features(pa.table({"c": cells}), label="label")
    assert len(set(digests)) == len(cells)


@pytest.mark.parametrize(
    "cells",
    [
        pa.array([ORDER, ORDER + 1]),
        pa.array([DECIMAL("12345678901234.5678"), DECIMAL("12345678901234.5679")]),
        pa.array([1_600_000_000_000_000_001, 1_600_000_000_000_000_002], pa.timestamp("ns")),
    ],
    ids=str,
)
def test_a_column_that_is_too_fine_to_read_is_not_called_constant(cells):
    (aside,) = read_column(cells).schema.set_aside
    assert aside.reason == "its values differ only by less than the network can read"


SAME = {
    "whole": [1, 1.0, "1", "1.0", "001", "1e0", DECIMAL("1.00"), np.float32(1)],
    "fraction": [0.1, "0.1", "0.10", "0.10000000000000001", DECIMAL("0.1"), np.float32(0.1)],
    "large": [ORDER, str(ORDER), f"{ORDER}.0", DECIMAL(ORDER)],
    "power": [2**60, float(2**60), str(2**60), repr(float(2**60))],
    "beyond int64": [2**64, float(2**64), str(2**64)],
    "shortest": [0.30000000000000004, "0.30000000000000004", DECIMAL("0.30000000000000004")],
    "a second and a half": [1.5, "1.5", datetime.timedelta(seconds=1.5)],
}


@pytest.mark.parametrize("name", SAME)
def test_one_number_is_equal_however_it_is_written(name):
    numbers = read_column(pa.array([0.25, 0.5, 0.75])).schema
    hashes = set()
    for value in SAME[name]:
        cells = [str(value)] if isinstance(value, int) and value >= 2**63 else [value]
        rows = pa.table({"c": pa.array(cells), "x": pa.array([1.5])})
        hashes.add(int(hash_rows(read_like(rows, numbers, role="NEW"))[0]))
    assert len(hashes) == 1


def test_one_moment_is_equal_however_it_is_written():
    stamps = pd.to_datetime(["2020-01-01", "1969-12-31T23:59:59.123456789"], format="ISO8601")
    texts = ["2020-01-01", "1969-12-31T23:59:59.123456789000"]
    dataset = read_column(pa.array([*stamps, stamps[0]], pa.timestamp("ns")))
    other = pa.table({"c": [*texts, "2020-01-01T00:00"], "x": [0.5, 1.5, 1.5]})
    read = read_like(other, dataset.schema, role="NEW")
    np.testing.assert_array_equal(hash_rows(read), hash_rows(dataset))


def make_orders(kind):
    number = np.arange(40) * 4096 + ORDER
    if kind == "orders":
        return number.astype(str)
    if kind == "mixed":  # a cell with a fraction makes the reader take all for floats
        return [*number[:-1].astype(str), "0.5"]
    if kind == "beyond int64":
        return [f"{each}55" for each in number]
    return [f"{1700000000 + each / 8:.3f}" for each in range(40)]


@pytest.mark.parametrize("kind", ["orders", "mixed", "beyond int64", "epochs"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv.gz", ".parquet"])
def test_neighbouring_numbers_are_no_copies_of_each_other(tmp_path, kind, suffix):
    frame = pd.DataFrame(
        {"n": make_orders(kind), "x": "0.5", "z": np.arange(40) % 2, "label": ["a", "b"] * 20}
    )
    for part, rows in (("data", frame[::2]), ("clean", frame[1::2])):
        labels = ["a", "b"] * 10
        write_table(
            pa.Table.from_pandas(rows.assign(label=labels), preserve_index=False),
            tmp_path / f"{part}{suffix}",
        )
    data = read_data(tmp_path / f"data{suffix}", ReadOptions(numeric=("n",)))
    clean = read_like(tmp_path / f"clean{suffix}", data.schema, role="CLEAN")
    assert len(set(hash_rows(data))) == 20
    assert not len(compare(data, clean).overlap.data_rows)
    assert find_conflicts(data, np.arange(1, 21)).num_rows == 0


def test_a_file_of_float32_is_held_against_one_of_float64():
    """What was rounded in one file cannot be told apart by the other's digits."""
    values = np.random.default_rng(0).normal(size=50)
    frame = pd.DataFrame({"x": values, "label": ["a", "b"] * 25})
    data = read_data(frame, ReadOptions())
    clean = read_like(frame.astype({"x": "float32"})[:20], data.schema, role="CLEAN")
    assert compare(data, clean).overlap.data_rows.tolist() == list(range(20))


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".feather"])
def test_decimals_are_written_with_all_their_digits(tmp_path, suffix):
    cells = pa.array([DECIMAL(f"12345678901234.567{d % 10}") for d in range(40)])
    data = read_column(cells)
    write_table(data.table, tmp_path / f"out{suffix}")
    back = read_like(tmp_path / f"out{suffix}", data.schema, role="CLEAN")
    np.testing.assert_array_equal(hash_rows(back), hash_rows(data))
