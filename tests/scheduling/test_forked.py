"""Work in a forked process: what it gives, how it fails, and that it never outlives its parent."""

from __future__ import annotations

import os
import signal
import sys
import time
from multiprocessing.connection import wait
from pathlib import Path

import numpy as np
import pytest

from datacleanse.errors import InputError
from datacleanse.scheduling.forked import can_fork, fork
from datacleanse.scheduling.interface import CannotBeDoneThereError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks")


def test_it_sees_what_this_process_holds_and_changes_nothing_of_it():
    held = np.arange(5)

    def work(parent):
        del parent
        held[0] = 9
        return held * 2

    assert can_fork()
    np.testing.assert_array_equal(fork(work).take(), [18, 2, 4, 6, 8])
    assert held[0] == 0


def test_what_it_says_is_heard_in_order_and_an_answer_is_waited_for():
    heard = []

    def listen(name, what):
        time.sleep(0.01)
        heard.append((name, *what))

    def work(parent):
        parent.tell("step", 1)
        parent.ask("saved", 2)
        return "end"

    assert fork(work, listen).take() == "end"
    assert heard == [("step", 1), ("saved", 2)]


class ForeignError(Exception):
    def __init__(self, one, other):
        super().__init__(one)
        self.other = other


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (InputError("no rows.", slug="empty", hint="Give some."), InputError, "no rows"),
        (ZeroDivisionError("by 0"), ZeroDivisionError, "by 0"),
        (ForeignError("of two arguments", 2), RuntimeError, "ForeignError: of two arguments"),
        (SystemExit("left"), SystemExit, "left"),
    ],
)
def test_an_error_is_raised_here_with_where_it_arose_there(error, kind, words):
    def work(parent):
        del parent
        raise error

    with pytest.raises(kind, match=words) as caught:
        fork(work).take()
    assert "in work" in str(caught.value.__cause__)
    if kind is InputError:
        assert (caught.value.slug, caught.value.hint) == ("empty", "Give some.")


def test_where_it_is_killed_the_work_is_to_be_done_here():
    with pytest.raises(CannotBeDoneThereError):
        fork(lambda parent: os.kill(os.getpid(), signal.SIGKILL)).take()


def test_it_is_asked_to_stop_and_can_be_ended():
    def work(parent):
        while not parent.is_unwanted():
            time.sleep(0.001)
        return "stopped"

    child = fork(work)
    assert not child.attend()
    child.ask_to_stop()
    wait([child.connection])
    assert child.attend()
    assert child.take() == "stopped"
    other = fork(work)
    other.end()
    other.end()


def test_signals_of_the_terminal_are_the_parents_affair():
    def work(parent):
        del parent
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        return "alive"

    assert fork(work).take() == "alive"


@pytest.mark.parametrize("is_deaf", [False, True])
def test_it_ends_when_its_parent_is_killed(is_deaf, tmp_path):
    """Also where it never asks whether somebody waits for it."""
    place = tmp_path / "pid"

    def work(parent):
        place.write_text(str(os.getpid()), encoding="ascii")
        while is_deaf or not parent.is_unwanted():
            time.sleep(0.001)

    def be_parent(parent):
        del parent
        fork(work).take()

    middle = fork(be_parent)
    while not place.exists() or not place.read_text(encoding="ascii"):
        time.sleep(0.001)
    pid = int(place.read_text(encoding="ascii"))
    middle.end()
    for _ in range(5000):
        status = Path(f"/proc/{pid}/stat")
        if not status.exists() or status.read_text(encoding="ascii").split(") ")[1][0] == "Z":
            return
        time.sleep(0.001)
    pytest.fail("it lives")


def test_nothing_is_printed_twice(capfd):
    sys.stdout.write("waiting ")
    fork(lambda parent: sys.stdout.write("said there") and None).take()
    sys.stdout.flush()
    assert capfd.readouterr().out.split() == ["waiting", "said", "there"]


def test_where_no_process_can_be_started_there_is_none(monkeypatch):
    def refuse():
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    assert fork(lambda parent: 1) is None
