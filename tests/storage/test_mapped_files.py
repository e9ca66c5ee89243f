"""What waits on disk is the same when it is wanted again, and leaves no file."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import datacleanse as dc
from datacleanse.errors import OutputError
from datacleanse.storage import mapped_files
from datacleanse.storage.mapped_files import (
    is_mapped,
    keep_on_disk,
    park_rows,
    release_mapped,
    write_rows,
)
from datacleanse.storage.mapped_tables import park_table
from tests.auditing.test_user_network import CLEAN, FRAME

MAPS = Path("/proc/self/smaps")

posix = pytest.mark.skipif(os.name == "nt", reason="Windows keeps all in memory")


def resident(array) -> int:
    """Pages of mapped files that the process has at hand, in bytes."""
    address = array.__array_interface__["data"][0]
    with MAPS.open(encoding="ascii") as maps:
        lines = iter(maps)
        for line in lines:
            start, _, rest = line.partition("-")
            if rest[:1].isalnum() and "kB" not in line:
                end = rest.partition(" ")[0]
                if int(start, 16) <= address < int(end, 16):
                    return next(int(each.split()[1]) for each in lines if each.startswith("Rss"))
    raise AssertionError("not mapped")


def test_a_parked_table_is_the_same_and_its_file_is_gone(tmp_path):
    words = pa.chunked_array(
        [pa.array(["a", "b"]).dictionary_encode(), pa.array(["b", None]).dictionary_encode()]
    )
    table = pa.table({"x": [1.5, None, 3.0, 4.0], "w": words, "v": [[1.0], [2.0], None, [3.0]]})
    found = park_table(table, tmp_path / "t")
    release_mapped()
    assert found.to_pylist() == table.to_pylist()
    assert list(tmp_path.iterdir()) == []


def test_a_parked_matrix_is_the_same_before_and_after_its_pages_are_let_go(tmp_path, monkeypatch):
    monkeypatch.setattr(mapped_files, "LARGE", 0)
    matrix = np.random.default_rng(0).normal(size=(1000, 7)).astype(np.float32)
    found = park_rows(matrix, tmp_path / "m")
    np.testing.assert_array_equal(found, matrix)
    release_mapped()
    np.testing.assert_array_equal(found, matrix)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not MAPS.exists(), reason="Linux tells what is mapped")
def test_letting_go_gives_memory_back(tmp_path):
    found = park_rows(np.ones((2**19, 16), np.float32), tmp_path / "m")
    assert found.sum() == 2**23
    before = resident(found)
    release_mapped()
    assert before > 2**15 - 100 > 100 > resident(found)
    assert found[123, 4] == 1.0


@posix
def test_a_small_matrix_stays_where_it_is(tmp_path):
    matrix = np.ones((10, 3), np.float32)
    assert park_rows(matrix, tmp_path / "m") is matrix


@pytest.mark.parametrize("portion", [1, 100, 2**22])
def test_rows_are_written_in_portions(portion, tmp_path, monkeypatch):
    monkeypatch.setattr(mapped_files, "BYTES_AT_ONCE", portion)
    rows = np.arange(60, dtype=np.int32).reshape(10, 3, 2)
    with (tmp_path / "r").open("wb") as file:
        write_rows(file, rows)
    assert (tmp_path / "r").read_bytes() == rows.tobytes()


def test_an_audit_finds_the_same_with_its_matrix_parked(tmp_path, monkeypatch):
    def table(name):
        return dc.audit(FRAME, val=CLEAN, label="label", epochs=2, out=tmp_path / name).table

    expected = table("in-memory")
    monkeypatch.setattr(mapped_files, "LARGE", 0)
    pd.testing.assert_frame_equal(table("parked"), expected)
    assert not [path for path in tmp_path.rglob(".*") if path.is_file()]


@posix
def test_a_full_disk_leaves_no_file(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mmap, "mmap", full)
    with pytest.raises(OSError, match="No space"):
        park_table(pa.table({"x": [1]}), tmp_path / "t")
    assert list(tmp_path.iterdir()) == []


@posix
@pytest.mark.parametrize("fill", [0, 7, float("nan")])
def test_large_arrays_lie_in_files_and_hold_the_same(tmp_path, fill):
    here = mapped_files.make_rows((100, 3), np.float32, fill)
    with keep_on_disk(tmp_path / "not" / "there", 1200):
        there = mapped_files.make_rows((100, 3), np.float32, fill)
        small = mapped_files.make_rows((99, 3), np.float32, fill)
    np.testing.assert_array_equal(there, here)
    assert [is_mapped(each) for each in (here, there, small)] == [False, True, False]
    assert list(tmp_path.iterdir()) == []


@posix
def test_an_array_is_moved_only_where_it_is_large(tmp_path, monkeypatch):
    monkeypatch.setattr(mapped_files, "ROW_GROUP", 7)  # moved in several parts
    values = np.arange(60).reshape(20, 3)
    with keep_on_disk(tmp_path, values.nbytes):
        kept, copied = mapped_files.keep_rows(values), mapped_files.copy_rows(values[:19])
        assert np.shares_memory(mapped_files.keep_rows(values[:19]), values)
    np.testing.assert_array_equal(kept, values)
    np.testing.assert_array_equal(copied, values[:19])
    assert is_mapped(kept)
    assert not is_mapped(copied)
    copied[0] = -1
    assert values[0].tolist() == [0, 1, 2]


def test_without_a_place_all_stays_in_memory():
    values = np.zeros(2**16)
    assert mapped_files.keep_rows(values) is values
    assert not is_mapped(mapped_files.make_rows((2**16,), np.float64))


@posix
def test_a_disk_without_room_is_said_before_anything_is_written(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mapped_files, "reserve", full)
    with keep_on_disk(tmp_path, 0), pytest.raises(OutputError, match="No space left") as caught:
        mapped_files.make_rows((10,), np.float32)
    assert caught.value.slug == "disk-full"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(5, 3), (0, 3), (5, 0), (4,)])
def test_a_saved_array_is_mapped_as_it_was(tmp_path, shape):
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    np.save(tmp_path / "a.npy", values)
    found = mapped_files.map_array(tmp_path / "a.npy")
    assert found.dtype == values.dtype
    np.testing.assert_array_equal(found, values)


@posix
def test_rows_from_all_over_are_taken_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(mapped_files, "ROW_GROUP", 7)
    values = np.arange(90).reshape(30, 3)
    for wanted in ([], [0], [29], [3, 6, 7, 8, 20, 29], range(30)):
        rows = np.array(wanted, dtype=np.int64)
        np.testing.assert_array_equal(mapped_files.take_spread(values, rows), values[rows])


@pytest.mark.skipif(not MAPS.exists(), reason="Linux tells what is mapped")
def test_a_row_that_is_read_takes_no_more_than_its_neighbours(tmp_path):
    with keep_on_disk(tmp_path, 0):
        values = mapped_files.make_rows((2**20, 4), np.float32, 1.0)
    release_mapped()
    rows = np.arange(0, 2**20, 2**16)
    mapped_files.fetch_runs(values, rows)
    assert values[rows].sum() == 64
    # Pages around each row are mapped with it, but no more of 16 MiB.
    assert resident(values) <= 16 * 64 < 2**14


@posix
def test_what_is_asked_for_are_whole_pages_from_the_first_row_to_the_last(monkeypatch):
    values, page = np.zeros((4000, 4), np.float32), mapped_files.mmap.PAGESIZE
    asked = []
    base = values.__array_interface__["data"][0]
    told = SimpleNamespace(madvise=lambda _, start, size: asked.append((start, start + size)))
    monkeypatch.setattr(mapped_files, "find_mapped", lambda address: told)
    monkeypatch.setattr(mapped_files, "_find_address", lambda mapped: base)

    mapped_files.read_ahead(values, 1000, 9000)
    mapped_files.read_ahead(values[500:], 0, 20)
    mapped_files.fetch_runs(values, np.array([3000, 3, 4, 3001]))
    mapped_files.read_ahead(values[::-1], 0, 20)

    expected = [(1000, 4000), (500, 520), (3, 5), (3000, 3002)]
    assert asked == [(16 * a // page * page, 16 * b) for a, b in expected]


@pytest.mark.parametrize("rows", [[], [0], [5, 3, 4], [0, 999]])
def test_what_lies_in_memory_need_not_be_asked_for(rows):
    mapped_files.fetch_runs(np.zeros((1000, 5)), np.array(rows, dtype=np.int64))


@posix
def test_a_table_that_is_mapped_is_not_written_again(tmp_path):
    table = park_table(pa.table({"x": [1.5, 2.5], "w": ["a", "b"]}), tmp_path / "t")
    assert park_table(table, tmp_path / "t") is table
