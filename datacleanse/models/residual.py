"""The default network for images: a small residual network with group normalisation.

He, Zhang, Ren, Sun 2016, "Deep Residual Learning for Image Recognition", arXiv 1512.03385; Wu, He
2018, "Group Normalization", arXiv 1803.08494, in place of batch normalisation: one example's loss
then depends on no other example, so that influences are read off single layers.

It reads bytes as they lie in memory. Normalisation, learned from training images, and augmentation
are its first layers, so a saved network needs nothing beside it, and one drawn view of an image
serves both its weight and its update. In evaluation mode nothing is drawn.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from datacleanse.data.interface import IMAGE_SIZES
from datacleanse.models.row_noise import draw_rows

# Read from `model.json`, so that the fields' types must be known when the program runs.
from datacleanse.storage.typed_json import Count, UnexpectedValueError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FIRST_SIDE = 16
"""Pixels a side that the stem leaves, about: its stride brings larger images down to it."""

MAX_STRIDE = 4
"""Largest stride of the stem; larger images get further blocks instead."""

LAST_SIDE = 4
"""Each block halves the sides, until they are this long at most. A block at the stem's own
resolution would take half of all time."""

MAX_WIDTH = 256
"""Channels of a block, at most."""

WIDTHS = ((10_000, 16), (100_000, 32), (float("inf"), 64))
"""Channels of the stem, by training images up to; each block has twice as many as it gets."""

SHIFTED = 14
"""An image is moved by at most one of so many parts of its shorter side, by whole pixels. Twice as
far costs accuracy on MNIST and changes nothing on CIFAR-10 (`docs/image-audit.md`)."""

PER_GROUP = 8
"""Channels that are normalised together, at most; there are two groups at least."""


@dataclass(frozen=True)
class ResidualShape:
    """All that is needed to rebuild the network around saved parameters."""

    channels: Count
    """Channels of an image: 1 (grey) or 3 (red, green, blue)."""
    height: Count
    """Pixels, of every image."""
    width: Count
    stride: Count
    """Stride of the stem, in pixels."""
    widths: tuple[Count, ...]
    """Channels of the stem, then of each block; two at least."""
    n_classes: Count
    margin: Count
    """Pixels by which an image is moved at most in training."""
    is_mirrored: bool
    """Whether images are mirrored left to right in training, half of the time."""

    def count_values(self) -> int:
        """Count the values in the tensors of such a network, without making it."""
        first = self.widths[0]
        stem = self.channels * first * _choose_kernel(self.stride) ** 2 + 2 * first
        blocks = sum(
            10 * n_in * n_out + 9 * n_out**2 + 4 * n_out for n_in, n_out in pairwise(self.widths)
        )
        return 2 * self.channels + stem + blocks + (self.widths[-1] + 1) * self.n_classes

    def to_json(self) -> dict[str, Any]:
        """The shape as plain values."""
        return asdict(self)


def check_geometry(shape: ResidualShape) -> None:
    """See that images of such a shape can be, and that such a network bears them.

    Raises:
        UnexpectedValueError: one of its numbers is out of its range.
    """
    largest = IMAGE_SIZES[1]
    ranges = {
        "channels": (1, 3),
        "height": (1, largest),
        "width": (1, largest),
        "stride": (1, MAX_STRIDE),
        "margin": (0, min(shape.height, shape.width) - 1),
    }
    for name, (least, most) in ranges.items():
        value = getattr(shape, name)
        if not least <= value <= most:
            raise UnexpectedValueError(
                f"architecture.{name} is {value:,}, where a whole number from {least} to {most:,} "
                "was expected"
            )
    if len(shape.widths) < 2:
        raise UnexpectedValueError(
            f"architecture.widths has {len(shape.widths)} of them, where 2 or more were expected"
        )


def choose_residual_shape(
    size: tuple[int, int, int], n_images: int, n_classes: int, *, is_mirrored: bool
) -> ResidualShape:
    """Choose a shape for images of a size (C, H, W) by the number that is trained on."""
    channels, height, width = size
    shorter = min(height, width)
    stride = min(MAX_STRIDE, max(1, round(shorter / FIRST_SIDE)))
    first = next(units for up_to, units in WIDTHS if n_images <= up_to)
    widths, side = [first], -(-shorter // stride)
    while side > LAST_SIDE or len(widths) < 2:
        widths.append(min(2 * widths[-1], MAX_WIDTH))
        side = -(-side // 2)
    return ResidualShape(
        channels=channels,
        height=height,
        width=width,
        stride=stride,
        widths=tuple(widths),
        n_classes=n_classes,
        margin=shorter // SHIFTED,
        is_mirrored=is_mirrored,
    )


class Views(nn.Module):
    """Random views of images in training: moved by some pixels, mirrored half of the time.

    What a move uncovers repeats the border.

    - Input and output: (B, C, H, W)
    """

    def __init__(self, margin: int, *, is_mirrored: bool) -> None:
        super().__init__()
        self._margin, self._is_mirrored = margin, is_mirrored

    def forward(self, images: Tensor) -> Tensor:
        """Draw a view of each image in training; outside it return images as they are."""
        if not self.training or not (self._margin or self._is_mirrored):
            return images
        n, n_channels, height, width = images.shape
        device, span = images.device, 2 * self._margin + 1
        move = draw_rows(lambda n: torch.randint(span, (2, n, 1), device=device), n, dim=1)
        move = move - self._margin
        row = (move[0] + torch.arange(height, device=device)).clamp_(0, height - 1)
        column = (move[1] + torch.arange(width, device=device)).clamp_(0, width - 1)
        if self._is_mirrored:
            is_turned = draw_rows(lambda n: torch.rand(n, 1, device=device), n) < 0.5
            column = torch.where(is_turned, column.flip(1), column)
        example = torch.arange(n, device=device)[:, None, None, None]
        channel = torch.arange(n_channels, device=device)[:, None, None]
        return images[example, channel, row[:, None, :, None], column[:, None, None, :]]


class Block(nn.Module):
    """Two 3x3 convolutions around a shortcut, (B, in, H, W) to (B, out, H/2, W/2), rounded up."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(n_in, n_out, 3, 2, 1, bias=False)
        self.first_norm = _make_norm(n_out)
        self.second = nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False)
        self.second_norm = _make_norm(n_out)
        self.short = nn.Conv2d(n_in, n_out, 1, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Apply both convolutions and add the shortcut."""
        h = self.first_norm(self.first(x)).relu()
        shortcut: Tensor = self.short(x)
        result: Tensor = (self.second_norm(self.second(h)) + shortcut).relu()
        return result


class ResidualNetwork(nn.Module):
    """Views, normalisation, a stem, blocks, mean over positions, a linear head.

    - Input: (B, C, H, W) uint8
    - Output: logits (B, classes)
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, shape: ResidualShape) -> None:
        super().__init__()
        self.shape = shape
        self.views = Views(shape.margin, is_mirrored=shape.is_mirrored)
        self.register_buffer("mean", torch.zeros(shape.channels, 1, 1))
        self.register_buffer("deviation", torch.ones(shape.channels, 1, 1))
        first = shape.widths[0]
        kernel = _choose_kernel(shape.stride)
        stem = nn.Conv2d(shape.channels, first, kernel, shape.stride, kernel // 2, bias=False)
        blocks = [Block(*pair) for pair in pairwise(shape.widths)]
        self.stages = nn.Sequential(stem, _make_norm(first), nn.ReLU(), *blocks)
        self.head = nn.Linear(shape.widths[-1], shape.n_classes)

    @property
    def size(self) -> tuple[int, int, int]:
        """(C, H, W) that images must have: 1 or 3 channels, height and width in pixels."""
        return self.shape.channels, self.shape.height, self.shape.width

    def list_measured(self) -> list[nn.Module]:
        """List the layers whose parameters influences are measured by: the head.

        The others cost a third of a step and hardly change which rows are found (decision 91).
        """
        return [self.head]

    def set_scale(self, mean: NDArray[np.float64], deviation: NDArray[np.float64]) -> None:
        """Take over the channels' mean and standard deviation, (C,) each, of training images."""
        self.mean.copy_(torch.from_numpy(mean)[:, None, None])
        self.deviation.copy_(torch.from_numpy(deviation)[:, None, None])

    def describe(self) -> str:
        """The network in one sentence for people."""
        shape = self.shape
        views = f"moved by up to {shape.margin} pixels" if shape.margin else "as they are"
        return (
            "Residual network with group normalisation, a stem and blocks of "
            f"{', '.join(map(str, shape.widths))} channels, on images of {shape.width} x "
            f"{shape.height} pixels, in training {views}{' and mirrored' * shape.is_mirrored}."
        )

    def describe_architecture(self) -> dict[str, Any]:
        """The name and shape of the network, for `model.json`."""
        return {"name": ARCHITECTURE, **self.shape.to_json()}

    def penultimate(self, images: Tensor) -> Tensor:
        """What the head reads, (B, last width), of images (B, C, H, W)."""
        scaled = (self.views(images).float() - self.mean) / self.deviation
        pooled: Tensor = self.stages(scaled).mean(dim=(2, 3))
        return pooled

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, classes) of images (B, C, H, W)."""
        logits: Tensor = self.head(self.penultimate(images))
        return logits


ARCHITECTURE = "residual"
"""Name of this network in `model.json`."""


def build_residual(
    shape: ResidualShape,
    mean: NDArray[np.float64],
    deviation: NDArray[np.float64],
    *,
    seed: int,
) -> ResidualNetwork:
    """Build the network on the CPU, initialised from the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ResidualNetwork(shape)
    network.set_scale(mean, deviation)
    return network


def _choose_kernel(stride: int) -> int:
    """Pixels a side of the stem's filters."""
    return max(3, 2 * stride - 1)


def _make_norm(n_channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(max(2, n_channels // PER_GROUP), n_channels)
