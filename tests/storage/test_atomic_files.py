"""Files appear whole or not at all, and wait for the disk where that is asked for."""

from __future__ import annotations

import os

import pytest

from datacleanse.errors import OutputError
from datacleanse.storage.atomic_files import write_aside


@pytest.mark.parametrize("outlives_power", [True, False])
def test_a_file_takes_the_place_of_the_one_before_once_it_is_whole(
    outlives_power, monkeypatch, tmp_path
):
    synced = []
    monkeypatch.setattr(os, "fsync", synced.append)
    path = tmp_path / "file"
    path.write_text("before")
    with write_aside(path, outlives_power=outlives_power) as aside:
        aside.write_text("after")
        assert path.read_text() == "before"
    assert path.read_text() == "after"
    assert len(synced) == outlives_power
    assert list(tmp_path.iterdir()) == [path]


def half_written(path, error):
    with write_aside(path) as aside:
        aside.write_text("half")
        raise error


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_a_failure_leaves_the_file_before(error, tmp_path):
    path = tmp_path / "file"
    path.write_text("before")
    with pytest.raises(error):
        half_written(path, error)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_what_the_system_refuses_is_told_with_the_path(tmp_path):
    with pytest.raises(OutputError, match="file"), write_aside(tmp_path / "no" / "file") as aside:
        aside.write_text("x")
