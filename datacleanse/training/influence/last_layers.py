"""Influence by some layers alone, the last ones of a network (`find_measured`).

NOTE[DIFF] The virtual step of Ren et al. moves all parameters. Here it moves those of some layers,
so that the terms of the others are left out of the sum over layers. Pruthi et al. 2020 (TracIn,
arXiv 2002.08484) measure influences by last layers, too.

One backward pass ends at these layers' outputs and gives their deltas. The weighted gradient of all
parameters is autograd's, from the same graph: a plain step and a little.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import torch
from torch.autograd.graph import get_gradient_edge

from datacleanse.training.influence.interface import compute_losses, make_step
from datacleanse.training.influence.layers import make_call, widen

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.autograd.graph import GradientEdge

    from datacleanse.training.influence.interface import Loss, Step
    from datacleanse.training.influence.layers import Call, Parameters


def open_by_last_layers(
    model: nn.Module, loss: Loss, inputs: Tensor, labels: Tensor, along: dict[nn.Module, Parameters]
) -> Step:
    """Run the network on a batch, and read influences off some of its layers.

    Args:
        model: the network.
        loss: unreduced loss.
        inputs: (B, ...).
        labels: (B,) int64.
        along: v of these layers' parameters.

    Raises:
        NotServedError: a layer's input or output has no row for each example.
    """
    kept: list[tuple[Parameters, Call, GradientEdge]] = []

    def keep(layer: nn.Module, args: tuple[Any, ...], out: Tensor) -> None:
        if out.requires_grad:
            call = make_call(model, layer, args, out, len(inputs))
            kept.append((along[layer], call, get_gradient_edge(out)))

    with ExitStack() as stack:
        for layer in along:
            stack.callback(layer.register_forward_hook(keep).remove)
        logits = model(inputs)
    losses = compute_losses(loss, logits, labels)
    influence = torch.zeros_like(losses.detach())
    if kept:
        deltas = torch.autograd.grad(
            losses.sum(), [edge for *_, edge in kept], retain_graph=True, allow_unused=True
        )
        for (v, call, _), delta in zip(kept, deltas, strict=True):
            if delta is not None:
                influence += widen(call.compute_influence(delta, v))
    return make_step(model, logits, losses, labels, influence)
