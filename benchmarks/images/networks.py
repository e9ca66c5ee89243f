"""Networks for images that the benchmarks share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence

SMALL = (16, 32, 64)
RESNET_18 = (64, 128, 256, 512)
"""Channels by stage."""


class Block(nn.Module):
    """Two 3x3 convolutions with GroupNorm around a shortcut, (B, in, H, W) to (B, out, H', W')."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False)
        self.first_norm = nn.GroupNorm(8, n_out)
        self.second = nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False)
        self.second_norm = nn.GroupNorm(8, n_out)
        is_same = n_in == n_out and stride == 1
        self.short = nn.Identity() if is_same else nn.Conv2d(n_in, n_out, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        h = self.first_norm(self.first(x)).relu()
        shortcut: Tensor = self.short(x)
        return (self.second_norm(self.second(h)) + shortcut).relu()


def resnet(
    widths: Sequence[int] = SMALL,
    *,
    n_blocks: int = 1,
    n_channels: int = 3,
    n_classes: int = 10,
    seed: int = 0,
) -> nn.Module:
    """A residual network, (B, n_channels, H, W) to (B, n_classes).

    Each stage but the first halves the sides. ``widths`` are multiples of 8.
    """
    torch.manual_seed(seed)
    layers: list[nn.Module] = [
        nn.Conv2d(n_channels, widths[0], 3, 1, 1, bias=False),
        nn.GroupNorm(8, widths[0]),
        nn.ReLU(),
    ]
    n_in = widths[0]
    for stage, width in enumerate(widths):
        for number in range(n_blocks):
            layers.append(Block(n_in, width, 2 if stage and not number else 1))
            n_in = width
    head = nn.Linear(widths[-1], n_classes)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)
