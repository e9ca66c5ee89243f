"""Out-of-bag trees: rows never vouch for themselves."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from datacleanse.detection.second_opinion import trees
from datacleanse.detection.second_opinion.pool import AbandonedError, pool_opinions
from datacleanse.detection.second_opinion.trees import vote_out_of_bag

N = 200


@pytest.fixture
def few_trees(monkeypatch):
    monkeypatch.setattr(trees, "N_TREES", 25)


def table(seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(N, 4)).astype(np.float32)
    return rows, (rows[:, 0] > 0).astype(np.int64)


def opinion_of(rows, labels, is_grown_on, **options):
    """Both kinds of trees, pooled."""
    return pool_opinions(
        vote_out_of_bag(rows, labels, is_grown_on, **options), labels, np.flatnonzero(is_grown_on)
    )


def test_a_wrong_label_does_not_vouch_for_itself(few_trees):
    rows, labels = table()
    truth = labels.copy()
    wrong = np.flatnonzero(np.abs(rows[:, 0]) > 0.5)[:20]
    labels[wrong] = 1 - labels[wrong]
    opinion = opinion_of(rows, labels, np.ones(N, bool), n_classes=2, seed=0)
    assert (opinion[wrong].argmax(axis=1) == truth[wrong]).mean() > 0.8
    np.testing.assert_allclose(opinion.sum(axis=1), 1.0, atol=1e-6)


def test_labels_without_any_meaning_are_not_learned_by_heart(few_trees):
    rows, _ = table()
    labels = np.random.default_rng(1).integers(0, 2, N)
    opinion = opinion_of(rows, labels, np.ones(N, bool), n_classes=2, seed=0)
    assert (opinion.argmax(axis=1) == labels).mean() < 0.65


def test_classes_of_few_rows_are_served_without_a_warning(few_trees):
    labels = np.arange(90) // 3
    rows = np.stack([labels, labels % 7], axis=1).astype(np.float32)
    opinion = opinion_of(rows, labels, np.ones(90, bool), n_classes=30, seed=0)
    assert (opinion.argmax(axis=1) == labels).mean() > 0.9


@pytest.mark.parametrize("kind", [DecisionTreeClassifier, ExtraTreeClassifier])
def test_a_bag_of_many_classes_grows_the_tree_that_it_would_grow_as_it_is(kind):
    rng = np.random.default_rng(0)
    labels, counts = rng.integers(0, 60, 60), rng.integers(1, 4, 60)
    rows = rng.normal(size=(60, 3)).astype(np.float32)
    rows[::9, 1] = np.nan
    grown, plain = (kind(max_features="sqrt", random_state=5) for _ in range(2))
    trees._fit(grown, rows, labels, counts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain.fit(rows, labels, sample_weight=counts)
    np.testing.assert_array_equal(grown.tree_.threshold, plain.tree_.threshold)
    np.testing.assert_array_equal(grown.tree_.value, plain.tree_.value)
    np.testing.assert_array_equal(grown.classes_, plain.classes_)


def test_rows_that_no_tree_may_grow_on_leave_no_trace_and_are_judged(few_trees):
    rows, labels = table()
    is_grown_on = np.arange(N) >= 50
    first = opinion_of(rows, labels, is_grown_on, n_classes=2, seed=0)
    labels[:50] = 0
    again = opinion_of(rows, labels, is_grown_on, n_classes=2, seed=0)
    np.testing.assert_array_equal(first, again)
    assert (first[:50].argmax(axis=1) == (rows[:50, 0] > 0)).mean() > 0.9


def test_missing_numbers_and_absent_classes_are_served(few_trees):
    rows, labels = table()
    rows[::3, 1] = np.nan
    opinion = opinion_of(rows, labels, np.ones(N, bool), n_classes=4, seed=0)
    assert np.isfinite(opinion).all()
    assert (opinion[:, 2:] < 0.01).all()


def test_bags_are_bounded_and_every_row_is_judged(few_trees, monkeypatch):
    monkeypatch.setattr(trees, "MAX_BAG", 60)
    monkeypatch.setattr(trees, "PORTION", 64)
    rows, labels = table()
    opinion = opinion_of(rows, labels, np.ones(N, bool), n_classes=2, seed=0)
    assert (opinion.argmax(axis=1) == labels).mean() > 0.85


def test_rows_of_no_bag_are_judged_alike_whether_they_are_many_or_few(few_trees, monkeypatch):
    """Where they are many, all rows are judged, and what a bag's rows get is taken back."""
    monkeypatch.setattr(trees, "PORTION", 64)
    rows, labels = table()
    is_grown_on = np.arange(N) % 5 == 0
    found = []
    for sparse in (1, 10**9):
        monkeypatch.setattr(trees, "SPARSE", sparse)
        found.append(opinion_of(rows, labels, is_grown_on, n_classes=2, seed=0).tobytes())
    assert found[0] == found[1]


def test_the_same_seed_gives_the_same_opinion(few_trees):
    rows, labels = table()
    first, second = (
        opinion_of(rows, labels, np.ones(N, bool), n_classes=2, seed=5) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_it_stops_where_nobody_wants_it_any_more():
    rows, labels = table()
    with pytest.raises(AbandonedError):
        vote_out_of_bag(
            rows, labels, np.ones(N, bool), n_classes=2, seed=0, is_unwanted=lambda: True
        )


def test_a_quick_opinion_is_of_a_third_of_the_trees(few_trees, monkeypatch):
    rows, labels = table()
    grown, grow = [], trees._fit
    monkeypatch.setattr(trees, "_fit", lambda tree, *a: grown.append(tree) or grow(tree, *a))
    quick = opinion_of(rows, labels, np.ones(N, bool), n_classes=2, seed=0, is_quick=True)
    assert len(grown) == 2 * 9
    assert (quick.argmax(axis=1) == labels).mean() > 0.85


def test_of_many_columns_the_few_that_matter_are_found(few_trees):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(N, 300)).astype(np.float32)
    labels = (rows[:, 0] > 0).astype(np.int64)
    opinion = opinion_of(rows, labels, np.ones(N, bool), n_classes=2, seed=0)
    assert (opinion.argmax(axis=1) == labels).mean() > 0.9


def test_columns_that_tell_something_only_together_are_found(few_trees):
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 2, (600, 20)).astype(np.float32)
    labels = (rows[:, 0] != rows[:, 1]).astype(np.int64)
    opinion = opinion_of(rows, labels, np.ones(600, bool), n_classes=2, seed=0)
    assert (opinion.argmax(axis=1) == labels).mean() > 0.93


def test_trees_that_cut_at_random_look_at_all_columns_of_few_rows_and_at_some_of_many():
    count = trees.count_tried
    assert count(DecisionTreeClassifier, 100, 300) == 17
    assert count(ExtraTreeClassifier, 60, 300) == 300
    assert count(ExtraTreeClassifier, 200, 300) == 100
    assert count(ExtraTreeClassifier, 20_000, 300) == 17
    assert count(ExtraTreeClassifier, 20_000, 1) == 1
