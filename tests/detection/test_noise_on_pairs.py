"""The noise matrix as pairs teach it."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

from datacleanse.detection.noise_matrix import fit_noise_on_pairs

T = np.array([[0.95, 0.05, 0.0], [0.0, 0.6, 0.4], [0.0, 0.0, 1.0]])
C = len(T)


def draw(n, *, seed=0):
    """Pairs of 30,000 rows of which the last class is rare, and what a good model says of them."""
    rng = np.random.default_rng(seed)
    p = softmax(2 * rng.normal(size=(30_000, C)) + np.log([0.8, 0.19, 0.01]), axis=1)
    truth = (rng.random(len(p))[:, None] > np.cumsum(p, axis=1)).sum(axis=1)
    labels = (rng.random(len(truth))[:, None] > np.cumsum(T, axis=1)[truth]).sum(axis=1)
    rows = rng.choice(len(labels), n, replace=False)
    return p[rows] @ T, truth[rows], labels[rows]


def test_given_labels_of_pairs_tell_the_matrix():
    given, truth, labels = draw(1500)
    (found,) = fit_noise_on_pairs(given, truth, labels, np.ones((1, 1500), bool))
    np.testing.assert_allclose(found.full.sum(axis=1), 1)
    np.testing.assert_allclose(found.full[:2], T[:2], atol=0.08)
    assert found.one_rate[0, 0] > 0.5


def test_rows_that_are_no_pairs_count_by_their_true_class_alone():
    given, truth, labels = draw(600)
    some = np.where(np.arange(600) < 300, labels, -1)
    is_in = np.stack([np.arange(600) < 300, np.ones(600, bool)])
    first, both = fit_noise_on_pairs(given, truth, some, is_in)
    assert np.abs(first.full - both.full).max() > 1e-3
    np.testing.assert_allclose(both.full[:2], T[:2], atol=0.15)


def test_many_classes_have_one_rate():
    given = np.full((40, 120), 1 / 120)
    truth = np.arange(40)
    (found,) = fit_noise_on_pairs(given, truth, truth, np.ones((1, 40), bool))
    assert found.full is found.one_rate
