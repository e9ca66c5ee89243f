"""Where the networks live."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from datacleanse.errors import SettingsError

if TYPE_CHECKING:
    from datacleanse.settings import DeviceName


def choose_device(name: DeviceName) -> torch.device:
    """The device that this process works on; ``auto`` takes a CUDA GPU where there is one.

    Where several are asked for, it is the CPU: each training has a process of its own then, which
    takes the rows to its device, and this one must not have spoken to a GPU before.

    Raises:
        SettingsError: a GPU was asked for and is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    places = choose_places(name)
    return places[0] if len(places) == 1 else torch.device("cpu")


def choose_places(name: DeviceName) -> list[torch.device]:
    """The devices that are asked for by their names; none for ``auto``.

    Raises:
        SettingsError: one of them is not there.
    """
    places = [] if name == "auto" else [torch.device(each) for each in name.split(",")]
    # Asked of the driver's own list: a look through CUDA would bind this process to it.
    n_gpus = torch.cuda.device_count() if any(p.type == "cuda" for p in places) else 0
    for place in places:
        if place.type == "cuda" and not n_gpus:
            raise SettingsError(
                f"--device is {name!r}, but torch finds no CUDA GPU here.",
                slug="no-gpu",
                hint="Use --device auto, or install a torch build with CUDA.",
            )
        if place.type == "cuda" and (place.index or 0) >= n_gpus:
            raise SettingsError(
                f"--device is {name!r}, and the CUDA GPUs here are numbered 0 to {n_gpus - 1}.",
                slug="no-gpu",
                hint=f"Give one of them, e.g. --device cuda:{n_gpus - 1}.",
            )
    return places


def find_kind(name: DeviceName) -> str:
    """The kind of device that networks are trained on, ``cpu`` or ``cuda``."""
    places = choose_places(name)
    return (places[0] if places else choose_device(name)).type


def name_device(device: torch.device) -> str:
    """``cpu``, or the GPU's own name."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def name_devices(name: DeviceName, device: torch.device) -> str:
    """What several devices, or the one, are called, each kind once with its number."""
    places = choose_places(name)
    if len(places) < 2:
        return name_device(device)
    names = [name_device(place) for place in places]
    kinds = [(each, names.count(each)) for each in dict.fromkeys(names)]
    return ", ".join(each if n == 1 else f"{n} x {each}" for each, n in kinds)
