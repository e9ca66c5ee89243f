"""What is written out for speed against what torch does: the perceptron, AdamW, dropout."""

from __future__ import annotations

import pytest
import torch

from datacleanse.models.tabular import Dropout, TabularNetwork, TabularShape
from datacleanse.training.adamw import AdamW
from datacleanse.training.influence import (
    ForwardMode,
    choose_engine,
    compute_trusted_gradient,
    cross_entropy,
    perceptron,
)
from datacleanse.training.influence.perceptron import ClosedForm

SHAPES = {
    "numbers": TabularShape(4, (3, 0, 2, 3), (1,), (), 3, 16, 2, 0.3),
    "categories": TabularShape(0, (), (), (4, 7), 2, 16, 2, 0.3),
    "both": TabularShape(3, (2, 2, 2), (0, 2), (5, 3), 4, 16, 3, 0.5),
    "one layer, no dropout": TabularShape(3, (0, 0, 0), (), (3,), 2, 8, 1, 0.0),
}


def network(shape: TabularShape) -> TabularNetwork:
    torch.manual_seed(0)
    return TabularNetwork(shape).double()


def rows(shape: TabularShape, n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    numbers = torch.randn(n, shape.n_numeric, generator=generator, dtype=torch.float64)
    for column in shape.missing:
        numbers[::4, column] = torch.nan
    codes = [torch.randint(k, (n, 1), generator=generator).double() for k in shape.n_categories]
    labels = torch.randint(shape.n_classes, (n,), generator=generator)
    return torch.cat([numbers, *codes], dim=1), labels


@pytest.fixture(params=SHAPES)
def shape(request):
    return SHAPES[request.param]


@pytest.mark.parametrize("selects_from", [0, 2**17])
@pytest.mark.parametrize("is_training", [True, False])
def test_the_closed_form_is_forward_mode_with_the_same_dropout_mask(
    shape, is_training, selects_from, monkeypatch
):
    monkeypatch.setattr(perceptron, "SELECT_FROM", selects_from)
    model = network(shape).train(is_training)
    batch, trusted = rows(shape, 20, 1), rows(shape, 9, 2)
    direction, _ = compute_trusted_gradient(model, cross_entropy, *trusted)
    weights = torch.rand(20, dtype=torch.float64) * (torch.arange(20) % 3 > 0)
    found = []
    for engine in (ClosedForm(model), ForwardMode(model, cross_entropy)):
        model.train(is_training)
        model.zero_grad()
        torch.manual_seed(5)
        step = engine.open(*batch, direction)
        step.descend(weights)
        gradients = {name: p.grad for name, p in model.named_parameters()}
        found.append((step.logits, step.losses, step.influence, gradients))
    torch.testing.assert_close(*found, rtol=1e-9, atol=1e-12)


def test_its_plain_step_and_its_trusted_gradient_are_autograd_s(shape):
    model = network(shape)
    inputs, labels = rows(shape, 20, 1)
    torch.manual_seed(5)
    step = ClosedForm(model).open(inputs, labels, None)
    assert step.influence is None
    step.descend(torch.full((20,), 1 / 20, dtype=torch.float64))
    found = [p.grad for p in model.parameters()]
    model.zero_grad()
    torch.manual_seed(5)
    cross_entropy(model(inputs), labels).mean().backward()
    torch.testing.assert_close(found, [p.grad for p in model.parameters()])

    expected, loss = compute_trusted_gradient(model, cross_entropy, inputs, labels)
    direction, own_loss = ClosedForm(model).compute_gradient(inputs, labels)
    torch.testing.assert_close(direction, expected)
    torch.testing.assert_close(own_loss, loss)


def test_it_serves_the_network_of_tables_and_no_variation_of_it(shape):
    batch = rows(shape, 8, 0)
    engine = choose_engine(network(shape), cross_entropy)
    engine.open(*batch, None)
    assert engine.route.name == "closed-form"

    class Doubled(TabularNetwork):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return 2 * super().forward(inputs)

    other = choose_engine(Doubled(shape).double(), cross_entropy)
    other.open(*batch, None)
    assert other.route.name != "closed-form"


def test_adamw_is_torch_s_step_by_step_and_after_a_restart():
    torch.manual_seed(0)
    mine = [torch.randn(3, 4, requires_grad=True), torch.randn(4, requires_grad=True)]
    theirs = [p.detach().clone().requires_grad_() for p in mine]
    own = AdamW(mine, weight_decay=0.1)
    reference = torch.optim.AdamW(theirs, weight_decay=0.1, fused=True)
    for step in range(12):
        lr = 0.1 / (step + 1)
        if step == 6:
            restarted = AdamW(mine, weight_decay=0.1)
            restarted.load({k: [t.clone() for t in v] for k, v in own.state().items()})
            own = restarted
        for index, (p, q) in enumerate(zip(mine, theirs, strict=True)):
            # The second parameter lacks a gradient at times.
            gradient = None if index and step % 3 == 0 else torch.randn_like(p)
            p.grad, q.grad = gradient, None if gradient is None else gradient.clone()
        reference.param_groups[0]["lr"] = lr
        reference.step()
        own.step(lr)
        assert all(p.grad is None for p in mine)
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_dropout_drops_its_share_keeps_the_mean_and_rests_in_evaluation(share):
    torch.manual_seed(0)
    dropout = Dropout(share)
    units = torch.ones(400, 1001)
    dropped = dropout(units)
    n = units.numel()
    assert float((dropped == 0).sum()) / n == pytest.approx(share, abs=1 / 256 + 3 / n**0.5)
    assert float(dropped.mean()) == pytest.approx(1.0, abs=5 / n**0.5)
    assert bool((units == 1).all())
    assert dropout.eval()(units) is units


def test_a_byte_is_drawn_for_each_unit_by_itself():
    """Neighbours in a word of eight are dropped independently."""
    torch.manual_seed(0)
    kept = (Dropout(0.5)(torch.ones(4000, 16)) > 0).double()
    correlation = torch.corrcoef(kept.T)
    assert float((correlation - torch.eye(16)).abs().max()) < 0.08


def test_a_mean_that_fades_away_becomes_zero():
    """Below 1e-38 processors are slow; the parameter is the same to the last bit."""
    parameter = torch.ones(3, requires_grad=True)
    optimiser = AdamW([parameter], weight_decay=0.0)
    optimiser.state()["means"][0].fill_(1e-39)
    parameter.grad = torch.zeros(3)
    optimiser.step(1e-3)
    assert not optimiser.state()["means"][0].any()
    assert parameter.detach().equal(torch.ones(3))
    assert torch.tensor(1e-39) * 1.0 > 0, "the caller's arithmetic is as it was"
