"""Features of images by a pretrained network of the timm library, with weights from a file.

Nothing is downloaded, and no pickled code is run: weights are safetensors, or what torch loads with
``weights_only``.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file

from datacleanse.errors import SettingsError
from datacleanse.pictures.threads import map_in_threads
from datacleanse.settings import TIMM
from datacleanse.storage.damage import say_on_one_line
from datacleanse.thread_limit import use_one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from datacleanse.pictures.joined import Joined

IMAGES_AT_ONCE = 64
"""Images that a GPU reads at a time."""

IMAGES_A_THREAD = 16
"""Images that a core reads at a time."""


class FrozenNetwork:
    """A pretrained network without its head, in evaluation mode.

    Args:
        model: ``timm:NAME``.
        weights: file with the network's parameters.
        device: to run on.

    Raises:
        SettingsError: timm is not installed, knows no such network, or the file does not hold its
            parameters.
    """

    def __init__(self, model: str, weights: str, device: torch.device) -> None:
        name = model.removeprefix(TIMM)
        network = _create_network(name)
        config: dict[str, Any] = getattr(network, "pretrained_cfg", None) or {}
        heads = config.get("classifier") or ()
        heads = (heads,) if isinstance(heads, str) else tuple(heads)
        _load_parameters(network, Path(weights), heads, name)
        self._network = network.eval().to(device)
        self._device = device
        size = config.get("input_size") or (3, 224, 224)
        self._size = int(size[1]), int(size[2])
        mean, deviation = (config.get(key) or (0.5,) * 3 for key in ("mean", "std"))
        self._mean, self._deviation = (
            torch.tensor(each, device=device)[:, None, None] for each in (mean, deviation)
        )

    def compute_features(self, images: NDArray[np.uint8] | Joined) -> NDArray[np.float32]:
        """The features (n, F) of images (n, C, H, W) of bytes, grey or RGB.

        On a CPU each core has a few images of its own, so that the last digits of the features do
        not depend on how many cores there are, as they would with images shared among them.
        """
        is_cpu = self._device.type == "cpu"
        step = IMAGES_A_THREAD if is_cpu else IMAGES_AT_ONCE
        starts = range(0, len(images), step)
        portions = (images[np.arange(k, min(k + step, len(images)))] for k in starts)
        with use_one_thread():
            encoded = (map_in_threads if is_cpu else map)(self._encode, portions)
            return np.concatenate(list(encoded))

    # In each thread: a new one would compute gradients.
    @torch.no_grad()
    def _encode(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        # In each thread, too.
        torch.set_num_threads(1)
        x = torch.from_numpy(np.array(images)).to(self._device).float() / 255
        x = x.expand(-1, 3, -1, -1)
        if x.shape[2:] != self._size:
            x = F.interpolate(x, self._size, mode="bilinear", antialias=True)
        encoded: Tensor = self._network((x - self._mean) / self._deviation)
        features: NDArray[np.float32] = encoded.float().flatten(1).cpu().numpy()
        return features


def _create_network(name: str) -> nn.Module:
    try:
        import timm
    except ImportError as error:
        raise SettingsError(
            f"--model {TIMM}{name} needs the library timm, which is not installed.",
            slug="timm-missing",
            hint="Install it: pip install 'datacleanse[timm]'.",
        ) from error
    try:
        return cast("nn.Module", timm.create_model(name, pretrained=False, num_classes=0))
    except Exception as error:  # timm raises several kinds
        raise SettingsError(
            f"timm makes no network {name!r} ({error}).",
            slug="timm-unknown",
            hint="List its networks: python -c 'import timm; print(timm.list_models())'.",
        ) from error


def _load_parameters(network: nn.Module, file: Path, heads: tuple[str, ...], name: str) -> None:
    """Take over the parameters in a file; those of a classifier are left out."""
    state = _read_parameters(file)
    state = {k.removeprefix("module."): v for k, v in state.items()}
    kept = {k: v for k, v in state.items() if not k.startswith(tuple(f"{h}." for h in heads))}
    own = network.state_dict()
    for key in sorted(own.keys() | kept.keys()):
        met = tuple(kept[key].shape) if key in kept else "missing"
        wanted = tuple(own[key].shape) if key in own else "not a part of it"
        if met != wanted:
            raise SettingsError(
                f"{file} does not hold the parameters of timm's {name}: {key} is {met} in the "
                f"file and {wanted} in the network.",
                slug="weights-differ",
                hint="Give the file that belongs to this network.",
            )
    network.load_state_dict(kept)


def _read_parameters(file: Path) -> dict[str, Tensor]:
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        found = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise SettingsError(
            f"--weights {file} is not there.",
            slug="weights-missing",
            hint="Give the path of a .safetensors or .pth file.",
        ) from error
    except (OSError, RuntimeError, SafetensorError, pickle.UnpicklingError, EOFError) as error:
        told = say_on_one_line(error)
        raise _make_unreadable_error(file, f"{type(error).__name__}: {told}") from error
    for key in ("state_dict", "model"):
        if isinstance(found, dict) and isinstance(found.get(key), dict):
            found = found[key]
    if not isinstance(found, dict) or not all(isinstance(v, torch.Tensor) for v in found.values()):
        raise _make_unreadable_error(file, f"a {type(found).__name__} that is no table of tensors")
    return found


def _make_unreadable_error(file: Path, why: str) -> SettingsError:
    return SettingsError(
        f"--weights {file} cannot be read as a network's parameters ({why}).",
        slug="weights-unreadable",
        hint="Give a .safetensors file, or a .pth file of tensors alone.",
    )
