"""The scheduler: the same results with any number of places, failures told as in one."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from datacleanse.errors import Stopped
from datacleanse.scheduling import pool as module
from datacleanse.scheduling.forked import fork
from datacleanse.scheduling.interface import CannotBeDoneThereError
from datacleanse.scheduling.pool import Pool

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks")


class Forked:
    """A task that is given the parent, None where it is done here."""

    def __init__(self, work, *, can_start=True):
        self.work, self.can_start, self.n_started = work, can_start, 0
        self.needs_device = False

    def start(self, device):
        self.n_started += 1
        self.device = device
        return fork(self.work, lambda name, what: None) if self.can_start else None

    def run_here(self):
        return self.work(None)


def is_here(parent):
    return parent is None


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_results_come_to_whom_they_belong_in_any_order(jobs):
    with Pool(jobs) as pool:
        tickets = [pool.submit(Forked(lambda parent, k=k: k * k)) for k in range(5)]
        order = [3, 0, 4, 1, 2]
        assert [pool.wait(tickets[k]) for k in order] == [k * k for k in order]


def test_one_place_is_this_process_and_nothing_is_done_before_it_is_wanted():
    task = Forked(is_here)
    with Pool(1) as pool:
        ticket = pool.submit(task)
        assert pool.wait(ticket)
    assert task.n_started == 0


def test_no_more_run_at_a_time_than_there_are_places(tmp_path):
    def work(parent):
        del parent
        mine = tmp_path / str(os.getpid())
        mine.touch()
        n = len(list(tmp_path.iterdir()))
        time.sleep(0.02)
        mine.unlink()
        return n

    with Pool(2) as pool:
        tickets = [pool.submit(Forked(work)) for _ in range(6)]
        assert max(pool.wait(ticket) for ticket in tickets) <= 2


def test_what_cannot_be_started_is_done_here_and_asked_once():
    here, beside = Forked(is_here, can_start=False), Forked(is_here)
    with Pool(3) as pool:
        tickets = [pool.submit(here), pool.submit(beside)]
        assert [pool.wait(ticket) for ticket in tickets] == [True, False]
    assert here.n_started == 1


@pytest.mark.parametrize("way", ["killed", "short"])
def test_where_memory_runs_out_the_rest_is_done_here_alone(way, tmp_path):
    """The one that runs meanwhile is waited for first."""

    def run_out(parent):
        if parent is None:
            return (tmp_path / "other").exists()
        if way == "short":
            raise CannotBeDoneThereError
        os.kill(os.getpid(), signal.SIGKILL)
        return None

    def go_on(parent):
        del parent
        time.sleep(0.1)
        (tmp_path / "other").touch()
        return os.getpid()

    with Pool(2) as pool:
        first, other, third = (
            pool.submit(task) for task in (Forked(run_out), Forked(go_on), Forked(is_here))
        )
        assert pool.wait(first)
        assert pool.wait(third)
        assert pool.wait(other) != os.getpid()


def test_devices_serve_one_task_at_a_time_and_others_do_not_wait_for_them(tmp_path):
    def work(name):
        def use(parent):
            del parent
            (tmp_path / name).touch(exist_ok=False)
            time.sleep(0.02)
            (tmp_path / name).unlink()
            return name

        return use

    class Using(Forked):
        def __init__(self):
            super().__init__(None)
            self.needs_device = True

        def start(self, device):
            return fork(work(device), lambda name, what: None)

    with Pool(9, ["a", "b"]) as pool:
        tickets = [pool.submit(Using()) for _ in range(5)]
        other = Forked(is_here)
        assert not pool.wait(pool.submit(other))
        assert other.device is None
        assert {pool.wait(ticket) for ticket in tickets} == {"a", "b"}


def fail(message, seconds=0.0):
    def work(parent):
        del parent
        time.sleep(seconds)
        raise ValueError(message)

    return Forked(work)


def test_of_failures_the_first_tasks_is_told_though_another_comes_first():
    with Pool(2) as pool:
        first = pool.submit(fail("first", 0.2), can_be_stopped=True)
        pool.submit(fail("second"), can_be_stopped=True)
        with pytest.raises(ValueError, match="first"):
            pool.wait(first)


def test_a_failure_does_not_wait_long_for_the_others(monkeypatch):
    monkeypatch.setattr(module, "GRACE", 0.05)
    with Pool(2) as pool:
        first = pool.submit(Forked(lambda parent: time.sleep(600)), can_be_stopped=True)
        pool.submit(fail("second"), can_be_stopped=True)
        with pytest.raises(ValueError, match="second"):
            pool.wait(first)


def stop_in(words):
    def work(parent):
        while not parent.is_unwanted():
            time.sleep(0.001)
        raise Stopped(f"{words}.", slug="stopped", hint="Go on.")

    return Forked(work)


def test_a_request_to_stop_reaches_all_that_can_and_their_words_are_joined():
    with Pool(3) as pool:
        first = pool.submit(stop_in("One after 1"), can_be_stopped=True)
        pool.submit(Forked(lambda parent: time.sleep(600)))
        pool.submit(stop_in("Other after 2"), can_be_stopped=True)
        with pytest.raises(Stopped) as error:
            pool.wait(first, lambda: True)
    assert error.value.message == "One after 1. Other after 2."


def test_leaving_ends_what_runs(tmp_path):
    def work(parent):
        del parent
        (tmp_path / str(os.getpid())).touch()
        time.sleep(600)

    with Pool(2) as pool:
        pool.submit(Forked(work))
        while not list(tmp_path.iterdir()):
            time.sleep(0.001)
    (found,) = tmp_path.iterdir()
    with pytest.raises(ProcessLookupError):
        os.kill(int(found.name), 0)
