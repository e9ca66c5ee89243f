"""Any network: influences and gradients against a backward pass for each example, in float64."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import nn

from datacleanse.errors import ModelError
from datacleanse.training.influence import choose_engine, compute_trusted_gradient
from datacleanse.training.reweighter import Reweighter, reweight
from tests.training.networks import CASES, N_CLASSES, WIDTH, Case, rows
from tests.training.reference import backward_for_each, cross_entropy

N, N_TRUSTED = 7, 5


def drawn(case: Case, seed: int = 0):
    """The network in training mode, a batch and a trusted batch."""
    torch.manual_seed(seed)
    model = case.make().double().train()
    batch, trusted = ((case.draw(n), torch.randint(N_CLASSES, (n,))) for n in (N, N_TRUSTED))
    return model, batch, trusted


def assert_close(actual, expected):
    # 1e-12: gradients that are 0 but for rounding, as of a bias before a norm.
    atol = 1e-9 * float(expected.abs().max()) + 1e-12
    torch.testing.assert_close(actual, expected, rtol=1e-5, atol=atol)


MODES = [
    (name, mode)
    for name in CASES
    for mode in ("train", "eval")
    # A convolution or an activation computes the same in both.
    if mode == "train" or not ("convolution" in name or "in-place" in name)
]


@pytest.fixture(autouse=True)
def one_thread():
    """Networks this small gain nothing from a second one, and lose much on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("name", "mode"), MODES)
def test_influence_and_weighted_gradient_are_those_of_a_backward_pass_for_each(name, mode):
    case = CASES[name]
    model, batch, trusted = drawn(case)
    model.train(mode == "train")
    direction, _ = compute_trusted_gradient(model, cross_entropy, *trusted)
    slow = deepcopy(model)
    torch.manual_seed(5)
    expected, gradients = backward_for_each(slow, batch, direction)
    weights = torch.rand(N, dtype=torch.float64)

    engine = choose_engine(model, cross_entropy)
    torch.manual_seed(5)
    step = engine.open(*batch, direction)
    step.descend(weights)

    assert_close(step.influence, expected)
    for key, parameter in model.named_parameters():
        if parameter.requires_grad:
            total = sum(w * g[key] for w, g in zip(weights, gradients, strict=True))
            left = torch.zeros_like(total) if parameter.grad is None else parameter.grad
            assert_close(left, total)
        else:
            assert parameter.grad is None
    for left, buffer in zip(model.buffers(), slow.buffers(), strict=True):
        torch.testing.assert_close(left, buffer)
    if mode == "train":
        assert engine.route.name == case.route


def test_every_route_but_the_table_network_s_is_tried():
    assert {case.route for case in CASES.values()} == {
        "layerwise",
        "forward-mode",
        "double-backward",
    }


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("linear", "Every trainable parameter sits in a layer that has a formula."),
        ("batch norm", "Layer '1' (BatchNorm1d) lets one example's loss depend on the others."),
        ("PReLU", "Layer '1' (PReLU) has parameters (weight) without a layerwise formula."),
        ("called by keyword", "Layer 'layer' (Linear) is given keywords alone for a batch of 7."),
        ("all positions at once", "Layer 'layer' (Linear) is given 35 rows for a batch of 7."),
        ("tied by hand", "gradient of 'codes.weight' was not autograd's"),
        ("without gradient", "forward-mode influences did not add up to the gradient"),
        ("noisy activation", "Layer '2' (RReLU) has no forward derivative (Trying to use"),
    ],
)
def test_the_route_says_what_kept_it_from_the_cheaper_one(name, said):
    model, batch, trusted = drawn(CASES[name])
    reweighter = Reweighter(model, cross_entropy)
    reweighter.step(batch, trusted)
    assert said in reweighter.route.reason


class MixedPositions(nn.Module):
    """Examples mix: the mean over the batch is taken off."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.head = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, N_CLASSES)

    def forward(self, x):
        h = self.layer(x).tanh()
        return self.head(h - h.mean(dim=0))


def test_a_batch_of_one_settles_nothing_about_mixing():
    """One example alone is its own mean, and any route would seem exact."""
    model, batch, trusted = drawn(Case(MixedPositions, rows, ""))
    one = trusted[0][:1], trusted[1][:1]
    reweighter = Reweighter(model, cross_entropy)
    reweighter.step((batch[0][:1], batch[1][:1]), one)
    model.zero_grad()
    direction, _ = compute_trusted_gradient(model, cross_entropy, *one)
    expected, _ = backward_for_each(model, batch, direction)

    assert_close(reweighter.step(batch, one).influence, expected)
    assert reweighter.route.name == "forward-mode"


@pytest.mark.parametrize("name", ["dropout", "dropout beside batch norm", "batch norm"])
def test_the_trial_leaves_no_trace(name):
    model, batch, trusted = drawn(CASES[name])
    direction, _ = compute_trusted_gradient(model, cross_entropy, *trusted)
    once, state = deepcopy(model), torch.get_rng_state()
    once(batch[0])
    after = torch.get_rng_state()
    torch.set_rng_state(state)

    choose_engine(model, cross_entropy).open(*batch, direction)

    assert torch.equal(torch.get_rng_state(), after)
    assert all(p.grad is None for p in model.parameters())
    for left, expected in zip(model.buffers(), once.buffers(), strict=True):
        assert torch.equal(left, expected)


class OnceOnly(torch.autograd.Function):
    """An activation in place with a gradient of its own, as fused layers have."""

    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2.0)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):
        return 2.0 * g


class Fused(nn.Module):
    def forward(self, x):
        return OnceOnly.apply(x)


@pytest.mark.parametrize("is_beside", [False, True], ids=["alone", "beside a branch without it"])
def test_a_layer_that_no_route_serves_is_named_with_a_cure(is_beside):
    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.norm = nn.Linear(WIDTH, N_CLASSES), nn.BatchNorm1d(N_CLASSES)
            self.fused = Fused()

        def forward(self, x):
            h = self.norm(self.first(x))
            return self.fused(h.clone()) + h if is_beside else self.fused(h)

    model, batch, trusted = drawn(Case(Network, rows, ""))
    with pytest.raises(ModelError) as error:
        reweight(model, cross_entropy, batch, trusted)
    assert "Layer 'fused' (Fused) has no forward derivative" in error.value.message
    assert "torch's own operations" in error.value.hint
    assert all(p.grad is None for p in model.parameters())


def test_a_layer_with_a_gradient_of_its_own_is_served_where_examples_do_not_mix():
    make = lambda: nn.Sequential(nn.Linear(WIDTH, 6), Fused(), nn.Linear(6, N_CLASSES))  # noqa: E731
    model, batch, trusted = drawn(Case(make, rows, ""))
    direction, _ = compute_trusted_gradient(model, cross_entropy, *trusted)
    expected, _ = backward_for_each(model, batch, direction)
    assert_close(reweight(model, cross_entropy, batch, trusted).influence, expected)


@pytest.mark.parametrize(
    ("make", "said", "cure"),
    [
        (lambda: nn.DataParallel(nn.Linear(WIDTH, 3)), "splits the batch over devices", ".module"),
        (
            lambda: nn.Sequential(nn.DataParallel(nn.Linear(WIDTH, 3)), nn.Linear(3, 3)),
            "Layer '0' (DataParallel)",
            ".module",
        ),
        (lambda: nn.Embedding(5, 3, sparse=True), "sparse=True", "sparse=False"),
        (
            lambda: nn.Embedding(5, 3, scale_grad_by_freq=True),
            "scale_grad_by_freq=True",
            "scale_grad_by_freq=False",
        ),
        (lambda: nn.Linear(WIDTH, 3).requires_grad_(False), "No parameter", "requires_grad"),
    ],
)
def test_networks_that_cannot_be_reweighted_are_refused_before_any_work(make, said, cure):
    with pytest.raises(ModelError) as error:
        Reweighter(make(), cross_entropy)
    assert said in error.value.message
    assert cure in error.value.hint
