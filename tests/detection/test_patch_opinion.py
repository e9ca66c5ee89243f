"""The second opinion by patches of images: each row is judged as if it had been left out."""

from __future__ import annotations

import numpy as np
import pytest

from datacleanse.detection.second_opinion import patches as module
from datacleanse.detection.second_opinion import ridge
from datacleanse.detection.second_opinion.features import ask_on_patches as ask
from datacleanse.detection.second_opinion.pool import AbandonedError
from datacleanse.pictures.joined import Joined
from tests.auditing.made_images import digits


@pytest.fixture(autouse=True)
def few_filters(monkeypatch):
    # The time goes into eigenvalues of all features' products.
    monkeypatch.setattr(module, "N_FILTERS", 40)


def test_own_label_does_not_vouch_for_itself():
    images, labels = digits()
    images, labels = images[:300], labels[:300]
    changed = labels.copy()
    changed[:30] = (changed[:30] + 3) % 10
    opinion = ask(images, changed, np.ones(300, bool), n_classes=10, seed=0)
    np.testing.assert_allclose(opinion.sum(axis=1), 1, rtol=1e-5)
    assert (opinion.argmax(axis=1)[:30] == labels[:30]).mean() > 0.85


def test_rows_that_are_not_learned_are_judged_but_change_nothing():
    images, labels = digits()
    images, labels = images[:260], labels[:260]
    is_learned = np.arange(260) < 200
    before = ask(images, labels, is_learned, n_classes=10, seed=0)
    other = np.where(is_learned, labels, (labels + 1) % 10)
    after = ask(images, other, is_learned, n_classes=10, seed=0)
    np.testing.assert_array_equal(after, before)
    assert (before[200:].argmax(axis=1) == labels[200:]).mean() > 0.85


def test_of_many_rows_some_are_solved_on(monkeypatch):
    images, labels = digits()
    of_all = ask(images[:400], labels[:400], np.ones(400, bool), n_classes=10, seed=0)
    monkeypatch.setattr(ridge, "MAX_FITTED", 150)
    opinion = ask(images[:400], labels[:400], np.ones(400, bool), n_classes=10, seed=0)
    assert (opinion.argmax(axis=1) == labels[:400]).mean() > 0.85
    assert np.abs(opinion - of_all).max() > 1e-3


@pytest.mark.parametrize("size", [(1, 1, 1), (3, 2, 5), (1, 7, 40), (3, 50, 101), (1, 100, 3)])
def test_every_size_of_image_is_served(size):
    rng = np.random.default_rng(0)
    images = rng.integers(256, size=(12, *size), dtype=np.uint8)
    images[:2] = 0
    opinion = ask(images, np.arange(12) % 2, np.ones(12, bool), n_classes=2, seed=0)
    assert np.isfinite(opinion).all()
    assert opinion.shape == (12, 2)


def test_two_arrays_give_what_one_gives():
    images, labels = digits()
    everything = np.ones(120, bool)
    one = ask(images[:120], labels[:120], everything, n_classes=10, seed=0)
    two = ask(Joined(images[:70], images[70:120]), labels[:120], everything, n_classes=10, seed=0)
    np.testing.assert_array_equal(one, two)


def test_nobody_waits():
    images, labels = digits()
    with pytest.raises(AbandonedError):
        ask(
            images[:50],
            labels[:50],
            np.ones(50, bool),
            n_classes=10,
            seed=0,
            is_unwanted=lambda: True,
        )
