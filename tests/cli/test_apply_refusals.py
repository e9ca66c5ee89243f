"""What `datacleanse apply` cannot carry out: it says so and changes nothing."""

from __future__ import annotations

import json
import os
from functools import partial

import pytest

from tests.cli.applying import decide, refused
from tests.cli.conftest import AUDIT, run_here
from tests.cli.forked import limit_files, run_forked
from tests.cli.tiny import contents


@pytest.fixture
def folder(audited_copy):
    """A run of its own to decide about."""
    return audited_copy


def test_the_audited_table_is_never_written_over(folder):
    decide(folder, {3: "drop"})
    (folder / "link.csv").symlink_to("data.csv")
    os.link(folder / "data.csv", folder / "hard.csv")
    for name in ("data.csv", "./data.csv", folder / "data.csv", "link.csv", "hard.csv"):
        assert "is the table that is read" in refused(folder, "-o", name, "--force")
    (folder / "out.diff.csv").symlink_to("data.csv")
    assert "is the table that is read" in refused(folder, "-o", "out.csv", "--force")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "mine.csv"), "mine.csv exists already"),
        (("-o", "x.csv"), "x.diff.csv exists already"),
        (("-o", "nowhere/x.csv"), "cannot be written"),
        (("-o", "x.xlsx"), "accepted endings"),
        (("--data", "gone.csv"), "gone.csv does not exist"),
        (("--decisions", "gone.jsonl"), "gone.jsonl does not exist"),
        (("--decisions", "data.csv"), "holds no decision"),
        (("--auto",), "--auto is given without a limit"),
        (("--auto", "--drop-above", "1.5"), "--drop-above is 1.5"),
        (("--auto", "--relabel-above", "nan"), "--relabel-above is nan"),
        (("--drop-above", "0.5"), "--drop-above is given without --auto"),
        (("--yes",), "--yes is given without --auto"),
        (("--data", "clean.csv", "--delimiter", ";"), "delimiter"),
    ],
)
def test_calls_that_cannot_be_carried_out_leave_nothing_behind(folder, arguments, said):
    decide(folder, {3: "drop"})
    (folder / "mine.csv").write_text("mine", encoding="utf-8")
    (folder / "x.diff.csv").write_text("mine", encoding="utf-8")
    assert said in refused(folder, *arguments)


def test_a_run_without_decisions_says_what_to_do(folder):
    assert "datacleanse review runs/data" in refused(folder)


@pytest.mark.parametrize("content", ["", " \n\n"])
@pytest.mark.parametrize("how", [(), ("--auto", "--drop-above", "0.5", "--yes")])
def test_an_empty_file_of_decisions_is_not_taken_for_nothing_to_do(folder, content, how):
    """A power cut may have emptied it: flags alone must not overrule what stood there either."""
    (folder / "runs/data/decisions.jsonl").write_text(content, "utf-8")
    message = refused(folder, *how)
    assert "decisions.jsonl holds no decision: it is empty." in message
    assert "lost" in message
    done = run_here(*AUDIT, "-o", "runs/again", "--decisions", "runs/data", cwd=folder)
    assert (done.code, "holds no decision" in done.err) == (2, True)


def test_decisions_about_another_run_are_refused(folder):
    made = decide(folder, {3: "drop"})
    path = folder / "runs/data/decisions.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace(made[0].run_id, "other"), "utf-8")
    assert "is about another run: line 1 names 'other'" in refused(folder)


def test_data_that_was_moved_is_asked_for(folder):
    decide(folder, {3: "drop"})
    (folder / "data.csv").rename(folder / "elsewhere.csv")
    message = refused(folder)
    assert "The audited table data.csv does not exist" in message
    assert "--data" in message


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("gone.jsonl", "gone.jsonl does not exist"),
        ("runs/data", "decisions.jsonl does not exist"),
        ("clean.csv", "clean.csv holds no decision"),
    ],
)
def test_an_audit_refuses_decisions_that_are_none_before_it_begins(folder, place, said):
    before = contents(folder)
    done = run_here(*AUDIT, "-o", "runs/again", "--decisions", place, cwd=folder)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert contents(folder) == before


def test_dropping_everything_is_refused(folder):
    decide(folder, dict.fromkeys(range(150), "drop"))
    assert "All 150 rows of data.csv would be dropped" in refused(folder)


def test_a_damaged_run_is_named(folder):
    decide(folder, {3: "drop"})
    path = folder / "runs/data/run.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    del manifest["data"]["sha256"]
    path.write_text(json.dumps(manifest), encoding="utf-8")
    assert "run.json is damaged: data.sha256 is missing, where a text was" in refused(folder)


def test_a_full_disk_leaves_what_was_there(folder):
    """A file-size limit stands for the full disk: the write fails in the middle."""
    decide(folder, {3: "drop"})
    (folder / "cleaned.csv").write_text("mine", encoding="utf-8")
    before = contents(folder)
    limit = partial(limit_files, 4096)
    done = run_forked("apply", "runs/data", "--force", "-q", cwd=folder, before=limit)
    assert done.code == 2, done.err
    assert "cannot be written" in done.err
    assert contents(folder) == before
