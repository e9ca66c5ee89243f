"""Which route serves a network: the cheap one where it is exact, found out on the first batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from datacleanse.influence.forward_mode import ForwardMode
from datacleanse.influence.interface import cross_entropy, plain_step, trainable
from datacleanse.influence.layerwise import Layerwise, NotServedError, serves
from datacleanse.influence.perceptron import ClosedForm, Perceptron

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor, nn

    from datacleanse.influence.interface import Direction, Engine, Loss, Step

TOLERANCE = {torch.float64: 1e-8, torch.float32: 1e-3}
"""Largest relative difference of the two routes' gradients by the losses' type; others: 0.05. A
layer used in an unforeseen way differs by much more."""


def choose_engine(model: nn.Module, loss: Loss) -> Engine:
    """The cheapest route that is exact for the network; ``name`` says which."""
    return Automatic(unwrapped(model), loss)


def unwrapped(model: nn.Module) -> nn.Module:
    """The network inside ``torch.compile``'s wrapper, which hides its layers from both routes."""
    inner = getattr(model, "_orig_mod", model)
    assert isinstance(inner, torch.nn.Module)
    return inner


class Automatic:
    """Takes the cheapest route that the network's layers allow, and tries it on the first batch.

    The layers alone do not tell whether a weight is used outside its layer (an embedding that is
    also the output's matrix), whether examples mix (``x - x.mean(0)``), whether a layer sees
    positions of all examples in one dimension. Such a network goes on to the next route; forward
    mode serves any.
    """

    def __init__(self, model: nn.Module, loss: Loss) -> None:
        self._model, self._loss = model, loss
        self._routes = list(_routes(model, loss))
        self._is_tried = False

    @property
    def name(self) -> str:
        """Of the route in use; final from the first batch on."""
        return self._routes[0].name

    def open(self, inputs: Tensor, labels: Tensor, direction: Direction | None) -> Step:
        """See `Engine`."""
        self._try(inputs, labels)
        try:
            return self._routes[0].open(inputs, labels, direction)
        except NotServedError:
            del self._routes[0]
            return self.open(inputs, labels, direction)

    def gradient(self, inputs: Tensor, labels: Tensor) -> Direction:
        """See `Engine`."""
        self._try(inputs, labels)
        return self._routes[0].gradient(inputs, labels)

    def _try(self, inputs: Tensor, labels: Tensor) -> None:
        """On the first batch, leave the routes that differ from autograd; forward mode stays."""
        if not self._is_tried:
            self._is_tried = True
            while len(self._routes) > 1 and not self._agrees(inputs, labels):
                del self._routes[0]

    def _agrees(self, inputs: Tensor, labels: Tensor) -> bool:
        """Whether the route and autograd give one gradient for uneven weights; leaves no trace.

        Examples that mix are found by the uneven weights: delta is of the plain sum of losses.
        """
        parameters = trainable(self._model)
        buffers = {name: buffer.clone() for name, buffer in self._model.named_buffers()}
        kept = {name: parameter.grad for name, parameter in parameters.items()}
        try:
            return self._compare(inputs, labels)
        except NotServedError:
            return False
        finally:
            with torch.no_grad():
                for name, buffer in self._model.named_buffers():
                    buffer.copy_(buffers[name])
            for name, parameter in parameters.items():
                parameter.grad = kept[name]

    def _compare(self, inputs: Tensor, labels: Tensor) -> bool:
        # The gradient does not depend on the direction: any will do.
        v = {name: parameter.detach() for name, parameter in trainable(self._model).items()}
        found = []
        ways: tuple[Callable[[], Step], ...] = (
            lambda: self._routes[0].open(inputs, labels, v),
            lambda: plain_step(self._model, self._loss, inputs, labels),
        )
        for way in ways:
            for parameter in trainable(self._model).values():
                parameter.grad = None
            with torch.random.fork_rng(devices=[inputs.device] if inputs.is_cuda else []):
                step = way()
            step.descend(torch.linspace(0.1, 1.0, len(labels)).to(step.losses))
            found.append([p.grad for p in trainable(self._model).values()])
        return all(
            _is_close(layerwise, plain, TOLERANCE.get(step.losses.dtype, 0.05))
            for layerwise, plain in zip(*found, strict=True)
        )


def _routes(model: nn.Module, loss: Loss) -> Iterator[Engine]:
    """What may serve the network, the cheapest first."""
    is_all_trained = all(parameter.requires_grad for parameter in model.parameters())
    if loss is cross_entropy and is_all_trained and isinstance(model, Perceptron):
        yield ClosedForm(model)
    if serves(model):
        yield Layerwise(model, loss)
    yield ForwardMode(model, loss)


def _is_close(first: Tensor | None, second: Tensor | None, tolerance: float) -> bool:
    if first is None:
        return second is None or not bool(second.any())
    if second is None:
        return not bool(first.any())
    return bool((first - second).norm() <= tolerance * second.norm() + 1e-12)
