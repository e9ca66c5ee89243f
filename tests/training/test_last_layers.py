"""Influences by the last layers alone, against a virtual step that moves these layers alone."""

from __future__ import annotations

import gc

import numpy as np
import pytest
import torch
from torch import nn

from datacleanse.models.demands import find_measured, find_trainable
from datacleanse.models.residual import ResidualShape, build_residual
from datacleanse.training.influence import (
    DoubleBackward,
    ForwardMode,
    Layerwise,
    choose_engine,
    compute_trusted_gradient,
)
from datacleanse.training.reweighter import Reweighter
from tests.training.reference import (
    cross_entropy,
    double_backward_influence,
    hold_to_the_weighted_loss,
)


class MeasuredByItsEnd(nn.Module):
    """It is measured by its last two layers, whose output is overwritten."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(108, 7), nn.Linear(7, 5)
        self.head = nn.Linear(5, 3)

    def list_measured(self) -> list[nn.Module]:
        return [self.second, self.head]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.first(x.flatten(1).double() / 128).relu()
        return self.head(self.second(h).relu_())


def make_residual() -> nn.Module:
    shape = ResidualShape(3, 6, 6, 1, (8, 16), 3, 0, is_mirrored=False)
    return build_residual(shape, np.full(3, 128.0), np.full(3, 64.0), seed=0)


NETWORKS = {"package's own": make_residual, "of a user": MeasuredByItsEnd}
ROUTES = (Layerwise, ForwardMode, DoubleBackward)


def make(name: str) -> nn.Module:
    torch.manual_seed(0)
    return NETWORKS[name]().double().train()


def draw(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    pictures = torch.randint(256, (n, 3, 6, 6), generator=generator, dtype=torch.uint8)
    return pictures, torch.randint(3, (n,), generator=generator)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_virtual_step_moves_the_named_layers_alone(name, route):
    batch, trusted = draw(11, 1), draw(7, 2)
    model = make(name)
    measured = find_measured(model)
    for key, parameter in model.named_parameters():
        parameter.requires_grad_(key in measured)
    expected = double_backward_influence(model, batch, trusted)
    model.requires_grad_(True)

    v, _ = compute_trusted_gradient(model, cross_entropy, *trusted)
    step = route(model, cross_entropy).open(*batch, v)

    assert set(measured) < set(v) == set(find_trainable(model))
    torch.testing.assert_close(step.influence, expected, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", NETWORKS)
def test_all_parameters_get_the_weighted_gradient(name, route):
    hold_to_the_weighted_loss(route, make(name), draw(11, 1), draw(7, 2))


def test_the_route_is_tried_and_taken():
    model = make("package's own")
    engine = choose_engine(model, cross_entropy)
    v, _ = engine.compute_gradient(*draw(7, 2))
    engine.open(*draw(11, 1), v)
    assert engine.route.name == "layerwise"


def test_the_update_follows_the_trusted_gradient_of_all_layers():
    model, batch, trusted = make("of a user"), draw(11, 1), draw(7, 2)
    without, with_share = (
        take_gradients(Reweighter(model, cross_entropy, trusted_share=share), model, batch, trusted)
        for share in (0.0, 0.5)
    )
    v, _ = compute_trusted_gradient(model, cross_entropy, *trusted)
    for name, gradient in with_share.items():
        torch.testing.assert_close(gradient, without[name] + 0.5 * v[name])


def take_gradients(step, model, batch, trusted):
    model.zero_grad()
    step.step(batch, trusted)
    return {name: p.grad.clone() for name, p in model.named_parameters()}


def test_a_network_that_names_none_is_measured_by_all_that_it_learns():
    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    model[0].bias.requires_grad_(False)
    assert find_measured(model) == find_trainable(model)


@pytest.mark.parametrize("is_measured_by_all", [True, False])
@pytest.mark.parametrize("route", ROUTES)
def test_a_step_leaves_nothing_for_python_to_collect(route, is_measured_by_all):
    """What only the collector frees stays for hundreds of steps: a gigabyte of pictures."""
    batch, trusted = draw(11, 1), draw(7, 2)
    model = make("package's own")
    if is_measured_by_all:
        model = nn.Sequential(Floats(), model.stages, nn.Flatten(), nn.Linear(144, 3)).double()

    def take_step():
        v, _ = compute_trusted_gradient(model, cross_entropy, *trusted)
        step = route(model, cross_entropy).open(*batch, v)
        step.descend(torch.ones(11, dtype=torch.float64))
        model.zero_grad()

    take_step()
    gc.collect()
    gc.disable()
    try:
        before = count_tensors()
        for _ in range(3):
            take_step()
        assert count_tensors() == before
    finally:
        gc.enable()


class Floats(nn.Module):
    """Bytes to numbers."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.double()


def count_tensors() -> int:
    return sum(type(each) is torch.Tensor for each in gc.get_objects())
