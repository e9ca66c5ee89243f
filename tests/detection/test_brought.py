"""Probabilities that the user brings: what they are worth, and whether they were in sample."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from datacleanse.detection.brought import (
    bound_wrong_share,
    fill_unknown,
    is_by_heart,
    join_brought,
    measure_memory,
)

N, V, C = 600, 60, 3


def one_hot(labels, sure):
    found = np.full((len(labels), C), (1 - sure) / (C - 1), dtype=np.float32)
    found[np.arange(len(labels)), labels] = sure
    return found


@pytest.fixture
def made():
    """Labels of which 15 % are wrong; a second opinion that tells little; the evidence."""
    rng = np.random.default_rng(0)
    true = rng.integers(0, C, N + V)
    labels = true.copy()
    wrong = np.flatnonzero(rng.random(N) < 0.15)
    labels[wrong] = (true[wrong] + 1) % C
    truth = np.full(N + V, -1)
    truth[N:] = true[N:]
    hints = np.where(rng.random(N + V) < 0.6, true, rng.integers(0, C, N + V))
    evidence = SimpleNamespace(
        second=one_hot(hints, 0.6),
        control=SimpleNamespace(probability=one_hot(true, 0.9)),
        labels=labels,
        truth=truth,
        n_data=N,
    )
    return SimpleNamespace(evidence=evidence, true=true, wrong=wrong, used=np.arange(N + V) < N)


def hit(opinion, true):
    return (opinion.argmax(axis=1) == true).mean()


def test_a_better_model_decides_and_a_useless_one_changes_nothing(made):
    evidence, used = made.evidence, made.used
    good = join_brought("p.npy", one_hot(made.true, 0.9), evidence, used)
    useless = np.full((N + V, C), 1 / C, dtype=np.float32)
    same = join_brought("p.npy", useless, evidence, used)

    assert hit(good.second, made.true) == 1.0
    assert hit(evidence.second, made.true) < 0.8
    assert good.notice.slug == same.notice.slug == "probabilities-used"
    assert (same.second.argmax(axis=1) == evidence.second.argmax(axis=1)).all()
    assert "600 rows of DATA are part of the second opinion, 0% of it" in same.notice.message


def test_probabilities_of_a_few_rows_are_not_used(made):
    brought = np.full((N + V, C), np.nan, dtype=np.float32)
    brought[:19] = one_hot(made.true[:19], 0.9)
    few = join_brought("p.npy", brought, made.evidence, made.used)
    brought[19] = brought[18]
    enough = join_brought("p.npy", brought, made.evidence, made.used)

    assert few.second is made.evidence.second
    assert few.notice.is_warning
    assert "not used. It has probabilities of 19 of 600 rows of DATA" in few.notice.message
    assert enough.notice.slug == "probabilities-used"


def test_what_knows_the_labels_by_heart_is_told_by_verified_rows_and_left_out(made):
    evidence, truth = made.evidence, made.evidence.truth
    truth[made.wrong[:25]] = made.true[made.wrong[:25]]
    by_heart = one_hot(evidence.labels, 0.95)
    joined = join_brought("p.npy", by_heart, evidence, made.used)

    assert measure_memory(by_heart, evidence) == (25, 1.0)
    assert joined.second is evidence.second
    assert joined.notice.is_warning
    assert "they prefer 100% of 25 wrong labels" in joined.notice.message


def test_what_learned_all_labels_but_the_verified_ones_is_told_by_the_others(made):
    evidence, truth = made.evidence, made.evidence.truth
    truth[:150] = made.true[:150]
    learned = evidence.labels.copy()
    learned[:150] = made.true[:150]
    joined = join_brought("p.npy", one_hot(learned, 0.95), evidence, made.used)
    honest = join_brought("p.npy", one_hot(made.true, 0.95), evidence, made.used)

    assert joined.notice.slug == "probabilities-in-sample"
    assert "they agree with 100% of the labels, at least" in joined.notice.message
    assert honest.notice.slug == "probabilities-used"


def test_errors_that_follow_from_the_columns_may_be_foreseen(made):
    evidence, truth = made.evidence, made.evidence.truth
    truth[:150] = made.true[:150]
    evidence.second = one_hot(evidence.labels, 0.9)

    assert 0.05 < bound_wrong_share(evidence) < 0.15
    foreseen = np.where(truth >= 0, made.true, evidence.labels)
    joined = join_brought("p", one_hot(foreseen, 0.7), evidence, made.used)
    assert joined.notice.slug == "probabilities-used"
    truth[:] = -1
    assert bound_wrong_share(evidence) == 0.0


def test_without_verified_wrong_rows_two_opinions_that_agree_tell_it(made):
    evidence = made.evidence
    evidence.second = one_hot(made.true, 0.9)

    assert measure_memory(one_hot(evidence.labels, 0.95), evidence) == (len(made.wrong), 1.0)
    assert measure_memory(one_hot(made.true, 0.95), evidence) == (len(made.wrong), 0.0)


def test_chance_condemns_nobody():
    assert not is_by_heart(0, 0.0)
    assert not is_by_heart(5, 1.0)
    assert is_by_heart(12, 1.0)
    assert not is_by_heart(40, 0.75)
    assert is_by_heart(40, 0.85)


def test_rows_without_probabilities_keep_the_second_opinion(made):
    brought = one_hot(made.true, 0.9)
    brought[::2] = np.nan
    joined = join_brought("p.npy", brought, made.evidence, made.used)

    assert (joined.second[:N:2] == made.evidence.second[:N:2]).all()
    assert hit(joined.second[1:N:2], made.true[1:N:2]) == 1.0
    assert "300 rows of DATA" in joined.notice.message


def test_cleans_rows_are_judged_as_a_like_row_of_data_is(made):
    evidence = made.evidence
    brought = np.random.default_rng(1).dirichlet(np.ones(C), N + V).astype(np.float32)
    brought[N:] = np.nan
    filled = fill_unknown(brought, evidence.second, evidence.labels, N)

    assert (filled[:N] == brought[:N]).all()
    of_label = {k: {tuple(row) for row in brought[:N][evidence.labels[:N] == k]} for k in range(C)}
    for row, label in zip(filled[N:], evidence.labels[N:], strict=True):
        assert tuple(row) in of_label[label]
