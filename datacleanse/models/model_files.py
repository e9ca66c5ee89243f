"""The files of a saved model: parameters as safetensors, the description as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from safetensors.torch import load_file
from safetensors.torch import save as to_bytes

from datacleanse.errors import RunFolderError, is_shortage
from datacleanse.storage.atomic_files import write_aside
from datacleanse.storage.damage import CURE, say_on_one_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

FORMAT_VERSION = 2
"""Of `model.json`.

1: first version.
2: columns of text: ``encoding.texts``, with tensors of theirs beside the network's.
"""

LOOSE = "own dataset"
"""Architecture of a network that is of no table, in `model.json`."""

PARAMETERS = "model.safetensors"

DESCRIPTION = "model.json"


def save_parameters(
    network: nn.Module, directory: Path, beside: Mapping[str, Tensor] | None = None
) -> None:
    """Write the network's parameters, and tensors beside them, as `model.safetensors`."""
    # Copies, as safetensors refuses parameters that share memory.
    tensors = {k: v.cpu().contiguous().clone() for k, v in network.state_dict().items()}
    tensors |= beside or {}
    with write_aside(directory / PARAMETERS) as aside:
        # Not by safetensors: its errors do not tell a full disk from a bug.
        aside.write_bytes(to_bytes(tensors))


def save_loose(network: nn.Module, directory: Path) -> None:
    """Keep a network that is of no table, for `load_parameters`."""
    save_parameters(network, directory)
    architecture = {"name": LOOSE, "class": type(network).__qualname__}
    save_description({"format_version": FORMAT_VERSION, "architecture": architecture}, directory)


def load_parameters(directory: Path) -> dict[str, Tensor]:
    """Read `model.safetensors`: tensors by the parameters' names.

    Raises:
        RunFolderError: it is missing or damaged.
    """
    file = directory / PARAMETERS
    if not file.is_file():
        raise name_damage(file, FileNotFoundError())
    try:
        return load_file(file)
    except Exception as error:  # safetensors and torch raise their own kinds
        if is_shortage(error):
            raise
        raise name_damage(file, error) from error


def load_into(network: nn.Module, directory: Path) -> None:
    """Put the parameters in `model.safetensors` into a network.

    Raises:
        RunFolderError: they are missing, damaged or of another network.
    """
    tensors = load_parameters(directory)
    difference = find_difference(network.state_dict(), tensors)
    if difference is not None:
        raise name_damage(directory / PARAMETERS, difference)
    network.load_state_dict(tensors)


def find_difference(own: Mapping[str, Tensor], saved: Mapping[str, Tensor]) -> str | None:
    """Find a tensor that is missing or of another shape or type than a network's own.

    Args:
        own: the network's tensors by name.
        saved: those to be put into it.

    Returns:
        The first by name, what it is and was, as part of a sentence; None: there is none.
    """
    for name in sorted(own.keys() | saved.keys()):
        now, was = (_describe_tensor(each.get(name)) for each in (own, saved))
        if now != was:
            return f"{say_on_one_line(name)} is {now} now and was {was}"
    return None


def _describe_tensor(values: Tensor | None) -> str:
    if values is None:
        return "missing"
    kind = str(values.dtype).removeprefix("torch.")
    return f"{tuple(values.shape)}" if kind == "float32" else f"{tuple(values.shape)} {kind}"


def save_description(description: dict[str, Any], directory: Path) -> None:
    """Write the description as `model.json`."""
    with write_aside(directory / DESCRIPTION) as aside:
        text = json.dumps(description, ensure_ascii=False, allow_nan=False)
        aside.write_text(text + "\n", encoding="utf-8")


def name_damage(file: Path, fault: Exception | str) -> RunFolderError:
    """The error for a file of a model that is missing or damaged."""
    if isinstance(fault, FileNotFoundError):
        said = "is missing"
    else:
        said = f"is damaged: {say_on_one_line(fault)}"
    return RunFolderError(f"{file} {said}.", slug="model-damaged", hint=CURE)
