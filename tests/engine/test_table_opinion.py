"""The second opinion on tables: whom it believes."""

from __future__ import annotations

import numpy as np
import pytest

from datacleanse import trees
from datacleanse.second_opinion import pooled
from datacleanse.table_opinion import ask

N = 600


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    monkeypatch.setattr(trees, "N_TREES", 25)


def opinion(rows, labels):
    return ask(rows, labels, np.ones(len(rows), bool), n_numbers=rows.shape[1], n_classes=2, seed=0)


def right(p, labels):
    return (p.argmax(axis=1) == labels).mean()


def test_the_regression_is_believed_where_many_small_effects_add_up():
    rows = np.random.default_rng(0).normal(size=(N, 30)).astype(np.float32)
    labels = (rows.sum(axis=1) > 0).astype(np.int64)
    both, of_trees = opinion(rows, labels)
    np.testing.assert_allclose(both.sum(axis=1), 1.0, atol=1e-5)
    assert right(both, labels) > right(of_trees, labels) + 0.05


def test_the_trees_are_believed_where_columns_work_together():
    rows = np.random.default_rng(1).normal(size=(N, 2)).astype(np.float32)
    labels = (rows[:, 0] * rows[:, 1] > 0).astype(np.int64)
    both, of_trees = opinion(rows, labels)
    assert right(of_trees, labels) > 0.9
    assert right(both, labels) > 0.9


def test_the_noise_matrix_is_left_to_the_trees():
    rows = np.random.default_rng(2).normal(size=(N, 3)).astype(np.float32)
    labels = (rows[:, 0] > 0).astype(np.int64)
    everything = np.ones(N, bool)
    votes = trees.out_of_bag(rows, labels, everything, n_classes=2, seed=0)
    np.testing.assert_array_equal(opinion(rows, labels)[-1], pooled(votes, labels, np.arange(N)))
