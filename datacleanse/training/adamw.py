"""AdamW (Loshchilov, Hutter 2019, "Decoupled Weight Decay Regularization", arXiv 1711.05101).

``torch.optim.AdamW`` does the same by the same fused kernel. Its ``step`` first loads torch's
compiler, a second and 70 MiB of every audit, and costs a third of a step of a small network.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

BETAS = (0.9, 0.999)
EPSILON = 1e-8
SMALLEST = 5e-324
"""Above 0, but where such numbers are taken for 0."""


class AdamW:
    """Updates parameters in place from their ``.grad``; those without one stay as they are."""

    def __init__(self, parameters: Sequence[Tensor], *, weight_decay: float) -> None:
        self._parameters = list(parameters)
        self._decay = weight_decay
        self._means = [torch.zeros_like(p) for p in self._parameters]
        self._squares = [torch.zeros_like(p) for p in self._parameters]
        # Each its own count, as a parameter may lack a gradient at times. All in one tensor, so
        # that they are counted together.
        self._counts = torch.zeros(
            len(self._parameters), device=self._parameters[0].device if self._parameters else None
        )
        self._steps = list(self._counts.unbind())

    @torch.no_grad()
    def step(self, lr: float | Tensor, is_idle: Tensor | None = None) -> None:
        """Take a step at learning rate ``lr`` > 0 and forget the gradients.

        Args:
            lr: a number, or () on the device.
            is_idle: () float32 on the device, 1 where nothing is to be changed, else 0; None: 0.
        """
        given = [(i, p.grad) for i, p in enumerate(self._parameters) if p.grad is not None]
        if not given:
            return
        due, gradients = [i for i, _ in given], [gradient for _, gradient in given]
        steps = [self._steps[i] for i in due]
        if len(due) == len(self._steps):
            self._counts.add_(1)
        else:
            torch._foreach_add_(steps, 1)
        with _flush_denormals():
            torch._fused_adamw_(
                [self._parameters[i] for i in due],
                gradients,
                [self._means[i] for i in due],
                [self._squares[i] for i in due],
                [],
                steps,
                lr=lr,
                beta1=BETAS[0],
                beta2=BETAS[1],
                weight_decay=self._decay,
                eps=EPSILON,
                amsgrad=False,
                maximize=False,
                found_inf=is_idle,
            )
        if is_idle is not None:
            torch._foreach_sub_(steps, [is_idle] * len(steps))
        for parameter in self._parameters:
            parameter.grad = None

    def state(self) -> dict[str, list[Tensor]]:
        """Return what `load` needs to go on; the tensors are the living ones."""
        return {"means": self._means, "squares": self._squares, "steps": self._steps}

    def load(self, state: Mapping[str, Sequence[Tensor]]) -> None:
        """Go on from a `state`."""
        for name, own in self.state().items():
            for mine, saved in zip(own, state[name], strict=True):
                mine.copy_(saved)


@contextmanager
def _flush_denormals() -> Iterator[None]:
    """Take numbers below 1e-38 for 0 within the block, on this thread of a CPU.

    The mean of a gradient that stays 0, as of a dead unit, falls below that after 830 steps.
    Processors compute with such numbers a hundred times slower.
    """
    was_on = SMALLEST * 1.0 == 0.0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(was_on)
