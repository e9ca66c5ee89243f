"""What waits on disk is the same when it is wanted again, and leaves no file."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import datacleanse as dc
from datacleanse.storage import mapped_files
from datacleanse.storage.mapped_files import park_rows, park_table, release_mapped, write_rows
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
