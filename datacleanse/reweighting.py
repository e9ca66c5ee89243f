"""One exact reweighting step for anybody's own training loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacleanse.influence import choose_engine, trusted_gradient
from datacleanse.rules.l2rw import L2RW

if TYPE_CHECKING:
    from torch import Tensor, nn

    from datacleanse.influence.interface import Loss


@dataclass(frozen=True)
class Reweighted:
    """What a batch's examples are worth at the present parameters. All tensors are detached."""

    weights: Tensor
    """(B,) >= 0, summing to 1; all 0 where no example helps."""
    influence: Tensor
    """(B,) signed: how much a small step on the example lowers the trusted loss."""
    losses: Tensor
    """(B,) of the batch's examples."""
    trusted_loss: Tensor
    """() mean over the trusted examples."""


def reweight(
    model: nn.Module, loss: Loss, batch: tuple[Tensor, Tensor], trusted: tuple[Tensor, Tensor]
) -> Reweighted:
    """Weigh a batch by the rule of Ren et al. 2018 (arXiv 1803.09050, Algorithm 1), exactly.

    The batch runs in the model's present mode, the trusted examples in evaluation mode. The
    parameters and their ``.grad`` stay as they are.

    Args:
        model: inputs (B, ...) to logits (B, C).
        loss: logits and labels to (B,) losses, unreduced.
        batch: inputs (B, ...) and labels (B,).
        trusted: inputs (M, ...) and labels (M,).

    Examples:
        >>> step = reweight(model, loss, (x, y), (x_clean, y_clean))  # doctest: +SKIP
        >>> (step.weights * loss(model(x), y)).sum().backward()  # doctest: +SKIP
    """
    direction, trusted_loss = trusted_gradient(model, loss, *trusted)
    step = choose_engine(model, loss).open(*batch, direction)
    assert step.influence is not None
    return Reweighted(L2RW().weigh(step), step.influence, step.losses, trusted_loss)
