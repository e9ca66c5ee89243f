"""The second opinion on features of pictures: a regression and class means, or with patches."""

from __future__ import annotations

import numpy as np
import pytest

from datacleanse.detection.second_opinion import features

N = 300


@pytest.fixture(scope="module")
def rows():
    """More features than can be learned from so few rows, and labels that often go one way."""
    rng = np.random.default_rng(0)
    truth = rng.integers(4, size=N)
    centres = rng.normal(size=(4, 80))
    seen = (centres[truth] + 2 * rng.normal(size=(N, 80))).astype(np.float32)
    return seen, truth, np.where(rng.random(N) < 0.3, (truth + 1) % 4, truth)


def ask(seen, given):
    return features.ask(seen, given, np.ones(N, bool), n_classes=4, seed=0)


def test_the_second_look_knows_true_classes_better(rows):
    seen, truth, given = rows
    scores = features.make_regression(seen, np.ones(N, bool), n_classes=4, seed=0)(given)
    once = features.pool_opinions(scores, given, np.arange(N))
    twice = ask(seen, given)
    at = np.arange(N), truth
    np.testing.assert_allclose(twice.sum(axis=1), 1, atol=1e-5)
    assert np.log(twice[at]).mean() > np.log(once[at]).mean() + 0.03


def test_alone_regression_and_class_means_have_as_much_to_say(rows, monkeypatch):
    seen, _, given = rows
    told, likely = ask(seen, given), []
    monkeypatch.setattr(features, "apply_weights", lambda parts, _: likely.extend(parts))
    ask(seen, given)
    pooled = np.exp(np.mean(likely, axis=0, dtype=np.float64))
    np.testing.assert_allclose(told, pooled / pooled.sum(axis=1, keepdims=True), rtol=1e-4)


def test_beside_patches_it_looks_once(rows, monkeypatch):
    seen, _, given = rows
    monkeypatch.setattr(features, "share_out", lambda *_: pytest.fail("looked again"))
    monkeypatch.setattr(
        features.discriminant, "score_without_own_labels", lambda *_, **__: pytest.fail("asked")
    )
    monkeypatch.setattr(
        features.patches, "encode_patches", lambda *_, **__: np.zeros((N, 9), np.float32)
    )
    images, every = np.zeros((N, 1, 8, 8), np.uint8), np.ones(N, bool)
    told = features.ask_beside_patches(seen, images, given, every, n_classes=4, seed=0)
    np.testing.assert_allclose(told.sum(axis=1), 1, atol=1e-5)


def test_what_is_told_of_labels_is_measured_above_their_shares(rows):
    seen, truth, _ = rows
    rng = np.random.default_rng(0)
    images, every = rng.integers(256, size=(N, 1, 8, 8), dtype=np.uint8), np.arange(N)
    by_features, by_patches = features.compare_with_patches(
        seen, images, truth, every, n_classes=4, seed=0
    )
    # Four classes hold at most log 4 nats; pictures of noise tell none of them.
    assert 0.5 < by_features < np.log(4)
    assert abs(by_patches) < 0.15
