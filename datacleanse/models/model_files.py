"""The files of a saved model: parameters as safetensors, the description as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes

from datacleanse.errors import RunFolderError
from datacleanse.storage.atomic_files import write_aside

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

FORMAT_VERSION = 1
"""Of `model.json`.

1: first version.
"""

LOOSE = "own dataset"
"""Architecture of a network that is of no table, in `model.json`."""

PARAMETERS = "model.safetensors"

DESCRIPTION = "model.json"


def save_parameters(network: nn.Module, directory: Path) -> None:
    """Write the network's parameters as `model.safetensors`."""
    # Copies, as safetensors refuses parameters that share memory.
    tensors = {k: v.cpu().contiguous().clone() for k, v in network.state_dict().items()}
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
    try:
        return load_file(directory / PARAMETERS)
    except (OSError, SafetensorError) as error:
        raise name_damage(directory, error) from error


def save_description(description: dict[str, Any], directory: Path) -> None:
    """Write the description as `model.json`."""
    with write_aside(directory / DESCRIPTION) as aside:
        text = json.dumps(description, ensure_ascii=False, allow_nan=False)
        aside.write_text(text + "\n", encoding="utf-8")


def name_damage(directory: Path, error: Exception) -> RunFolderError:
    """The error for a model that is missing or damaged."""
    return RunFolderError(
        f"The model in {directory} is missing or damaged ({type(error).__name__}: {error}).",
        slug="model-damaged",
        hint="Repeat the audit.",
    )
