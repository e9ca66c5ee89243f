"""From dynamics to suspicion, probability and flags."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from datacleanse.dynamics import Dynamics
from datacleanse.score import Evidence, adjusted_margin, assess, wrong_probability

N, N_CLEAN = 400, 300


def dynamics(margin, labels) -> Dynamics:
    margin = margin.astype(np.float32)
    right = 1 / (1 + np.exp(-margin))
    probability = np.stack([1 - right, right], axis=1)
    probability[labels == 0] = probability[labels == 0][:, ::-1]
    blank = np.full(len(margin), np.nan, np.float32)
    return Dynamics(blank, blank, blank, np.log1p(np.exp(-margin)), margin, probability)


def evidence(n_wrong=60, *, n_calibration=100, shift=-6.0, verified=None, seed=0) -> Evidence:
    """The first ``n_wrong`` rows of DATA are wrong: their margins are ``shift`` lower."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, N + N_CLEAN)
    margins = [rng.normal(3.0, 1.0, N + N_CLEAN) for _ in range(2)]
    for margin in margins:
        margin[:n_wrong] += shift
    trained = np.ones(N + N_CLEAN, dtype=bool)
    trained[N + n_calibration :] = False
    return Evidence(
        reweighted=dynamics(margins[0], labels),
        control=dynamics(margins[1], labels),
        labels=labels,
        n_data=N,
        trained=trained,
        verified=np.full(N, -1) if verified is None else verified,
    )


def test_rows_with_small_margins_lead_the_ranking():
    assessment = assess(evidence(), fdr=0.1)
    top = np.argsort(-assessment.suspicion)[:60]
    assert np.mean(top < 60) > 0.95


def test_flags_find_the_planted_errors():
    assessment = assess(evidence(n_calibration=N_CLEAN), fdr=0.2)
    assert assessment.flagged[:60].mean() > 0.9
    assert assessment.flagged[60:].sum() < 30


def test_the_estimated_number_of_errors_is_right_on_the_mean():
    assessments = [assess(evidence(n_calibration=N_CLEAN, seed=s), fdr=0.2) for s in range(20)]
    assert np.mean([a.probability.sum() for a in assessments]) == pytest.approx(60, rel=0.35)
    assert np.mean([a.null_share for a in assessments]) == pytest.approx(1 - 60 / N, abs=0.04)


def test_the_suggestion_is_the_other_class_where_the_networks_prefer_it():
    given = evidence()
    assessment = assess(given, fdr=0.1)
    np.testing.assert_array_equal(assessment.suggested[:40], 1 - given.labels[:40])
    assert (assessment.suggested[60:] == -1).mean() > 0.95


def test_scores_are_distinct_even_where_all_rows_are_alike():
    tied = evidence(n_wrong=0)
    for d in (tied.reweighted, tied.control):
        d.margin[:] = 1.0
        d.loss[:] = 0.3
        d.probability[:] = 0.5
    assessment = assess(tied, fdr=0.1)
    assert len(np.unique(assessment.suspicion)) == N
    assert list(np.argsort(-assessment.suspicion)[:3]) == [0, 1, 2]


def test_too_few_calibration_rows_leave_nulls_not_guesses():
    assessment = assess(evidence(n_calibration=0), fdr=0.1)
    assert np.isnan(assessment.p_value).all()
    assert np.isnan(assessment.probability).all()
    assert not assessment.flagged.any()
    assert assessment.null_share is None


def test_rows_that_the_clean_set_verifies_get_its_verdict():
    base = evidence()
    verified = np.full(N, -1)
    verified[100] = base.labels[100]
    verified[200] = 1 - base.labels[200]
    assessment = assess(evidence(verified=verified), fdr=0.1)
    assert assessment.probability[100] == 0.0
    assert assessment.probability[200] == 1.0
    assert assessment.suspicion[200] == assessment.suspicion.max()
    assert assessment.suspicion[100] == assessment.suspicion.min()
    assert assessment.flagged[200]
    assert not assessment.flagged[100]
    assert assessment.suggested[200] == verified[200]
    assert assessment.suggested[100] == -1
    assert np.isnan(assessment.p_value[[100, 200]]).all()


def test_probability_never_falls_as_suspicion_rises_and_is_never_certain():
    rng = np.random.default_rng(0)
    tested = np.concatenate([rng.normal(size=900), rng.normal(4, 1, size=100)])
    calibration = rng.normal(size=100)
    probability = wrong_probability(tested, tested, calibration, pi0=0.9)
    ordered = probability[np.argsort(tested)]
    assert (np.diff(ordered) >= 0).all()
    assert 0.5 < ordered[-1] < 1.0
    assert probability.sum() == pytest.approx(100, rel=0.5)


def test_the_control_s_class_shares_are_taken_back_to_those_of_the_clean_set():
    """Half of DATA's class 1 are errors, and plain training has learned that share."""
    n_data = 100
    labels = np.array([1] * 60 + [0] * 40 + [1] * 12 + [0] * 28)
    probability = np.full((len(labels), 2), [0.45, 0.55], dtype=np.float32)
    blank = np.zeros(len(labels), dtype=np.float32)
    control = Dynamics(blank, blank, blank, blank, blank, probability)
    given = Evidence(control, control, labels, n_data, np.ones(len(labels), bool), labels[:0])
    margin = adjusted_margin(given)
    ratio = (13 / 42) / (61 / 102), (29 / 42) / (41 / 102)
    expected = np.log(0.55 * ratio[0]) - np.log(0.45 * ratio[1])
    np.testing.assert_allclose(margin[labels == 1], expected, rtol=1e-5)
    np.testing.assert_allclose(margin[labels == 0], -expected, rtol=1e-5)
    assert expected < 0


def test_a_balanced_clean_set_says_nothing_about_shares():
    labels = np.array([1] * 80 + [0] * 20 + [1] * 10 + [0] * 10)
    probability = np.full((len(labels), 2), [0.3, 0.7], dtype=np.float32)
    blank = np.zeros(len(labels), dtype=np.float32)
    control = Dynamics(blank, blank, blank, blank, blank, probability)
    given = Evidence(control, control, labels, 100, np.ones(len(labels), bool), labels[:0])
    expected = np.log(0.7 / 0.3)
    np.testing.assert_allclose(adjusted_margin(given)[labels == 1], expected, rtol=1e-5)


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
    actual = wrong_probability(tested, tested, calibration, pi0=0.8)
    np.testing.assert_allclose(actual, expected, atol=1e-9)
