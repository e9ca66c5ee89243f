"""A run folder from a stranger makes no command write outside it, whatever links it holds."""

from __future__ import annotations

import os
import shutil

import pytest

from datacleanse.storage.run_claims import begin_folder, keep_folder
from datacleanse.storage.run_folder import RunFolder
from tests.cli.conftest import AUDIT, run_here
from tests.cli.forked import forked

pytestmark = pytest.mark.skipif(os.name == "nt", reason="making links takes a privilege on Windows")


@pytest.fixture
def folder(audited, tmp_path):
    """A copy of a finished run, and a file of the user's that links lead to."""
    place = tmp_path / "work"
    shutil.copytree(audited, place)
    (place / "runs" / "data").rename(place / "run")
    (place / "own").write_text("precious", encoding="utf-8")
    return place


def test_reports_replace_links_and_do_not_follow_them(folder, program):
    reports = folder / "run" / "reports"
    made = [path.name for path in reports.iterdir()]
    for name in made:
        (reports / name).unlink()
        (reports / name).symlink_to(folder / "own")
        (reports / f".{name}.part").symlink_to(folder / "own")
    done = program("report", "run")
    assert done.code == 0, done.err
    assert (folder / "own").read_text(encoding="utf-8") == "precious"
    assert not any((reports / name).is_symlink() for name in made)


def test_reports_that_are_a_link_to_another_folder_are_refused(folder, program):
    (folder / "elsewhere").mkdir()
    shutil.rmtree(folder / "run" / "reports")
    (folder / "run" / "reports").symlink_to(folder / "elsewhere")
    done = program("report", "run")
    assert (done.code, "reports is a link" in done.err) == (2, True)
    assert list((folder / "elsewhere").iterdir()) == []


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (("predict", "run", "data.csv", "-o", "out.csv"), "out.csv"),
        (("export", "run", "--format", "weights", "-o", "out.csv"), "out.csv"),
        (("export", "run", "--format", "safetensors", "-o", "out.safetensors"), "out.json"),
        (("sample", "data.csv", "-n", "5", "-o", "out.csv"), "out.csv"),
        (
            ("apply", "run", "--auto", "--drop-above", "0.9", "--yes", "-o", "out.csv"),
            "out.diff.csv",
        ),
    ],
)
def test_what_is_written_in_a_shared_folder_goes_through_no_link(folder, program, command, name):
    (folder / f".{name}.part").symlink_to(folder / "own")
    done = program(*command)
    assert done.code == 0, done.err
    assert (folder / "own").read_text(encoding="utf-8") == "precious"
    assert (folder / name).is_file()
    assert not (folder / name).is_symlink()


def test_an_audit_is_refused_where_another_one_is_at_work(folder, program):
    with begin_folder(folder / "busy", force=False):
        for more in ((), ("--force",), ("--resume",)):
            done = program(*AUDIT, "-o", "busy", *more)
            assert (done.code, "busy is in use" in done.err) == (2, True)
            assert len(done.err.splitlines()) == 2


def test_a_run_that_is_read_is_not_replaced(folder, program):
    before = (folder / "run" / "run.json").read_bytes()
    with keep_folder(RunFolder(folder / "run")):
        done = program(*AUDIT, "-o", "run", "--force")
        assert (done.code, "run is in use" in done.err) == (2, True)
        assert program("report", "run").code == 0
    assert (folder / "run" / "run.json").read_bytes() == before


def test_of_two_audits_begun_at_once_one_survives(folder):
    command = (*AUDIT, "-o", "both", "--seed")
    with (
        forked(*command, 1, cwd=folder) as (one, lines),
        forked(*command, 7, cwd=folder) as (other, more_lines),
    ):
        said = lines.read(), more_lines.read()
    assert sorted((one.exitcode, other.exitcode)) == [0, 2], said
    assert run_here("report", "both", cwd=folder).code == 0


@pytest.mark.parametrize("place", ["x" * 300, "y/" + "x" * 300 + "/r"])
def test_a_place_that_the_system_refuses_is_told(folder, place):
    # As root, who runs tests in containers, every folder may be entered: too long a name will do.
    done = run_here(*AUDIT, "-o", place, cwd=folder)
    assert (done.code, "cannot be made: File name too long" in done.err) == (2, True)
    again = run_here(*AUDIT, "-o", place, "--resume", cwd=folder)
    assert again.code == 2
    assert "cannot be read: File name too long" in again.err
    new = run_here("predict", "run", "data.csv", "-o", f"{place}/p.csv", cwd=folder)
    assert (new.code, "cannot be written" in new.err) == (2, True)
    drawn = run_here("sample", "data.csv", "-n", "5", "-o", f"{place}/s.csv", cwd=folder)
    assert (drawn.code, "cannot be written" in drawn.err) == (2, True)
    hub = run_here("export", "run", "--format", "hub-folder", "-o", f"{place}/hub", cwd=folder)
    assert (hub.code, "cannot be written" in hub.err) == (2, True)
    model = run_here("predict", f"{place}/m.onnx", "data.csv", cwd=folder)
    assert model.code == 2, model.err
