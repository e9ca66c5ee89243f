"""How many labels must be wrong, by the shares of classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datacleanse.class_shares import least_wrong, unseen

N_CLASSES = 3


def drawn(n, *, hidden, rng):
    """Classes of n rows, an honest opinion on the labels, and labels in which a share of class 2 is
    called 0."""
    truth = rng.choice(N_CLASSES, n, p=[0.5, 0.3, 0.2])
    labels = np.where((truth == 2) & (rng.random(n) < hidden), 0, truth)
    # Half of what tells the classes apart is seen.
    seen = np.where(rng.random(n) < 0.5, labels, N_CLASSES)
    shares = np.bincount(labels, minlength=N_CLASSES) / n
    opinion = np.concatenate([np.eye(N_CLASSES), shares[None]])[seen]
    return truth, labels, opinion.astype(np.float32)


def least(*, hidden, seed, n=20_000, m=300):
    rng = np.random.default_rng(seed)
    truth, labels, opinion = drawn(n + m, hidden=hidden, rng=rng)
    return least_wrong(opinion[:n], labels[:n], opinion[n:], truth[n:])


def test_a_class_that_hides_another_is_found_to_hold_about_so_many_wrong_labels():
    """Of 62 % labels 0, 12 are wrong; the bound lies a standard error below."""
    bounds = np.stack([least(hidden=0.6, seed=seed) for seed in range(40)])
    mean = bounds.mean(axis=0)
    assert 0.12 < mean[0] < 0.19
    assert (bounds[:, 0] < 0.12 / 0.62).mean() > 0.75
    assert mean[1] < 0.02
    assert mean[2] == 0


def test_where_labels_are_right_next_to_nothing_must_be_wrong():
    bounds = np.stack([least(hidden=0.0, seed=seed) for seed in range(40)])
    assert bounds.mean() < 0.01


def test_an_opinion_that_knows_the_rows_makes_the_bound_sharper():
    rng = np.random.default_rng(0)
    truth, labels, opinion = drawn(20_000, hidden=0.6, rng=rng)
    shares = np.bincount(labels) / len(labels)
    ignorant = np.tile(shares.astype(np.float32), (len(labels), 1))
    of_rows = [rng.choice(20_000, 200, replace=False) for _ in range(200)]
    known, unknown = (
        np.array([least_wrong(p, labels, p[rows], truth[rows])[0] for rows in of_rows])
        for p in (opinion, ignorant)
    )
    assert known.std() < unknown.std()
    assert known.mean() > unknown.mean()


def test_a_class_that_is_no_label_has_no_wrong_ones():
    opinion = np.full((50, 3), 1 / 3, np.float32)
    found = least_wrong(opinion, np.zeros(50, int), opinion[:30], np.zeros(30, int))
    np.testing.assert_array_equal(found, 0.0)


def test_few_clean_rows_prove_little():
    opinion = np.tile(np.array([0.9, 0.1], np.float32), (100, 1))
    labels = (np.arange(100) < 10).astype(np.int64)
    assert least_wrong(opinion, labels, opinion[:1], np.ones(1, int))[0] < 0.01


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), bound=st.lists(st.floats(0, 0.99), min_size=3, max_size=3))
def test_each_class_is_raised_to_its_bound_and_no_further(seed, bound):
    rng = np.random.default_rng(seed)
    p, labels = rng.random(60) ** 3, rng.integers(0, 2, 60)
    raised = p + (1 - p) * unseen(p, labels, np.array(bound))
    for label in np.unique(labels):
        mine = labels == label
        assert raised[mine].mean() == pytest.approx(max(p[mine].mean(), bound[label]))
        assert (np.diff(raised[mine][np.argsort(p[mine])]) >= 0).all()
    assert ((raised >= p) & (raised <= 1)).all()


def test_rows_that_are_wrong_for_certain_stay_so():
    p = np.ones(4)
    np.testing.assert_array_equal(unseen(p, np.zeros(4, int), np.array([0.5])), 0.0)
