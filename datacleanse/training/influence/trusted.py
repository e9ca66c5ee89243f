"""The gradient on the trusted examples that steers the weights: how much of it, how often.

NOTE[DIFF] Algorithm 1 of Ren et al. draws trusted examples and takes their gradient afresh at each
step. Here a gradient serves ``meta.every`` steps, and may keep a share ``meta.average`` of the one
before: 1 and 0 are the paper's. It is taken in evaluation mode.

In units of a forward pass a plain step costs 3, and a fresh gradient on as many trusted examples 3
more. Defaults of the settings: `benchmarks/steering/tables.py`, read in `docs/engine.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from datacleanse.models.demands import find_trainable
from datacleanse.training.influence.interface import compute_losses
from datacleanse.training.influence.kernels import unfuse_recurrence
from datacleanse.training.ranks import ALONE
from datacleanse.training.shared_sums import add_up_together, cut_evenly

if TYPE_CHECKING:
    from torch import Tensor, nn

    from datacleanse.settings import Meta
    from datacleanse.training.influence.interface import Direction, Engine, Loss
    from datacleanse.training.placement import Rows
    from datacleanse.training.ranks import Ranks


def compute_trusted_gradient(
    model: nn.Module, loss: Loss, inputs: Tensor, labels: Tensor
) -> tuple[Direction, Tensor]:
    """Compute the gradient of the mean loss on trusted examples, and that loss.

    Runs in evaluation mode, and restores the mode: without dropout's noise, and with the running
    statistics of batch normalisation, which the few trusted examples would otherwise disturb.
    The optimiser's weight decay is no part of it.

    Args:
        model: the network.
        loss: unreduced loss.
        inputs: (M, ...).
        labels: (M,) int64.

    Returns:
        v by parameter name (zeros where the loss does not depend on a parameter), and () loss.
    """
    parameters = find_trainable(model)
    was_training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        with unfuse_recurrence(model, inputs):
            mean = compute_losses(loss, model(inputs), labels).mean()
            gradients = torch.autograd.grad(
                mean, list(parameters.values()), allow_unused=True, materialize_grads=True
            )
    finally:
        for module in was_training:
            module.training = True
    return dict(zip(parameters, gradients, strict=True)), mean.detach()


class ByAutograd:
    """What the routes share that get the trusted gradient by autograd."""

    def __init__(self, model: nn.Module, loss: Loss) -> None:
        self._model = model
        self._loss = loss

    def compute_gradient(self, inputs: Tensor, labels: Tensor) -> tuple[Direction, Tensor]:
        """Compute the trusted gradient by autograd."""
        return compute_trusted_gradient(self._model, self._loss, inputs, labels)


@dataclass(frozen=True)
class Trusted:
    """The trusted examples; batches of them lie on the network's device."""

    inputs: Rows
    """(T, ...) their inputs."""
    labels: Tensor
    """(T,) int64 their verified classes."""


class TrustedDirection:
    """v = grad L_trusted, kept for ``meta.every`` steps, averaged over its refreshings."""

    def __init__(
        self,
        engine: Engine,
        trusted: Trusted,
        meta: Meta,
        *,
        generator: torch.Generator | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        self._engine, self._meta, self._ranks = engine, meta, ranks
        self.trusted = trusted
        """What the next refreshing draws from."""
        self.loss: Tensor | None = None
        """() mean on the rows of the last refreshing; None before the first and after `load`."""
        self._generator = generator
        self._direction: Direction = {}
        self._age = 0

    @property
    def is_due(self) -> bool:
        """Whether the next step refreshes v."""
        return self._age % self._meta.every == 0

    @property
    def is_plain(self) -> bool:
        """Whether one process alone takes v as it comes."""
        return not self._meta.average and self._ranks.count == 1

    def make_places(self) -> tuple[Tensor, Tensor]:
        """Make room for inputs and labels as `draw_batch` draws them."""
        rows = slice(min(self._meta.batch, len(self.trusted.labels)))
        at = torch.arange(len(self.trusted.labels), device=self.trusted.labels.device)[rows]
        return self.trusted.inputs[at].clone(), self.trusted.labels[at].clone()

    def copy_to(self, places: Direction) -> None:
        """Copy v to tensors of the same shapes, unless they are it."""
        if self._direction is not places:
            for name, place in places.items():
                place.copy_(self._direction[name])

    def go_on_with(self, direction: Direction) -> None:
        """Count a step that somebody else took with v, refreshed where that was due."""
        self._direction = direction
        self._age += 1

    def advance(self) -> Direction:
        """Advance to the next step, and return its v; call it once a step, before the step."""
        if self.is_due:
            self._refresh()
        self._age += 1
        return self._direction

    def draw_batch(self) -> tuple[Tensor, Tensor]:
        """Draw inputs and labels of ``meta.batch`` trusted examples, all where they are fewer."""
        labels, size = self.trusted.labels, self._meta.batch
        if isinstance(self.trusted.inputs, torch.Tensor) and len(labels) <= size:
            return self.trusted.inputs, labels
        drawn = torch.randperm(len(labels), generator=self._generator)[:size]
        drawn = drawn.to(labels.device)
        return self.trusted.inputs[drawn], labels[drawn]

    def _refresh(self) -> None:
        fresh, self.loss = self._compute_gradient(*self.draw_batch())
        keep = self._meta.average
        if self._direction and keep:
            before = self._direction
            fresh = {name: before[name].lerp(g, 1 - keep) for name, g in fresh.items()}
        self._direction = fresh

    def _compute_gradient(self, inputs: Tensor, labels: Tensor) -> tuple[Direction, Tensor]:
        """Compute gradient and mean loss, each rank on its part of the examples."""
        if self._ranks.count == 1:
            return self._engine.compute_gradient(inputs, labels)
        own = cut_evenly(len(labels), self._ranks)
        n_own = own.stop - own.start
        # Whoever has no example of its own computes one that counts for nothing.
        part = own if n_own else slice(1)
        found, loss = self._engine.compute_gradient(inputs[part], labels[part])
        share = n_own / len(labels)
        *summed, mean = add_up_together(
            [value * share for value in (*found.values(), loss)], self._ranks
        )
        return dict(zip(found, summed, strict=True)), mean

    def state(self) -> dict[str, Any]:
        """Return what `load` needs to go on as if never interrupted, besides the generator."""
        return {"age": self._age, "direction": self._direction}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self._age, self._direction = state["age"], state["direction"]
