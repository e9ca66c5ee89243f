"""Weights and influences of 50 random architectures against double backward, in float64."""

from __future__ import annotations

from copy import deepcopy

import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from torch import nn

from datacleanse.models.demands import find_trainable
from datacleanse.training.influence import ForwardMode, choose_engine, compute_trusted_gradient
from tests.training.architectures import CHANNELS, N_CLASSES, SIDE, architectures
from tests.training.reference import cross_entropy, double_backward_influence

LARGEST_ERROR = 1e-5
N_ARCHITECTURES = 50
TINY = 1e-9


def batches():
    generator = torch.Generator().manual_seed(1)
    return [
        (
            torch.randn(n, CHANNELS, SIDE, SIDE, generator=generator, dtype=torch.float64),
            torch.randint(N_CLASSES, (n,), generator=generator),
        )
        for n in (7, 5)
    ]


def error_of(actual, expected):
    """Relative to the largest value, so that a value that is 0 but for rounding counts as such."""
    scale = float(expected.abs().max())
    return float((actual - expected).abs().max()) / scale if scale else float(actual.abs().max())


def errors_by_route(model: nn.Module) -> dict[str, float]:
    """Largest relative error of weights and of weighted gradients, by the route taken."""
    batch, trusted = batches()
    expected = weights_from(double_backward_influence(model, batch, trusted))
    plain = deepcopy(model)
    (expected * cross_entropy(plain(batch[0]), batch[1])).sum().backward()
    gradients = {name: p.grad for name, p in find_trainable(plain).items() if p.grad is not None}
    largest = {}
    for make in (choose_engine, ForwardMode):
        network = deepcopy(model)
        direction, _ = compute_trusted_gradient(network, cross_entropy, *trusted)
        engine = make(network, cross_entropy)
        step = engine.open(*batch, direction)
        weights = weights_from(step.influence)
        step.descend(expected)
        left = {name: p.grad for name, p in find_trainable(network).items()}
        errors = [error_of(left[k], g) for k, g in gradients.items() if g.abs().max() > TINY]
        largest[engine.name] = max(error_of(weights, expected), *errors)
    return largest


def weights_from(influence):
    """Ren et al. 2018, eq. 8 and 9; influences that are 0 but for rounding have no weight."""
    clipped = influence.clamp(min=0.0)
    total = clipped.sum()
    return clipped / total if float(total) > TINY else torch.zeros_like(clipped)


def test_fifty_random_architectures_agree_with_double_backward(record_property):
    worst: dict[str, float] = {}
    count: dict[str, int] = {}

    @seed(20180309)
    @settings(
        max_examples=N_ARCHITECTURES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(architectures())
    def compare(model):
        for name, error in errors_by_route(model).items():
            worst[name] = max(worst.get(name, 0.0), error)
            count[name] = count.get(name, 0) + 1
            assert error <= LARGEST_ERROR

    compare()

    for name, error in worst.items():
        record_property(f"worst relative error of {count[name]} networks, {name}", error)
    assert set(worst) == {"layerwise", "forward-mode"}
