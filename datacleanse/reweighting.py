"""One exact reweighting step for anybody's own training loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacleanse.influence import choose_engine, trusted_gradient
from datacleanse.influence.interface import ModelError
from datacleanse.influence.soundness import differentiable, unchanged
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

    Raises:
        ModelError: the model or the loss has another output, changes its inputs in place, cannot be
            differentiated, or gives losses that are not finite.

    Examples:
        >>> step = reweight(model, loss, (x, y), (x_clean, y_clean))  # doctest: +SKIP
        >>> (step.weights * loss(model(x), y)).sum().backward()  # doctest: +SKIP
    """
    with unchanged(batch[0], trusted[0]), differentiable():
        direction, trusted_loss = trusted_gradient(model, loss, *trusted)
        step = choose_engine(model, loss).open(*batch, direction)
    assert step.influence is not None
    weights = L2RW().weigh(step)
    if not bool(weights.isfinite().all()):
        raise _not_finite(trusted_loss, step.losses)
    return Reweighted(weights, step.influence, step.losses, trusted_loss)


def _not_finite(trusted_loss: Tensor, losses: Tensor) -> ModelError:
    """Where it begins: at the trusted examples, at one of the batch, or in the gradients."""
    bad = (~losses.isfinite()).nonzero()
    if not bool(trusted_loss.isfinite()):
        what = f"the mean loss on the trusted examples is {trusted_loss.item()}"
    elif len(bad):
        at = int(bad[0])
        what = f"the loss of example {at} of the batch (counted from 0) is {losses[at].item()}"
    else:
        what = "the losses are finite, their gradients are not"
    return ModelError(
        f"The weights are not finite: {what}.",
        slug="not-finite",
        hint="Look for NaN or infinity in these inputs and in the model's parameters; after a step "
        "that was too long, go back to the parameters before and lower the learning rate.",
    )
