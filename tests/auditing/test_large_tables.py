"""Audits of tables that are taken for large: the same results on disk, and what is said."""

from __future__ import annotations

import shutil

import pyarrow.parquet as pq
import pytest

import datacleanse as dc
from benchmarks.cost.made_table import made_table
from datacleanse.auditing import judge, memory_need, prepared
from datacleanse.data.readers import parquet
from datacleanse.errors import MemoryShortError, OutputError
from datacleanse.storage import mapped_files
from datacleanse.training import batches, placement

N_SHARDS, N_ROWS = 3, 400
FRESH = {"run.json", "README.md"}
"""Files that hold dates and a number of the run."""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("large")
    (folder / "data").mkdir()
    for number in range(N_SHARDS):
        pq.write_table(made_table(N_ROWS, seed=number), folder / "data" / f"{number}.parquet")
    # Some rows of DATA, and some from elsewhere.
    pq.write_table(made_table(N_ROWS, seed=1).slice(0, 150), folder / "pairs.parquet")
    pq.write_table(made_table(150, seed=9), folder / "others.parquet")
    return folder


def audit(files, out, *, val="pairs", **options):
    clean = files / f"{val}.parquet"
    return dc.audit(
        files / "data", val=clean, label="label", epochs=2, out=out, progress=False, **options
    )


@pytest.fixture(scope="module")
def in_memory(files, tmp_path_factory):
    """What `audit` finds of pairs where nothing is large."""
    place = tmp_path_factory.mktemp("memory") / "run"
    return audit(files, place), place


@pytest.fixture
def on_disk(monkeypatch):
    """Everything lies in files, and is read in portions."""
    monkeypatch.setattr(mapped_files, "LARGE", 0)
    monkeypatch.setattr(parquet, "LARGE_TABLE", 0)


@pytest.fixture
def in_runs(on_disk, monkeypatch):
    """Rows are read in runs, and the second opinion learns from some."""
    monkeypatch.setattr(placement, "LARGE_INPUTS", 0)
    monkeypatch.setattr(prepared, "LARGE_INPUTS", 0)
    monkeypatch.setattr(prepared, "MOST_LEARNED", 400)
    monkeypatch.setattr(batches, "WINDOW", 104 * 512)
    monkeypatch.setattr(batches, "RUNS", 16)


def read_files(run):
    return {
        path.relative_to(run).as_posix(): path.read_bytes()
        for path in run.rglob("*")
        if path.is_file() and path.name not in FRESH and "reports" not in path.parts
    }


@pytest.mark.filterwarnings("ignore::datacleanse.DataWarning")
@pytest.mark.parametrize("val", ["pairs", "others"])
def test_an_audit_on_disk_writes_the_same_bytes(files, in_memory, tmp_path, monkeypatch, val):
    memory = in_memory[1]
    if val != "pairs":
        memory = tmp_path / "memory"
        audit(files, memory, val=val)
    monkeypatch.setattr(mapped_files, "LARGE", 0)
    monkeypatch.setattr(parquet, "LARGE_TABLE", 0)
    audit(files, tmp_path / "disk", val=val)
    expected, found = read_files(memory), read_files(tmp_path / "disk")
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []
    assert not [path for path in tmp_path.rglob(".*") if path.is_file()]


def test_rows_in_runs_are_said_and_drawn_alike_in_each_run(files, tmp_path, in_runs):
    told = [audit(files, tmp_path / name).manifest["notices"] for name in ("a", "b")]
    said = {notice["slug"]: notice["message"] for notice in told[0]}
    learned = N_SHARDS * N_ROWS
    assert f"learned from 400 of {learned:,} rows" in said["opinion-sampled"]
    assert "512 rows, from " in said["rows-in-runs"]
    assert read_files(tmp_path / "a") == read_files(tmp_path / "b")


def test_rows_in_runs_find_what_is_found_otherwise(files, in_memory, in_runs, tmp_path):
    expected = in_memory[0].table.set_index("row")["suspicion"]
    found = audit(files, tmp_path / "b").table.set_index("row")["suspicion"]
    assert found.rank().corr(expected.rank()) > 0.5


def test_memory_that_is_allowed_changes_where_things_lie_and_not_what_is_found(
    files, in_memory, tmp_path
):
    audit(files, tmp_path / "b", memory="1GB")
    assert read_files(in_memory[1]) == read_files(tmp_path / "b")


@pytest.mark.parametrize(
    ("memory", "said", "cure"),
    [
        ("100MB", "--memory is 100 MB, and an audit takes", "or more."),
        ("LEAST", "rows takes at least", "or fewer rows"),
    ],
)
def test_too_little_memory_is_refused_before_anything_is_written(
    files, tmp_path, memory, said, cure
):
    asked = f"{memory_need.LIBRARIES}" if memory == "LEAST" else memory
    with pytest.raises(MemoryShortError) as caught:
        audit(files, tmp_path / "run", memory=asked)
    assert said in caught.value.message
    assert cure in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_too_small_is_said_before_anything_is_written(files, tmp_path, monkeypatch):
    monkeypatch.setattr(memory_need, "LARGE", 0)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: shutil._ntuple_diskusage(10, 5, 5))
    with pytest.raises(OutputError, match=r"takes about .* of disk, and .* has 5 B left") as caught:
        audit(files, tmp_path / "run")
    assert caught.value.slug == "disk-short"
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_is_stopped_goes_on_to_the_same_end(files, tmp_path, in_runs, monkeypatch):
    audit(files, tmp_path / "whole")

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(judge, "assess", stop)
        with pytest.raises(KeyboardInterrupt):
            audit(files, tmp_path / "again")
    audit(files, tmp_path / "again", resume=True)
    assert read_files(tmp_path / "again") == read_files(tmp_path / "whole")
