"""What a checkpoint says of a training, held to the training that is to go on with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from torch import Tensor

from datacleanse.errors import is_shortage
from datacleanse.storage.damage import say_on_one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from datacleanse.training.checkpoint import Checkpoint


class UnusableStateError(ValueError):
    """A state that the training cannot go on with; the message completes ``... is damaged: ``."""


def check_fits(
    saved: Checkpoint,
    own: Checkpoint,
    recorded: Mapping[str, Any],
    *,
    epochs: int,
    rows: Tensor,
    parameters: Mapping[str, Tensor],
) -> None:
    """See that a checkpoint is built as one of the training that is to go on with it.

    Args:
        saved: the checkpoint.
        own: one of the training's own.
        recorded: the recorder's own state, with an epoch open where the checkpoint has one.
        epochs: of the whole training.
        rows: (K,) training rows.
        parameters: the trainable ones, by name.

    Raises:
        UnusableStateError: it is not.
    """
    check_counts(saved, epochs=epochs, n_rows=len(rows))
    for part in ("network", "rule", "generators"):
        check_alike(getattr(saved, part), getattr(own, part), part)
    # Torch's optimisers, whose state is by number, mostly have none before their first step.
    if set(map(type, own.optimiser)) == {str}:
        check_alike(saved.optimiser, own.optimiser, "optimiser")
    check_alike(saved.recorder, recorded, "recorder")
    if saved.recorder["epochs"] != saved.epochs:
        raise UnusableStateError(
            f"recorder.epochs is {saved.recorder['epochs']}, where {saved.epochs} was expected"
        )
    check_direction(saved.direction, parameters)
    if saved.order is not None:
        check_order(saved.order, rows)
    # Buffers of a network of the user's own may be infinite.
    check_finite({name: saved.network[name] for name in parameters}, "network")
    for part in ("optimiser", "rule", "direction"):
        check_finite(getattr(saved, part), part)


def check_counts(saved: Checkpoint, *, epochs: int, n_rows: int) -> None:
    """See that a checkpoint's numbers agree, and are some that the training can have come to.

    Args:
        saved: the checkpoint.
        epochs: of the whole training.
        n_rows: training rows.

    Raises:
        UnusableStateError: they do not.
    """
    for name, most in (
        ("epochs", epochs),
        ("rows", 0 if saved.order is None else n_rows),
        ("batches", saved.rows),
        ("steps", epochs * n_rows),
        ("skipped", saved.steps),
    ):
        value = getattr(saved, name)
        if value > most:
            raise UnusableStateError(f"{name} is {value:,}, where at most {most:,} was expected")
    for name in ("losses", "trusted_losses"):
        length = len(getattr(saved, name))
        if length != saved.epochs:
            raise UnusableStateError(
                f"{name} has {length:,} of them, where {saved.epochs:,} were expected"
            )


def check_alike(saved: object, own: object, place: str) -> None:
    """See that a saved state is built as the training's own is.

    Args:
        saved: tensors, plain values, and mappings and lists of them.
        own: the training's, before it goes on.
        place: of the state in the checkpoint.

    Raises:
        UnusableStateError: a key, a length, a type or a tensor's shape differs.
    """
    if isinstance(own, Mapping):
        _check_type(saved, Mapping, place)
        assert isinstance(saved, Mapping)
        if saved.keys() != own.keys():
            names = ", ".join(map(str, sorted(saved.keys() ^ own.keys())))
            raise UnusableStateError(
                f"{place} has other entries than it should: {say_on_one_line(names)}"
            )
        for key, value in own.items():
            check_alike(saved[key], value, f"{place}.{key}")
    elif isinstance(own, Tensor):
        _check_type(saved, Tensor, place)
        assert isinstance(saved, Tensor)
        met, wanted = ((each.dtype, tuple(each.shape)) for each in (saved, own))
        if met != wanted:
            raise UnusableStateError(f"{place} is {met[1]} {met[0]}, not {wanted[1]} {wanted[0]}")
    elif isinstance(own, Sequence) and not isinstance(own, str):
        _check_type(saved, Sequence, place)
        assert isinstance(saved, Sequence)
        if len(saved) != len(own):
            raise UnusableStateError(f"{place} has {len(saved)} entries, not {len(own)}")
        for number, value in enumerate(own):
            check_alike(saved[number], value, f"{place}[{number}]")
    else:
        _check_type(saved, type(own), place)


def _check_type(saved: object, kind: type, place: str) -> None:
    # Python counts truth values among the whole numbers.
    if not isinstance(saved, kind) or (isinstance(saved, bool) and kind is not bool):
        raise UnusableStateError(f"{place} is of type {type(saved).__name__}, not {kind.__name__}")


def check_direction(saved: Mapping[str, Any], parameters: Mapping[str, Tensor]) -> None:
    """See that a saved trusted gradient is one of these parameters, or none is needed yet.

    Raises:
        UnusableStateError: it is not.
    """
    own_empty: Mapping[str, Any] = {"age": 0, "direction": {}}
    gradient = saved.get("direction")
    _check_type(gradient, Mapping, "direction.direction")
    check_alike({**saved, "direction": {}}, own_empty, "direction")
    if saved["age"] < 0:
        raise UnusableStateError(f"direction.age is {saved['age']}")
    if saved["age"] or gradient:
        own = {name: parameter.detach() for name, parameter in parameters.items()}
        check_alike(gradient, own, "direction.direction")


def check_order(order: Tensor, training_rows: Tensor) -> None:
    """See that an order of training rows, (K,), holds each of them once.

    Raises:
        UnusableStateError: it does not.
    """
    check_alike(order, training_rows, "order")
    if not order.sort().values.equal(training_rows.cpu().sort().values):
        raise UnusableStateError("order does not hold each training row once")


def check_finite(state: object, place: str) -> None:
    """See that no tensor of a state holds NaN or infinity.

    Raises:
        UnusableStateError: one does.
    """
    if isinstance(state, Tensor) and not state.isfinite().all():
        raise UnusableStateError(f"{place} holds NaN or infinity")
    if isinstance(state, Mapping):
        for name, value in state.items():
            check_finite(value, f"{place}.{say_on_one_line(str(name))}")
    elif isinstance(state, list | tuple):
        for number, value in enumerate(state):
            check_finite(value, f"{place}[{number}]")


def move(state: Any, device: torch.device) -> Any:  # noqa: ANN401  # tensors and plain values
    """Move the state's tensors to the device."""
    if isinstance(state, Tensor):
        return state.to(device)
    if isinstance(state, dict):
        return {key: move(value, device) for key, value in state.items()}
    return state


@contextmanager
def name_unusable(place: str) -> Iterator[None]:
    """Name the part of a checkpoint that torch refuses within the block.

    Raises:
        UnusableStateError: it does.
    """
    try:
        yield
    except (RuntimeError, TypeError, ValueError, LookupError, AttributeError) as error:
        if is_shortage(error) or isinstance(error, UnusableStateError):
            raise
        raise UnusableStateError(f"{place} cannot be used ({say_on_one_line(error)})") from error
