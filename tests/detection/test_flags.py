"""P-values and flags, against slow transcriptions and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from datacleanse.detection import flags


def found_in_one_fold(scores, calibration):
    return flags.compute_p_values([flags.Scored(scores, calibration)])


def one_fold(scores, calibration):
    return found_in_one_fold(scores, calibration).values


SCORES = arrays(np.float64, st.integers(1, 30), elements=st.integers(0, 9).map(float))


@given(scores=SCORES, calibration=SCORES)
def test_p_values_count_the_calibration_rows_that_are_at_least_as_suspicious(scores, calibration):
    expected = [
        (1 + sum(c >= score for c in calibration)) / (len(calibration) + 1) for score in scores
    ]
    found = found_in_one_fold(scores, calibration)
    np.testing.assert_allclose(found.values, expected)
    assert found.smallest == 1 / (len(calibration) + 1)
    assert found.n_beyond == sum(score > max(calibration) for score in scores)


@given(n=st.integers(1, 12), seed=st.integers(0, 2**16))
def test_cross_fitted_p_values_count_each_fold_by_its_own_scores(n, seed):
    rng = np.random.default_rng(seed)
    folds = [
        flags.Scored(rng.integers(0, 9, n).astype(float), rng.integers(0, 9, m).astype(float))
        for m in (5, 3)
    ]
    expected = [
        (1 + sum(sum(c >= fold.tested[i] for c in fold.calibration) for fold in folds)) / 9
        for i in range(n)
    ]
    np.testing.assert_allclose(flags.compute_p_values(folds).values, expected)


@given(
    p=arrays(np.float64, st.integers(1, 30), elements=st.integers(1, 40).map(lambda k: k / 40)),
    level=st.floats(0.01, 1.5),
)
def test_benjamini_hochberg_is_its_definition(p, level):
    ordered = sorted(p)
    passing = [k for k in range(1, len(p) + 1) if ordered[k - 1] <= level * k / len(p)]
    cut = ordered[max(passing) - 1] if passing else -1.0
    np.testing.assert_array_equal(
        flags.select_by_benjamini_hochberg(p, level), [x <= cut for x in p]
    )


def test_no_rows_give_no_flags():
    assert flags.select_by_benjamini_hochberg(np.empty(0), 0.1).shape == (0,)
    assert flags.estimate_null_share(np.empty(0)) == 1.0


def test_the_mean_share_of_false_alarms_stays_below_the_stated_level():
    """2,000 right and 400 wrong labels, 200 calibration rows: 300 simulated audits."""
    rng = np.random.default_rng(0)
    false_shares, recalls = [], []
    for _ in range(300):
        calibration = rng.normal(size=200)
        scores = np.concatenate([rng.normal(size=2000), rng.normal(3.0, 1.0, size=400)])
        p = one_fold(scores, calibration)
        flagged = flags.select_by_benjamini_hochberg(p, 0.1 / flags.estimate_null_share(p))
        n_false = flagged[:2000].sum()
        false_shares.append(n_false / max(1, flagged.sum()))
        recalls.append(flagged[2000:].mean())
    assert np.mean(false_shares) <= 0.11
    assert np.mean(recalls) > 0.3


def test_the_null_share_is_that_of_the_right_labels():
    rng = np.random.default_rng(0)
    p = np.concatenate([rng.uniform(size=7000), np.full(3000, 1e-3)])
    assert flags.estimate_null_share(p) == pytest.approx(0.7, abs=0.02)


def test_the_rows_needed_are_enough():
    scores = np.concatenate([np.zeros(990), np.full(10, 5.0)])
    calibration = np.linspace(-1, 1, 50)
    assert not flags.select_by_benjamini_hochberg(one_fold(scores, calibration), 0.1).any()
    needed = flags.count_rows_needed(found_in_one_fold(scores, calibration), 0.1)
    enough, one_less = np.linspace(-1, 1, needed), np.linspace(-1, 1, needed - 1)
    assert flags.select_by_benjamini_hochberg(one_fold(scores, enough), 0.1).any()
    assert not flags.select_by_benjamini_hochberg(one_fold(scores, one_less), 0.1).any()


def test_nothing_beyond_the_calibration_rows_means_no_number_would_help():
    assert flags.count_rows_needed(found_in_one_fold(np.zeros(5), np.ones(5)), 0.1) is None


def by_class(scores, given, n_each, n_classes):
    """Calibration rows that are all less suspicious than 1, as many of each class."""
    labels = np.repeat(np.arange(n_classes), n_each)
    calibration = np.linspace(-1, 1, len(labels), endpoint=False)
    folds = [flags.Scored(scores, calibration)]
    return flags.compute_p_values_by_class(folds, given, [labels], n_classes=n_classes)


@given(n=st.integers(1, 20), m=st.integers(1, 20), seed=st.integers(0, 2**16))
def test_class_by_class_each_row_is_compared_with_its_own_class_alone(n, m, seed):
    rng = np.random.default_rng(seed)
    given_labels, labels = rng.integers(0, 3, n), rng.integers(0, 3, m)
    scores, calibration = rng.integers(0, 9, n).astype(float), rng.integers(0, 9, m).astype(float)
    own = [calibration[labels == label] for label in given_labels]
    found = flags.compute_p_values_by_class(
        [flags.Scored(scores, calibration)], given_labels, [labels], n_classes=3
    )
    p = [(1 + sum(o >= s)) / (len(o) + 1) for s, o in zip(scores, own, strict=True)]
    np.testing.assert_allclose(found.values, p)
    assert found.smallest == min(1 / (len(o) + 1) for o in own)
    assert found.n_beyond == sum(
        len(o) > 0 and s > max(o) for s, o in zip(scores, own, strict=True)
    )


def test_the_rows_needed_class_by_class_are_enough():
    scores, given_labels = np.zeros(500), np.arange(500) % 10
    scores[:10] = 5.0
    few = by_class(scores, given_labels, 10, 10)
    assert few.smallest == pytest.approx(1 / 11)
    assert not flags.select_by_benjamini_hochberg(few.values, 0.1).any()
    needed = flags.count_rows_needed(few, 0.1)
    enough, one_less = (
        by_class(scores, given_labels, n, 10) for n in (needed // 10, needed // 10 - 1)
    )
    assert flags.select_by_benjamini_hochberg(enough.values, 0.1).any()
    assert not flags.select_by_benjamini_hochberg(one_less.values, 0.1).any()


@given(
    p=arrays(np.float64, st.integers(1, 30), elements=st.integers(0, 20).map(lambda k: k / 20)),
    level=st.floats(0.01, 0.9),
)
def test_the_estimated_list_is_the_longest_that_keeps_the_mean_below_the_level(p, level):
    order = np.argsort(-p, kind="stable")
    fitting = [k for k in range(1, len(p) + 1) if sum(1 - p[i] for i in order[:k]) <= level * k]
    listed = flags.find_longest_list(p, level)
    longest = min(max(fitting, default=0), int((p > 0.5).sum()))
    # Too short for a single false alarm: no list.
    expected = order[:longest] if longest * level >= 1 else []
    assert set(np.flatnonzero(listed)) == set(expected)


def test_a_list_is_not_filled_up_with_rows_that_are_likelier_right():
    p = np.concatenate([np.full(50, 0.999), np.full(50, 0.001)])
    assert np.flatnonzero(flags.find_longest_list(p, 0.1)).tolist() == list(range(50))


def test_ten_rows_are_the_shortest_estimated_list_at_a_tenth():
    sure = np.ones(10)
    assert flags.find_longest_list(sure, 0.1).sum() == 10
    assert not flags.find_longest_list(sure[:9], 0.1).any()


@given(
    p=arrays(np.float64, st.integers(1, 40), elements=st.integers(10, 20).map(lambda k: k / 20)),
    level=st.floats(0.05, 0.4),
    spare=st.floats(0, 3),
)
def test_a_list_is_shortened_to_where_its_bound_holds(p, level, spare):
    listed = flags.find_longest_list(p, level)
    false_at_most = np.ceil(spare * np.cumsum(1 - np.sort(p)[::-1]))
    kept = flags.shorten_list(listed, p, level, lambda rows: false_at_most[: len(rows)])

    assert not (kept & ~listed).any()
    fitting = [
        k
        for k in range(1, int(listed.sum()) + 1)
        if false_at_most[k - 1] <= flags.BOUNDED * level * k
    ]
    longest = max(fitting, default=0)
    assert kept.sum() == (longest if longest * level >= 1 else 0)
    if kept.any():
        assert p[kept].min() >= p[listed & ~kept].max(initial=0)


def test_a_list_longer_than_bounds_are_worked_out_for_is_kept_whole(monkeypatch):
    monkeypatch.setattr(flags, "MAX_BOUNDED", 10)
    sure = np.ones(25)
    listed = flags.find_longest_list(sure, 0.1)
    kept = flags.shorten_list(listed, sure, 0.1, lambda rows: np.zeros(len(rows)))
    assert listed.sum() == kept.sum() == 25


@pytest.mark.parametrize(("n_passing", "basis"), [(24, "controlled"), (23, "estimated")])
def test_a_controlled_list_gives_way_to_a_much_longer_estimated_one(n_passing, basis):
    probability = np.where(np.arange(100) < 40, 0.96, 0.0)
    found, rests_on = flags.choose_list(np.arange(100) < n_passing, probability, 0.05)
    assert (found.sum(), rests_on) == ({"controlled": n_passing, "estimated": 40}[basis], basis)


def test_a_row_is_not_flagged_by_its_p_value_alone():
    """Beside 44 clean rows 17 more wine rows lay beyond all of these; 16 of them were right."""
    probability = np.where(np.arange(100) < 10, 0.9, np.where(np.arange(100) < 27, 0.3, 0.0))
    found, rests_on = flags.choose_list(np.arange(100) < 27, probability, 0.1)
    assert (np.flatnonzero(found).tolist(), rests_on) == (list(range(10)), "controlled")


def test_a_row_of_two_fifths_may_be_flagged_by_its_p_value_though_not_by_probability():
    probability = np.where(np.arange(100) < 30, 0.45, np.where(np.arange(100) < 35, 0.39, 0.0))
    found, rests_on = flags.choose_list(np.arange(100) < 35, probability, 0.1)
    assert (np.flatnonzero(found).tolist(), rests_on) == (list(range(30)), "controlled")
    assert not flags.find_longest_list(probability, 0.9).any()
