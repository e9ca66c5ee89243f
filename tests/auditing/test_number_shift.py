"""The final model of numbers predicts means of right labels, not middles of all."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from datacleanse.auditing.regression.recipe import _measure_mean_error
from datacleanse.training.examples import Examples
from datacleanse.training.side_by_side import TrainedNetwork

N, N_CLEAN = 500, 100
MIDDLE = 0.7


def measure(labels, worth):
    """Of a network that says the same of all rows; every second one of DATA is learned from."""
    rows = torch.cat([torch.arange(0, N, 2), torch.arange(N, len(labels))])
    examples = Examples(
        inputs=torch.zeros(len(labels), 1),
        labels=torch.tensor(labels, dtype=torch.float32),
        n_data=N,
        training_rows=rows,
        steering_rows=torch.arange(0),
        n_classes=1,
    )
    network = nn.Linear(1, 1)
    nn.init.constant_(network.bias, MIDDLE)
    worth = torch.tensor(worth, dtype=torch.float32)
    return _measure_mean_error(TrainedNetwork(network, None, 1, N), examples, worth)


@pytest.fixture
def right():
    of_data = np.random.default_rng(0).exponential(size=N)
    # Verified rows like DATA's.
    return np.concatenate([of_data, np.sort(of_data)[2 :: N // N_CLEAN]])


def average(labels, weights):
    learned = np.concatenate([np.arange(0, N, 2), np.arange(N, len(labels))])
    return np.average(labels[learned] - MIDDLE, weights=np.asarray(weights)[learned])


@pytest.mark.parametrize("n_wrong", [0, 100])
def test_what_is_missed_on_the_mean_is_that_of_right_labels(n_wrong, right):
    is_wrong = np.arange(len(right)) < n_wrong
    worth = np.where(is_wrong, 0.0, 1.0)
    found = measure(np.where(is_wrong, 1e6 * right, right), worth)
    assert found == pytest.approx(average(right, worth), rel=1e-5)


def test_the_probability_counts_not_its_square_and_nothing_that_is_likelier_wrong(right):
    worth = np.full(len(right), 0.81)
    worth[N:], worth[2] = 1.0, 0.2
    labels = right.copy()
    labels[2] = 1e6
    weights = np.where(worth < 0.25, 0.0, np.sqrt(worth))
    assert measure(labels, worth) == pytest.approx(average(labels, weights), rel=1e-5)


def test_what_verified_rows_do_not_bear_out_is_cut_off(right):
    # A third of DATA's labels is shifted, and nobody noticed.
    labels = right.copy()
    labels[:N][np.arange(N) % 3 == 0] += 3
    checked = right[N:] - MIDDLE
    error = checked.std(ddof=1) / np.sqrt(N_CLEAN)
    found = measure(labels, np.ones(len(right)))
    assert found == pytest.approx(checked.mean() + error, rel=1e-5)


def test_a_few_verified_rows_bear_nothing_out(right):
    assert measure(right[: N + 9], np.ones(N + 9)) == 0.0
