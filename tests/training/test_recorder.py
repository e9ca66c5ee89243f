"""What training shows of each example, whatever the portions it is looked at in."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from datacleanse.training import recorder as module
from datacleanse.training.influence import Step
from datacleanse.training.recorder import Recorder, measure_margins


def recorder(logits, labels, order):
    found = Recorder(labels, logits.shape[1])
    influence = torch.linspace(-1, 1, len(order))
    step = Step(logits[order], torch.zeros(len(order)), labels[order], influence, lambda _: None)
    found.record_batch(order, step, torch.full((len(order),), 1 / len(order)))
    return found


@pytest.mark.parametrize("block", [1, 3, 100])
@pytest.mark.parametrize("broken", [None, 0, 4, 8])
def test_the_first_example_that_is_not_finite_is_named(block, broken, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", block)
    order = torch.tensor([7, 2, 9, 0, 4, 1, 8, 3, 5])  # 6 is not trained on
    logits = torch.randn(10, 3)
    if broken is not None:
        logits[order[broken:], 1] = torch.nan
    found = recorder(logits, torch.zeros(10, dtype=torch.int64), order)
    assert found.find_not_finite(order) == broken


@pytest.mark.parametrize("block", [2, 100])
def test_means_are_those_of_the_epochs(block, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", block)
    labels = torch.tensor([0, 2, 1, 1, 0])
    first, second = torch.randn(2, 5, 3)
    order = torch.arange(5)
    found = recorder(first, labels, order)
    record = found.close_epoch(3)
    expected = torch.nn.functional.cross_entropy(first, labels, reduction="none")
    np.testing.assert_allclose(record.loss, expected[:3], rtol=1e-5)
    np.testing.assert_allclose(record.margin, measure_margins(first, labels)[:3], rtol=1e-6)
    found.record_logits(order, second)
    found.close_epoch(3)
    means = found.finish()
    both = torch.stack([first, second])
    np.testing.assert_allclose(means.probability, both.softmax(dim=2).mean(dim=0), rtol=1e-5)
    both_margins = torch.stack([measure_margins(each, labels) for each in both])
    np.testing.assert_allclose(means.margin, both_margins.mean(dim=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(means.weight, 1.0)
