"""`datacleanse.plan_audit`: the arguments of `audit`, its errors, and nothing left behind."""

from __future__ import annotations

import inspect
import tempfile
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import datacleanse as dc
from datacleanse.auditing import memory_need
from datacleanse.training import loop
from tests.auditing.made_images import digits
from tests.auditing.test_own_opinion import made
from tests.auditing.test_same_bytes import write_pictures

SHORT = {"label": "grade", "epochs": 3, "device": "cpu", "progress": False}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The current directory, with that of temporary files in it: both are empty."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path


def list_files(place):
    return sorted(path.relative_to(place).as_posix() for path in place.rglob("*"))


def test_a_frame_is_planned_as_it_is_audited_and_nothing_is_left(place):
    frame, clean, *_ = made()
    found = dc.plan_audit(frame, val=clean, repeats=1, **SHORT)
    assert list_files(place) == ["temporary"]
    done = dc.audit(frame, val=clean, repeats=1, **SHORT)
    training = done.manifest["training"]
    assert (found.rows, found.clean_rows) == (done.n_rows, len(clean))
    assert (found.features, found.classes) == (2, 2)
    assert (found.reweighted, found.plain) == (2 * training["folds"], 2 + 1)
    assert (found.epochs, found.device) == (training["epochs"], "cpu")
    assert 0 < found.seconds < 60
    assert min(found.memory_bytes, found.disk_bytes, found.scratch_bytes) > 0


def test_pictures_are_planned_and_nothing_is_left(place):
    images, labels = digits()
    write_pictures(place / "data", images[:120], labels[:120])
    write_pictures(place / "clean", images[120:160], labels[120:160])
    before = list_files(place)
    found = dc.plan_audit(
        place / "data", val=place / "clean", out=place / "run", model="residual", epochs=2
    )
    assert list_files(place) == before
    assert (found.rows, found.clean_rows, found.features, found.classes) == (120, 40, None, 10)
    assert (found.reweighted, found.plain, found.epochs) == (2, 2, 2)


def test_it_takes_the_arguments_of_an_audit_and_gives_a_forecast():
    of_audit, of_plan = map(inspect.signature, (dc.audit, dc.plan_audit))
    assert of_plan.parameters == of_audit.parameters
    assert of_plan.return_annotation == "Forecast"
    with pytest.raises(TypeError, match=r"plan_audit\(\) has no argument 'epoch'\. Did"):
        dc.plan_audit(None, epoch=3)
    with pytest.raises(TypeError, match="too many positional"):
        dc.plan_audit(None, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"label": "mark"},
        {"fdr": 10},
        {"memory": "100MB"},
        {"drop": ["nothing"]},
        {"model": "residual"},
        {"val": None, "rule": "l2rw"},
        {"task": "regression", "label": "grade"},
        {"probabilities": np.zeros((3, 2))},
        {"probabilities": np.zeros((3, 2)), "second_opinion": LogisticRegression()},
        {"second_opinion": LogisticRegression(C=-1)},
    ],
    ids=lambda wrong: ", ".join(f"{name}={str(value)[:12]}" for name, value in wrong.items()),
)
def test_what_an_audit_refuses_is_refused_in_the_same_words(wrong, place):
    frame, clean, *_ = made()
    asked = {"val": clean} | SHORT | wrong
    with pytest.raises(dc.DatacleanseError) as planned:
        dc.plan_audit(frame, **asked)
    assert list_files(place) == ["temporary"]
    with pytest.raises(dc.DatacleanseError) as audited:
        dc.audit(frame, **asked)
    assert type(planned.value) is type(audited.value)
    assert str(planned.value) == str(audited.value)


class Saying:
    """A progress that keeps what is said."""

    def __init__(self):
        self.said = []

    def stage(self, name, total):
        """Nothing to do."""

    def advance(self, steps=1):
        """Nothing to do."""

    def say(self, message):
        self.said.append(message)


def test_an_audit_says_no_more_memory_and_disk_than_was_planned(place, monkeypatch):
    """What can be told before anything is tried is the least; where it is the most, it is both."""
    frame, clean, *_ = made()
    monkeypatch.setattr(memory_need, "LARGE", 0)
    for libraries, disk in ((10**9, 1_000), (10**11, 10**6)):
        monkeypatch.setattr(memory_need, "LIBRARIES", libraries)
        monkeypatch.setattr(memory_need, "ON_DISK", disk)
        told = Saying()
        asked = {"val": clean} | SHORT | {"memory": "200GB", "progress": told}
        found = dc.plan_audit(frame, **asked)
        assert not [said for said in told.said if "memory" in said]
        dc.audit(frame, **asked)
        (said,) = [said for said in told.said if "takes at least" in said]
        assert f"{found.memory_bytes / 1e9:.1f} GB of memory" in said
        size = (found.disk_bytes + found.scratch_bytes) / 1e6
        assert (f"{size:.0f} MB of disk" in said) == (disk == 10**6)


def test_no_network_is_trained_to_its_end(place, monkeypatch):
    """Of thousands of passes some are made, and none of those that end a training."""
    ends = []
    original = loop.train

    def train(*given, **named):
        ends.append("begun")
        result = original(*given, **named)
        ends.append("ended")
        return result

    monkeypatch.setattr("datacleanse.training.short_trial.train", train)
    frame, clean, *_ = made()
    found = dc.plan_audit(frame, val=clean, **SHORT | {"epochs": 5_000})
    assert ends == ["begun"] * 2
    assert found.epochs == 5_000
    assert found.seconds > 10


class Counting(LogisticRegression):
    """Notes how many rows it learned at a time."""

    seen: list[int] = []  # noqa: RUF012  # clones share it

    def fit(self, rows, labels):
        self.seen.append(len(rows))
        return super().fit(rows, labels)


def test_a_classifier_of_the_callers_is_tried_on_some_rows(place):
    n = 50_000
    rng = np.random.default_rng(0)
    # One class has two rows, which no even draw of some rows holds.
    labels = np.where(np.arange(n) < 2, 2, rng.integers(2, size=n))
    data = {"size": rng.normal(size=n) + labels, "grade": labels}
    Counting.seen.clear()
    found = dc.plan_audit(data, second_opinion=Counting(), **SHORT)
    assert found.rows == n
    assert 0 < max(Counting.seen) < n / 5


def test_a_forecast_is_shown_in_words_and_stays_as_it_is():
    found = dc.Forecast(
        *(1_000, 50, 3, 2, 2, 2, 30, 19, 2, "cpu"),
        **{"seconds": 12.0, "memory_bytes": 2**29, "disk_bytes": 2**22, "scratch_bytes": 2**20},
    )
    assert str(found).splitlines() == [
        "Data",
        "  1,000 rows, 3 features, 2 classes; 50 verified rows",
        "Training",
        "  Networks: 2 with learned weights and 2 plainly; 30 passes over the rows each, 19 steps "
        "a pass",
        "  On cpu, up to 2 tasks at a time (jobs=)",
        "Takes about",
        "  12 s (between 8.0 s and 18 s)",
        "  512 MiB of memory, all processes together",
        "  4 MiB on disk for the run, and 1 MiB besides as long as it lasts",
    ]
    assert repr(found) == str(found)
    assert found.to_json()["seconds"] == 12.0
    with pytest.raises(FrozenInstanceError):
        found.seconds = 1.0
