"""The rehearsal of a training: one step with a network of the user's own, before a run begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from datacleanse.errors import ModelError
from datacleanse.models.demands import check_unchanged, explain_derivative_errors, find_trainable
from datacleanse.training.influence import choose_engine
from datacleanse.training.objectives import CLASSES, Objective
from datacleanse.training.optimisers import Optimisation, make_optimiser
from datacleanse.user_code import report_as_user_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.optim import Optimizer

    ModuleFactory = Callable[[int, int], nn.Module]
    """Number of features F and of classes C to a network from (B, F) float32 to logits (B, C)."""


def try_training(
    network: nn.Module,
    build: Callable[[], nn.Module],
    inputs: Tensor,
    said: str,
    optimisation: Optimisation | None = None,
    *,
    objective: Objective = CLASSES,
) -> Optimizer | None:
    """Make one step with a network that is thrown away, in the way that the training will.

    Args:
        network: made by ``build``, its outputs checked already; it is changed.
        build: gives a fresh network.
        inputs: (B, ...) of examples, B >= 2; their labels do not matter.
        said: how messages name the network.
        optimisation: how the training will make updates from gradients.
        objective: of the training.

    Returns:
        The optimiser where it is the caller's.

    Raises:
        ModelError: it cannot be trained: nothing to train, not made afresh, no derivative.
        UserCodeError: its forward pass in training mode or its backward pass failed.
    """
    parameters = find_trainable(network)
    _check_parameters(network, parameters, build(), said)
    labels = (torch.arange(len(inputs)) % 2).to(objective.label_type)
    engine = choose_engine(network.train(), objective.loss)
    own = report_as_user_code(f"{said} fails in training mode")
    with (
        own,
        explain_derivative_errors(),
        check_unchanged(inputs),
        torch.random.fork_rng(devices=[]),
    ):
        direction, _ = engine.compute_gradient(inputs, labels)
        network.train()
        step = engine.open(inputs, labels, direction)
        step.descend(torch.full((len(inputs),), 1.0 / len(inputs)))
    return _try_update(parameters, optimisation)


def _check_parameters(
    network: nn.Module, parameters: dict[str, nn.Parameter], other: nn.Module, said: str
) -> None:
    """Refuse a network that has nothing to train, or that shares parameters with the next one."""
    if not parameters:
        raise ModelError(
            f"{said} has no trainable parameters.",
            slug="model-not-trainable",
            hint="Leave requires_grad on for the layers that are to learn.",
        )
    if {id(p) for p in network.parameters()} & {id(p) for p in other.parameters()}:
        raise ModelError(
            f"{said} is the same object at each call; an audit trains two networks.",
            slug="model-not-fresh",
            hint="Let the factory make a new network whenever it is called.",
        )


def _try_update(
    parameters: dict[str, nn.Parameter], optimisation: Optimisation | None
) -> Optimizer | None:
    if optimisation is None or optimisation.make is None:
        return None
    with report_as_user_code("The optimiser fails on the network's parameters"):
        made = optimisation.make(list(parameters.items()))
        make_optimiser(parameters, optimisation, peak=1.0, weight_decay=0.0).step(1.0)
    return made
