"""The second opinion on tables: whom it believes."""

from __future__ import annotations

import numpy as np
import pytest

from datacleanse.detection.second_opinion import kernel_ridge, trees
from datacleanse.detection.second_opinion.pool import pool_opinions
from datacleanse.detection.second_opinion.tables import ask

N = 600


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    monkeypatch.setattr(trees, "N_TREES", 25)


def opinion(rows, labels):
    return ask(rows, labels, np.ones(len(rows), bool), n_numbers=rows.shape[1], n_classes=2, seed=0)


def trees_of(rows, labels):
    everything = np.ones(len(rows), bool)
    return trees.vote_out_of_bag(rows, labels, everything, n_classes=2, seed=0)


def kernel_of(rows, labels):
    return kernel_ridge.score_without_own_labels(
        rows,
        labels,
        np.ones(len(rows), bool),
        n_numbers=rows.shape[1],
        n_classes=2,
        seed=0,
        is_unwanted=lambda: False,
    )


def of_trees(rows, labels):
    return pool_opinions(trees_of(rows, labels), labels, np.arange(len(rows)))


def right(p, labels):
    return (p.argmax(axis=1) == labels).mean()


def likelihood(p, labels):
    """Mean log-likelihood of labels, nats."""
    return np.log(p[np.arange(len(labels)), labels]).mean()


def test_the_regression_is_believed_where_many_small_effects_add_up():
    rows = np.random.default_rng(0).normal(size=(N, 30)).astype(np.float32)
    labels = (rows.sum(axis=1) > 0).astype(np.int64)
    both = opinion(rows, labels)
    np.testing.assert_allclose(both.sum(axis=1), 1.0, atol=1e-5)
    assert right(both, labels) > right(of_trees(rows, labels), labels) + 0.05


def test_the_trees_are_believed_where_columns_work_together():
    rows = np.random.default_rng(1).normal(size=(N, 2)).astype(np.float32)
    labels = (rows[:, 0] * rows[:, 1] > 0).astype(np.int64)
    assert right(of_trees(rows, labels), labels) > 0.9
    assert right(opinion(rows, labels), labels) > 0.9


def test_the_line_tells_more_of_few_rows_in_which_two_columns_of_many_add_up():
    gained = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        rows = rng.normal(size=(300, 25)).astype(np.float32)
        signal = 2 * rows[:, 0] + rows[:, 1] + rng.logistic(size=300)
        labels = (signal > 0).astype(np.int64)
        without = [*trees_of(rows, labels), *kernel_of(rows, labels)]
        pooled = pool_opinions(without, labels, np.arange(300))
        gained.append(likelihood(opinion(rows, labels), labels) - likelihood(pooled, labels))
    assert np.mean(gained) > 0.003
