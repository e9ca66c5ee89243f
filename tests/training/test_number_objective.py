"""Trainings toward numbers: exact influences under Huber's loss, and residuals recorded."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from datacleanse.settings import Meta, Schedule
from datacleanse.training.examples import Examples
from datacleanse.training.influence import choose_engine
from datacleanse.training.loop import train
from datacleanse.training.objectives import HUBER_DELTA, NUMBERS, huber_loss
from datacleanse.training.rehearsal import try_training
from datacleanse.training.rules import make_rule


def make_network_anew():
    return nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 1))


def make_network():
    torch.manual_seed(0)
    return make_network_anew()


def test_the_loss_is_hubers():
    residual = torch.tensor([0.5, -2.0, 10.0])
    losses = huber_loss(torch.zeros(3, 1), residual)
    expected = [0.125, 2.0, HUBER_DELTA * (10 - HUBER_DELTA / 2)]
    assert losses.tolist() == pytest.approx(expected)


def test_a_network_of_one_output_is_tried_by_its_own_loss():
    rows = torch.randn(3, 3, generator=torch.Generator().manual_seed(0))
    try_training(make_network(), make_network_anew, rows, "It", objective=NUMBERS)


def test_influences_are_those_of_gradients_one_by_one():
    network = make_network()
    inputs, labels = torch.randn(6, 3), 4 * torch.randn(6)
    direction = {name: torch.randn_like(p) for name, p in network.named_parameters()}
    step = choose_engine(network, huber_loss).open(inputs, labels, direction)
    parameters = dict(network.named_parameters())
    for row in range(6):
        loss = huber_loss(network(inputs[row : row + 1]), labels[row : row + 1]).sum()
        gradients = torch.autograd.grad(loss, list(parameters.values()))
        product = sum(
            (g * direction[name]).sum() for name, g in zip(parameters, gradients, strict=True)
        )
        assert float(step.influence[row]) == pytest.approx(float(product), rel=1e-4, abs=1e-5)


def test_residuals_and_mean_predictions_are_recorded():
    network = make_network()
    inputs = torch.randn(20, 3)
    labels = inputs[:, 0] + 0.5
    examples = Examples(inputs, labels, 16, torch.arange(14), torch.arange(16, 20), 1)
    outcome = train(
        network,
        make_rule("l2rw", seed=0),
        examples,
        Schedule(epochs=1, batch_size=14, lr=0.0, meta=Meta()),
        seed=0,
        objective=NUMBERS,
    )
    with torch.no_grad():
        prediction = network(inputs)[:, 0].numpy()
    dynamics = outcome.dynamics
    assert dynamics.probability[:, 0] == pytest.approx(prediction, abs=1e-6)
    assert dynamics.margin == pytest.approx(labels.numpy() - prediction, abs=1e-6)
    assert dynamics.loss == pytest.approx(np.square(dynamics.margin) / 2, abs=1e-6)
    assert np.isnan(dynamics.weight[14:]).all()


def test_the_control_learns_numbers():
    torch.manual_seed(1)
    inputs = torch.randn(200, 3)
    labels = 2 * inputs[:, 0] - inputs[:, 1]
    examples = Examples(inputs, labels, 200, torch.arange(200), torch.arange(0), 1)
    network = make_network()
    outcome = train(
        network,
        make_rule("uniform", seed=0),
        examples,
        Schedule(epochs=20, batch_size=20, lr=0.01, meta=Meta()),
        seed=0,
        objective=NUMBERS,
    )
    assert outcome.loss[-1] < 0.2 * outcome.loss[0]
