"""The local false-discovery rate against scikit-learn's isotonic regression."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import isotonic_regression
from sklearn.isotonic import IsotonicRegression

from datacleanse.detection.flags import Scored
from datacleanse.detection.local_fdr import estimate_local_probability, fit_isotonic


def test_probability_never_falls_as_suspicion_rises_and_is_never_certain():
    rng = np.random.default_rng(0)
    tested = np.concatenate([rng.normal(size=900), rng.normal(4, 1, size=100)])
    calibration = rng.normal(size=100)
    probability = estimate_local_probability(tested, [Scored(tested, calibration)], pi0=0.9)
    ordered = probability[np.argsort(tested)]
    assert (np.diff(ordered) >= 0).all()
    assert 0.5 < ordered[-1] < 1.0
    assert probability.sum() == pytest.approx(100, rel=0.5)


def test_the_probability_is_that_of_an_isotonic_fit():
    """Against scikit-learn's regression of "is from DATA" on the score, with many equal scores."""
    rng = np.random.default_rng(3)
    tested = np.concatenate([rng.normal(size=300), rng.normal(3, 1, size=60)]).round(1)
    calibration = rng.normal(size=50).round(1)
    null = np.append(calibration, max(tested.max(), calibration.max()))
    x = np.concatenate([tested, null])
    is_data = np.concatenate([np.ones(len(tested)), np.zeros(len(null))])
    weight = np.concatenate(
        [np.full(len(tested), 1 / len(tested)), np.full(len(null), 1 / len(null))]
    )
    share = IsotonicRegression().fit(x, is_data, sample_weight=weight).predict(tested)
    expected = np.clip(1 - 0.8 * (1 - share) / share, 0, 1)
    actual = estimate_local_probability(tested, [Scored(tested, calibration)], pi0=0.8)
    np.testing.assert_allclose(actual, expected, atol=1e-9)


@given(
    arrays(np.float64, st.integers(1, 40), elements=st.floats(0, 1)),
    st.integers(0, 2**32 - 1),
)
def test_adjacent_violators_are_pooled_as_scipy_does(values, seed):
    weights = np.random.default_rng(seed).uniform(0.01, 1, len(values))
    expected = isotonic_regression(values, weights=weights).x
    np.testing.assert_allclose(fit_isotonic(values, weights), expected, atol=1e-12)


def test_very_many_scores_are_thinned_without_moving_the_probability(monkeypatch):
    rng = np.random.default_rng(0)
    tested = np.concatenate([rng.normal(size=9000), rng.normal(4, 1, size=1000)])
    fold = [Scored(tested, rng.normal(size=100))]
    whole = estimate_local_probability(tested, fold, pi0=0.9)
    monkeypatch.setattr("datacleanse.detection.local_fdr.MAX_POINTS", 1000)
    thinned = estimate_local_probability(tested, fold, pi0=0.9)
    # Single rows at the edge of a step may change sides.
    assert np.abs(thinned - whole).mean() < 0.01
