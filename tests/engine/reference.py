"""Slow, obvious references that the fast formulas are held against."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel


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
