"""Rows split before a training, and not in each batch: the same training."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from datacleanse.models.tabular import TabularNetwork, TabularShape
from datacleanse.settings import Schedule
from datacleanse.training import split_rows
from datacleanse.training.examples import Examples
from datacleanse.training.loop import train
from datacleanse.training.rules import make_rule
from datacleanse.training.split_rows import split_before

SHAPE = TabularShape(3, (2, 0, 2), (1,), (5, 3), 2, 8, 2, 0.3)


def network():
    torch.manual_seed(0)
    return TabularNetwork(SHAPE)


@pytest.fixture
def examples():
    generator = torch.Generator().manual_seed(1)
    numbers = torch.randn(60, 3, generator=generator)
    numbers[::7, 1] = torch.nan
    codes = [torch.randint(k, (60, 1), generator=generator).float() for k in SHAPE.n_categories]
    labels = torch.randint(2, (60,), generator=generator)
    rows = torch.arange(60)
    return Examples(torch.cat([numbers, *codes], dim=1), labels, 50, rows[:50], rows[50:], 2)


def test_a_training_on_them_is_the_same(examples, monkeypatch):
    found = []
    for most in (0, split_rows.MOST_BYTES):
        monkeypatch.setattr(split_rows, "MOST_BYTES", most)
        model = network()
        outcome = train(model, make_rule("l2rw", seed=0), examples, Schedule(3, 16, 1e-2), seed=4)
        found.append((outcome.dynamics.influence, model(examples.inputs).detach().numpy()))
    for one, other in zip(*found, strict=True):
        # Products of rows that lie elsewhere are summed in another order.
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_the_network_reads_whole_rows_again_after_the_block(examples):
    model = network().eval()
    before = model(examples.inputs)
    with split_before(model, examples) as split:
        assert split.inputs.shape == (60, SHAPE.count_split())
        assert torch.allclose(model(split.inputs), before, atol=1e-6)
    assert torch.equal(model(examples.inputs), before)


def test_large_rows_are_split_batch_by_batch(examples, monkeypatch):
    monkeypatch.setattr(split_rows, "MOST_BYTES", 60 * SHAPE.count_split() * 4 - 1)
    with split_before(network(), examples) as split:
        assert split is examples
