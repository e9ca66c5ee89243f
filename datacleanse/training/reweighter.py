"""Exact reweighting for anybody's own training loop.

`Reweighter` is the training step; `reweight` looks at one batch and changes nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from datacleanse.errors import ModelError
from datacleanse.models.demands import check_unchanged, explain_derivative_errors, find_trainable
from datacleanse.settings import Meta, make_range_error, read_number
from datacleanse.training.influence import (
    Trusted,
    TrustedDirection,
    choose_engine,
    compute_trusted_gradient,
)
from datacleanse.training.influence.interface import add_direction
from datacleanse.training.rules.l2rw import L2RW

if TYPE_CHECKING:
    import torch
    from torch import nn

    from datacleanse.training.influence import Route, Step
    from datacleanse.training.influence.interface import Loss

    Batch = tuple[Tensor, Tensor]
    """Inputs (B, ...) and labels (B,)."""


@dataclass(frozen=True)
class Reweighted:
    """What a batch's examples are worth at the present parameters. All tensors are detached."""

    weights: Tensor
    """(B,) >= 0, summing to 1; all 0 where no example helps."""
    influence: Tensor
    """(B,) signed: how much a small step on the example lowers the trusted loss."""
    losses: Tensor
    """(B,) loss of each example of the batch."""
    logits: Tensor
    """(B, C) outputs for the batch."""
    trusted_loss: Tensor
    """() mean over the trusted examples that the influences were last made from."""

    @property
    def has_weight(self) -> bool:
        """Whether any example helps; where none does, a step changes nothing."""
        return bool(self.weights.any())


class Reweighter:
    """The training step of Ren et al. 2018 (arXiv 1803.09050, Algorithm 1), for a loop of your own.

    One forward pass gives the influences and the update, so that dropout's mask and the batch's
    statistics are the same in both. The optimiser is yours: any of ``torch.optim`` with any
    parameter groups and gradient clipping. (LBFGS runs the loss several times a step, while
    weights belong to the parameters at which they were found.) Parameters may be frozen and freed
    between steps.

    Args:
        model: inputs (B, ...) to logits (B, C). Its mode is that of the batch; the trusted
            examples run in evaluation mode.
        loss: logits and labels to (B,) losses, unreduced.
        meta: how much of the trusted examples a steering gradient is made from (``batch``, drawn at
            random), how many steps it serves (``every``), and how much of the former one it keeps
            (``average``). The default is that of `audit`; ``Meta(batch=len(y), every=1)`` is the
            paper's.
        trusted_share: how much of the trusted gradient the update adds to the weighted one, >= 0.
            0 is the paper's update; `audit` takes 0.2.
        generator: random generator of the draws; torch's own by default.

    Raises:
        ModelError: the network is split over devices, has nothing to train, or an embedding in it
            changes its gradient.
        SettingsError: ``meta`` or ``trusted_share`` is out of its range.

    Examples:
        >>> step = Reweighter(model, loss)  # doctest: +SKIP
        >>> optimiser.zero_grad()  # doctest: +SKIP
        >>> step.step((x, y), (x_clean, y_clean))  # doctest: +SKIP
        >>> optimiser.step()  # doctest: +SKIP
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        *,
        meta: Meta | None = None,
        trusted_share: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> None:
        share = read_number("trusted-share", trusted_share, is_whole=False)
        if not 0 <= share < math.inf:
            raise make_range_error("trusted-share", trusted_share, "a number from 0 on, e.g. 0.2")
        if not isinstance(meta, Meta | None):
            raise make_range_error("meta", meta, "a Meta, e.g. Meta(batch=128, every=2)")
        self._model, self._loss, self._meta = model, loss, meta or Meta()
        self._rule = L2RW(trusted_share=share)
        self._generator = generator
        self._engine = choose_engine(model, loss)
        self._direction: TrustedDirection | None = None
        self._identities = self._list_identities()

    @property
    def route(self) -> Route:
        """How influences are computed, and why so; final from the first step on."""
        return self._engine.route

    def step(self, batch: Batch, trusted: Batch) -> Reweighted:
        """Weigh a batch and add its weighted gradient to the parameters' ``.grad``.

        Where no example helps, ``.grad`` stays as it is. After ``zero_grad()`` that is None, and
        torch's optimisers then change neither parameters nor momentum.

        Args:
            batch: inputs (B, ...) and labels (B,).
            trusted: inputs (M, ...) and labels (M,), M >= 1; looked at when the steering gradient
                is due.

        Raises:
            ModelError: the model or the loss has another output, changes its inputs in place,
                cannot be differentiated, or gives losses that are not finite.
        """
        _check_pairs(batch, trusted)
        self._follow_freezing()
        direction = self._aim(Trusted(*trusted))
        with check_unchanged(batch[0], trusted[0]), explain_derivative_errors():
            v = direction.advance()
            step = self._engine.open(*batch, v)
        assert direction.loss is not None
        found = _gather(self._rule, step, direction.loss)
        if _check_finite(found):
            step.descend(found.weights)
            if self._rule.trusted_share:
                add_direction(find_trainable(self._model), v, self._rule.trusted_share)
        return found

    def _aim(self, trusted: Trusted) -> TrustedDirection:
        _check_trusted(trusted.labels)
        if self._direction is None:
            self._direction = TrustedDirection(
                self._engine, trusted, self._meta, generator=self._generator
            )
        self._direction.trusted = trusted
        return self._direction

    def _follow_freezing(self) -> None:
        """Begin anew where other parameters are trained than at the step before."""
        identities = self._list_identities()
        if identities != self._identities:
            self._identities = identities
            self._engine = choose_engine(self._model, self._loss)
            self._direction = None

    def _list_identities(self) -> list[int]:
        return [id(parameter) for parameter in find_trainable(self._model).values()]


def reweight(model: nn.Module, loss: Loss, batch: Batch, trusted: Batch) -> Reweighted:
    """Weigh a batch by the rule of Ren et al. 2018 (arXiv 1803.09050, Algorithm 1), exactly.

    The batch runs in the model's present mode, the trusted examples in evaluation mode. The
    parameters and their ``.grad`` stay as they are. Each call tries the network's route anew: a
    loop is served faster by `Reweighter`.

    Args:
        model: inputs (B, ...) to logits (B, C).
        loss: logits and labels to (B,) losses, unreduced.
        batch: inputs (B, ...) and labels (B,).
        trusted: inputs (M, ...) and labels (M,), M >= 1.

    Raises:
        ModelError: as `Reweighter` and its step.

    Examples:
        >>> found = reweight(model, loss, (x, y), (x_clean, y_clean))  # doctest: +SKIP
        >>> (found.weights * loss(model(x), y)).sum().backward()  # doctest: +SKIP
    """
    engine = choose_engine(model, loss)
    _check_pairs(batch, trusted)
    _check_trusted(trusted[1])
    with check_unchanged(batch[0], trusted[0]), explain_derivative_errors():
        direction, trusted_loss = compute_trusted_gradient(model, loss, *trusted)
        step = engine.open(*batch, direction)
    found = _gather(L2RW(), step, trusted_loss)
    _check_finite(found)
    return found


def _gather(rule: L2RW, step: Step, trusted_loss: Tensor) -> Reweighted:
    assert step.influence is not None
    return Reweighted(rule.weigh(step), step.influence, step.losses, step.logits, trusted_loss)


def _check_pairs(batch: object, trusted: object) -> None:
    """See that both are pairs: a tensor would be taken apart by its examples."""
    for name, each in (("batch", batch), ("trusted", trusted)):
        if not isinstance(each, tuple | list) or len(each) != 2:
            raise ModelError(
                f"{name} is {type(each).__name__}, not a pair of inputs and labels.",
                slug="batch-no-pair",
                hint="Give both, e.g. (x, y).",
            )
        for part in each:
            if not isinstance(part, Tensor):
                raise ModelError(
                    f"{name} holds {type(part).__name__}, not tensors alone.",
                    slug="batch-no-tensors",
                    hint="Turn it into a tensor, e.g. by torch.as_tensor.",
                )


def _check_trusted(labels: Tensor) -> None:
    if not len(labels):
        raise ModelError(
            "The trusted batch has no examples.",
            slug="trusted-empty",
            hint="Give at least one example whose label is known to be right.",
        )


def _check_finite(found: Reweighted) -> bool:
    """Whether any example has a weight; raises where a weight is no number."""
    total = float(found.weights.sum())
    if not math.isfinite(total):
        raise _make_not_finite_error(found.trusted_loss, found.losses)
    return total > 0


def _make_not_finite_error(trusted_loss: Tensor, losses: Tensor) -> ModelError:
    """Say where it begins: at the trusted examples, at one of the batch, or in the gradients."""
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
        hint="Look for NaN or infinity in these inputs and in the model's parameters. After a step "
        "that was too long, go back to the parameters before and lower the learning rate.",
    )
