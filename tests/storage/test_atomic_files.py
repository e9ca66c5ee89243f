"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from datacleanse.errors import OutputError
from datacleanse.storage.atomic_files import (
    check_place,
    clear_abandoned,
    is_aside,
    make_own_folder,
    open_to_append,
    write_aside,
    write_folder_aside,
)

links = pytest.mark.skipif(os.name == "nt", reason="making links takes a privilege on Windows")
posix = pytest.mark.skipif(os.name == "nt", reason="locks and modes are POSIX's")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_it_is_written(tmp_path):
    with write_aside(tmp_path / "made.txt") as aside:
        aside.write_text("a", encoding="utf-8")
        assert not (tmp_path / "made.txt").exists()
    assert names(tmp_path) == ["made.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_file_whose_writing_fails_leaves_what_was_there(tmp_path, error):
    (tmp_path / "made.txt").write_text("before", encoding="utf-8")

    def write():
        with write_aside(tmp_path / "made.txt") as aside:
            aside.write_text("half", encoding="utf-8")
            raise error

    with pytest.raises(error):
        write()
    assert names(tmp_path) == ["made.txt"]
    assert (tmp_path / "made.txt").read_text(encoding="utf-8") == "before"


@posix
def test_a_temporary_name_is_new_each_time_and_the_mode_is_that_of_the_umask(tmp_path):
    found = set()
    before = os.umask(0o027)
    try:
        for _ in range(20):
            with write_aside(tmp_path / "made.txt") as aside:
                found.add(aside.name)
                assert is_aside(aside.name, "made.txt")
                assert not is_aside(aside.name, "other.txt")
    finally:
        os.umask(before)
    assert len(found) == 20
    assert (tmp_path / "made.txt").stat().st_mode & 0o777 == 0o640


@links
def test_nothing_is_written_through_a_link(tmp_path):
    own = tmp_path / "own.txt"
    own.write_text("precious", encoding="utf-8")
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("made.txt", ".made.txt.part", ".made.txt.0123456789abcdef.part"):
        (folder / name).symlink_to(own)
    with write_aside(folder / "made.txt") as aside:
        aside.write_text("new", encoding="utf-8")
    assert own.read_text(encoding="utf-8") == "precious"
    assert (folder / "made.txt").read_text(encoding="utf-8") == "new"
    assert not (folder / "made.txt").is_symlink()


@links
def test_a_temporary_name_that_was_foreseen_is_not_opened(tmp_path, monkeypatch):
    own = tmp_path / "own.txt"
    own.write_text("precious", encoding="utf-8")
    monkeypatch.setattr("secrets.token_hex", lambda n: "0" * 2 * n)
    (tmp_path / f".made.txt.{'0' * 16}.part").symlink_to(own)
    with (
        pytest.raises(OutputError, match="cannot be written"),
        write_aside(tmp_path / "made.txt") as aside,
    ):
        aside.write_text("new", encoding="utf-8")
    assert own.read_text(encoding="utf-8") == "precious"


def test_names_as_long_as_the_system_allows_can_be_written(tmp_path):
    name = "é" * 120 + ".csv"
    with write_aside(tmp_path / name) as aside:
        aside.write_text("a", encoding="utf-8")
    assert names(tmp_path) == [name]


KILLED = """
import os, signal, sys
from pathlib import Path
from datacleanse.storage.atomic_files import write_aside, write_folder_aside
with {how}(Path(sys.argv[1])):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@posix
@pytest.mark.parametrize("how", ["write_aside", "write_folder_aside"])
def test_what_a_killed_program_left_is_cleared_away_but_not_what_is_being_written(tmp_path, how):
    target = tmp_path / "made"
    done = subprocess.run([sys.executable, "-c", KILLED.format(how=how), str(target)], check=False)
    assert done.returncode == -signal.SIGKILL
    [left] = names(tmp_path)
    assert is_aside(left, "made")
    write = {"write_aside": write_aside, "write_folder_aside": write_folder_aside}[how]
    with write(target) as first:
        assert names(tmp_path) == [first.name]
        with write_aside(tmp_path / "other"):
            pass
        clear_abandoned(tmp_path)
        assert first.exists()
    assert names(tmp_path) == ["made", "other"]


def test_a_folder_appears_when_it_is_filled(tmp_path):
    with write_folder_aside(tmp_path / "made") as aside:
        (aside / "a.txt").write_text("a", encoding="utf-8")
        assert not (tmp_path / "made").exists()
    assert names(tmp_path / "made") == ["a.txt"]
    assert names(tmp_path) == ["made"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_folder_whose_filling_fails_leaves_nothing(tmp_path, error):
    def fill():
        with write_folder_aside(tmp_path / "made") as aside:
            (aside / "a.txt").write_text("a", encoding="utf-8")
            raise error

    with pytest.raises(error):
        fill()
    assert names(tmp_path) == []


def test_only_an_empty_folder_gives_way(tmp_path):
    (tmp_path / "made").mkdir()
    with write_folder_aside(tmp_path / "made") as aside:
        (aside / "a.txt").write_text("a", encoding="utf-8")
    with pytest.raises(OutputError), write_folder_aside(tmp_path / "made") as aside:
        (aside / "b.txt").write_text("b", encoding="utf-8")
    assert names(tmp_path / "made") == ["a.txt"]
    assert names(tmp_path) == ["made"]


def test_an_error_of_the_system_while_filling_names_the_place(tmp_path):
    with (
        pytest.raises(OutputError, match="made cannot be written"),
        write_folder_aside(tmp_path / "made") as aside,
    ):
        (aside / "missing" / "a.txt").write_text("a", encoding="utf-8")


@links
def test_a_folder_of_ones_own_is_no_link(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "reports").symlink_to("elsewhere")
    with pytest.raises(OutputError, match="reports is a link"):
        make_own_folder(tmp_path / "reports")
    make_own_folder(tmp_path / "model")
    make_own_folder(tmp_path / "model")
    assert (tmp_path / "model").is_dir()


@posix
def test_a_link_or_a_pipe_is_not_added_to(tmp_path):
    own = tmp_path / "own.txt"
    own.write_text("precious", encoding="utf-8")
    (tmp_path / "link").symlink_to(own)
    (tmp_path / "dangling").symlink_to(tmp_path / "new.txt")
    os.mkfifo(tmp_path / "pipe")
    for name, said in (("link", "is a link"), ("dangling", "is a link"), ("pipe", "is a pipe")):
        with pytest.raises(OutputError, match=said):
            open_to_append(tmp_path / name)
    assert own.read_text(encoding="utf-8") == "precious"
    assert not (tmp_path / "new.txt").exists()


def test_a_place_that_is_a_folder_or_in_none_is_refused(tmp_path):
    (tmp_path / "file").touch()
    for path, why in (
        (tmp_path, "directory"),
        (tmp_path / "no" / "x.csv", "No such file or directory"),
        (tmp_path / "file" / "x.csv", ""),
    ):
        with pytest.raises(OutputError, match=f"cannot be written: .*{why}"):
            check_place(path)
    check_place(tmp_path / "x.csv")
    with pytest.raises(OutputError, match="cannot be written"):
        check_place(tmp_path / ("x" * 300))


def test_a_folder_gives_way_only_to_one_that_is_whole(tmp_path):
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "old").touch()

    def fill(error=None):
        with write_folder_aside(tmp_path / "made", replaces=True) as aside:
            (aside / "new").touch()
            assert (tmp_path / "made" / "old").exists()
            if error is not None:
                raise error

    with pytest.raises(KeyboardInterrupt):
        fill(KeyboardInterrupt())
    assert [path.name for path in tmp_path.rglob("*")] == ["made", "old"]
    fill()
    assert [path.name for path in tmp_path.rglob("*")] == ["made", "new"]


def test_a_folder_stays_where_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "old").touch()
    kind = type(tmp_path)
    replace = kind.replace

    def fail(self, target):
        if (self / "new").exists():
            raise PermissionError(13, "no")
        return replace(self, target)

    monkeypatch.setattr(kind, "replace", fail)
    with pytest.raises(OutputError), write_folder_aside(tmp_path / "made", replaces=True) as aside:
        (aside / "new").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["made", "old"]
