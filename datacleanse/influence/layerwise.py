"""Influence from what one backward pass leaves at each layer ("ghost" products).

A layer whose output is linear in its parameters, f(a; theta), contributes

    < grad l_i, v >_layer = sum over positions of  delta_i . f(a_i; v),

with a_i the layer's input and delta_i the gradient of l_i with respect to its output. One forward
pass and one backward pass to the outputs give all a and delta; the weighted parameter gradient
then comes from the same a and (w_i delta_i). The network is never run twice.

Related: ghost norms (Goodfellow 2015, arXiv 1510.01799) and ghost dot products (Wang et al. 2024,
arXiv 2406.11011), which need the trusted examples in the same batch.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from datacleanse.influence.interface import (
    Direction,
    Loss,
    Step,
    accumulate,
    plain_step,
    trainable,
)

Gradient = Callable[[nn.Module, Tensor, Tensor], dict[str, Tensor]]


def _linear(layer: nn.Module, a: Tensor, delta: Tensor) -> dict[str, Tensor]:
    flat = delta.flatten(0, -2)
    return {"weight": flat.T @ a.flatten(0, -2), "bias": flat.sum(dim=0)}


def _embedding(layer: nn.Module, a: Tensor, delta: Tensor) -> dict[str, Tensor]:
    assert isinstance(layer, nn.Embedding)
    gradient = torch.zeros_like(layer.weight)
    gradient.index_add_(0, a.flatten(), delta.flatten(0, -2))
    if layer.padding_idx is not None:
        gradient[layer.padding_idx] = 0.0
    return {"weight": gradient}


def _norm(layer: nn.Module, a: Tensor, delta: Tensor) -> dict[str, Tensor]:
    """Layer and group normalisation; their parameters are few, so autograd's route is cheap."""
    parameters = {name: p.detach().requires_grad_() for name, p in layer.named_parameters()}
    out = functional_call(layer, parameters, (a,))
    gradients = torch.autograd.grad(out, list(parameters.values()), delta)
    return dict(zip(parameters, gradients, strict=True))


GRADIENTS: dict[type[nn.Module], Gradient] = {
    nn.Linear: _linear,
    nn.Embedding: _embedding,
    nn.LayerNorm: _norm,
    nn.GroupNorm: _norm,
}
"""Layers served, with the parameter gradient from inputs a and output gradients delta."""

MIXING = (nn.modules.batchnorm._BatchNorm,)
"""Layers that let one example's loss depend on another example."""


@dataclass(frozen=True)
class _Call:
    """One use of a layer in the forward pass; a shared layer has several."""

    name: str
    layer: nn.Module
    a: Tensor
    out: Tensor
    version: int


def serves(model: nn.Module) -> bool:
    """Whether every trainable parameter sits in a layer of `GRADIENTS` and examples do not mix."""
    for module in model.modules():
        if isinstance(module, MIXING):
            return False
        own = [p for p in module.parameters(recurse=False) if p.requires_grad]
        if own and type(module) not in GRADIENTS:
            return False
        if type(module) is nn.Embedding and (module.max_norm or module.scale_grad_by_freq):
            return False
    return True


class Layerwise:
    """The cheap route, for networks that `serves` accepts."""

    name = "layerwise"

    def __init__(self, model: nn.Module, loss: Loss) -> None:
        self._model = model
        self._loss = loss
        self._layers = {
            name: module
            for name, module in model.named_modules()
            if any(p.requires_grad for p in module.parameters(recurse=False))
        }
        # A shared parameter has one name in named_parameters() but several homes.
        self._canonical = {id(p): name for name, p in trainable(model).items()}

    def open(self, inputs: Tensor, labels: Tensor, direction: Direction | None) -> Step:
        """See `Engine`."""
        if direction is None:
            return plain_step(self._model, self._loss, inputs, labels)
        calls: list[_Call] = []
        with ExitStack() as stack:
            for name, layer in self._layers.items():
                handle = layer.register_forward_hook(_keeper(name, calls))
                stack.callback(handle.remove)
            logits = self._model(inputs)
        losses = self._loss(logits, labels)
        _check_untouched(calls)
        deltas = torch.autograd.grad(losses.sum(), [call.out for call in calls])
        influence = self._influence(calls, deltas, direction)

        def descend(weights: Tensor) -> None:
            self._add_weighted(calls, deltas, weights)

        return Step(logits.detach(), losses.detach(), labels, influence, descend)

    @torch.no_grad()
    def _influence(
        self, calls: list[_Call], deltas: tuple[Tensor, ...], direction: Direction
    ) -> Tensor:
        total = deltas[0].new_zeros(len(deltas[0]))
        for call, delta in zip(calls, deltas, strict=True):
            along = {
                key: direction[self._canonical[id(p)]] if p.requires_grad else torch.zeros_like(p)
                for key, p in call.layer.named_parameters(recurse=False)
            }
            tangent = functional_call(call.layer, along, (call.a,))
            total += (delta * tangent).flatten(1).sum(dim=1)
        return total

    def _add_weighted(
        self, calls: list[_Call], deltas: tuple[Tensor, ...], weights: Tensor
    ) -> None:
        for call, delta in zip(calls, deltas, strict=True):
            weighted = delta * weights.view(-1, *[1] * (delta.dim() - 1))
            gradients = GRADIENTS[type(call.layer)](call.layer, call.a, weighted)
            for key, parameter in call.layer.named_parameters(recurse=False):
                if parameter.requires_grad:
                    accumulate(parameter, gradients[key])


def _keeper(name: str, calls: list[_Call]) -> Callable[[nn.Module, Any, Any], None]:
    def keep(layer: nn.Module, args: tuple[Tensor, ...], out: Tensor) -> None:
        calls.append(_Call(name, layer, args[0].detach(), out, out._version))

    return keep


def _check_untouched(calls: list[_Call]) -> None:
    for call in calls:
        if call.out._version != call.version:
            raise InPlaceError(call.name)


class InPlaceError(RuntimeError):
    """A layer's output was overwritten, so its gradient can no longer be asked for."""

    def __init__(self, layer: str) -> None:
        super().__init__(
            f"The output of layer {layer!r} is changed in place; use the forward-mode route."
        )
