"""From dynamics to suspicion, probability and flags."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from datacleanse.detection import flags
from datacleanse.detection import worth as module
from datacleanse.detection.assessment import assess, find_likely_classes, order_flags
from datacleanse.detection.evidence import Evidence, Fold
from datacleanse.detection.noise_rates import count_confusions, estimate_noise_by_class
from datacleanse.detection.on_right_rows import LOCAL_PART
from datacleanse.detection.worth import weigh_rows
from datacleanse.training.recorder import Dynamics

N, N_CLEAN = 400, 300
EVERY = np.ones(N + N_CLEAN, bool)


def dynamics(right) -> Dynamics:
    """Of two classes, the probability of the given label known."""
    margin = np.log(right / (1 - right)).astype(np.float32)
    blank = np.full(len(right), np.nan, np.float32)
    return Dynamics(blank, blank, blank, -np.log(right), margin, blank[:, None])


def evidence(
    n_wrong=60, *, n_folds=2, n_calibration=None, shift=-6.0, verified=None, seed=0
) -> Evidence:
    """The first ``n_wrong`` rows of DATA are wrong: all opinions see them ``shift`` lower."""
    rng = np.random.default_rng(seed)
    n_all = N + N_CLEAN
    labels = rng.integers(0, 2, n_all)

    def opinion() -> Dynamics:
        margin = rng.normal(3.0, 1.0, n_all)
        margin[:n_wrong] += shift
        own = 1 / (1 + np.exp(-margin))
        probability = np.stack([1 - own, own], axis=1).astype(np.float32)
        probability[labels == 0] = probability[labels == 0][:, ::-1]
        return replace(dynamics(own), probability=probability)

    clean = np.arange(N, n_all)
    half = len(clean) // 2 if n_calibration is None else len(clean) - n_calibration
    parts = [(clean[:half], clean[half:]), (clean[half:], clean[:half])][:n_folds]
    trained = np.ones(n_all, dtype=bool)
    trained[parts[0][0]] = False
    opinions = [opinion() for _ in parts]
    return Evidence(
        reweighted=opinions[0],
        control=opinion(),
        folds=tuple(
            Fold(o.probability, meta, calibration)
            for o, (meta, calibration) in zip(opinions, parts, strict=True)
        ),
        is_steered=True,
        second=opinion().probability,
        labels=labels,
        n_data=N,
        is_trained=trained,
        truth=np.append(np.full(N, -1) if verified is None else verified, labels[N:]),
        clean_at=clean,
    )


@pytest.fixture(scope="module")
def plain():
    """What is made of the evidence as it comes, for tests that only read it."""
    return assess(evidence(), fdr=0.1)


def test_rows_that_all_opinions_doubt_lead_the_ranking(plain):
    top = np.argsort(plain.rank)[:60]
    assert np.mean(top < 60) > 0.95


@pytest.mark.parametrize("n_folds", [1, 2])
def test_flags_find_the_planted_errors_under_control(n_folds):
    assessment = assess(evidence(n_folds=n_folds), fdr=0.2)
    assert assessment.basis == "controlled"
    assert assessment.flagged[:60].mean() > 0.9
    assert assessment.flagged[60:].sum() < 30


@pytest.fixture(scope="module")
def six():
    """What two folds make of six draws."""
    return [assess(evidence(seed=s), fdr=0.2) for s in range(6)]


def test_the_estimated_number_of_errors_is_right_on_the_mean(six):
    assert np.mean([a.probability.sum() for a in six]) == pytest.approx(60, rel=0.35)


def test_the_share_of_right_labels_is_right_in_one_fold_and_cautious_in_two(six):
    """p-values averaged over two folds lean to the middle: fewer errors are supposed, not more."""
    right = 1 - 60 / N
    in_one_fold = [assess(evidence(seed=s, n_folds=1), fdr=0.2) for s in range(6)]
    for assessments, tolerance in ((in_one_fold, 0.05), (six, 0.15)):
        shares = [each.null_share for each in assessments]
        assert right - 0.05 < np.mean(shares) < right + tolerance


def test_the_suggestion_is_the_other_class_where_the_posterior_prefers_it(plain):
    np.testing.assert_array_equal(plain.suggested[:40], 1 - evidence().labels[:40])
    assert (plain.suggested[60:] == -1).mean() > 0.95


def test_every_row_is_counted_once_in_the_confusions(plain):
    labels = evidence().labels
    np.testing.assert_allclose(plain.confusion.sum(axis=1), np.bincount(labels[:N]))
    off_diagonal = plain.confusion[0, 1] + plain.confusion[1, 0]
    assert off_diagonal == pytest.approx(plain.suspicion.sum(), abs=1e-3)


def test_confusions_of_a_label_sum_to_the_wrong_labels_expected_of_it(plain):
    labels = evidence().labels[:N]
    by_class = estimate_noise_by_class(plain, labels, 2)
    for pair in count_confusions(plain, labels):
        expected = by_class[pair.given]
        assert pair.rows == pytest.approx(expected.share * expected.rows)
        assert pair.share == pytest.approx(expected.share)


def test_ranks_are_distinct_even_where_all_rows_are_alike():
    tied = evidence(n_wrong=0)
    tied.second[:] = 0.5
    for dynamics_ in (tied.reweighted, tied.control):
        dynamics_.loss[:] = 0.3
    for opinion in (tied.control.probability, *(fold.opinion for fold in tied.folds)):
        opinion[:] = 0.5
    labels = np.zeros_like(tied.labels)
    labels[N:] = np.arange(N_CLEAN) % 2
    assessment = assess(replace(tied, labels=labels), fdr=0.1)
    assert list(assessment.rank) == list(range(1, N + 1))


def test_without_calibration_rows_there_are_no_p_values_and_no_controlled_flags():
    assessment = assess(evidence(n_folds=1, n_calibration=0), fdr=0.1)
    assert np.isnan(assessment.p_value).all()
    assert np.isnan(assessment.calibration_score).all()
    assert assessment.null_share is None
    assert assessment.smallest_p_value is None
    assert assessment.basis == "estimated"
    np.testing.assert_allclose(assessment.probability, assessment.suspicion, atol=1e-6)
    assert (assessment.bounds[0] == 0).all()
    assert (assessment.bounds[1] == 1).all()


def test_where_no_p_value_can_be_small_enough_the_list_is_an_estimate_and_says_what_is_needed():
    assessment = assess(evidence(n_wrong=8, n_folds=1, n_calibration=20), fdr=0.3)
    assert assessment.basis == "estimated"
    assert assessment.flagged[:8].sum() >= 5
    assert assessment.rows_needed > 20


def test_where_a_few_p_values_pass_nothing_is_said_of_the_rows_it_takes(monkeypatch):
    monkeypatch.setattr(flags, "SHORT", 10.0)
    assessment = assess(evidence(), fdr=0.1)
    assert assessment.basis == "estimated"
    assert assessment.rows_needed is None
    assert assessment.flagged[:60].mean() > 0.8


def test_nothing_is_listed_where_nothing_stands_out():
    assessment = assess(evidence(n_wrong=0), fdr=0.02)
    assert assessment.basis == "none"
    assert not assessment.flagged.any()


def see_doubtful_class(labels) -> Evidence:
    """No label is wrong, but rows of class 1 look worse than the others."""
    base = evidence(n_wrong=0, shift=0.0)
    rng = np.random.default_rng(1)
    own = np.where(
        labels == 1, rng.uniform(0.3, 0.6, len(labels)), rng.uniform(0.9, 0.99, len(labels))
    )
    probability = np.stack([own, 1 - own], axis=1).astype(np.float32)
    probability[labels == 1] = probability[labels == 1][:, ::-1]
    seen = replace(dynamics(own), probability=probability)
    folds = tuple(replace(fold, opinion=probability) for fold in base.folds)
    return replace(
        base,
        labels=labels,
        truth=np.append(base.verified, labels[N:]),
        reweighted=seen,
        control=seen,
        folds=folds,
        second=probability,
    )


def test_a_clean_set_of_other_classes_than_data_is_compared_class_by_class():
    """Few of its rows are of the class whose right rows look doubtful."""
    labels = np.zeros(N + N_CLEAN, dtype=np.int64)
    labels[:160] = 1
    labels[N : N + N_CLEAN : 20] = 1
    assessment = assess(see_doubtful_class(labels), fdr=0.1)
    assert assessment.basis != "controlled"
    assert 0.4 < assessment.p_value[:160].mean() < 0.65
    assert assessment.p_value[:160].min() == pytest.approx(1 / 16)


def test_a_clean_set_balanced_on_purpose_is_compared_class_by_class():
    """Rows of the rare class look worse without being wrong: their own class tells."""
    labels = np.zeros(N + N_CLEAN, dtype=np.int64)
    labels[:40] = 1
    labels[N:] = np.arange(N_CLEAN) % 2
    given = see_doubtful_class(labels)
    assessment = assess(given, fdr=0.1)
    p_value = assessment.p_value
    assert np.mean(p_value[:40]) == pytest.approx(0.5, abs=0.15)
    assert np.mean(p_value[40:]) == pytest.approx(0.5, abs=0.15)
    assert assessment.smallest_p_value == 1 / (N_CLEAN / 2 + 1)


def lacking(found: Evidence, kept: int) -> Evidence:
    """The same where CLEAN has ``kept`` rows of the second class, and all of the first."""
    second = np.flatnonzero(found.labels[N:] == 1) + N
    gone = second[kept:]

    def leave(rows):
        return np.setdiff1d(rows, gone)

    folds = [
        replace(fold, steering=leave(fold.steering), calibration=leave(fold.calibration))
        for fold in found.folds
    ]
    truth = found.truth.copy()
    truth[gone] = -1
    return replace(found, folds=tuple(folds), clean_at=leave(found.clean_at), truth=truth)


def test_a_class_that_clean_leaves_out_is_ranked_but_not_flagged():
    found = lacking(evidence(), kept=0)
    assessment = assess(found, fdr=0.2)
    is_left_out = found.labels[:N] == 1
    assert not assessment.flagged[is_left_out].any()
    assert np.isnan(assessment.p_value[is_left_out]).all()
    assert assessment.flagged[:60][~is_left_out[:60]].mean() > 0.8
    assert np.isfinite(assessment.suspicion).all()
    assert len(set(assessment.rank)) == N


def test_a_class_with_a_clean_row_or_so_rare_that_chance_leaves_it_out_is_flagged():
    one = lacking(evidence(), kept=1)
    assert not one.left_out.any()
    rare = lacking(evidence(), kept=0)
    labels = np.zeros_like(rare.labels)
    labels[np.flatnonzero(rare.labels[:N] == 1)[:10]] = 1
    assert not replace(rare, labels=labels).left_out.any()
    labels[np.flatnonzero(rare.labels[:N] == 1)[:60]] = 1
    assert replace(rare, labels=labels).left_out.tolist() == [False, True]


def test_a_label_that_verified_rows_had_is_flagged_though_it_is_never_right():
    found = lacking(evidence(), kept=0)
    pair = np.flatnonzero(found.labels[:N] == 1)[0]
    truth = found.truth.copy()
    truth[pair] = 0
    paired = replace(found, clean_at=np.append(found.clean_at, pair), truth=truth)
    assert found.left_out[1]
    assert not paired.left_out.any()


def test_without_clean_rows_no_class_is_left_out():
    assert not without_clean(evidence()).left_out.any()


def test_with_ten_classes_of_ten_clean_rows_p_values_go_down_to_an_eleventh():
    """Where each class calibrates itself, a hundred clean rows allow what ten do."""
    n_classes, n, rng = 10, 300, np.random.default_rng(0)
    given = np.where(np.arange(n) < 150, 0, np.arange(n) % n_classes)
    labels = np.append(given, np.repeat(np.arange(n_classes), 10))

    def opinion(seed):
        own = 0.8 + 0.1 * np.random.default_rng(seed).random(len(labels))
        own[:8] = 0.001
        p = np.repeat((1 - own)[:, None] / (n_classes - 1), n_classes, axis=1)
        p[np.arange(len(labels)), labels] = own
        return p.astype(np.float32)

    seen = [
        replace(dynamics(rng.random(len(labels))), probability=opinion(seed)) for seed in (1, 2)
    ]
    clean = n + rng.permutation(100)
    halves = np.sort(clean[clean % 2 == 0]), np.sort(clean[clean % 2 == 1])
    evidence_ = Evidence(
        reweighted=seen[0],
        control=seen[1],
        folds=tuple(
            Fold(opinion(seed), *parts) for seed, parts in ((3, halves), (4, halves[::-1]))
        ),
        is_steered=True,
        second=opinion(5),
        labels=labels,
        n_data=n,
        is_trained=np.ones(len(labels), dtype=bool),
        truth=np.append(np.full(n, -1), labels[n:]),
        clean_at=np.arange(n, len(labels)),
    )
    assessment = assess(evidence_, fdr=0.1)
    assert assessment.smallest_p_value == pytest.approx(1 / 11)
    assert assessment.p_value[:8] == pytest.approx(1 / 11)
    assert assessment.p_value.min() == assessment.smallest_p_value
    assert assessment.basis != "controlled"
    assert assessment.rows_needed > 100
    assert assessment.rows_needed % n_classes == 0


def test_how_labels_go_wrong_is_learned_from_the_second_opinion_where_there_is_one(plain):
    base = evidence()
    alone = assess(replace(base, second=None), fdr=0.1).noise
    doubled = assess(replace(base, second=base.control.probability), fdr=0.1).noise
    for noise, same, other in zip(alone, doubled, plain.noise, strict=True):
        np.testing.assert_array_equal(noise.matrices.full, same.matrices.full)
        assert not np.array_equal(noise.matrices.full, other.matrices.full)


def test_only_what_an_opinion_says_counts_not_which_array_it_is():
    """A copy of the control's array is no second network, and the same array is no absence."""
    plain = evidence()
    control = plain.control.probability
    uniform = replace(plain, folds=tuple(replace(f, opinion=None) for f in plain.folds))
    same = replace(plain, folds=tuple(replace(f, opinion=control) for f in plain.folds))
    suspicion = []
    for given in (uniform, replace(uniform, is_steered=False), same):
        expected, found = assess(given, fdr=0.1), assess(deepcopy(given), fdr=0.1)
        np.testing.assert_array_equal(found.suspicion, expected.suspicion)
        suspicion.append(expected.suspicion)
    alone, _, twice = suspicion
    assert not np.array_equal(alone, twice)


def test_rows_that_the_clean_set_verifies_get_its_verdict():
    base = evidence()
    verified = np.full(N, -1)
    verified[100] = base.labels[100]
    verified[200] = 1 - base.labels[200]
    assessment = assess(evidence(verified=verified), fdr=0.1)
    assert assessment.probability[100] == 0.0
    assert assessment.probability[200] == 1.0
    assert assessment.rank[[200, 100]].tolist() == [N - 1, N]
    assert list(assessment.verdict[[100, 200, 300]]) == [-1, 1, 0]
    np.testing.assert_array_equal(assessment.suspicion, assess(base, fdr=0.1).suspicion)
    assert not assessment.flagged[[100, 200]].any()
    assert assessment.suggested[200] == verified[200]
    assert assessment.suggested[100] == -1
    assert np.isnan(assessment.p_value[[100, 200]]).all()
    labels = evidence().labels
    worth = weigh_rows(assessment, labels, EVERY)
    assert worth[200] == 0.0
    for label in (0, 1):
        clean = worth[N:][labels[N:] == label]
        assert (clean == clean[0]).all()
        assert clean[0] > 0.5
    assert worth[100] == 0.0


def test_in_the_final_model_a_class_weighs_what_is_expected_of_it_however_doubtful_its_rows():
    """Half the labels 1 are right, but all look doubtful: as where errors swamp a rare class."""
    assessment = assess(evidence(n_wrong=0), fdr=0.1)
    labels = np.where(np.arange(N + N_CLEAN) % 10 == 0, 1, 0)
    doubtful = replace(
        assessment,
        suspicion=np.where(labels[:N] == 1, 0.8, 0.01),
        confusion=np.array([[360.0, 0.0], [20.0, 20.0]]),
    )
    worth = weigh_rows(doubtful, labels, EVERY)
    assert worth[labels == 1].sum() / worth.sum() == pytest.approx(20 / 400)
    assert worth.max() == 1.0
    assert worth[0] < worth[N]


def test_rows_that_are_held_back_make_up_no_weight_of_their_class():
    assessment = replace(
        assess(evidence(n_wrong=0), fdr=0.1), confusion=np.array([[360.0, 0.0], [0.0, 40.0]])
    )
    labels = np.where(np.arange(N + N_CLEAN) % 10 == 0, 1, 0)
    labels[N:] = 1
    is_learned = np.arange(N + N_CLEAN) < N
    worth = weigh_rows(assessment, labels, is_learned)
    assert (worth[N:] == 0).all()
    assert worth[labels == 1].sum() / worth.sum() == pytest.approx(40 / 400)


def test_no_class_gains_weight_without_bounds():
    assessment = assess(evidence(n_wrong=0), fdr=0.1)
    labels = np.where(np.arange(N + N_CLEAN) == 0, 1, 0)
    alone = replace(assessment, confusion=np.array([[0.0, 399.0], [0.0, 1.0]]))
    worth = weigh_rows(alone, labels, EVERY)
    assert worth[0] / worth[N] < module.MOST_CHANGED**2 + 1


def test_blocks_of_rows_change_nothing(monkeypatch):
    whole = assess(evidence(), fdr=0.1)
    monkeypatch.setattr("datacleanse.detection.fold_posteriors.BLOCK", 37)
    parts = assess(evidence(), fdr=0.1)
    np.testing.assert_array_equal(whole.suspicion, parts.suspicion)
    np.testing.assert_allclose(whole.confusion, parts.confusion)


def test_likely_classes_are_those_that_the_ranking_rests_on(plain):
    given = evidence()
    rows = np.argsort(plain.rank)[:80]
    classes, probability = find_likely_classes(given, plain, rows, places=9)

    assert classes.shape == (80, 2)
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    assert (np.diff(probability, axis=1) <= 0).all()
    own = probability[classes == given.labels[rows][:, None]]
    np.testing.assert_allclose(1 - own, plain.suspicion[rows], atol=1e-9)
    best = np.where(classes[:, 0] == given.labels[rows], -1, classes[:, 0])
    np.testing.assert_array_equal(best, plain.suggested[rows])


def test_no_more_classes_are_told_than_there_are_places(plain):
    classes, _ = find_likely_classes(evidence(), plain, np.arange(5), places=1)

    assert classes.shape == (5, 1)


def test_the_probability_stands_between_both_estimates_nearer_to_the_posterior(plain):
    low, high = plain.bounds
    local = low + high - plain.suspicion
    assert np.abs(local - plain.suspicion).max() > 0.1
    expected = (1 - LOCAL_PART) * plain.suspicion + LOCAL_PART * local
    np.testing.assert_allclose(plain.probability, expected, atol=1e-6)


def without_clean(found: Evidence) -> Evidence:
    """What is known where no row is verified: plain training and the second opinion."""
    nothing = np.empty(0, dtype=np.int64)
    dynamics = Dynamics(**{name: values[:N] for name, values in vars(found.control).items()})
    return replace(
        found,
        reweighted=dynamics,
        control=dynamics,
        folds=(Fold(None, nothing, nothing),),
        is_steered=False,
        second=found.second[:N],
        labels=found.labels[:N],
        is_trained=np.ones(N, dtype=bool),
        truth=np.full(N, -1),
        clean_at=nothing,
    )


def test_without_clean_rows_there_is_a_ranking_and_no_promise():
    assessment = assess(without_clean(evidence()), fdr=0.1)
    assert np.mean(np.argsort(assessment.rank)[:60] < 60) > 0.9
    assert (assessment.basis, assessment.flagged.any()) == ("none", False)
    assert np.isnan(assessment.p_value).all()
    assert assessment.calibration_score.shape == (0,)
    np.testing.assert_array_equal(assessment.probability, assessment.suspicion)
    assert [bound.tolist() for bound in assessment.bounds] == [[0.0] * N, [1.0] * N]
    assert (assessment.null_share, assessment.smallest_p_value) == (None, None)
    assert [noise.trust for noise in assessment.noise] == [0.0]


def test_a_known_error_is_no_flag_where_no_sample_is_verified():
    found = without_clean(evidence())
    truth = np.full(N, -1)
    truth[100] = 1 - found.labels[100]
    assessment = assess(replace(found, truth=truth), fdr=0.1)
    assert assessment.probability[100] == 1
    assert assessment.suggested[100] == truth[100]
    assert not assessment.flagged.any()


@pytest.mark.parametrize("basis", ["calibrated", "estimated"])
def test_a_list_by_probability_that_ends_among_equal_rows_is_one_run_of_the_ranking(basis):
    wrong = np.append(np.full(5, 0.95), np.full(100, 0.6))
    flagged = flags.find_longest_list(wrong, 0.3)
    rank = np.arange(105, 0, -1)  # among equal rows the last comes first
    rank[:5] = np.arange(1, 6)
    rank[5:] += 5
    found = SimpleNamespace(basis=basis, flagged=flagged)
    listed = order_flags(found, rank, np.ones(105, dtype=np.bool_))
    assert 5 < listed.sum() == flagged.sum() < 105
    assert sorted(rank[listed]) == list(range(1, listed.sum() + 1))
