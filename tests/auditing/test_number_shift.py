"""The final model of numbers predicts means of right labels, not middles of all."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from datacleanse.auditing.regression.recipe import _measure_mean_error
from datacleanse.training.examples import Examples
from datacleanse.training.side_by_side import TrainedNetwork

N = 500


@pytest.mark.parametrize("n_wrong", [0, 100])
def test_what_is_missed_on_the_mean_is_that_of_right_labels(n_wrong):
    rng = np.random.default_rng(0)
    right = rng.exponential(size=N)
    is_wrong = np.arange(N) < n_wrong
    labels = torch.tensor(np.where(is_wrong, 10 * right, right), dtype=torch.float32)
    worth = torch.tensor(np.where(is_wrong, 0.0, 1.0), dtype=torch.float32)
    examples = Examples(
        inputs=torch.zeros(N, 1),
        labels=labels,
        n_data=N,
        training_rows=torch.arange(0, N, 2),
        steering_rows=torch.arange(0),
        n_classes=1,
    )
    middle = nn.Linear(1, 1)
    nn.init.constant_(middle.bias, 0.7)
    trained = TrainedNetwork(middle, None, 1, N)
    expected = right[::2][~is_wrong[::2]].mean() - 0.7
    assert _measure_mean_error(trained, examples, worth) == pytest.approx(expected, rel=1e-5)
    # P(right) counts, not its square, and nothing of what is likelier wrong.
    some = torch.full((N,), 0.81)
    some[0], some[2], labels[2] = 1.0, 0.2, 1e6
    shares = np.where(np.arange(N) == 0, 1.0, np.where(np.arange(N) == 2, 0.0, 0.9))[::2]
    expected = np.average(labels.numpy()[::2] - 0.7, weights=shares)
    assert _measure_mean_error(trained, examples, some) == pytest.approx(expected, rel=1e-5)
