"""Which route serves a network: the cheap one where it is exact, found out on the first batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from datacleanse.influence.forward_mode import ForwardMode
from datacleanse.influence.interface import trainable
from datacleanse.influence.layerwise import Layerwise, NotServedError, serves

if TYPE_CHECKING:
    from torch import Tensor, nn

    from datacleanse.influence.interface import Direction, Engine, Loss, Step

TOLERANCE = {torch.float64: 1e-8, torch.float32: 1e-3}
"""Largest relative difference of the two routes' gradients by the losses' type; others: 0.05. A
layer used in an unforeseen way differs by much more."""


def choose_engine(model: nn.Module, loss: Loss) -> Engine:
    """The layerwise route where it is exact, else forward mode; ``name`` says which."""
    return Automatic(unwrapped(model), loss)


def unwrapped(model: nn.Module) -> nn.Module:
    """The network inside ``torch.compile``'s wrapper, which hides its layers from both routes."""
    inner = getattr(model, "_orig_mod", model)
    assert isinstance(inner, torch.nn.Module)
    return inner


class Automatic:
    """Starts with the layerwise route, if the layers allow it, and tries it on the first batch.

    The layers alone do not tell whether a weight is used outside its layer (an embedding that is
    also the output's matrix), whether examples mix (``x - x.mean(0)``), whether a layer sees
    positions of all examples in one dimension. Such a network goes to forward mode.
    """

    def __init__(self, model: nn.Module, loss: Loss) -> None:
        self._model, self._loss = model, loss
        self._is_tried = not serves(model)
        self._engine: Engine = (
            ForwardMode(model, loss) if self._is_tried else Layerwise(model, loss)
        )

    @property
    def name(self) -> str:
        """Of the route in use; final from the first batch on."""
        return self._engine.name

    def open(self, inputs: Tensor, labels: Tensor, direction: Direction | None) -> Step:
        """See `Engine`."""
        if direction is not None and not self._is_tried:
            self._is_tried = True
            if not self._agrees(inputs, labels, direction):
                self._engine = ForwardMode(self._model, self._loss)
        try:
            return self._engine.open(inputs, labels, direction)
        except NotServedError:
            self._engine = ForwardMode(self._model, self._loss)
            return self._engine.open(inputs, labels, direction)

    def _agrees(self, inputs: Tensor, labels: Tensor, direction: Direction) -> bool:
        """Whether both routes give one gradient for uneven weights; leaves no trace.

        Examples that mix are found by the uneven weights: delta is of the plain sum of losses.
        """
        parameters = trainable(self._model)
        buffers = {name: buffer.clone() for name, buffer in self._model.named_buffers()}
        kept = {name: parameter.grad for name, parameter in parameters.items()}
        try:
            return self._compare(inputs, labels, direction)
        except NotServedError:
            return False
        finally:
            with torch.no_grad():
                for name, buffer in self._model.named_buffers():
                    buffer.copy_(buffers[name])
            for name, parameter in parameters.items():
                parameter.grad = kept[name]

    def _compare(self, inputs: Tensor, labels: Tensor, direction: Direction) -> bool:
        found = []
        for v in (direction, None):
            for parameter in trainable(self._model).values():
                parameter.grad = None
            with torch.random.fork_rng(devices=[inputs.device] if inputs.is_cuda else []):
                step = self._engine.open(inputs, labels, v)
            step.descend(torch.linspace(0.1, 1.0, len(labels)).to(step.losses))
            found.append([p.grad for p in trainable(self._model).values()])
        return all(
            _is_close(layerwise, plain, TOLERANCE.get(step.losses.dtype, 0.05))
            for layerwise, plain in zip(*found, strict=True)
        )


def _is_close(first: Tensor | None, second: Tensor | None, tolerance: float) -> bool:
    if first is None:
        return second is None or not bool(second.any())
    if second is None:
        return not bool(first.any())
    return bool((first - second).norm() <= tolerance * second.norm() + 1e-12)
