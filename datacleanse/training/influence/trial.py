"""One step by a route and one by autograd: whether the route is exact for a network."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import torch

from datacleanse.models.demands import find_measured, find_trainable
from datacleanse.training.influence.interface import NotServedError, open_plain
from datacleanse.training.influence.kernels import use_differentiable_kernels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor, nn

    from datacleanse.training.influence.interface import Direction, Engine, Loss, Step

TOLERANCE = {torch.float64: 1e-8, torch.float32: 1e-3}
"""Largest relative difference in these types on a CPU. A layer used in an unforeseen way differs
by much more."""

ROUGH = 0.05
"""Largest relative difference in half precision, and on GPUs, which may round factors to 10 bits
(TF32)."""


class NotTellingError(Exception):
    """The batch's gradient is NaN or infinite: it cannot tell a right route from a wrong one."""


def find_fault(
    route: Engine, model: nn.Module, loss: Loss, inputs: Tensor, labels: Tensor
) -> str | None:
    """Find what is wrong with a route for a network, as a sentence; None where it is exact.

    For uneven weights w and a random direction v, its weighted gradient must be autograd's, and the
    weighted sum of its influences must be that gradient's product with v. (Uneven, since the
    layerwise route reads the gradient of the plain sum of losses, in which mixing examples would
    not show.) Leaves no trace in the network, its gradients and the random state.

    Raises:
        NotTellingError: the batch's gradient is not finite.
    """
    with leave_untouched(model, inputs):
        v = {name: torch.randn_like(p) for name, p in find_trainable(model).items()}
    # Other kernels may draw another dropout mask.
    is_bare = route.name in ("closed-form", "layerwise")
    with nullcontext() if is_bare else use_differentiable_kernels(model, inputs):
        try:
            step, own = _take_step(model, inputs, lambda x: route.open(x, labels, v))
        except NotServedError as error:
            return str(error)
        _, plain = _take_step(model, inputs, lambda x: open_plain(model, loss, x, labels))
    if not _measure_norm(plain).isfinite():
        raise NotTellingError
    tolerance = _choose_tolerance(step)
    # Some gradients are 0 but for rounding (an attention's key bias, a bias before a norm).
    floor = 0.1 * _measure_norm(plain) + 1e-9
    for name, expected in plain.items():
        if not (own[name] - expected).norm() <= tolerance * (expected.norm() + floor):
            return (
                f"On the first batch the {route.name} gradient of {name!r} was not autograd's: the "
                "parameter is used outside its layer, or examples mix."
            )
    measured = {name: v[name] for name in find_measured(model)}
    if not _check_adds_up(step, plain, measured, tolerance):
        return (
            f"On the first batch the {route.name} influences did not add up to the gradient: a "
            "part of the network is hidden from it, by torch.no_grad or an autograd.Function."
        )
    return None


@contextmanager
def leave_untouched(model: nn.Module, inputs: Tensor) -> Iterator[None]:
    """Restore the network's buffers and gradients, and the random state."""
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    parameters = find_trainable(model)
    kept = {name: parameter.grad for name, parameter in parameters.items()}
    try:
        with torch.random.fork_rng(devices=[inputs.device] if inputs.is_cuda else []):
            yield
    finally:
        with torch.no_grad():
            for name, buffer in model.named_buffers():
                buffer.copy_(buffers[name])
        for name, parameter in parameters.items():
            parameter.grad = kept[name]


def _take_step(
    model: nn.Module, inputs: Tensor, opened: Callable[[Tensor], Step]
) -> tuple[Step, Direction]:
    """Take a step from the present state; it leaves the gradients weighted by `_draw_weights`."""
    parameters = find_trainable(model)
    with leave_untouched(model, inputs):
        for parameter in parameters.values():
            parameter.grad = None
        # A copy: a network that overwrites its input is to be told so, not to fail here.
        step = opened(inputs.clone())
        step.descend(_draw_weights(step))
        gradients = {
            name: torch.zeros_like(p) if p.grad is None else p.grad
            for name, p in parameters.items()
        }
    return step, gradients


def _draw_weights(step: Step) -> Tensor:
    """Draw uneven weights, (B,), the same at each call."""
    return torch.linspace(0.1, 1.0, len(step.losses)).to(step.losses)


def _check_adds_up(step: Step, gradient: Direction, v: Direction, tolerance: float) -> bool:
    """Whether sum_i w_i < grad l_i, v > = < sum_i w_i grad l_i, v >.

    For a standard normal v the right side is about as large as the gradient's norm.
    """
    assert step.influence is not None
    influence = (_draw_weights(step) * step.influence).double()
    products = [(gradient[name].double() * each).sum() for name, each in v.items()]
    product = torch.stack(products).sum()
    size = _measure_norm(gradient) + influence.norm() + 1e-9
    return bool((influence.sum() - product).abs() <= tolerance * size)


def _measure_norm(gradient: Direction) -> Tensor:
    total: Tensor = torch.stack([g.double().norm() for g in gradient.values()]).norm()
    return total


def _choose_tolerance(step: Step) -> float:
    device = step.losses.device.type
    if device != "cpu" or torch.is_autocast_enabled(device):
        return ROUGH
    return TOLERANCE.get(step.losses.dtype, ROUGH)
