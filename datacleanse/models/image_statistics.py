"""What the images themselves say about how they may be varied, and how they are scaled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.sampling import draw_spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.pictures.joined import Joined

ASKED = 1_000
"""Images that are asked whether they may be mirrored, at most."""

SIDE = 16
"""Pixels a side, about, to which they are averaged down for it."""

NEIGHBOURS = 5
"""Nearest other images whose labels are looked at."""

KEPT = 0.7
"""Share of the neighbours' agreement beyond chance that mirror images must keep. Measured: digits
keep .26 to .40, photographs of flowers and of CIFAR-10's classes .90 to 1.20, also where 30 to 40 %
of the labels are wrong (`docs/image-audit.md`)."""

SCALED_BY = 10_000
"""Images that mean and deviation are taken from, at most."""


def keeps_label_mirrored(
    images: Joined, labels: NDArray[np.int64], used: NDArray[np.int64], *, seed: int
) -> bool:
    """Whether images mirrored left to right still look like their class.

    An image and its mirror image each look for their nearest neighbours among all other images. If
    those of mirror images bear the image's own label nearly as often, mirroring keeps labels, as in
    most photographs; if they do not, it changes what is seen, as with letters and digits.

    Args:
        images: (M, C, H, W).
        labels: (M,) as given.
        used: positions that may be looked at, at least 2.
        seed: of the draw where they are many.
    """
    drawn = np.random.default_rng(seed).permutation(used)[:ASKED]
    given = labels[drawn]
    small = average_blocks(images[drawn])
    plain, mirrored = (each.reshape(len(drawn), -1) for each in (small, small[..., ::-1]))
    centre = plain.mean(axis=0)
    plain, mirrored = _normalise_rows(plain - centre), _normalise_rows(mirrored - centre)
    chance = ((np.bincount(given) / len(given)) ** 2).sum()
    own, other = (_measure_agreement(asked, plain, given) - chance for asked in (plain, mirrored))
    # Where neighbours tell nothing, nothing is risked.
    return bool(own > 0 and other >= KEPT * own)


def measure_channels(
    images: Joined, used: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each channel, (C,) each; 1 where a channel is constant."""
    chosen = used[draw_spread(len(used), SCALED_BY)]
    total, square, count = 0.0, 0.0, 0
    for start in range(0, len(chosen), ASKED):
        part = images[chosen[start : start + ASKED]].astype(np.float64)
        total = total + part.sum(axis=(0, 2, 3))
        square = square + (part**2).sum(axis=(0, 2, 3))
        count += part[:, 0].size
    mean = np.asarray(total / count)
    variance = np.maximum(square / count - mean**2, 0)
    return mean, np.where(variance > 0, np.sqrt(variance), 1.0)


def average_blocks(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Average images (n, C, H, W) over blocks to sides of `SIDE` to twice as many pixels."""
    height, width = images.shape[2:]
    down, across = (max(1, length // SIDE) for length in (height, width))
    cut = images[:, :, : height // down * down, : width // across * across]
    blocks = cut.reshape(*cut.shape[:2], height // down, down, width // across, across)
    result: NDArray[np.float32] = blocks.mean(axis=(3, 5), dtype=np.float32)
    return result


def _normalise_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows (n, F), each scaled to length 1."""
    result: NDArray[np.float32] = rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-6)
    return result


def _measure_agreement(
    asked: NDArray[np.float32], rows: NDArray[np.float32], labels: NDArray[np.int64]
) -> float:
    """Share of the nearest other rows' labels that are the asking row's own."""
    likeness = asked @ rows.T
    np.fill_diagonal(likeness, -np.inf)
    k = min(NEIGHBOURS, len(rows) - 1)
    nearest = np.argpartition(-likeness, k - 1, axis=1)[:, :k]
    return float((labels[nearest] == labels[:, None]).mean())
