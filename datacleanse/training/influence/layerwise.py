"""Influence from what one backward pass leaves at each layer ("ghost" products).

One forward pass and one backward pass to the layers' outputs give each layer's input a and output
gradients delta, from which `layers` forms the inner products as soon as a delta arrives. The
weighted parameter gradients then come from the same a and (w_i delta_i). The network is never run
twice, and dropout's mask is one and the same in weighting and update.

Where influences are measured by some layers alone, `last_layers` serves.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import get_gradient_edge

from datacleanse.models.demands import find_measured, find_trainable
from datacleanse.training.influence.interface import (
    Direction,
    Loss,
    Step,
    accumulate,
    compute_losses,
    name_module,
    open_plain,
)
from datacleanse.training.influence.last_layers import open_by_last_layers
from datacleanse.training.influence.layers import (
    CALLS,
    Call,
    Parameters,
    find_counting_rows,
    make_call,
    widen,
)
from datacleanse.training.influence.trusted import ByAutograd

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.autograd.graph import GradientEdge

    from datacleanse.training.influence.interface import RouteName

MIXING = (nn.modules.batchnorm._BatchNorm,)
"""Layers that let one example's loss depend on another example."""


def find_obstacle(model: nn.Module) -> str | None:
    """Why the layers keep the network from this route, as a sentence; None where they do not.

    Every trainable parameter must sit in a layer of `CALLS`, and examples must not mix. What cannot
    be seen without running the network, `choose_engine` finds on the first batch.
    """
    for module in model.modules():
        said = _find_obstacle_in(module)
        if said is not None:
            return f"{name_module(model, module)} {said}."
    return None


def _find_obstacle_in(module: nn.Module) -> str | None:
    if isinstance(module, MIXING):
        return "lets one example's loss depend on the others"
    own = {name for name, p in module.named_parameters(recurse=False) if p.requires_grad}
    if own and not (type(module) in CALLS and own <= {"weight", "bias"}):
        return f"has parameters ({', '.join(sorted(own))}) without a layerwise formula"
    if own and isinstance(module, (nn.Embedding, nn.EmbeddingBag)) and module.max_norm:
        return "rescales its weight to max_norm"
    if own and isinstance(module, nn.EmbeddingBag) and module.mode == "max":
        return "takes a maximum, which is not linear in the weight"
    return None


class Layerwise(ByAutograd):
    """The cheap route, for networks in which `find_obstacle` finds none."""

    name: RouteName = "layerwise"

    def __init__(self, model: nn.Module, loss: Loss) -> None:
        super().__init__(model, loss)
        self._layers = [m for m in model.modules() if _has_trainable(m)]
        self._measured = set(find_measured(model))
        # A shared parameter has one name in named_parameters() but several homes.
        canonical = {id(p): name for name, p in find_trainable(model).items()}
        self._names = {
            layer: {k: canonical.get(id(p), "") for k, p in layer.named_parameters(recurse=False)}
            for layer in self._layers
        }

    def open(self, inputs: Tensor, labels: Tensor, direction: Direction | None) -> Step:
        """Run the network on a batch, and read influences off its layers in one backward pass.

        Raises:
            NotServedError: a layer's input or output has no row for each example.
        """
        if direction is None:
            return open_plain(self._model, self._loss, inputs, labels)
        along = self._split_direction(direction)
        if len(along) < len(self._layers):
            return open_by_last_layers(self._model, self._loss, inputs, labels, along)
        tape = _Tape(self._model, len(inputs), along)
        with ExitStack() as stack:
            for layer in self._layers:
                stack.callback(layer.register_forward_hook(tape.keep).remove)
            logits = self._model(inputs)
        losses = compute_losses(self._loss, logits, labels)
        influence = tape.read(losses)

        def descend(weights: Tensor) -> None:
            self._add_weighted(tape, weights)

        return Step(logits.detach(), losses.detach(), labels, influence, descend)

    def _split_direction(self, direction: Direction) -> dict[nn.Module, Parameters]:
        """Split v by layer, of the layers that influences are measured by."""
        return {
            layer: {
                k: direction[names[k]] if names[k] in self._measured else torch.zeros_like(p)
                for k, p in layer.named_parameters(recurse=False)
            }
            for layer, names in self._names.items()
            if not self._measured.isdisjoint(names.values())
        }

    @torch.no_grad()
    def _add_weighted(self, tape: _Tape, weights: Tensor) -> None:
        rows = find_counting_rows(weights)
        weights = weights if rows is None else weights[rows]
        for layer, call in tape.unwind():
            gradients = call.compute_gradient(weights, rows)
            for name, parameter in layer.named_parameters(recurse=False):
                if parameter.requires_grad:
                    accumulate(parameter, gradients[name].to(parameter.dtype))


class _Tape:
    """The calls of one forward pass, and what the backward pass finds at each."""

    def __init__(
        self, model: nn.Module, n_examples: int, along: dict[nn.Module, Parameters]
    ) -> None:
        self._model, self._n = model, n_examples
        self._along = along
        self._firsts: list[GradientEdge] = []
        self._read: list[tuple[nn.Module, Call]] = []
        self._influence: Tensor | None = None

    def keep(self, layer: nn.Module, args: tuple[Any, ...], out: Tensor) -> None:
        """Forward hook: keep the input, wait for the output's gradient."""
        if not out.requires_grad:
            return
        call = make_call(self._model, layer, args, out, self._n)
        if not args[0].requires_grad:
            # Nothing trainable lies before this layer, so the backward pass may end here.
            self._firsts.append(get_gradient_edge(out))
        # The hook is of the output as it is now, even if it is overwritten later.
        out.register_hook(self._make_reader(layer, call))

    def _make_reader(self, layer: nn.Module, call: Call) -> Callable[[Tensor], None]:
        def read(delta: Tensor) -> None:
            found = widen(call.compute_influence(delta, self._along[layer]))
            total = self._influence
            self._influence = found if total is None else total + found
            self._read.append((layer, call))

        return read

    def read(self, losses: Tensor) -> Tensor:
        """(B,) influence, by one backward pass that forms no parameter's gradient."""
        # The tape keeps none: the graph's hooks hold the tape, and both would wait for Python to
        # look for garbage, with the first layer's input and delta of each step.
        firsts, self._firsts = self._firsts, []
        if firsts and losses.requires_grad:
            torch.autograd.grad(losses.sum(), firsts, allow_unused=True)
        if self._influence is None:
            return torch.zeros_like(losses)
        return self._influence.detach().to(losses.dtype)

    def unwind(self) -> list[tuple[nn.Module, Call]]:
        """All calls that the losses depend on; the tape keeps none, so that each can be freed."""
        read, self._read = self._read, []
        return read


def _has_trainable(module: nn.Module) -> bool:
    return any(p.requires_grad for p in module.parameters(recurse=False))
