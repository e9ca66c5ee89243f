"""What equal rows say of each other's labels, against the obvious way to count."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from datacleanse.detection import equal_rows
from datacleanse.detection.assessment import assess
from datacleanse.detection.equal_rows import EqualRows, find_equal, fit_strength, inform_equal_rows
from datacleanse.detection.evidence import add_equal_rows
from tests.detection.test_assessment import evidence


def slowly(matrix, labels, is_learned, n_classes):
    """By position: labels of the other equal rows that may be learned from."""
    found = {}
    for i, row in enumerate(matrix):
        others = [
            labels[j]
            for j, other in enumerate(matrix)
            if j != i and is_learned[j] and np.array_equal(row, other, equal_nan=True)
        ]
        if others:
            found[i] = np.bincount(others, minlength=n_classes)
    return found


def collide(matrix, portion_read):
    """Digests that know only two kinds of rows."""
    return (matrix[:, 0] == 1.5).astype(np.uint64)


@pytest.mark.parametrize("digests", [equal_rows._digest_rows, collide])
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.sampled_from([1, 8, 1000]))
def test_the_others_are_counted_whether_or_not_digests_collide(digests, seed, n, portion):
    rng = np.random.default_rng(seed)
    matrix = rng.choice([0.0, -0.0, 1.5, np.nan], (n, 2)).astype(np.float32)
    labels, is_learned = rng.integers(0, 3, n), rng.random(n) < 0.7
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(equal_rows, "PORTION", portion)
        patch.setattr(equal_rows, "_digest_rows", digests)
        found = find_equal(matrix, labels, is_learned, n_classes=3)
    expected = slowly(matrix, labels, is_learned, 3)
    if not expected:
        assert found is None
        return
    np.testing.assert_array_equal(found.rows, sorted(expected))
    np.testing.assert_array_equal(found.count_others(), [expected[i] for i in sorted(expected)])
    counts = found.count_others()
    np.testing.assert_array_equal(found.count_all(), counts.sum(axis=1))
    agreeing = counts[np.arange(len(counts)), found.labels][found.is_learned]
    np.testing.assert_array_equal(found.count_agreeing(), agreeing)
    np.testing.assert_array_equal(found.labels, labels[found.rows])
    np.testing.assert_array_equal(found.is_learned, is_learned[found.rows])


def test_where_all_rows_are_copies_of_many_classes_memory_stays_below_that_of_opinions():
    n, n_classes = 100_000, 200
    rng = np.random.default_rng(0)
    matrix = np.repeat(rng.normal(size=(n // 2, 2)), 2, axis=0).astype(np.float32)
    labels = rng.integers(0, n_classes, n)
    opinion = np.full((n, n_classes), 1 / n_classes, np.float32)
    tracemalloc.start()
    equal = find_equal(matrix, labels, np.ones(n, dtype=bool), n_classes=n_classes)
    fit_strength(opinion, equal)
    before = tracemalloc.get_traced_memory()[1]
    told = inform_equal_rows(opinion, equal, 1.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Dense counts alone would be twice the opinion.
    assert before < opinion.nbytes
    assert peak < 2 * opinion.nbytes
    np.testing.assert_allclose(told.sum(axis=1), 1.0, rtol=1e-5)


def pairs(agreement, n=400, seed=0):
    """Pairs of rows that have the same label with some chance, and an opinion that knows nothing.

    By chance alone, half of them would.
    """
    rng = np.random.default_rng(seed)
    labels = np.repeat(rng.integers(0, 2, n), 2)
    labels[1::2] = np.where(rng.random(n) < agreement, labels[::2], 1 - labels[::2])
    matrix = np.repeat(rng.normal(size=(n, 2)), 2, axis=0).astype(np.float32)
    equal = find_equal(matrix, labels, np.ones(2 * n, dtype=bool), n_classes=2)
    return np.full((2 * n, 2), 0.5, np.float32), equal


@pytest.mark.parametrize("agreement", [0.75, 0.9, 0.98])
def test_the_strength_is_that_by_which_equal_rows_agree(agreement):
    """Of pairs, P(same label) = (1 + s / 2) / (1 + s)."""
    opinion, equal = pairs(agreement)
    strength = fit_strength(opinion, equal)
    assert (1 + strength / 2) / (1 + strength) == pytest.approx(agreement, abs=0.04)
    told = inform_equal_rows(opinion, equal, strength)
    own = told[equal.rows, equal.labels]
    assert own.mean() > 0.5
    np.testing.assert_allclose(told.sum(axis=1), 1.0, rtol=1e-6)
    assert (opinion == 0.5).all()


def test_where_equal_rows_tell_nothing_opinions_stay():
    opinion, equal = pairs(0.4)
    assert fit_strength(opinion, equal) == np.inf


def test_a_label_that_an_opinion_rules_out_does_not_silence_the_others():
    """Numbers of wild scale drive a network's probabilities to 0 in float32."""
    opinion, equal = pairs(0.9)
    n = len(opinion)
    opinion = np.concatenate([opinion, np.float32([[1, 0], [0, 1]])])
    two = EqualRows(
        np.concatenate([equal.rows, [n, n + 1]]),
        np.concatenate([equal.group, [equal.learned.shape[0]] * 2]),
        sparse.csr_array(np.concatenate([equal.learned.toarray(), [[1.0, 1.0]]])),
        np.concatenate([equal.labels, [1, 0]]),
        np.ones(n + 2, dtype=bool),
    )
    # Each of both has the label that the other one, and the opinion, speak against.
    assert fit_strength(opinion, two) < np.inf


def test_rows_without_others_keep_their_opinion():
    learned = sparse.csr_array(np.array([[3.0, 1.0]]))
    equal = EqualRows(np.array([1]), np.array([0]), learned, np.array([1]), np.array([True]))
    opinion = np.full((3, 2), [0.2, 0.8], np.float32)
    told = inform_equal_rows(opinion, equal, 2.0)
    np.testing.assert_allclose(told, [[0.2, 0.8], [(3 + 0.4) / 5, 1.6 / 5], [0.2, 0.8]], rtol=1e-6)


def test_copies_tell_a_wrong_row_from_one_that_is_only_hard():
    """Opinions doubt twenty wrong rows and twenty right ones alike; only the former have copies."""
    plain = evidence(n_wrong=0)
    labels = plain.labels.copy()
    matrix = np.random.default_rng(1).normal(size=(len(labels), 3)).astype(np.float32)
    for start in range(0, 300, 3):
        matrix[start : start + 3] = matrix[start]
        labels[start : start + 3] = labels[start]
    wrong, hard = np.arange(2, 60, 3), np.arange(300, 320)
    labels[wrong] = 1 - labels[wrong]
    own = np.full(len(labels), 0.8)
    own[wrong] = own[hard] = 0.4
    opinion = np.where(labels[:, None] == np.arange(2), own[:, None], 1 - own[:, None])
    opinion = opinion.astype(np.float32)
    seen = replace(
        plain,
        labels=labels,
        second=opinion,
        control=replace(plain.control, probability=opinion.copy()),
        folds=tuple(replace(fold, opinion=opinion.copy()) for fold in plain.folds),
    )
    before = assess(seen, fdr=0.1).suspicion
    assert before[hard].max() == pytest.approx(before[wrong].max(), abs=1e-6)
    equal = find_equal(matrix, labels, np.ones(len(labels), dtype=bool), n_classes=2)
    after = assess(add_equal_rows(seen, equal), fdr=0.1).suspicion
    assert after[wrong].min() > after[hard].max() + 0.1
    assert add_equal_rows(seen, None) is seen


def test_where_no_network_was_reweighted_the_control_alone_is_told():
    plain = evidence()
    uniform = replace(plain, folds=tuple(replace(fold, opinion=None) for fold in plain.folds))
    rows = np.arange(4)
    learned = sparse.csr_array(np.eye(2)[plain.labels[rows]] * 6)
    equal = EqualRows(rows, rows, learned, plain.labels[rows], np.ones(4, dtype=bool))
    told = add_equal_rows(uniform, equal)
    assert not np.array_equal(told.control.probability, plain.control.probability)
    assert all(fold.opinion is None for fold in told.folds)
