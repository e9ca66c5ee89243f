"""What a network must not do if it is to be run more than once on a batch, and differentiated."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from datacleanse.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor, nn


@contextmanager
def check_unchanged(*inputs: Tensor) -> Iterator[None]:
    """Refuse a model that changes its inputs in place within this block.

    Raises:
        ModelError: they were.
    """
    before = [_read_version(each) for each in inputs]
    yield
    if before != [_read_version(each) for each in inputs]:
        raise ModelError(
            "The model changes its inputs in place; they are used again.",
            slug="model-changes-inputs",
            hint="Write x = x + 1 for x += 1, and give the first layer inplace=False.",
        )


def _read_version(inputs: Tensor) -> int:
    # Tensors made in inference mode keep no count; autograd refuses them when they are changed.
    return 0 if inputs.is_inference() else inputs._version


@contextmanager
def explain_derivative_errors() -> Iterator[None]:
    """Turn torch's errors about missing derivatives within this block into errors of the model.

    Raises:
        ModelError: an operation has no derivative, or overwrites what its derivative needs.
    """
    try:
        yield
    except NotImplementedError as error:
        raise ModelError(
            f"An operation of the model has no derivative: {_take_first_line(error)}",
            slug="model-not-differentiable",
            hint="Replace that operation by one that torch can differentiate.",
        ) from error
    except RuntimeError as error:
        if "inplace" not in str(error) and "in-place" not in str(error):
            raise
        raise ModelError(
            "An operation of the model overwrites what a derivative needs: "
            f"{_take_first_line(error)}",
            slug="model-in-place",
            hint="Make it work on a copy: inplace=False, x = x * y for x *= y.",
        ) from error


def _take_first_line(error: Exception) -> str:
    lines = str(error).splitlines() or [type(error).__name__]
    # What follows is advice on debugging.
    return lines[0].split(" Hint:")[0]


def find_trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that an update changes, by name; shared ones once."""
    # ``torch.compile`` wraps a network and its names; both routes look inside.
    named = ((name.removeprefix("_orig_mod."), p) for name, p in model.named_parameters())
    return {name: p for name, p in named if p.requires_grad}


@runtime_checkable
class PartlyMeasured(Protocol):
    """A network that names the modules whose parameters influences are measured by."""

    def list_measured(self) -> Iterable[nn.Module]:
        """List modules of the network that have parameters."""


def find_measured(model: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that the virtual step of an influence moves, by name.

    All trainable ones, unless the network is `PartlyMeasured`.
    """
    trainable = find_trainable(model)
    if not isinstance(model, PartlyMeasured):
        return trainable
    moved = {id(p) for module in model.list_measured() for p in module.parameters()}
    return {name: p for name, p in trainable.items() if id(p) in moved}
