"""Wrong numbers: slips seen, predictions made without the own label, the mixture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp
from sklearn.datasets import load_digits
from sklearn.metrics import average_precision_score

from datacleanse.detection.regression.mixture import Known, fit_mixture, sum_logs
from datacleanse.detection.regression.opinions import NumberQuestion, predict_without_own_labels
from datacleanse.detection.regression.slips import Slip, find_slips, weigh_grid
from datacleanse.detection.regression.spread import pool_predictions
from datacleanse.detection.regression.wide_rows import N_COMPONENTS, find_components
from datacleanse.detection.second_opinion import ridge


@given(st.sampled_from([10.0, 0.001, -1.0, 2.54]), st.integers(0, 2**32 - 1))
def test_a_factor_that_verified_rows_show_is_found(factor, seed):
    true = np.random.default_rng(seed).uniform(1, 100, 6).round(2)
    slips, others = find_slips(factor * true, true, true)
    assert [slip.factor for slip in slips] == [factor]
    assert slips[0].seen == 6
    assert others == 0
    assert slips[0].undo(factor * true) == pytest.approx(true)


def test_a_constant_shift_is_found_and_single_errors_are_none():
    true = np.array([3.0, 5.0, 9.0, 20.0, 41.0])
    given_numbers = np.array([303.0, 305.0, 309.0, 27.0, 11.0])
    slips, others = find_slips(given_numbers, true, true)
    assert [(slip.shift, slip.seen) for slip in slips] == [(300.0, 3)]
    assert slips[0].describe() == "+ 300"
    assert others == 2


def test_fahrenheit_for_celsius_is_a_slip():
    celsius = np.array([10.0, 21.5, 36.6])
    (slip,), others = find_slips(1.8 * celsius + 32, celsius, celsius)
    assert (slip.factor, slip.shift, others) == (1.8, 32.0, 0)


def test_nothing_is_learned_of_one_pair_or_of_zeros():
    assert find_slips(np.array([50.0]), np.array([5.0]), np.array([5.0])) == ((), 1)
    assert find_slips(np.empty(0), np.empty(0), np.array([5.0])) == ((), 0)


def test_ratings_of_other_rows_show_no_slips():
    rng = np.random.default_rng(0)
    told = []
    for _ in range(100):
        true, other = rng.integers(0, 11, (2, 400)).astype(np.float64)
        wrong = np.flatnonzero(true != other)[:20]
        told += find_slips(other[wrong], true[wrong], true)[0]
    # A chance of CHANCE by known slips, and of as much by shifts.
    assert len(told) <= 6


def test_ratings_that_are_one_too_high_show_it():
    true = np.random.default_rng(0).integers(0, 10, 400).astype(np.float64)
    (slip,), others = find_slips(true[:12] + 1, true[:12], true)
    assert (slip.shift, slip.seen, others) == (1.0, 12, 0)


def test_last_digits_speak_for_ten_times_as_much():
    numbers = np.array([10.0, 21.0, 32.0, 43.0, 54.0, 65.0, 76.0, 87.0, 98.0, 109.0])
    ratio = weigh_grid(Slip(10.0), numbers, 0, np.ones(10))
    assert ratio[0] == pytest.approx(np.log(10))
    assert (ratio[1:] < -5).all()
    assert not weigh_grid(Slip(10.0), numbers, None, np.ones(10)).any()
    assert not weigh_grid(Slip(shift=3.0), numbers, 0, np.ones(10)).any()


def test_logarithms_are_summed():
    logs = np.random.default_rng(0).normal(scale=400, size=(50, 7))
    assert sum_logs(logs) == pytest.approx(logsumexp(logs, axis=1))


def make_rows(n, seed):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 3)).astype(np.float32)
    numbers = rows[:, 0] * 2.0 - rows[:, 1] + rng.normal(scale=0.2, size=n)
    return rows, numbers


def test_no_prediction_knows_the_rows_own_number():
    rows, numbers = make_rows(80, 0)
    learned = np.ones(80, dtype=np.bool_)
    first = predict_without_own_labels(rows, numbers, learned, n_numbers=3, seed=0)
    other = numbers.copy()
    other[7] += 50.0
    second = predict_without_own_labels(rows, other, learned, n_numbers=3, seed=0)
    assert second[7] == pytest.approx(first[7], abs=1e-2)
    assert np.abs(second - first).max() > 0.1


def test_unlearned_rows_change_nothing_and_are_predicted():
    rows, numbers = make_rows(80, 1)
    learned = np.arange(80) < 60
    first = predict_without_own_labels(rows, numbers, learned, n_numbers=3, seed=0)
    changed = np.where(learned, numbers, 1e6)
    second = predict_without_own_labels(rows, changed, learned, n_numbers=3, seed=0)
    assert np.array_equal(first, second)
    fits = [np.corrcoef(each[60:], numbers[60:])[0, 1] for each in first.T]
    assert max(fits) > 0.9


def test_the_pool_believes_the_opinion_that_is_right():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=300)
    opinions = np.column_stack([truth + rng.normal(scale=0.1, size=300), rng.normal(size=300)])
    numbers = truth.copy()
    numbers[:30] += 40.0  # wrong ones, far off
    pooled = pool_predictions(opinions, numbers, np.full(300, 0.9))
    assert np.abs(pooled - truth)[30:].mean() < 0.15


@pytest.fixture(scope="module")
def mixed():
    """600 rows, 60 of them ten times too large, 40 with another row's number; 120 verified."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(600, 2)).astype(np.float32)
    truth = (50 + 8 * x[:, 0] + rng.normal(scale=1.0, size=600)).round(1)
    numbers = truth.copy()
    numbers[:60] = (10 * truth[:60]).round(1)
    numbers[60:100] = truth[rng.choice(600, 40)]
    known = np.zeros(600, dtype=np.bool_)
    known[rng.choice(600, 120, replace=False)] = True
    centre, scale = float(np.median(numbers)), 8.0
    opinions = ((50 + 8 * x[:, :1]) - centre) / scale
    found = fit_mixture(
        Known(numbers, truth, known, np.ones(600, dtype=np.bool_), centre, scale),
        opinions.astype(np.float64),
        x,
        seed=0,
    )
    return numbers, truth, known, found


def test_wrong_numbers_are_told_from_right_ones(mixed):
    numbers, truth, known, found = mixed
    wrong = numbers != truth
    asked = ~known
    far = np.abs(numbers - truth) > 8
    assert found.wrong[asked & far].min() > 0.5
    assert found.wrong[asked & ~wrong].mean() < 0.1
    assert found.wrong.sum() == pytest.approx(wrong.sum(), rel=0.4)


def test_the_slip_of_a_wrong_number_is_named(mixed):
    numbers, _, known, found = mixed
    assert [slip.describe() for slip in found.slips] == ["× 10"]
    assert found.by_slip[:60][~known[:60], 0].min() > 0.5
    assert found.by_slip[100:].max() < 0.5
    assert numbers[0] / 10 == pytest.approx(found.slips[0].undo(numbers[:1])[0])


def moved_off(*, are_pairs, n_wrong_pairs=0):
    """300 rows of which 30 were moved off by 2.6 deviations of all; 50 verified."""
    n, rng = 350, np.random.default_rng(5)
    x = rng.normal(size=(n, 3)).astype(np.float32)
    expected = 10 * x[:, 0]
    truth = (150 + expected + rng.normal(scale=8.0, size=n)).round(1)
    is_wrong = np.arange(n) < 30
    numbers = truth + np.where(is_wrong, 35.0 * rng.choice([-1, 1], n), 0.0).round(1)
    is_known = np.arange(n) >= 300
    is_known[:n_wrong_pairs] = True
    known = Known(
        numbers, truth, is_known, np.ones(n, np.bool_) if are_pairs else ~is_known, 150.0, 13.0
    )
    found = fit_mixture(known, (expected / 13)[:, None].astype(np.float64), x, seed=0)
    return is_wrong[~is_known], found.wrong[~is_known]


@pytest.mark.parametrize(
    ("are_pairs", "n_wrong_pairs"), [(False, 0), (True, 0), (True, 2), (True, 6)]
)
def test_numbers_moved_beyond_all_others_are_wrong(are_pairs, n_wrong_pairs):
    """No other row has such numbers, and right ones have tails: these are shown to be light."""
    is_wrong, wrong = moved_off(are_pairs=are_pairs, n_wrong_pairs=n_wrong_pairs)
    assert average_precision_score(is_wrong, wrong) > 0.85
    # Where none of 50 verified rows is wrong, fewer are expected than there are.
    if n_wrong_pairs:
        assert wrong.mean() == pytest.approx(is_wrong.mean(), abs=0.05)


def test_the_interval_holds_nine_of_ten_right_numbers(mixed):
    _, truth, _, found = mixed
    inside = (found.low <= truth) & (truth <= found.high)
    assert 0.8 < inside.mean() < 0.98


def test_pictures_are_predicted_without_their_own_label_and_not_drawn_by_far_ones():
    digits = load_digits().images[:300]
    images = (digits * 15.9).astype(np.uint8)[:, None]
    ink = digits.sum(axis=(1, 2))
    numbers = (ink - np.median(ink)) / ink.std()
    labels = numbers.copy()
    labels[::20] = 30.0
    every = np.ones(300, dtype=np.bool_)
    question = NumberQuestion(None, labels, every, 0, 0, images=images)
    found = question.answer()
    pooled = pool_predictions(found.predictions, labels, every.astype(float))
    is_right = labels == numbers
    assert np.median(np.abs(pooled - numbers)[is_right]) < 0.2
    assert found.rows.shape == (300, 2 * N_COMPONENTS)
    # Another label of a picture changes what is said of others, and not what is said of it.
    changed = labels.copy()
    changed[7] = -30.0
    again = NumberQuestion(None, changed, every, 0, 0, images=images).answer()
    moved = np.abs(again.predictions - found.predictions).max(axis=1)
    assert moved[7] < 0.01 < moved.max()


def test_few_components_stand_for_many_columns():
    rng = np.random.default_rng(0)
    rows = (rng.normal(size=(400, 3)) @ rng.normal(size=(3, 60)) * 5).astype(np.float32)
    found = find_components(rows + 2, np.arange(400) < 300)
    assert found.shape == (400, 32)
    spread = found.var(axis=0)
    assert spread[:3].sum() > 0.999 * spread.sum()
    distance = [np.linalg.norm(each[1:] - each[:-1], axis=1) for each in (rows, found)]
    assert distance[1] == pytest.approx(distance[0], rel=1e-2)


def test_components_are_those_of_all_rows_where_rows_are_sorted(monkeypatch):
    monkeypatch.setattr(ridge, "MAX_FITTED", 500)
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(1_500, 64)).astype(np.float32)
    # What the rows of large numbers, the last third, alone show.
    telling = np.maximum(np.arange(1_500) - 1_000, 0) / 50
    rows[:, 0] = telling
    found = find_components(rows, np.ones(1_500, dtype=np.bool_))
    kept = np.corrcoef(found.T, telling)[-1, :-1]
    assert np.abs(kept).max() > 0.99
