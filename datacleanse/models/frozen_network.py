"""A pretrained network without its head, as it is: pictures in, features out. Nothing trains it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F

from datacleanse.data.interface import IMAGE_SIZES
from datacleanse.pictures.threads import map_in_threads

# Read from `model.json`, so that the fields' types must be known when the program runs.
from datacleanse.storage.typed_json import Count, Sha256, UnexpectedValueError
from datacleanse.thread_limit import use_one_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from datacleanse.pictures.joined import Joined

    Floats = NDArray[np.float32]

IMAGES_AT_ONCE = 64
"""Images that a GPU reads at a time."""

IMAGES_A_THREAD = 16
"""Images that a core reads at a time."""

BYTE_MAX = 255


@dataclass(frozen=True)
class Backbone:
    """What is told of a pretrained network: in `model.json`, `run.json` and the model card."""

    name: str
    """What opens it again, e.g. ``efficientnet-lite0-stages``."""
    title: str
    """Its name for people."""
    licence: str
    """Of its parameters."""
    trained_on: str
    """The data that it was trained on."""
    sha256: Sha256
    """Of the file of its parameters (hex)."""
    side: Count
    """Pixels a side of the squares that it reads."""

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return asdict(self)

    def describe(self) -> str:
        """Tell people in one sentence which network saw the pictures."""
        return (
            f"The pictures were seen by the pretrained network {self.title} (licence "
            f"{self.licence}, trained on {self.trained_on}), which stays as it is, at {self.side} "
            f"x {self.side} pixels."
        )


def check_side(backbone: Backbone) -> None:
    """See that pictures can be as large as a description says.

    Raises:
        UnexpectedValueError: they cannot.
    """
    least, most = IMAGE_SIZES
    if not least <= backbone.side <= most:
        raise UnexpectedValueError(
            f"backbone.side is {backbone.side:,}, where a whole number from {least} to {most:,} "
            "was expected"
        )


@dataclass(frozen=True)
class PictureFeatures:
    """What a pretrained network made of the pictures of an audit, row by row."""

    backbone: Backbone
    data: Floats
    """(N, F) of DATA's."""
    clean: Floats
    """(M, F) of CLEAN's."""
    test: Floats | None
    """(T, F) of TEST's; None where there is no TEST."""


@dataclass(frozen=True)
class Scaling:
    """How a network wants pixels, which are 0 to 1 before."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]


class FrozenNetwork:
    """A pretrained network in evaluation mode.

    Args:
        encode: RGB pixels (n, 3, S, S), normalised, to features (n, F).
        network: whose parameters ``encode`` uses.
        backbone: what is told of it.
        scaling: of the pixels.
        device: to run on.
    """

    def __init__(
        self,
        encode: Callable[[Tensor], Tensor],
        network: nn.Module,
        backbone: Backbone,
        scaling: Scaling,
        device: torch.device,
    ) -> None:
        network.eval().requires_grad_(False).to(device)
        # Half the time of the usual order on a CPU.
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # untyped
        self._encode = encode
        self._device = device
        self._mean, self._deviation = (
            torch.tensor(each, device=device)[:, None, None]
            for each in (scaling.mean, scaling.deviation)
        )
        self.backbone = backbone

    @property
    def is_on_cpu(self) -> bool:
        """Whether it runs there, in the threads that ask."""
        return self._device.type == "cpu"

    @property
    def portion(self) -> int:
        """Images that are read at a time."""
        return IMAGES_A_THREAD if self.is_on_cpu else IMAGES_AT_ONCE

    def compute_features(self, images: NDArray[np.uint8] | Joined) -> Floats:
        """The features (n, F) of images (n, C, H, W) of bytes, grey or RGB; n is 1 at least.

        On a CPU each core has a few images of its own, so that the last digits of the features do
        not depend on how many cores there are, as they would with images shared among them.
        """
        starts = range(0, len(images), self.portion)
        portions = (images[np.arange(k, min(k + self.portion, len(images)))] for k in starts)
        with use_one_thread():
            encoded = (map_in_threads if self.is_on_cpu else map)(self.encode, portions)
            return np.concatenate(list(encoded))

    # In each thread: a new one would compute gradients.
    @torch.no_grad()
    def encode(self, images: NDArray[np.uint8]) -> Floats:
        """The features of a few images, in the thread that asks for them."""
        torch.set_num_threads(1)
        x = torch.from_numpy(np.array(images)).to(self._device).float() / BYTE_MAX
        x = x.expand(-1, 3, -1, -1)
        size = self.backbone.side, self.backbone.side
        if x.shape[2:] != size:
            x = F.interpolate(x, size, mode="bilinear", antialias=True)
        x = ((x - self._mean) / self._deviation).contiguous(memory_format=torch.channels_last)
        features: Floats = self._encode(x).float().flatten(1).cpu().numpy()
        return features
