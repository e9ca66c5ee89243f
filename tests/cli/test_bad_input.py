"""Everything a person can get wrong ends in one message, exit code 2 and an untouched folder."""

from __future__ import annotations

import os
import shutil
import sys
from functools import partial

import pytest

from tests.cli.broken_calls import AUDIT, PLACES, RUNS, SETTINGS
from tests.cli.broken_inputs import INPUTS
from tests.cli.conftest import run_here, run_program
from tests.cli.forked import hide_gpus, limit_files, run_forked
from tests.cli.tiny import CLEAN, DATA, HEADER, contents, rows, write


def by_name(cases):
    names = [case.name for case in cases]
    assert len(set(names)) == len(names)
    return pytest.mark.parametrize("case", cases, ids=names)


def refused(arguments, *, cwd, said=(), cure, run=run_here):
    """The program says one error with these words and its cure, and changes nothing."""
    before = contents(cwd)
    done = run(*arguments, cwd=cwd)
    assert done.code == 2, done.err
    assert done.out == ""
    message, hint = done.err.splitlines()
    assert message.startswith("error: ")
    for words in said:
        assert words in message
    assert cure in hint
    after = contents(cwd)
    # The empty folder above the run's may stay.
    assert after == before or after == before | {"runs": None}


@pytest.fixture
def folder(tmp_path):
    """data.csv and clean.csv, with nothing wrong, and nothing else."""
    write(tmp_path, {"data.csv": DATA, "clean.csv": CLEAN})
    return tmp_path


@pytest.fixture(scope="module")
def good_run(tmp_path_factory):
    """The same with a finished run beside them; for copying."""
    folder = tmp_path_factory.mktemp("good")
    files = {"data.csv": DATA, "clean.csv": CLEAN, "new.csv": HEADER + rows(4, first=50)}
    write(folder, files)
    done = run_here(*AUDIT, "--id", "key", "--out", "run", cwd=folder)
    assert done.code == 0, done.err
    return folder


@by_name([INPUTS[0], SETTINGS[0]])
def test_the_program_itself_says_it_and_nothing_else(folder, case):
    """What the tests below see within this process, with its exit code and all of its stderr."""
    write(folder, case.files)
    refused(case.arguments, cwd=folder, said=case.said, cure=case.cure, run=run_program)


@by_name(INPUTS)
def test_broken_input_is_named_with_its_place_and_cure(folder, case):
    write(folder, case.files)
    refused(case.arguments, cwd=folder, said=case.said, cure=case.cure)


@by_name([*SETTINGS, *PLACES])
def test_a_command_that_cannot_be_carried_out_is_refused(folder, case):
    write(folder, case.files)
    refused(case.arguments, cwd=folder, said=case.said, cure=case.cure)


@by_name(RUNS)
def test_a_run_that_is_not_as_it_should_be_is_refused(good_run, tmp_path, case):
    folder = tmp_path / "copy"
    shutil.copytree(good_run, folder)
    write(folder, case.files)
    case.spoil(folder)
    refused(case.arguments, cwd=folder, said=case.said, cure=case.cure)


@pytest.mark.skipif(sys.platform == "win32", reason="files have no such limit on Windows")
@pytest.mark.parametrize(
    ("size", "file"),
    [
        (100, "run.json"),
        (1000, "runs/data"),
        (7000, "reweighted.safetensors"),
    ],
)
def test_a_full_disk_leaves_no_run(folder, size, file):
    limited = partial(run_forked, before=partial(limit_files, size))
    said = (file, "cannot be written")
    refused(AUDIT, cwd=folder, said=said, cure="Free some space", run=limited)


@pytest.mark.skipif(sys.platform == "win32", reason="files have no such limit on Windows")
def test_a_disk_that_is_full_only_for_the_reports_keeps_the_run(good_run, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(good_run, folder)
    limited = partial(run_forked, before=partial(limit_files, 1000))
    refused(("report", "run"), cwd=folder, said=("reports/",), cure="space", run=limited)


@pytest.mark.skipif(sys.platform == "win32", reason="rights are no mode bits on Windows")
@pytest.mark.skipif(
    hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write and read everything"
)
def test_a_place_that_may_not_be_written_and_a_file_that_may_not_be_read(folder):
    locked = folder / "locked"
    locked.mkdir(mode=0o500)
    refused((*AUDIT, "--out", "locked/run"), cwd=folder, said=("locked/run",), cure="--out")
    (folder / "clean.csv").chmod(0)
    done = run_program(*AUDIT, cwd=folder)
    assert (done.code, "clean.csv may not be read" in done.err) == (2, True)
    (folder / "clean.csv").chmod(0o600)


def test_a_missing_gpu_is_said(folder):
    """With the GPUs hidden, so that it holds on machines that have one."""
    done = run_forked(*AUDIT, "--device", "cuda", cwd=folder, before=hide_gpus)
    assert done.code == 2, done.err
    assert "no CUDA GPU" in done.err
    assert not (folder / "runs").exists()


def test_a_message_follows_progress_lines_when_not_quiet(folder):
    done = run_program("audit", "dta.csv", "--val", "clean.csv", cwd=folder)
    *progress, message, hint = done.err.splitlines()
    assert all(line.startswith("Reading") for line in progress)
    assert message == "error: dta.csv does not exist."
    assert hint == "Did you mean 'data.csv'?"


@pytest.mark.parametrize("option", ["--val", "--test", "--probabilities", "--features"])
def test_a_file_that_is_not_there_is_missed_before_data_is_read(folder, option):
    done = run_here("audit", "data.csv", "--val", "clean.csv", option, "gone.npy", cwd=folder)
    assert done.code == 2
    assert "error: gone.npy does not exist." in done.err
    assert "Reading DATA" not in done.err
