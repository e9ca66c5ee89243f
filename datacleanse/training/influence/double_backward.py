"""Influence by differentiating the gradient, for networks without forward derivatives.

With u a number for each example and G(u) = sum_i u_i grad l_i, which is linear in u,

    < grad l_i, v >  =  d < G(u), v > / d u_i.

One forward pass; its graph serves the weighted backward pass too. Slower than the other routes,
and it remembers the backward pass as well as the forward pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from datacleanse.errors import is_shortage
from datacleanse.models.demands import find_measured
from datacleanse.training.influence.interface import (
    Direction,
    NotServedError,
    Step,
    compute_losses,
    make_step,
    open_plain,
)
from datacleanse.training.influence.kernels import take_first_line, use_differentiable_kernels
from datacleanse.training.influence.trusted import ByAutograd

if TYPE_CHECKING:
    from datacleanse.training.influence.interface import RouteName


class DoubleBackward(ByAutograd):
    """The last resort: any network of operations that can be differentiated twice.

    A part that cannot be, marked ``once_differentiable``, may go unnoticed here: the trial of
    `choose_engine` finds it.
    """

    name: RouteName = "double-backward"

    def open(self, inputs: Tensor, labels: Tensor, direction: Direction | None) -> Step:
        """Run the network on a batch, and differentiate the gradient along ``direction``."""
        if direction is None:
            return open_plain(self._model, self._loss, inputs, labels)
        with use_differentiable_kernels(self._model, inputs):
            logits = self._model(inputs)
            losses = compute_losses(self._loss, logits, labels)
            try:
                influence = self._compute_influence(losses, direction)
            except RuntimeError as error:
                if is_shortage(error):
                    raise
                said = f"It cannot be differentiated twice ({take_first_line(error)})."
                raise NotServedError(said) from error
        return make_step(self._model, logits, losses, labels, influence)

    def _compute_influence(self, losses: Tensor, direction: Direction) -> Tensor:
        """Compute the influences, (B,), as the derivative of < G(u), v > with respect to u."""
        parameters = find_measured(self._model)
        u = torch.ones_like(losses, requires_grad=True)
        gradients = torch.autograd.grad(
            losses, list(parameters.values()), u, create_graph=True, allow_unused=True
        )
        found = [
            (gradient * direction[name]).sum()
            for name, gradient in zip(parameters, gradients, strict=True)
            if gradient is not None
        ]
        if not found:
            return torch.zeros_like(losses)
        return torch.autograd.grad(torch.stack(found).sum(), u, retain_graph=True)[0]
