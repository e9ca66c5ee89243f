"""A forecast: what it counts is what an audit then does; what it measures adds up."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from datacleanse.auditing import foreseeing, trials, tried_sizes
from datacleanse.auditing.reading import Request, read_inputs
from datacleanse.auditing.run import forecast_audit
from datacleanse.auditing.tasks.planning import plan_task
from datacleanse.progress import SILENT
from datacleanse.settings import Settings
from datacleanse.storage.run_folder import RunFolder
from datacleanse.training import short_trial
from datacleanse_cli.plan_summary import measure_age
from tests.auditing.test_same_bytes import points
from tests.cli.conftest import run_here


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("planned")
    points(240, seed=0).to_csv(place / "data.csv", index=False)
    points(80, seed=1).to_csv(place / "clean.csv", index=False)
    return place


AUDIT = ("audit", "data.csv", "--val", "clean.csv", "--epochs", "3", "--repeats", "1")


def test_a_plan_counts_what_the_audit_does_and_writes_nothing(folder):
    before = sorted(folder.rglob("*"))
    planned = run_here(*AUDIT, "--plan", "--json", "-q", cwd=folder)
    assert planned.code == 0, planned.err
    assert sorted(folder.rglob("*")) == before
    told = json.loads(planned.out)
    done = run_here(*AUDIT, "--out", "run", "-q", cwd=folder)
    assert done.code == 0, done.err
    manifest = RunFolder(folder / "run").manifest()
    assert (told["rows"], told["clean_rows"]) == (manifest.data.rows, manifest.n_clean)
    assert told["classes"] == 3
    assert told["features"] == 13
    assert (told["reweighted"], told["plain"]) == (2 * manifest.training.folds, 2 + 1)
    assert told["epochs"] == manifest.training.epochs
    assert told["device"] == manifest.device.name
    n_bytes = sum(file.stat().st_size for file in (folder / "run").rglob("*") if file.is_file())
    assert told["disk_bytes"] == pytest.approx(n_bytes, rel=0.15)
    assert told["seconds"] > 0
    assert told["memory_bytes"] > 50 * 2**20


def test_a_plan_is_told_in_words(folder):
    planned = run_here(*AUDIT, "--plan", "--jobs", "1", "-q", cwd=folder)
    assert planned.code == 0, planned.err
    assert "240 rows, 13 features, 3 classes; 80 verified rows" in planned.out
    assert "4 with learned weights and 3 plainly" in " ".join(planned.out.split())
    assert "up to 1 task at a time" in planned.out
    assert "MiB of memory" in planned.out


def test_an_audit_of_numbers_is_planned_alike(folder):
    """Its label is a column of numbers: 12 others, and the names of classes, are seen."""
    words = ("--label", "x0", "--task", "regression")
    planned = run_here(*AUDIT[:-2], *words, "--plan", "--json", "-q", cwd=folder)
    assert planned.code == 0, planned.err
    told = json.loads(planned.out)
    done = run_here(*AUDIT[:-2], *words, "--out", "numbers", "-q", cwd=folder)
    assert done.code == 0, done.err
    manifest = RunFolder(folder / "numbers").number_manifest()
    assert (told["rows"], told["clean_rows"]) == (manifest.data.rows, manifest.n_clean)
    assert (told["classes"], told["features"]) == (0, 13)
    assert (told["reweighted"], told["plain"]) == (manifest.training.folds, 2)
    assert told["epochs"] == manifest.training.epochs
    assert told["seconds"] > 0
    planned = run_here(*AUDIT[:-2], *words, "--plan", "-q", cwd=folder)
    assert "240 rows, 13 features, numbers to predict; 80 verified rows" in planned.out


def test_an_input_that_cannot_be_used_is_refused_as_by_an_audit(folder):
    done = run_here("audit", "data.csv", "--val", "none.csv", "--plan", "-q", cwd=folder)
    assert done.code == 2
    assert "none.csv does not exist" in done.err


class Clock:
    """A time that moves by one second whenever it is asked for."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1.0
        return self.now


def test_steps_and_what_is_between_epochs_are_measured_apart(folder, monkeypatch):
    """By a clock that every look moves by a second."""
    monkeypatch.setattr(short_trial, "perf_counter", Clock())
    monkeypatch.setattr(short_trial, "SECONDS", 10**9)
    request = Request(
        str(folder / "data.csv"),
        (str(folder / "clean.csv"),),
        settings=Settings(epochs=3, batch_size=32),
    )
    inputs = read_inputs(request, SILENT)
    task = plan_task(request, inputs)
    place = folder / "trial"
    place.mkdir()
    tried = short_trial.try_training(
        task.lesson, "uniform", task.make_examples(inputs), place, is_kept=True
    )
    # A step looks twice: at the time that it was done, and at the time since the beginning.
    assert tried.step == 2
    assert tried.epoch == 2
    assert (tried.epochs, tried.steps) == (3, 10)
    assert tried.save == 1
    # Checkpoints are a second apart, no more than one an epoch.
    assert tried.seconds == 3 * (10 * 2 + 2) + 3 * 1
    assert replace(tried, step=0.01, epoch=0.1).seconds == pytest.approx(3 * 0.2 + 1)
    assert tried.checkpoint_bytes == (place / "trial.safetensors").stat().st_size
    assert tried.ledger_bytes == (place / "epoch").stat().st_size


PARTS = foreseeing.Parts(run=[2.0, 1.0, 4.0, 3.0], repeats=[], score=0.5, final=1.0, look=0.25)


@pytest.mark.parametrize(("places", "expected"), [(1, 10.0), (2, 5.0), (3, 4.0), (9, 4.0)])
def test_tasks_are_dealt_in_their_order(places, expected):
    """The final training follows the scores, what else is looked at is done beside it."""
    assert PARTS.deal(places) == expected + 0.5 + 1.0
    assert replace(PARTS, look=3.0).deal(places) == expected + 0.5 + 3.0
    assert replace(PARTS, final=0.0).deal(places) == expected + 0.5 + 0.25


def test_repeated_runs_are_dealt_behind_the_run_and_before_the_final_training():
    repeated = replace(PARTS, repeats=[[6.0], [2.0, 7.0]])
    # Of two places one is free after 5 s each; the repeats go to 5 + 6, 5 + 2 and 7 + 7. The final
    # training begins at 11, and a score of each repeat follows the last of its tasks.
    assert repeated.deal(2) == 14.0 + 2 * 0.5
    assert replace(repeated, final=9.0).deal(2) == 11.0 + 9.0
    assert repeated.add_up() == 10.0 + 15.0 + 3 * 0.5 + 1.0 + 0.25


def test_parts_of_an_opinion_stand_where_the_audit_starts_them():
    tried = short_trial.Tried(0.5, 0.0, 0.0, 2, 10, 0, 0)
    seen = trials.Watched(0, 0)
    parts = trials.TriedParts(tried, 2, 0.5, tried, (3.0, 4.0), 1.0, 1.0, seen)
    assert parts.list_run(is_forked=False, is_ahead=False) == [10.0, 10.0, 5.0, 4.0, 5.0]
    begun = trials.START_SECONDS
    ahead = parts.list_run(is_forked=True, is_ahead=True)
    assert ahead == pytest.approx([3.0, begun + 10, begun + 10, begun + 5, begun + 1 + 4])


def test_trials_have_as_much_beside_them_as_an_audit_has(folder, monkeypatch):
    """Two cores: a training goes on in a process of its own, and ends when the trials do."""
    ends, fork = [], trials.fork

    def begin(work):
        child = fork(work)
        end = child.end
        child.end = lambda: (ends.append(child.attend()), end())
        return child

    monkeypatch.setattr(trials, "fork", begin)
    monkeypatch.setattr(foreseeing, "count_cores", lambda: 2)
    files = str(folder / "data.csv"), (str(folder / "clean.csv"),)
    for jobs, expected in ((1, []), (2, [False, False])):
        ends.clear()
        found = forecast_audit(
            Request(*files, settings=Settings(epochs=3, device="cpu", jobs=jobs)), folder / "run"
        )
        assert ends == expected
        assert found.side_by_side == jobs


def test_memory_is_watched_whatever_was_taken_before():
    block = np.ones(2**25)
    del block
    with trials.watch_memory() as seen:
        block = np.ones(2**24)
        time.sleep(0.1)
        del block
    if trials.measure_resident():
        assert 2**26 < seen.peak - seen.before < 2**28


def test_memory_is_looked_at_in_the_end_where_there_is_no_room_for_a_thread(monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with trials.watch_memory() as seen:
        kept = np.ones(2**24)
    assert len(kept)
    if trials.measure_resident():
        assert seen.peak - seen.before > 2**26


def test_work_on_many_rows_goes_on_along_a_line(monkeypatch):
    clock, seen = Clock(), []

    def work(rows):
        seen.append(len(rows))
        clock.now += 3 + 0.002 * len(rows)

    monkeypatch.setattr(tried_sizes, "perf_counter", clock)
    # Each measurement is a look longer.
    assert tried_sizes.foresee_seconds(work, 50_000) == pytest.approx(3 + 0.002 * 50_000 + 1)
    assert tried_sizes.foresee_seconds(work, 800) == pytest.approx(3 + 0.002 * 800 + 1)
    assert seen == [*tried_sizes.SIZES, 800]


def test_the_age_of_the_process_is_above_its_computing_time():
    assert measure_age() > 0
    assert Path("/proc/self/stat").exists() or measure_age() < 10**6


def test_without_rows_that_steer_there_is_one_network(folder):
    request = Request(str(folder / "data.csv"), (), settings=Settings(epochs=2))
    found = forecast_audit(request, folder / "run")
    assert (found.reweighted, found.plain, found.clean_rows) == (0, 1, 0)
