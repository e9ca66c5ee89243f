"""What all routes share: the step, and the gradient on the trusted examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from datacleanse.errors import ModelError
from datacleanse.models.demands import find_trainable

Loss = Callable[[Tensor, Tensor], Tensor]
"""(B, C) logits and (B,) int64 labels to (B,) losses, unreduced."""

Direction = dict[str, Tensor]
"""v: a tensor for each trainable parameter, by its name in ``model.named_parameters()``."""

RouteName = Literal["closed-form", "layerwise", "forward-mode", "double-backward"]


@dataclass(frozen=True)
class Route:
    """The way in which influences are computed, and why so."""

    name: RouteName
    reason: str
    """A sentence: what lets the network take this route, or what kept it from the cheaper one."""


@dataclass(frozen=True)
class Whole:
    """The batch that a step's examples are a part of, where others see to the rest."""

    first: int
    """Position of the step's first example in the batch."""
    size: int
    """Examples of the batch."""
    add_up: Callable[[Tensor], Tensor]
    """Sums of a part's values to those of the batch; they may be overwritten."""


@dataclass(frozen=True)
class Step:
    """One batch between its forward pass and the update. All tensors are detached.

    B examples: the whole batch, or the part of it that this process computes.
    """

    logits: Tensor
    """(B, C) outputs of the network."""
    losses: Tensor
    """(B,) loss of each example; of cross-entropy >= 0, in nats."""
    labels: Tensor
    """(B,) int64 class of each example, as given."""
    influence: Tensor | None
    """(B,) < grad l_i, v > (eq. 12, see the package); None where no direction was given."""
    descend: Callable[[Tensor], None]
    """Given weights (B,), add sum_i w_i grad l_i to the parameters' ``.grad``. Call it once."""
    whole: Whole | None = None
    """The batch that the examples are a part of; None: they are all of it."""

    @property
    def batch_size(self) -> int:
        """Examples of the whole batch."""
        return len(self.losses) if self.whole is None else self.whole.size

    def add_up(self, values: Tensor) -> Tensor:
        """Sum (B,) values over the whole batch: ()."""
        total = values.sum()
        return total if self.whole is None else self.whole.add_up(total)

    def take_own(self, values: Tensor) -> Tensor:
        """Take the (B,) values of the step's examples from those of the whole batch."""
        return values if self.whole is None else values[self.whole.first :][: len(self.losses)]


class Engine(Protocol):
    """A route from a batch to influences and to the weighted gradient, sharing their work."""

    @property
    def name(self) -> RouteName:
        """Name of the route."""

    def open(self, inputs: Tensor, labels: Tensor, direction: Direction | None) -> Step:
        """Run the network on a batch.

        Args:
            inputs: (B, ...).
            labels: (B,) int64.
            direction: v; with None no influence is computed and the step costs a plain one.

        Raises:
            NotServedError: the network is not one for this route.
        """

    def compute_gradient(self, inputs: Tensor, labels: Tensor) -> tuple[Direction, Tensor]:
        """Compute the gradient of the mean loss on (M, ...) inputs and (M,) labels, and that loss.

        Runs in evaluation mode, as `compute_trusted_gradient` does.
        """


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of (B, C) logits and (B,) labels: (B,) nats."""
    return F.cross_entropy(logits, labels, reduction="none")


class NotServedError(Exception):
    """A route cannot serve the network; the message is a sentence that says why."""


def compute_losses(loss: Loss, logits: Tensor, labels: Tensor) -> Tensor:
    """Compute the (B,) losses of (B, C) logits.

    Raises:
        ModelError: the network's output or the loss has another shape.
    """
    n = len(labels)
    is_table = isinstance(logits, Tensor) and logits.dim() == 2
    if not is_table or len(logits) != n:
        output = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise ModelError(
            f"The model's output is {output} for {n} labels.",
            slug="model-output",
            hint=f"Give a model whose output is a tensor ({n}, number of classes), "
            "and a label for each example.",
        )
    if not callable(loss):
        raise ModelError(
            f"loss is {type(loss).__name__}, which cannot be called.",
            slug="loss-not-callable",
            hint="Give a function of logits and labels, one whose result is a loss an example.",
        )
    losses = loss(logits, labels)
    if not isinstance(losses, Tensor) or losses.shape != (n,):
        met = f"of shape {tuple(losses.shape)}" if isinstance(losses, Tensor) else repr(losses)
        raise ModelError(
            f"The loss is {met} for {n} examples.",
            slug="loss-reduced",
            hint='Give an unreduced loss, one value an example: reduction="none".',
        )
    return losses


def name_module(model: nn.Module, module: nn.Module) -> str:
    """Name a module of the network and its class, to begin a sentence with."""
    name = next((name for name, each in model.named_modules() if each is module), "")
    kind = type(module).__name__
    return f"Layer {name!r} ({kind})" if name else f"The network itself ({kind})"


def open_plain(model: nn.Module, loss: Loss, inputs: Tensor, labels: Tensor) -> Step:
    """Open a step without influence, at the cost of ordinary training."""
    logits = model(inputs)
    losses = compute_losses(loss, logits, labels)
    return make_step(model, logits, losses, labels, None)


def make_step(
    model: nn.Module, logits: Tensor, losses: Tensor, labels: Tensor, influence: Tensor | None
) -> Step:
    """Make the step whose weighted backward pass goes through the graph of ``losses``, (B,)."""
    return Step(logits.detach(), losses.detach(), labels, influence, make_backward(model, losses))


def make_backward(model: nn.Module, losses: Tensor) -> Callable[[Tensor], None]:
    """Make the weighted backward pass through the graph of ``losses``, (B,)."""
    parameters = list(find_trainable(model).values())

    def descend(weights: Tensor) -> None:
        # A sum, not ``grad_outputs=weights``: those are checked by torch's symbolic shapes, half a
        # second and 30 MiB to load.
        gradients = torch.autograd.grad((losses * weights).sum(), parameters, allow_unused=True)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            if gradient is not None:
                accumulate(parameter, gradient)

    return descend


def accumulate(parameter: Tensor, gradient: Tensor) -> None:
    """Add to ``.grad``, as ``backward`` does. The gradient may be taken over.

    A new ``.grad`` lies in memory as the parameter does, which fused optimisers take for granted.
    """
    if parameter.grad is not None:
        parameter.grad.add_(gradient)
    elif gradient.stride() != parameter.stride():
        parameter.grad = torch.empty_like(parameter).copy_(gradient)
    else:
        parameter.grad = gradient


def add_direction(parameters: Mapping[str, Tensor], direction: Direction, share: float) -> None:
    """Add a share of v to the ``.grad`` of the trainable parameters, given by name."""
    gradients, added = [], []
    for name, along in direction.items():
        gradient = parameters[name].grad
        if gradient is None:
            accumulate(parameters[name], share * along)
        else:
            gradients.append(gradient)
            added.append(along)
    if gradients:
        torch._foreach_add_(gradients, added, alpha=share)
