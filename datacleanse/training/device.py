"""Where the network lives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from datacleanse.errors import SettingsError

if TYPE_CHECKING:
    from datacleanse.settings import DeviceName


def choose_device(name: DeviceName) -> torch.device:
    """The device asked for; ``auto`` takes a CUDA GPU where there is one.

    Raises:
        SettingsError: a GPU was asked for and there is none.
    """
    has_gpu = torch.cuda.is_available()
    if name == "cuda" and not has_gpu:
        raise SettingsError(
            "--device is 'cuda', but torch finds no CUDA GPU here.",
            slug="no-gpu",
            hint="Use --device auto, or install a torch build with CUDA.",
        )
    return torch.device("cuda" if has_gpu and name != "cpu" else "cpu")


def name_device(device: torch.device) -> str:
    """``cpu``, or the GPU's own name."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
