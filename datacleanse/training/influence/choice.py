"""Which route serves a network: the cheapest that is exact, found out on the first batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from datacleanse.errors import ModelError
from datacleanse.models.demands import find_measured, find_trainable
from datacleanse.training.influence.double_backward import DoubleBackward
from datacleanse.training.influence.forward_mode import ForwardMode
from datacleanse.training.influence.interface import (
    NotServedError,
    Route,
    cross_entropy,
    name_module,
)
from datacleanse.training.influence.kernels import suspend_compilation
from datacleanse.training.influence.layerwise import Layerwise, find_obstacle
from datacleanse.training.influence.perceptron import ClosedForm, Perceptron
from datacleanse.training.influence.trial import NotTellingError, find_fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from datacleanse.training.influence.interface import Direction, Engine, Loss, RouteName, Step

WRAPPERS = (nn.DataParallel, nn.parallel.DistributedDataParallel)
"""They give each replica a part of the batch, whose weights would then sum to 1 on their own."""

WHY: dict[RouteName, str] = {
    "closed-form": "The network is a multilayer perceptron under cross-entropy.",
    "layerwise": "Every trainable parameter sits in a layer that has a formula.",
}
"""Why a network takes one of the routes that it must be fit for."""


def choose_engine(model: nn.Module, loss: Loss) -> AutomaticEngine:
    """The cheapest route that is exact for the network; ``route`` says which and why.

    Raises:
        ModelError: the network is split over devices, has nothing to train, or an embedding in it
            changes its gradient.
    """
    return AutomaticEngine(unwrap(model), loss)


def unwrap(model: nn.Module) -> nn.Module:
    """Take the network out of ``torch.compile``'s wrapper, which hides layers from all routes.

    Raises:
        ModelError: it is none, or split over devices, or has nothing to train.
    """
    inner = getattr(model, "_orig_mod", model)
    if not isinstance(inner, nn.Module):
        raise ModelError(
            f"model is {type(model).__name__}, not a torch.nn.Module.",
            slug="model-no-module",
            hint="Give the network itself.",
        )
    if not find_trainable(inner):
        raise ModelError(
            "No parameter of the network is trainable.",
            slug="model-not-trainable",
            hint="Leave requires_grad on for the layers that are to learn.",
        )
    for module in inner.modules():
        if isinstance(module, WRAPPERS):
            raise ModelError(
                f"{name_module(inner, module)} splits the batch over devices, and weights are "
                "relative to the whole batch.",
                slug="model-parallel",
                hint="Give the network inside, its `.module`, on one device.",
            )
        if isinstance(module, (nn.Embedding, nn.EmbeddingBag)):
            for option in ("sparse", "scale_grad_by_freq"):
                if getattr(module, option):
                    raise ModelError(
                        f"{name_module(inner, module)} has gradients changed by {option}=True.",
                        slug="model-embedding",
                        hint=f"Make it with {option}=False.",
                    )
    return inner


class AutomaticEngine:
    """Takes the cheapest route that the network's layers allow, and tries it on the first batch.

    The layers alone do not tell whether a weight is used outside its layer (an embedding that is
    also the output's matrix), whether examples mix (``x - x.mean(0)``), whether a layer sees
    positions of all examples in one dimension. Such a network goes on to the next route.
    """

    def __init__(self, model: nn.Module, loss: Loss) -> None:
        self._model, self._loss = model, loss
        said = find_obstacle(model)
        self._refusals = [] if said is None else [said]
        self._routes = list(_list_routes(model, loss, is_layerwise=said is None))
        self._is_tried = False

    @property
    def name(self) -> RouteName:
        """Name of the route in use; final from the first batch on."""
        return self._routes[0].name

    @property
    def route(self) -> Route:
        """The route in use, and why; final from the first batch on."""
        why = WHY.get(self.name) or self._refusals[-1]
        return Route(self.name, why + _tell_of_measured(self._model))

    @property
    def is_final(self) -> bool:
        """Whether the route has shown on a batch that it is exact."""
        return self._is_tried

    def open(self, inputs: Tensor, labels: Tensor, direction: Direction | None) -> Step:
        """Run the network on a batch by the cheapest route that is exact for it.

        Raises:
            ModelError: no route serves the network.
        """
        with suspend_compilation():
            self._try(inputs, labels)
            try:
                return self._routes[0].open(inputs, labels, direction)
            except NotServedError as error:
                self._leave(str(error))
        return self.open(inputs, labels, direction)

    def settle(self, inputs: Tensor, labels: Tensor) -> None:
        """Leave the routes that are not exact on a batch, (B, ...) and (B,), without a step.

        Raises:
            ModelError: no route serves the network.
        """
        with suspend_compilation():
            self._try(inputs, labels)

    def compute_gradient(self, inputs: Tensor, labels: Tensor) -> tuple[Direction, Tensor]:
        """Compute the trusted gradient by the route in use."""
        # The others take autograd's, which needs no trial.
        if self.name == "closed-form":
            self._try(inputs, labels)
        return self._routes[0].compute_gradient(inputs, labels)

    def _try(self, inputs: Tensor, labels: Tensor) -> None:
        """On the first batch, leave the routes that are not exact."""
        while not self._is_tried:
            try:
                said = find_fault(self._routes[0], self._model, self._loss, inputs, labels)
            except NotTellingError:
                return
            if said is None:
                break
            self._leave(said)
        # One example alone cannot show that examples mix.
        self._is_tried = self._is_tried or len(labels) > 1

    def _leave(self, reason: str) -> None:
        del self._routes[0]
        self._refusals.append(reason)
        if not self._routes:
            raise ModelError(
                "The network cannot be reweighted. " + " ".join(self._refusals),
                slug="model-not-differentiable",
                hint="Write the layer named last in torch's own operations, or give its "
                "autograd.Function a `jvp`.",
            )


def _tell_of_measured(model: nn.Module) -> str:
    """Which parameters influences are measured by, as a sentence; "" where by all."""
    measured = find_measured(model)
    if len(measured) == len(find_trainable(model)):
        return ""
    layers = dict.fromkeys(name.rpartition(".")[0] for name in measured)
    return f" Influences are measured by the parameters of {', '.join(layers)} alone."


def _list_routes(model: nn.Module, loss: Loss, *, is_layerwise: bool) -> Iterator[Engine]:
    """List the routes that may serve the network, the cheapest first."""
    is_all_trained = all(parameter.requires_grad for parameter in model.parameters())
    if loss is cross_entropy and is_all_trained and isinstance(model, Perceptron):
        yield ClosedForm(model)
    if is_layerwise:
        yield Layerwise(model, loss)
    yield ForwardMode(model, loss)
    yield DoubleBackward(model, loss)
