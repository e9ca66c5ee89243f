"""A run folder has one writer, and is not removed under those who read it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from datacleanse.errors import OutputError, RunFolderError
from datacleanse.storage.manifest.file import write_removed
from datacleanse.storage.run_claims import (
    begin_folder,
    copy_folder,
    discard_folder,
    keep_folder,
    reopen_folder,
)
from datacleanse.storage.run_folder import RunFolder

posix = pytest.mark.skipif(os.name == "nt", reason="links and locks are POSIX's")

OWN = ["model", "reports", "weights"]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def refuse(claim):
    with pytest.raises(RunFolderError, match="is in use"), claim:
        pass


@pytest.mark.parametrize("force", [False, True])
def test_a_second_writer_is_refused_and_the_first_one_keeps_its_files(tmp_path, force):
    with begin_folder(tmp_path / "run", force=False) as folder:
        (folder.model_dir / "a").write_text("a", encoding="utf-8")
        write_removed(folder.manifest_file)
        refuse(begin_folder(folder.path, force=force))
        refuse(reopen_folder(folder.path))
        assert names(folder.model_dir) == ["a"]
    assert names(tmp_path / "run") == sorted([*OWN, "run.json"])


@posix
def test_several_may_read_and_none_writes_meanwhile(tmp_path):
    with begin_folder(tmp_path / "run", force=False) as folder:
        write_removed(folder.manifest_file)
    with keep_folder(folder), keep_folder(folder):
        refuse(begin_folder(folder.path, force=True))
        assert names(folder.path) == sorted([".lock", *OWN, "run.json"])
    assert names(folder.path) == sorted([*OWN, "run.json"])
    with begin_folder(folder.path, force=True), pytest.raises(RunFolderError), keep_folder(folder):
        pass


def test_a_folder_that_stays_empty_goes(tmp_path):
    with begin_folder(tmp_path / "run", force=False) as folder:
        (folder.model_dir / "a").touch()
        discard_folder(folder)
    assert names(tmp_path) == []


def test_decisions_on_a_run_that_gives_way_are_kept_beside_it(tmp_path):
    kept = []
    for number in range(3):
        with begin_folder(tmp_path / "run", force=True, tell_kept=kept.append) as folder:
            write_removed(folder.manifest_file)
            assert not folder.decisions_file.exists()
        if number < 2:
            folder.decisions_file.write_text(f"{number}", encoding="utf-8")
    assert [file.name for file in kept] == ["run.decisions.jsonl", "run.decisions-2.jsonl"]
    assert [file.read_text(encoding="utf-8") for file in kept] == ["0", "1"]


def test_a_file_of_decisions_that_holds_nothing_goes(tmp_path):
    with begin_folder(tmp_path / "run", force=False) as folder:
        write_removed(folder.manifest_file)
    folder.decisions_file.touch()
    with begin_folder(tmp_path / "run", force=True):
        pass
    assert names(tmp_path) == ["run"]


KILLED = """
import os, signal, sys
from pathlib import Path
from datacleanse.storage.run_claims import begin_folder
with begin_folder(Path(sys.argv[1]), force=False) as folder:
    os.kill(os.getpid(), signal.SIGKILL)
"""


@posix
def test_the_lock_of_a_killed_program_is_free(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "run")], check=False)
    assert done.returncode == -signal.SIGKILL
    assert ".lock" in names(tmp_path / "run")
    with begin_folder(tmp_path / "run", force=False):
        pass
    assert names(tmp_path / "run") == OWN


@posix
@pytest.mark.parametrize("name", ["weights", "model", "reports", "checkpoint", ".lock"])
def test_a_run_is_not_gone_on_with_through_links(tmp_path, name):
    with begin_folder(tmp_path / "run", force=False) as folder:
        write_removed(folder.manifest_file)
    (tmp_path / "elsewhere").mkdir()
    if (folder.path / name).is_dir():
        (folder.path / name).rmdir()
    (folder.path / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match=f"{name} is a link"), reopen_folder(folder.path):
        pass
    assert names(tmp_path / "elsewhere") == []


@posix
def test_a_folder_of_links_to_empty_folders_is_no_place_for_a_run(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model").symlink_to(tmp_path / "elsewhere")
    with (
        pytest.raises(RunFolderError, match="is no run folder"),
        begin_folder(tmp_path / "run", force=True),
    ):
        pass


def test_what_is_no_run_is_left_as_it_is(tmp_path):
    (tmp_path / "notes").write_text("mine", encoding="utf-8")
    with pytest.raises(RunFolderError, match="no run folder"), begin_folder(tmp_path, force=True):
        pass
    assert names(tmp_path) == ["notes"]


def test_a_copy_that_fails_leaves_nothing(tmp_path, monkeypatch):
    with begin_folder(tmp_path / "run", force=False) as source:
        (source.model_dir / "a").write_text("a", encoding="utf-8")
        source.manifest_file.write_text("{}", encoding="utf-8")
    with begin_folder(tmp_path / "whole", force=False) as target:
        copy_folder(source, target)
    assert names(tmp_path / "whole") == sorted([*OWN, "run.json"])
    assert (RunFolder(tmp_path / "whole").model_dir / "a").read_text(encoding="utf-8") == "a"

    def fail(*_args, **_named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copytree", fail)
    with (
        pytest.raises(RunFolderError, match="No space left"),
        begin_folder(tmp_path / "half", force=False) as target,
    ):
        copy_folder(source, target)
    assert names(tmp_path) == ["run", "whole"]
