"""Pools of opinions: weights that suit labels as given, or labels that one of them corrects."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from datacleanse.detection.second_opinion.pool import (
    fit_weights,
    fit_weights_to_shares,
    pool_by_guide,
    pool_opinions,
)
from datacleanse.detection.second_opinion.tables import pool_parts

N, C = 2_000, 3
EVERY = np.arange(N)


def sure_of(classes, share, rng):
    """(N, C) log-probabilities that favour the (N,) classes in such a share of rows."""
    favoured = np.where(rng.random(N) < share, classes, rng.integers(0, C, N))
    scores = np.full((N, C), np.log(0.1), np.float32)
    scores[EVERY, favoured] = np.log(0.8)
    return scores


@pytest.fixture
def foreseen():
    """Errors that one opinion foresees better than the guide knows the truth: (truth, ...)."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, C, N)
    given = np.where(rng.random(N) < 0.15, (truth + 1) % C, truth)
    return truth, given, sure_of(given, 0.9, rng), sure_of(truth, 0.9, rng)


def test_whole_shares_are_labels(foreseen):
    _, given, *opinions = foreseen
    shares = sparse.csr_array((np.ones(N), (EVERY, given)), shape=(N, C))
    found = fit_weights_to_shares(opinions, shares)
    np.testing.assert_allclose(found, fit_weights(opinions, given, EVERY), rtol=1e-4)


def test_shares_weigh_as_so_many_rows_would(foreseen):
    _, given, *opinions = foreseen
    shares = np.zeros((N, C))
    shares[EVERY, given] = 0.75
    shares[EVERY, (given + 1) % C] = 0.25
    found = fit_weights_to_shares(opinions, sparse.csr_array(shares))
    fourfold = [np.tile(opinion, (4, 1)) for opinion in opinions]
    labels = np.concatenate([given, given, given, (given + 1) % C])
    np.testing.assert_allclose(found, fit_weights(fourfold, labels, np.arange(4 * N)), rtol=1e-3)


def test_a_guide_takes_the_word_from_those_that_foresee_wrong_labels(foreseen):
    truth, given, other, guide = foreseen
    is_wrong = given != truth
    plain = pool_opinions([other, guide], given, EVERY)
    guided = pool_by_guide([other, guide], guide, given, EVERY)
    np.testing.assert_allclose(guided.sum(axis=1), 1, atol=1e-5)
    own = EVERY, given
    assert plain[own][is_wrong].mean() > 0.7
    assert guided[own][is_wrong].mean() < 0.5


def test_it_is_as_sure_as_the_labels_as_given_allow(foreseen):
    _, given, other, guide = foreseen
    guided = pool_by_guide([other, guide], guide, given, EVERY)
    sharpened = np.log(guided)
    np.testing.assert_allclose(fit_weights([sharpened], given, EVERY), [1.0], rtol=1e-2)


def test_where_there_are_texts_the_last_opinion_guides(foreseen):
    _, given, other, guide = foreseen
    learned = np.ones(N, bool)
    found = pool_parts([other, guide], given, learned, has_texts=True)
    np.testing.assert_array_equal(found, pool_by_guide([other, guide], guide, given, EVERY))
    found = pool_parts([other, guide], given, learned, has_texts=False)
    np.testing.assert_array_equal(found, pool_opinions([other, guide], given, EVERY))
