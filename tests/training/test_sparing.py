"""Checkpoints between epochs: not more often than they pay, and always at the end or at a stop."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from datacleanse.training import sparing
from datacleanse.training.sparing import SparingSaver

N_EPOCHS = 4


def checkpoint(epochs, *, is_within=False):
    return SimpleNamespace(epochs=epochs, order=object() if is_within else None)


@pytest.fixture
def clock(monkeypatch):
    """Seconds that can be set."""
    clock = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(sparing, "monotonic", lambda: clock.seconds)
    return clock


def test_between_epochs_it_is_saved_once_a_second_and_at_the_end_always(clock):
    saved = []
    save = SparingSaver(lambda each: saved.append(each.epochs), N_EPOCHS)
    for epochs, seconds in ((1, 0.4), (2, 1.1), (3, 1.9), (4, 2.0)):
        clock.seconds = seconds
        save(checkpoint(epochs))
    assert saved == [2, 4]


def test_a_stop_within_an_epoch_is_always_saved(clock):
    saved = []
    save = SparingSaver(lambda each: saved.append(each.epochs), N_EPOCHS)
    save(checkpoint(1))
    save(checkpoint(1, is_within=True))
    assert clock.seconds == 0
    assert saved == [1]
