"""The second opinion beside other work: the same answer in a thread and in a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from time import sleep

import numpy as np
import pytest

from datacleanse.detection.second_opinion import background as module
from datacleanse.detection.second_opinion import question as question_module
from datacleanse.detection.second_opinion import tables
from datacleanse.detection.second_opinion.background import Adviser
from datacleanse.detection.second_opinion.pool import AbandonedError
from datacleanse.detection.second_opinion.question import Question
from datacleanse.pictures.joined import Joined
from datacleanse.scheduling.forked import fork
from datacleanse.scheduling.pool import Pool
from datacleanse.storage import mapped_files
from datacleanse.storage.mapped_files import is_mapped, keep_on_disk


def question(n=120, **other) -> Question:
    rows = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)
    rows[::7, 1] = np.nan
    labels = (rows[:, 0] > 0).astype(np.int64)
    options = {"n_classes": 2, "seed": 3, "n_numbers": 3} | other
    return Question("table", rows, labels, np.arange(n) > 10, **options)


@contextmanager
def asking(adviser, asked, place):
    """What waits for the answer, which is formed beside this process as long as the block lasts."""
    with Pool(2) as pool:
        tickets = [pool.submit(task) for task in adviser.ask(asked, place)]
        yield lambda: asked.join([pool.wait(ticket) for ticket in tickets])


@pytest.fixture(autouse=True)
def no_forks(monkeypatch):
    """As where processes cannot be forked, but where a test says otherwise."""
    monkeypatch.setattr(module, "can_fork", lambda: False)


@pytest.fixture(scope="module")
def expected():
    return question().answer()


class Forked:
    """A process that waits for a question, used like the `Popen` that `start` gives.

    It is forked, which saves loading its libraries: what a start itself does is tested without.
    """

    def __init__(self, kind):
        reading, writing = os.pipe()
        self._child = fork(lambda _: self._wait(kind, reading, writing))
        os.close(reading)
        self.stdin = os.fdopen(writing, "wb")
        self.returncode = None

    def _wait(self, kind, reading, writing):
        os.close(writing)
        with os.fdopen(reading, "rb") as asked:
            module.main(kind, asked)

    def poll(self):
        if self.returncode is None:
            pid, status = os.waitpid(self._child._pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self):
        while self.poll() is None:
            sleep(0.005)
        return self.returncode

    def kill(self):
        if self.returncode is None:
            os.kill(self._child._pid, signal.SIGKILL)


@pytest.fixture
def started(monkeypatch):
    """The processes, whatever the number of rows, as they are started."""
    found = []
    start = Forked if sys.platform == "linux" else module.start
    monkeypatch.setattr(module, "MANY", 0)
    monkeypatch.setattr(module, "start", lambda *a: found.append(start(*a)) or found[-1])
    return found


def test_a_thread_gives_the_same_answer_and_leaves_nothing(expected, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "MANY", 10**9)
    with asking(Adviser(), question(), tmp_path) as answer:
        np.testing.assert_array_equal(answer(), expected)
    assert list(tmp_path.iterdir()) == []


def test_images_in_two_arrays_are_asked_about_in_a_process(monkeypatch, tmp_path):
    monkeypatch.setattr(mapped_files, "BYTES_AT_ONCE", 50 * 36)
    images = np.random.default_rng(0).integers(256, size=(120, 1, 6, 6), dtype=np.uint8)
    labels = np.arange(120) % 2
    images[labels == 1, :, :3] //= 2
    joined = Joined(images[:70], images[70:])
    asked = Question("images", joined, labels, np.ones(120, bool), n_classes=2, seed=3)
    monkeypatch.setattr(module, "MANY", 0)
    # The other process must answer: this one would give the same.
    monkeypatch.setattr(Question, "answer", lambda *_: pytest.fail("asked here"))
    with asking(Adviser(), asked, tmp_path) as answer:
        found = answer()
    assert found.shape == (120, 2)
    assert (found.argmax(axis=1) == labels).mean() > 0.9


@pytest.mark.parametrize("kind", ["features", "images"])
def test_features_are_asked_about_in_a_process(kind, monkeypatch, tmp_path):
    rng = np.random.default_rng(0)
    labels = np.arange(120) % 2
    features = (labels[:, None] + rng.normal(size=(120, 5))).astype(np.float32)
    images = rng.integers(256, size=(120, 1, 6, 6), dtype=np.uint8)
    asked = Question(
        kind,
        features if kind == "features" else Joined(images[:70], images[70:]),
        labels,
        np.ones(120, bool),
        n_classes=2,
        seed=3,
        features=features if kind == "images" else None,
    )
    expected = asked.answer()
    assert (expected.argmax(axis=1) == labels).mean() > 0.8
    monkeypatch.setattr(module, "MANY", 0)
    monkeypatch.setattr(Question, "answer", lambda *_: pytest.fail("asked here"))
    with asking(Adviser(), asked, tmp_path) as answer:
        np.testing.assert_allclose(answer(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks")
def test_a_forked_process_gives_the_same_answer_and_writes_nothing(expected, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "can_fork", lambda: True)
    with asking(Adviser(), question(), tmp_path / "none") as answer:
        monkeypatch.setattr(Question, "answer", lambda *_: pytest.fail("asked here"))
        np.testing.assert_array_equal(answer(), expected)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks")
@pytest.mark.parametrize("ahead", [False, True])
def test_parts_of_an_opinion_on_many_rows_are_joined_to_the_same_one(
    ahead, expected, started, monkeypatch, tmp_path
):
    monkeypatch.setattr(module, "can_fork", lambda: True)
    monkeypatch.setattr(question_module, "MANY_TO_SPLIT", 0)
    asked = question()
    with Adviser(120) as adviser:
        if ahead:
            adviser.ask_ahead(asked)
        assert len(adviser.ask(asked, tmp_path)) == 3
        with asking(adviser, asked, tmp_path) as answer:
            np.testing.assert_array_equal(answer(), expected)
    assert len(started) == 1
    with Adviser(is_split=False) as adviser:
        assert len(adviser.ask(asked, tmp_path)) == 1


def test_an_opinion_on_few_rows_or_on_texts_alone_stays_whole(monkeypatch):
    assert len(question().split()) == 1
    monkeypatch.setattr(question_module, "MANY_TO_SPLIT", 0)
    assert [part.part for part in question().split()] == [0, 1, 2]
    asked = question()
    assert len(replace(asked, rows=asked.rows[:, :0]).split()) == 1


def test_the_part_without_trees_loads_no_scikit_learn(monkeypatch):
    monkeypatch.setattr(question_module, "MANY_TO_SPLIT", 0)
    loaded = []
    monkeypatch.setattr(question_module, "import_module", loaded.append)
    for part in question().split():
        loaded.clear()
        part.answer()
        assert ("sklearn.tree" in loaded) == (part.part != tables.REST)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks")
@pytest.mark.parametrize("n_parts", [1, 3])
def test_large_answers_of_forked_processes_come_as_files_without_a_name(
    n_parts, expected, monkeypatch, tmp_path
):
    monkeypatch.setattr(module, "can_fork", lambda: True)
    if n_parts > 1:
        monkeypatch.setattr(question_module, "MANY_TO_SPLIT", 0)
    asked = question()
    with Adviser() as adviser, Pool(2) as pool, keep_on_disk(tmp_path, least=1):
        tasks = [pool.submit(each) for each in adviser.ask(asked, tmp_path)]
        assert len(tasks) == n_parts
        answers = [pool.wait(each) for each in tasks]
        voices = answers if n_parts == 1 else [voice for each in answers for voice in each]
        assert all(is_mapped(each) for each in voices)
        assert list(tmp_path.iterdir()) == []
        np.testing.assert_array_equal(asked.join(answers), expected)


def test_a_question_asked_ahead_is_not_asked_again(expected, started, tmp_path):
    with Adviser(120) as adviser:
        asked = question()
        adviser.ask_ahead(asked)
        with asking(adviser, asked, tmp_path / "none") as answer:
            np.testing.assert_array_equal(answer(), expected)
        assert len(started) == 1
        assert started[0].returncode == 0
        with asking(adviser, question(), tmp_path) as answer:
            np.testing.assert_array_equal(answer(), expected)
        assert len(started) == 2


@pytest.mark.parametrize("is_killed", [False, True])
def test_with_one_place_who_was_asked_ahead_answers_too(
    is_killed, expected, started, monkeypatch, tmp_path
):
    with Adviser(120) as adviser, Pool(1) as pool:
        asked = question()
        adviser.ask_ahead(asked)
        if is_killed:
            started[0].kill()
        else:
            monkeypatch.setattr(Question, "answer", lambda *_: pytest.fail("asked here"))
        (task,) = adviser.ask(asked, tmp_path)
        np.testing.assert_array_equal(pool.wait(pool.submit(task)), expected)
        assert started[0].poll() is not None
    assert len(started) == 1


def test_a_question_asked_ahead_in_vain_leaves_no_process(started, tmp_path):
    with Adviser(120) as adviser:
        adviser.ask_ahead(question())
        with asking(adviser, question(), tmp_path):
            assert started[0].poll() is not None
    with Adviser(120) as adviser:
        adviser.ask_ahead(question())
    assert all(process.poll() is not None for process in started)


def test_without_a_process_that_waits_nothing_is_asked_ahead(monkeypatch):
    monkeypatch.setattr(module, "start", lambda kind: pytest.fail("started"))
    with Adviser() as adviser:
        assert not adviser.is_waiting
        adviser.ask_ahead(question())


@pytest.mark.parametrize("executable", ["/no/such/python", "false"])
def test_where_no_process_answers_this_one_does(executable, expected, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "MANY", 0)
    monkeypatch.setattr(sys, "executable", executable)
    with asking(Adviser(), question(), tmp_path) as answer:
        np.testing.assert_array_equal(answer(), expected)


def test_leaving_the_block_ends_the_process(started, tmp_path):
    with asking(Adviser(), question(n=5000), tmp_path):
        pass
    assert started[0].poll() is not None
    if hasattr(signal, "SIGKILL"):
        assert started[0].returncode == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == []


def test_processes_may_be_started_before_they_are_asked_and_are_asked_once(
    expected, started, tmp_path
):
    """Each adviser has its own; who asks again gets another."""
    with Adviser(120) as one, Adviser(120) as other:
        assert len(started) == 2
        for adviser, process in zip((one, other), started, strict=True):
            assert process.poll() is None
            with asking(adviser, question(), tmp_path) as answer:
                np.testing.assert_array_equal(answer(), expected)
            assert process.returncode == 0
            assert list(tmp_path.iterdir()) == []
        assert len(started) == 2
        with asking(one, question(), tmp_path):
            assert len(started) == 3


def test_a_process_that_is_never_asked_ends_with_the_block(started):
    with pytest.raises(ZeroDivisionError), Adviser(120):
        raise ZeroDivisionError
    assert started[0].poll() is not None


def test_closing_twice_does_no_harm(started):
    adviser = Adviser(120)
    adviser.close()
    adviser.close()
    assert started[0].poll() is not None


def test_a_process_that_was_waiting_ends_where_its_question_cannot_be_saved(
    started, monkeypatch, tmp_path
):
    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr(module, "_save", fail)
    with (
        Adviser(120) as adviser,
        pytest.raises(OSError, match="no space"),
        asking(adviser, question(), tmp_path),
    ):
        pass
    assert started[0].poll() is not None


def test_nothing_is_started_for_few_rows(monkeypatch):
    monkeypatch.setattr(module, "start", lambda kind: pytest.fail("started"))
    with Adviser(module.MANY - 1):
        pass


def test_a_process_whose_caller_dies_before_it_asks_ends():
    process = module.start("images")
    process.stdin.close()
    assert process.wait(60) == 0


def test_a_process_whose_caller_is_gone_gives_up(monkeypatch, tmp_path):
    asked = question()
    for name, values in zip(
        (module._ROWS, module._LABELS, module._USED),
        (asked.rows, asked.labels, asked.is_learned),
        strict=True,
    ):
        np.save(tmp_path / name, values)
    parents = iter([1, 1, 2])
    monkeypatch.setattr(os, "getppid", lambda: next(parents))
    line = json.dumps([str(tmp_path), "table", False, 2, 3, 3, None]).encode()
    with pytest.raises(AbandonedError):
        module.main("table", BytesIO(line))
    assert not (tmp_path / module._OPINION).exists()


def test_the_process_that_waits_loads_no_pandas():
    # Elsewhere in the process pandas stays as it is: it can be loaded afterwards.
    program = """
import io, sys
from datacleanse.detection.second_opinion.background import main
main("table", io.BytesIO())
assert "sklearn.tree" in sys.modules and "pandas" not in sys.modules
import pandas
main("table", io.BytesIO())
assert sys.modules["pandas"] is pandas
"""
    path = os.pathsep.join(sys.path)
    subprocess.run(
        [sys.executable, "-c", program], check=True, env=os.environ | {"PYTHONPATH": path}
    )
