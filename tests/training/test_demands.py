"""What a network must not do in a step of somebody's own loop, and numbers that are none."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from datacleanse.errors import ModelError
from datacleanse.training.influence import cross_entropy
from datacleanse.training.reweighter import Reweighter, reweight


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        return 2 * gradient


class Net(nn.Module):
    """Batch statistics, so that it is differentiated in forward mode; then ``last``."""

    def __init__(self, last):
        super().__init__()
        self.first, self.norm, self.head = nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)
        self.last = last

    def forward(self, x):
        return self.head(self.last(self.norm(self.first(x))))


class Shifting(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, x):
        x += 1.0
        return self.layer(x)


def halves_overwritten(h):
    first, _ = h.split(2, dim=1)
    first.mul_(2)
    return h


def batches():
    torch.manual_seed(0)
    labels = torch.arange(8) % 2
    return (torch.randn(8, 4), labels), (torch.randn(4, 4), labels[:4])


CASES = {
    "an output that its derivative needs is overwritten": (
        lambda: Net(lambda h: torch.sigmoid(h).mul_(2)),
        "overwrites what a derivative needs",
        "x = x * y",
    ),
    "a view is overwritten": (
        lambda: Net(halves_overwritten),
        "overwrites what a derivative needs",
        "x = x * y",
    ),
    "an operation without a forward derivative": (
        lambda: Net(Doubled.apply),
        "has no forward derivative (You must implement the jvp",
        "`jvp`",
    ),
    "the inputs are changed": (Shifting, "changes its inputs in place", "inplace=False"),
    "the inputs are changed by the first layer": (
        lambda: nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 2)),
        "changes its inputs in place",
        "inplace=False",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_network_that_cannot_be_differentiated_is_refused_with_the_cure(case):
    make, said, cure = case
    with pytest.raises(ModelError) as error:
        reweight(make(), cross_entropy, *batches())
    assert said in error.value.message
    assert cure in error.value.hint


@pytest.mark.parametrize(
    "entry", [reweight, lambda *given: Reweighter(*given[:2]).step(*given[2:])]
)
def test_what_is_no_network_and_what_is_no_pair_is_named(entry):
    network, loss = nn.Linear(3, 2), nn.CrossEntropyLoss(reduction="none")
    x, y = torch.zeros(8, 3), torch.arange(8) % 2
    for given, said in (
        (("m", loss, (x, y), (x, y)), "model is str, not a torch.nn.Module"),
        ((network, loss, x, (x, y)), "batch is Tensor, not a pair of inputs and labels"),
        ((network, loss, (x, y), (x, y, y)), "trusted is tuple, not a pair"),
    ):
        with pytest.raises(ModelError, match=said):
            entry(*given)


def test_another_error_of_the_network_stays_as_it_is():
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        reweight(nn.Linear(5, 2), cross_entropy, *batches())


def test_a_network_that_changes_its_own_buffers_in_place_is_served():
    class Counting(Net):
        def __init__(self):
            super().__init__(nn.Identity())
            self.register_buffer("seen", torch.zeros(4))

        def forward(self, x):
            self.seen.add_(x.detach().mean(0))
            return super().forward(x)

    assert reweight(Counting(), cross_entropy, *batches()).weights.isfinite().all()


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_weights_that_are_not_finite_are_refused_and_the_example_is_named(bad):
    (x, y), trusted = batches()
    x[3, 1] = bad
    with pytest.raises(ModelError, match="loss of example 3 of the batch") as error:
        reweight(nn.Linear(4, 2), cross_entropy, (x, y), trusted)
    assert error.value.slug == "not-finite"
    assert "lower the learning rate" in error.value.hint


def test_a_trusted_loss_that_is_not_finite_is_named():
    batch, (x, y) = batches()
    x[0, 0] = torch.nan
    with pytest.raises(ModelError, match="mean loss on the trusted examples is nan"):
        reweight(nn.Linear(4, 2), cross_entropy, batch, (x, y))


def test_gradients_that_are_not_finite_are_told_apart_from_losses():
    """The root's slope at 0 is infinite, its value is not."""

    def loss(logits, labels):
        return cross_entropy(logits, labels) + (logits - logits.detach()).abs().sqrt().sum(1)

    with pytest.raises(ModelError, match="losses are finite, their gradients are not"):
        reweight(nn.Linear(4, 2), loss, *batches())


def test_parameters_and_gradients_stay_when_a_step_is_refused():
    (x, y), trusted = batches()
    model = nn.Linear(4, 2)
    before = model.weight.detach().clone()
    x[0, 0] = torch.nan
    with pytest.raises(ModelError):
        reweight(model, cross_entropy, (x, y), trusted)
    assert torch.equal(model.weight, before)
    assert model.weight.grad is None
