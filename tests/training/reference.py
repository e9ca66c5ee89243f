"""Slow, obvious references that the fast formulas are held against."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel

from datacleanse.training.influence import Engine, compute_trusted_gradient


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits, labels, reduction="none")


@sdpa_kernel(SDPBackend.MATH)
def double_backward_influence(
    model: nn.Module, batch: tuple[Tensor, Tensor], trusted: tuple[Tensor, Tensor], lr: float = 0.1
) -> Tensor:
    """Ren et al. 2018, Algorithm 1, lines 4 to 9, as written: through the virtual step."""
    parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    epsilon = torch.zeros(len(batch[0]), dtype=torch.float64, requires_grad=True)
    losses = cross_entropy(functional_call(model, {**parameters, **buffers}, batch[0]), batch[1])
    gradients = torch.autograd.grad(
        (epsilon * losses).sum(),
        list(parameters.values()),
        create_graph=True,
        allow_unused=True,
        materialize_grads=True,
    )
    virtual = {
        name: parameter - lr * gradient
        for (name, parameter), gradient in zip(parameters.items(), gradients, strict=True)
    }
    model.eval()
    meta = cross_entropy(functional_call(model, virtual, trusted[0]), trusted[1]).mean()
    model.train()
    return -torch.autograd.grad(meta, epsilon, materialize_grads=True)[0] / lr


def hold_to_the_weighted_loss(
    route: Callable[..., Engine],
    model: nn.Module,
    batch: tuple[Tensor, Tensor],
    trusted: tuple[Tensor, Tensor],
) -> None:
    """Any route's step leaves every parameter the gradient of the weighted sum of losses."""
    x, y = batch
    weights = torch.rand(len(x), dtype=torch.float64)
    (weights * cross_entropy(model(x), y)).sum().backward()
    expected = {name: p.grad.clone() for name, p in model.named_parameters()}
    model.zero_grad()

    direction, _ = compute_trusted_gradient(model, cross_entropy, *trusted)
    route(model, cross_entropy).open(x, y, direction).descend(weights)

    found = {name: p.grad for name, p in model.named_parameters()}
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


class PlainLiLAW:
    """Moturu et al. 2025, arXiv 2509.20786, one example at a time."""

    def __init__(self) -> None:
        self._three = [
            torch.tensor(start, dtype=torch.float64, requires_grad=True) for start in (10.0, 2, 6)
        ]
        self._descent = torch.optim.SGD(self._three, lr=0.005, weight_decay=1e-4)

    def parameters(self) -> Tensor:
        return torch.stack(self._three).detach()

    def weights(self, logits: Tensor, labels: Tensor) -> list[float]:
        """What each cross-entropy counts in the batch's mean."""
        return [
            self._weight(row, label).item() / len(labels)
            for row, label in zip(logits.tolist(), labels.tolist(), strict=True)
        ]

    def learn(self, logits: Tensor, labels: Tensor) -> None:
        loss = torch.zeros((), dtype=torch.float64)
        for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
            cross_entropy = math.log(sum(math.exp(z) for z in row)) - row[label]
            loss = loss + self._weight(row, label) * cross_entropy / len(labels)
        self._descent.zero_grad()
        loss.backward()
        self._descent.step()

    def _weight(self, row: list[float], label: int) -> Tensor:
        alpha, beta, delta = self._three
        whole = sum(math.exp(z) for z in row)
        s, M = math.exp(row[label]) / whole, math.exp(max(row)) / whole
        easy = 1 / (1 + torch.exp(-(alpha * s - M)))
        hard = 1 / (1 + torch.exp(beta * s - M))
        moderate = torch.exp(-((delta * s - M) ** 2) / 2)
        return easy + hard + moderate


@sdpa_kernel(SDPBackend.MATH)
def backward_for_each(
    model: nn.Module, batch: tuple[Tensor, Tensor], direction: dict[str, Tensor]
) -> tuple[Tensor, list[dict[str, Tensor]]]:
    """One forward pass, then a backward pass for each example: its influence and its gradient."""
    parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
    losses = cross_entropy(model(batch[0]), batch[1])
    gradients = []
    for each in losses:
        found = torch.autograd.grad(
            each, list(parameters.values()), retain_graph=True, materialize_grads=True
        )
        gradients.append(dict(zip(parameters, found, strict=True)))
    influence = [sum((g[name] * direction[name]).sum() for name in parameters) for g in gradients]
    return torch.stack(influence), gradients
