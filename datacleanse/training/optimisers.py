"""What makes an update from gradients: the package's AdamW, or an optimiser of the caller's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from datacleanse.errors import SettingsError
from datacleanse.settings import read_number
from datacleanse.training.adamw import AdamW

OptimiserFactory = Callable[[list[tuple[str, nn.Parameter]]], Optimizer]
"""A network's trainable parameters with their names to a torch optimiser of them."""


@dataclass(frozen=True)
class Optimisation:
    """How gradients become updates."""

    make: OptimiserFactory | None = None
    """None: AdamW at the schedule's learning rate. Else the learning rate of each of its parameter
    groups is the group's peak, and falls along the schedule's cosine."""
    clip_norm: float | None = None
    """Largest norm of the gradient of all parameters together, > 0; None: as it is."""

    def __post_init__(self) -> None:
        if self.clip_norm is None:
            return
        if not 0 < read_number("clip-norm", self.clip_norm, is_whole=False) < float("inf"):
            raise SettingsError(
                f"clip_norm is {self.clip_norm!r}.",
                slug="setting-out-of-range",
                hint="Give a number above 0, e.g. 1.0.",
            )


class Optimiser(Protocol):
    """Updates a network's parameters in place from their ``.grad``."""

    def step(self, lr: float) -> None:
        """Take a step at learning rate ``lr`` > 0 and forget the gradients."""

    def state(self) -> Mapping[str, Any]:
        """Return what `load` needs to go on; the tensors are the living ones."""

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`."""


def make_optimiser(
    parameters: Mapping[str, nn.Parameter],
    chosen: Optimisation,
    *,
    peak: float,
    weight_decay: float,
) -> Optimiser:
    """Make the optimiser chosen.

    Args:
        parameters: the trainable ones by name.
        chosen: how gradients become updates.
        peak: the schedule's learning rate, > 0.
        weight_decay: of the package's own optimiser.
    """
    own = list(parameters.values())
    made: Optimiser
    if chosen.make is None:
        made = AdamW(own, weight_decay=weight_decay)
    else:
        made = TorchOptimiser(chosen.make(list(parameters.items())), own, peak=peak)
    return made if chosen.clip_norm is None else Clipped(made, own, chosen.clip_norm)


class TorchOptimiser:
    """Any of torch's optimisers, with any parameter groups."""

    def __init__(self, inner: Optimizer, parameters: list[nn.Parameter], *, peak: float) -> None:
        self._inner, self._parameters = inner, parameters
        self._shares = [float(group["lr"]) / peak for group in inner.param_groups]

    def step(self, lr: float) -> None:
        """Step by torch's optimiser; each group keeps its share of the learning rate."""
        for group, share in zip(self._inner.param_groups, self._shares, strict=True):
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(share * lr)
            else:
                group["lr"] = share * lr
        self._inner.step()
        # Those too that are in no group.
        for parameter in self._parameters:
            parameter.grad = None

    def state(self) -> Mapping[str, Any]:
        """Return what the optimiser has learned of each parameter, by its number."""
        # The groups are the caller's settings, made anew by the factory.
        state: Mapping[str, Any] = self._inner.state_dict()["state"]
        return state

    def load(self, state: Mapping[str, Any]) -> None:
        """Put what was learned into the optimiser, whose groups are made anew."""
        learned = {int(number): dict(values) for number, values in state.items()}
        self._inner.load_state_dict({**self._inner.state_dict(), "state": learned})


class Clipped:
    """Shortens the gradient before another optimiser sees it."""

    def __init__(self, inner: Optimiser, parameters: list[nn.Parameter], norm: float) -> None:
        self._inner, self._parameters, self._norm = inner, parameters, norm

    def step(self, lr: float) -> None:
        """Shorten the gradient, and let the other optimiser step."""
        torch.nn.utils.clip_grad_norm_(self._parameters, self._norm)
        self._inner.step(lr)

    def state(self) -> Mapping[str, Any]:
        """Return the other optimiser's state."""
        return self._inner.state()

    def load(self, state: Mapping[str, Any]) -> None:
        """Put a state into the other optimiser."""
        self._inner.load(state)
