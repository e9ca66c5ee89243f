"""The logistic regression on pairs: against a slow reference, and as probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from datacleanse.detection import calibration as module
from datacleanse.detection.calibration import (
    CLASS_SPREADS,
    VIEW_SPREADS,
    Clues,
    clip_log_odds,
    fit_calibration,
    measure_fit,
)


def draw(n=300, seed=0, shift=0.0) -> tuple[Clues, np.ndarray]:
    """Rows of three classes; of the last one more are wrong than is thought."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    log_odds = rng.normal(-2, 2, n)
    views = log_odds[:, None] + rng.normal(size=(n, 2))
    is_wrong = rng.random(n) < expit(0.6 * log_odds + shift * (labels == 2))
    return Clues(log_odds, views, labels), is_wrong


def reference(clues, is_wrong, view, of_class):
    """Mode and evidence by another optimiser and by the formula, term by term."""
    features = np.column_stack(
        [
            np.ones(len(is_wrong)),
            clues.log_odds,
            np.maximum(clues.log_odds, 0),
            clues.views - clues.log_odds[:, None],
            *(clues.labels == k for k in range(3)),
        ]
    ).astype(float)
    centre = np.array([0, 1.3, 0, 0, 0, 0, 0, 0.0])
    spread = np.array([2, 0.5, 0.3, view, view, of_class, of_class, of_class])

    def loss(theta):
        p = expit(features @ theta)
        likelihood = np.log(np.where(is_wrong, p, 1 - p)).sum()
        return -likelihood + 0.5 * (((theta - centre) / spread) ** 2).sum()

    found = minimize(loss, centre, method="BFGS", options={"gtol": 1e-9})
    p = expit(features @ found.x)
    bent = features.T @ np.diag(p * (1 - p)) @ features + np.diag(1 / spread**2)
    evidence = -loss(found.x) - np.log(spread).sum() - 0.5 * np.log(np.linalg.det(bent))
    return found.x, np.linalg.inv(bent), evidence


def test_the_fit_is_that_of_a_slow_reference():
    clues, is_wrong = draw(shift=1.5)
    found = fit_calibration(clues, is_wrong, 3)
    tried = [reference(clues, is_wrong, v, c) for v in VIEW_SPREADS for c in CLASS_SPREADS]
    mode, covariance, _ = max(tried, key=lambda each: each[2])
    np.testing.assert_allclose(found.mode, mode, atol=1e-4)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-3, atol=1e-6)


def test_a_probability_above_a_half_is_the_mean_over_what_the_coefficients_may_be():
    clues, is_wrong = draw(60, shift=1.5)
    found = fit_calibration(clues, is_wrong, 3)
    drawn = np.random.default_rng(1).multivariate_normal(found.mode, found.covariance, 20_000)
    described = clues.describe(3)
    mean, likeliest = expit(described @ drawn.T).mean(axis=1), expit(described @ found.mode)
    is_top = likeliest > 0.5
    assert 0 < is_top.sum() < len(is_top)
    np.testing.assert_allclose(found.estimate(clues), np.where(is_top, mean, likeliest), atol=0.01)


def test_few_errors_are_expected_where_pairs_show_few():
    clues, is_wrong = draw(200, shift=0.0)
    is_wrong[:] = False
    is_wrong[np.argsort(-clues.log_odds)[:10]] = True
    expected = fit_calibration(clues, is_wrong, 3).estimate(clues).sum()
    assert expected == pytest.approx(10, rel=0.1)


def test_a_class_that_is_wrong_more_often_than_thought_is_learned():
    clues, is_wrong = draw(2000, shift=2.5)
    found = fit_calibration(clues, is_wrong, 3).estimate(clues)
    for label in range(3):
        mine = clues.labels == label
        assert found[mine].mean() == pytest.approx(is_wrong[mine].mean(), abs=0.03)


def test_separable_outcomes_stay_finite():
    clues, _ = draw()
    found = fit_calibration(clues, clues.log_odds > -1.0, 3)
    assert np.isfinite(found.mode).all()
    assert ((found.estimate(clues) > 0) & (found.estimate(clues) < 1)).all()


def test_simulated_shares_vary_as_the_truth_does():
    """Nine of ten 90 % ranges of a fresh sample's share hold it, or nearly."""
    held = []
    for seed in range(40):
        clues, is_wrong = draw(150, seed=seed)
        fresh, truth = draw(1000, seed=1000 + seed)
        low, high = np.quantile(
            fit_calibration(clues, is_wrong, 3).simulate_shares(fresh), [0.05, 0.95]
        )
        held.append(low <= truth.mean() <= high)
    assert np.mean(held) > 0.8


def test_false_alarms_stay_below_their_bound_as_often_as_is_said():
    held = []
    for seed in range(40):
        clues, is_wrong = draw(150, seed=seed)
        fresh, truth = draw(1000, seed=1000 + seed)
        order = np.argsort(-fresh.log_odds)
        bound = fit_calibration(clues, is_wrong, 3).bound_false_alarms(fresh.take(order))
        n_false = np.cumsum(~truth[order])
        assert (np.diff(bound) >= 0).all()
        assert (bound <= np.arange(1, 1001)).all()
        held.append([n_false[at] <= bound[at] for at in (19, 49, 99, 299, 999)])
    assert np.mean(held) > 0.8
    assert bound[99] < 60


def test_parts_of_the_rows_change_nothing(monkeypatch):
    clues, is_wrong = draw()
    found = fit_calibration(clues, is_wrong, 3)
    whole = found.estimate(clues)
    monkeypatch.setattr(module, "BLOCK", 37)
    np.testing.assert_allclose(found.estimate(clues), whole, rtol=1e-12)


def test_many_classes_have_no_coefficients_of_their_own(monkeypatch):
    clues, is_wrong = draw()
    monkeypatch.setattr(module, "MANY_CLASSES", 2)
    assert len(fit_calibration(clues, is_wrong, 3).mode) == 5


def test_the_better_account_fits_better_however_it_is_scaled():
    clues, is_wrong = draw(2000)
    noise = np.random.default_rng(1).normal(size=2000) * 3
    assert measure_fit(clues.log_odds * 3, is_wrong) > measure_fit(clues.log_odds + noise, is_wrong)


def test_log_odds_are_cut():
    found = clip_log_odds(np.array([0.0, 1e-300, 0.5, 1.0]))
    np.testing.assert_allclose(found, [-module.CLIP, -module.CLIP, 0, module.CLIP])


def test_a_share_is_simulated_on_rows_of_all_kinds_where_these_take_turns():
    rng = np.random.default_rng(0)
    n = 3 * module.MAX_SIMULATED
    # Of three annotators, in turn, the last one errs.
    is_wrong = (np.arange(n) % 3 == 2) & (rng.random(n) < 0.3)
    log_odds = np.where(is_wrong, rng.normal(1.5, 1, n), rng.normal(-4, 1, n))
    clues = Clues(log_odds, np.empty((n, 0)), np.zeros(n, dtype=np.int64))
    pairs = rng.choice(n, 400, replace=False)
    calibration = fit_calibration(clues.take(pairs), is_wrong[pairs], 1)
    low, high = np.quantile(calibration.simulate_shares(clues), [0.025, 0.975])
    assert low < is_wrong.mean() < high


def test_a_row_is_held_out_as_if_the_coefficients_were_fitted_without_it(monkeypatch):
    monkeypatch.setattr(module, "CLASS_SPREADS", (0.7,))
    monkeypatch.setattr(module, "VIEW_SPREADS", (0.4,))
    clues, is_wrong = draw(n=80, shift=1.0)
    fitted = fit_calibration(clues, is_wrong, 3)
    held_out = fitted.estimate_held_out(clues, is_wrong)
    exact = np.empty(80)
    for row in range(80):
        others = np.delete(np.arange(80), row)
        without = fit_calibration(clues.take(others), is_wrong[others], 3)
        exact[row] = without.estimate(clues.take(np.array([row])))[0]
    np.testing.assert_allclose(held_out, exact, atol=0.01)
    assert np.abs(fitted.estimate(clues) - exact).max() > 0.03


def test_rows_that_are_held_out_do_not_bear_themselves_out():
    found = []
    for seed in range(20):
        clues, _ = draw(n=150, seed=seed)
        by_chance = np.random.default_rng(seed).random(150) < 0.3
        fitted = fit_calibration(clues, by_chance, 3)
        held_out, own = fitted.estimate_held_out(clues, by_chance), fitted.estimate(clues)
        found.append([p[by_chance].mean() - p[~by_chance].mean() for p in (held_out, own)])
    apart, apart_in_sample = np.mean(found, axis=0)
    assert apart < 0.003
    assert apart_in_sample > 0.01
