"""Influence by one forward pass in dual numbers (forward-mode differentiation).

With parameters theta + e v, the tangent of example i's loss is d l_i / de = < grad l_i, v >.
The primal part keeps its ordinary graph, so the weighted backward pass reuses the same forward
pass, with the same dropout mask and the same batch statistics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.func import functional_call

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
from datacleanse.training.influence.kernels import (
    find_module_at_fault,
    take_first_line,
    use_differentiable_kernels,
)
from datacleanse.training.influence.trusted import ByAutograd

if TYPE_CHECKING:
    from datacleanse.training.influence.interface import RouteName


class ForwardMode(ByAutograd):
    """The general route: any network of operations that have forward derivatives."""

    name: RouteName = "forward-mode"

    def open(self, inputs: Tensor, labels: Tensor, direction: Direction | None) -> Step:
        """Run the network on a batch, and carry ``direction`` along in dual numbers."""
        if direction is None:
            return open_plain(self._model, self._loss, inputs, labels)
        try:
            logits, losses, influence = self._run_dual(inputs, labels, direction)
        except RuntimeError as error:
            if is_shortage(error):
                raise
            # Most often a NotImplementedError. A fault of the network's own comes up again in the
            # next route.
            where = find_module_at_fault(self._model, error)
            said = f"{where} has no forward derivative ({take_first_line(error)})."
            raise NotServedError(said) from error
        return make_step(self._model, logits, losses, labels, influence)

    def _run_dual(
        self, inputs: Tensor, labels: Tensor, direction: Direction
    ) -> tuple[Tensor, Tensor, Tensor]:
        # Batch statistics are updated in place, which dual numbers do not allow on the model's
        # own buffers: work on copies and take their values over.
        buffers = [name for name, _ in self._model.named_buffers()]
        with forward_ad.dual_level(), use_differentiable_kernels(self._model, inputs):
            tensors = {name: buffer.clone() for name, buffer in self._model.named_buffers()}
            for name, parameter in find_measured(self._model).items():
                tensors[name] = forward_ad.make_dual(parameter, direction[name])
            # `functional_call` would tie by name, and leave a module that has two names with the
            # duals in it.
            placed = _name_all_homes(self._model, tensors)
            # Buffers that the network replaces instead of overwriting are replaced in `placed`.
            out = functional_call(self._model, placed, (inputs,), tie_weights=False)
            dual = compute_losses(self._loss, out, labels)
            losses, tangent = forward_ad.unpack_dual(dual)
            logits = forward_ad.unpack_dual(out).primal
            updated = {name: forward_ad.unpack_dual(placed[name]).primal for name in buffers}
        with torch.no_grad():
            for name, buffer in self._model.named_buffers():
                buffer.copy_(updated[name])
        influence = torch.zeros_like(losses) if tangent is None else tangent
        return logits, losses, influence.detach()


def _name_all_homes(model: nn.Module, values: dict[str, Tensor]) -> dict[str, Tensor]:
    """Values by the first name of each parameter and buffer, to all names, one a module."""
    own = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    by_tensor = {id(own[name]): value for name, value in values.items()}
    return {
        f"{prefix}.{name}".removeprefix("."): by_tensor[id(tensor)]
        for prefix, module in model.named_modules()
        for name, tensor in (*module._parameters.items(), *module._buffers.items())
        if id(tensor) in by_tensor
    }
