"""Verified rows of DATA calibrate what is said of all others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.special import expit

from datacleanse.auditing.manifest_sections import describe_flags
from datacleanse.detection import assessment as assessing
from datacleanse.detection.assessment import assess, find_likely_classes
from datacleanse.detection.evidence import Evidence, Fold
from datacleanse.detection.noise_rates import (
    estimate_noise_by_class,
    estimate_noise_rate,
    expect_budget,
)
from datacleanse.detection.pairs import find_judged_pairs
from datacleanse.detection.worth import weigh_rows
from datacleanse.training.recorder import Dynamics

if TYPE_CHECKING:
    from datacleanse.detection.evidence import Assessment

N, N_PAIRS, C = 1500, 200, 2


def make_evidence(
    seed: int = 0, *, shares=(0.1, 0.1), boast: float = 3.0, n_pairs: int = N_PAIRS, n_others=0
) -> tuple[Evidence, np.ndarray]:
    """Two classes, a share of the rows with each given label wrong; opinions that boast.

    Returns:
        The evidence and which of DATA's rows are wrong.
    """
    rng = np.random.default_rng(seed)
    n_all = N + n_others
    labels = rng.integers(0, C, n_all)
    is_wrong = rng.random(n_all) < np.array(shares)[labels]
    is_wrong[N:] = False
    true = np.where(is_wrong, 1 - labels, labels)
    signal = rng.normal(1.2, 1.0, n_all)

    def think() -> np.ndarray:
        own = expit(boast * (signal + 0.3 * rng.normal(size=n_all)))
        probability = np.empty((n_all, C), np.float32)
        probability[np.arange(n_all), true] = own
        probability[np.arange(n_all), 1 - true] = 1 - own
        return probability

    pairs = np.sort(rng.permutation(N)[:n_pairs])
    truth = np.full(n_all, -1)
    truth[pairs], truth[N:] = true[pairs], labels[N:]
    clean = np.append(pairs, np.arange(N, n_all))
    halves = clean[::2], clean[1::2]
    control, trained = think(), np.ones(n_all, bool)
    trained[halves[0]] = False
    loss = -np.log(control[np.arange(n_all), labels])
    blank = np.full(n_all, np.nan, np.float32)
    seen = Dynamics(blank, blank, blank, loss, loss, control)
    evidence = Evidence(
        reweighted=seen,
        control=seen,
        folds=(Fold(think(), *halves), Fold(think(), *halves[::-1])),
        is_steered=True,
        second=think(),
        labels=labels,
        n_data=N,
        is_trained=trained,
        truth=truth,
        clean_at=clean,
    )
    return evidence, is_wrong[:N]


@pytest.fixture(scope="module")
def judged() -> list[tuple[Evidence, np.ndarray, Assessment]]:
    """Ten draws, judged."""
    made = [make_evidence(seed, shares=(0.02, 0.25)) for seed in range(10)]
    return [(evidence, wrong, assess(evidence, fdr=0.1)) for evidence, wrong in made]


def test_opinions_that_boast_are_brought_to_the_truth(judged):
    ratios = []
    for evidence, wrong, found in judged:
        unknown = evidence.verified < 0
        ratios.append(found.probability[unknown].sum() / wrong[unknown].sum())
    assert np.mean(ratios) == pytest.approx(1, abs=0.1)


def test_ranges_hold_the_truth_overall_and_by_class(judged):
    held, by_class = [], []
    for evidence, wrong, found in judged:
        rate = estimate_noise_rate(found)
        held.append(rate.low <= wrong.mean() <= rate.high)
        labels = evidence.labels[:N]
        for label, share in enumerate(estimate_noise_by_class(found, labels, C)):
            by_class.append(share.low <= wrong[labels == label].mean() <= share.high)
        assert rate.high - rate.low < 0.1
    assert sum(held) >= 9
    assert sum(by_class) >= 17


def test_a_label_that_is_never_wrong_may_have_none():
    evidence, wrong = make_evidence(shares=(0.0, 0.25))
    found = assess(evidence, fdr=0.1)
    never, often = estimate_noise_by_class(found, evidence.labels[:N], C)
    assert never.low == 0.0
    assert often.low > 0.1
    assert wrong[evidence.labels[:N] == 0].sum() == 0


def test_flags_keep_their_promise_on_rows_that_nobody_verified(judged):
    n_false, n_flagged, n_wrong = 0, 0, 0
    for evidence, wrong, found in judged:
        assert found.basis == ("calibrated" if found.flagged.any() else "none")
        assert not found.flagged[evidence.verified >= 0].any()
        n_false += int((found.flagged & ~wrong).sum())
        n_flagged += int(found.flagged.sum())
        n_wrong += int(wrong.sum())
    assert n_false / n_flagged < 0.12
    assert n_flagged > 0.2 * n_wrong


def test_one_sided_errors_are_found_in_the_class_where_they_are(judged):
    for evidence, _, found in judged:
        labels = evidence.labels[:N]
        low, high = (found.probability[labels == label].mean() for label in range(C))
        assert low < 0.08
        assert high > 0.15


def test_what_is_verified_leaves_ranking_budget_and_flags():
    evidence, wrong = make_evidence()
    found = assess(evidence, fdr=0.1)
    pairs = np.flatnonzero(evidence.verified >= 0)
    n_unknown = N - len(pairs)
    assert found.rank[pairs].min() == n_unknown + 1
    n_wrong = int(wrong[pairs].sum())
    assert (found.rank[pairs[wrong[pairs]]] <= n_unknown + n_wrong).all()
    np.testing.assert_array_equal(found.probability[pairs], wrong[pairs].astype(float))
    assert np.isnan(found.p_value[pairs]).all()
    for share in expect_budget(found):
        rows = np.argsort(found.rank)[: share.rows]
        assert share.share == pytest.approx(found.probability[rows].mean())
        assert share.low <= share.share <= share.high


def test_of_a_list_longer_than_bounds_are_worked_out_for_none_is_told(monkeypatch):
    """That of its first rows would be told of all."""
    evidence, wrong = make_evidence(shares=(0.3, 0.3))
    found = assess(evidence, fdr=0.1)
    assert describe_flags(found).false_at_most >= (found.flagged & ~wrong).sum()
    monkeypatch.setattr(assessing, "MAX_BOUNDED", int(found.flagged.sum()) - 1)
    assert describe_flags(assess(evidence, fdr=0.1)).false_at_most is None


def test_the_budget_ends_where_verified_rows_begin():
    evidence, _ = make_evidence(n_pairs=N - 60)
    found = assess(evidence, fdr=0.1)
    assert [share.rows for share in expect_budget(found)] == [10, 20, 50]


def test_errors_that_are_corrected_calibrate_but_are_errors_no_more():
    evidence, wrong = make_evidence()
    before = assess(evidence, fdr=0.1)
    pairs = np.flatnonzero(evidence.verified >= 0)
    corrected = pairs[wrong[pairs]]
    found = assess(replace(evidence, corrected=corrected), fdr=0.1)
    unknown = evidence.verified < 0
    np.testing.assert_array_equal(found.probability[unknown], before.probability[unknown])
    np.testing.assert_array_equal(found.flagged, before.flagged)
    assert (found.probability[pairs] == 0).all()
    assert (found.suggested[pairs] == -1).all()
    rates = [estimate_noise_rate(each) for each in (before, found)]
    for end in ("low", "share", "high"):
        gone = getattr(rates[0], end) - getattr(rates[1], end)
        assert gone == pytest.approx(len(corrected) / N)
    labels = evidence.labels[:N].copy()
    labels[corrected] = 1 - labels[corrected]
    np.testing.assert_allclose(found.confusion.sum(axis=1), np.bincount(labels))


def test_every_cut_of_the_ranking_has_a_bound_on_its_false_alarms():
    evidence, _ = make_evidence()
    found = assess(evidence, fdr=0.1)
    order = np.argsort(found.rank)
    n_unknown = int((evidence.verified < 0).sum())
    assert (found.false_at_most[order[n_unknown:]] == -1).all()
    bound = found.false_at_most[order[:n_unknown]]
    assert (np.diff(bound) >= 0).all()
    n_flagged = int(found.flagged.sum())
    assert found.flagged[order[:n_flagged]].all()
    assert bound[n_flagged - 1] >= 0.05 * n_flagged


def test_verified_rows_are_counted_as_they_are():
    evidence, _ = make_evidence(shares=(0.3, 0.0))
    found = assess(evidence, fdr=0.1)
    labels = evidence.labels[:N]
    np.testing.assert_allclose(found.confusion.sum(axis=1), np.bincount(labels))
    expected = [found.probability[labels == label].sum() for label in range(C)]
    np.testing.assert_allclose([found.confusion[0, 1], found.confusion[1, 0]], expected)
    worth = weigh_rows(found, evidence.labels, np.ones(len(evidence.labels), bool))
    assert (worth[evidence.clean_at] == 0).all()


def test_p_values_compare_with_right_pairs_alone():
    evidence, wrong = make_evidence()
    found = assess(evidence, fdr=0.1)
    pairs = np.flatnonzero(evidence.verified >= 0)
    assert found.smallest_p_value == pytest.approx(1 / (1 + int((~wrong[pairs]).sum())))
    right = ~wrong & (evidence.verified < 0)
    assert np.mean(found.p_value[right] <= 0.1) == pytest.approx(0.1, abs=0.05)


def test_calibration_scores_are_what_was_thought_before_the_verdict():
    evidence, wrong = make_evidence()
    found = assess(evidence, fdr=0.1)
    scores = found.calibration_score
    assert scores.shape == (N_PAIRS,)
    is_wrong = wrong[evidence.clean_at]
    assert scores[is_wrong].mean() > 0.5 > scores[~is_wrong].mean()


@pytest.mark.parametrize(
    ("n_pairs", "n_others", "suffice"),
    [(200, 0, True), (9, 0, False), (12, 200, False), (90, 200, False), (110, 200, True)],
)
def test_pairs_calibrate_where_they_are_enough(n_pairs, n_others, suffice):
    evidence, _ = make_evidence(n_pairs=n_pairs, n_others=n_others)
    assert find_judged_pairs(evidence).suffice == suffice
    found = assess(evidence, fdr=0.1)
    assert (found.shares is not None) == suffice


def test_likely_classes_agree_with_the_calibrated_probability():
    evidence, _ = make_evidence()
    found = assess(evidence, fdr=0.1)
    rows = np.argsort(found.rank)[:300]
    classes, probability = find_likely_classes(evidence, found, rows, places=9)
    own = probability[classes == evidence.labels[rows][:, None]]
    np.testing.assert_allclose(1 - own, found.suspicion[rows], atol=1e-9)
    best = np.where(classes[:, 0] == evidence.labels[rows], -1, classes[:, 0])
    np.testing.assert_array_equal(best, found.suggested[rows])


@pytest.mark.parametrize("all_wrong", [True, False])
def test_pairs_that_are_all_wrong_or_all_right_give_finite_figures(all_wrong):
    evidence, _ = make_evidence()
    truth = evidence.truth.copy()
    pairs = evidence.clean_at
    truth[pairs] = 1 - evidence.labels[pairs] if all_wrong else evidence.labels[pairs]
    found = assess(replace(evidence, truth=truth), fdr=0.1)
    rate = estimate_noise_rate(found)
    assert np.isfinite(found.probability).all()
    assert 0 <= rate.low <= rate.share <= rate.high <= 1
    assert (rate.share > 0.5) == all_wrong


def test_rows_of_a_class_that_data_lacks_calibrate_as_wrong_ones():
    """Left out, the surest wrong rows of a sample are missing from its rate."""
    rates, truths = [], []
    for seed in range(6):
        evidence, wrong = make_evidence(seed, shares=(0.15, 0.15))
        labels, truth = evidence.labels[:N], evidence.truth.copy()
        wrong_pairs = np.flatnonzero((truth[:N] >= 0) & (truth[:N] != labels))
        strange, left = wrong_pairs[::2], evidence.clean_at
        truth[strange] = -1
        clean_at = left[~np.isin(left, strange)]
        halves = [clean_at[::2], clean_at[1::2]]
        folds = [
            replace(fold, steering=halves[k], calibration=np.append(halves[1 - k], strange[k::2]))
            for k, fold in enumerate(evidence.folds)
        ]
        known = replace(
            evidence, truth=truth, clean_at=clean_at, folds=tuple(folds), strangers=strange
        )
        found = assess(known, fdr=0.1)
        assert (found.probability[strange] == 1.0).all()
        assert not found.flagged[strange].any()
        assert (found.suggested[strange] == -1).all()
        rate = estimate_noise_rate(found)
        assert rate.low <= wrong.mean() <= rate.high
        rates.append(rate.share)
        truths.append(wrong.mean())
    assert np.mean(rates) == pytest.approx(np.mean(truths), rel=0.1)


@pytest.mark.parametrize("n_pairs", [0, N_PAIRS])
def test_ranges_leave_room_for_what_is_proven_alone(n_pairs):
    """Suspects that were reviewed are proven, but no pair that calibrates need be wrong."""
    evidence, _ = make_evidence(shares=(0.02, 0.02), n_pairs=n_pairs, n_others=5)
    truth = evidence.truth.copy()
    truth[:N][truth[:N] >= 0] = evidence.labels[:N][truth[:N] >= 0]
    unknown = np.flatnonzero(truth[:N] < 0)
    wrong, right = unknown[:300], unknown[300:-100]
    truth[wrong], truth[right] = 1 - evidence.labels[wrong], evidence.labels[right]
    rate = estimate_noise_rate(assess(replace(evidence, truth=truth), fdr=0.1))
    assert len(wrong) / N <= rate.low <= rate.share <= rate.high
    assert rate.high <= 1 - (truth[:N] == evidence.labels[:N]).mean()


def test_where_nothing_is_flagged_the_list_at_twice_the_level_is_told():
    evidence, _ = make_evidence()
    found = {level: assess(evidence, fdr=level) for level in (0.001, 0.002, 0.1)}
    assert not found[0.001].flagged.any()
    assert found[0.001].listed_at_double == found[0.002].flagged.sum()
    assert found[0.1].flagged.any()
    assert found[0.1].listed_at_double is None
