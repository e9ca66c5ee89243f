"""What a second opinion sees of images, without a network: the answers of whitened patches.

Features are learned without labels: patches drawn from the images are whitened and serve as
filters; what they answer is rectified by its sign and summed over the quarters of an image (Coates,
Ng, Lee 2011, "An Analysis of Single-Layer Networks in Unsupervised Feature Learning"; exemplars
instead of centroids: Coates, Ng 2011, "The Importance of Encoding Versus Training"). `features`
asks about them as about a pretrained network's.

The network's own features would not do: they were learned from the very labels in question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from datacleanse.detection.second_opinion import ridge
from datacleanse.storage.mapped_files import make_rows, release_mapped

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from datacleanse.pictures.joined import Joined

    Images = NDArray[np.uint8] | Joined
    Floats = NDArray[np.float32]

N_FILTERS = 200

N_DRAWN = 20_000
"""Patches that the whitening is learned from."""

MAX_PATCH = 6
"""Pixels a side of a patch; a third of the image's shorter side where that is less."""

MAX_SIDE = 48
"""Longer images are averaged down to it, by a whole factor."""

DENSE_SIDE = 32
"""Up to it patches start at each pixel, beyond at each second one."""

MIN_DEVIATION = 10 / 255
"""Added to a patch's contrast: flat patches hold noise."""

WHITENING = 0.1
"""Added to the patches' variances for the same reason. Both are Coates, Ng and Lee's."""

THRESHOLD = 0.5
"""That a filter's answer must pass."""

PORTION = 64
"""Images whose patches lie in memory at a time."""


def encode_patches(
    images: Images,
    is_learned: NDArray[np.bool_],
    *,
    seed: int,
    is_unwanted: Callable[[], bool] = lambda: False,
) -> Floats:
    """(M, F) what patches of images answer, learned without any label.

    Args:
        images: (M, C, H, W).
        is_learned: (M,) whether a row's patches may be looked at.
        seed: of the draw of patches.
        is_unwanted: asked before each portion of images.

    Raises:
        AbandonedError: ``is_unwanted`` said so.
    """
    rng = np.random.default_rng(seed)
    find = learn_features(images, ridge.draw_rows(is_learned, rng), rng)
    found: Floats = np.empty((0, 0), dtype=np.float32)
    for rows in ridge.take_portions(np.arange(len(images)), PORTION, is_unwanted):
        part = find(images[rows])
        if not len(found):
            found = make_rows((len(images), part.shape[1]), np.float32)
        found[rows] = part
    return found


def learn_features(
    images: Images, used: NDArray[np.int64], rng: np.random.Generator
) -> Callable[[NDArray[np.uint8]], Floats]:
    """Learn patches of some images; what it gives turns (n, C, H, W) into (n, F) features.

    Args:
        images: (M, C, H, W).
        used: positions of those whose patches may be looked at.
        rng: of the draw.
    """
    return _Encoder.learned(images, used, rng).features


@dataclass(frozen=True)
class _Encoder:
    """From images to the answers of whitened patches."""

    filters: Floats
    """(P, `N_FILTERS`) for patches of P values, the whitening in them."""
    offset: Floats
    """(`N_FILTERS`,) answers to the mean patch."""
    side: int
    """Pixels a side of a patch."""

    @staticmethod
    def learned(images: Images, used: NDArray[np.int64], rng: np.random.Generator) -> _Encoder:
        """Draw patches of some images, and whiten them."""
        height, width = _shrink(images[used[:1]]).shape[2:]
        side = min(MAX_PATCH, max(1, min(height, width) // 3))
        # A few of each portion: all of them need not be in memory at a time.
        chosen = used[rng.permutation(len(used))[:N_DRAWN]]
        each = -(-N_DRAWN // len(chosen))
        drawn = []
        for start in range(0, len(chosen), PORTION):
            patches = _cut_patches(_shrink(images[chosen[start : start + PORTION]]), side)
            at = rng.integers(patches.shape[1], size=(len(patches), each))
            drawn.append(np.take_along_axis(patches, at[:, :, None], axis=1))
            release_mapped()
        flat = np.concatenate(drawn).reshape(-1, drawn[0].shape[-1])
        mean, deviation = _normalise_contrast(flat)
        flat = (flat - mean[:, None]) / deviation[:, None]
        centre = flat.mean(axis=0)
        flat -= centre
        variance, axes = np.linalg.eigh((flat.T @ flat).astype(np.float64) / len(flat))
        whitening = (axes / np.sqrt(np.maximum(variance, 0) + WHITENING)) @ axes.T
        exemplars = flat[rng.permutation(len(flat))[:N_FILTERS]] @ whitening
        exemplars /= np.linalg.norm(exemplars, axis=1, keepdims=True) + 1e-12
        filters = (whitening @ exemplars.T).astype(np.float32)
        return _Encoder(filters, centre @ filters, side)

    def features(self, images: NDArray[np.uint8]) -> Floats:
        """(n, C, H, W) to (n, 2 * 4 * filters): rectified answers, summed by quarters."""
        small = _shrink(images)
        patches = _cut_patches(small, self.side)
        mean, deviation = _normalise_contrast(patches)
        answers = patches @ self.filters
        answers -= mean[..., None] * self.filters.sum(axis=0)
        answers /= deviation[..., None]
        answers -= self.offset
        rows, columns = _cut_grid(small.shape[2:], self.side)
        answers = answers.reshape(len(images), rows, columns, -1)
        found = []
        for top in (slice(0, -(-rows // 2)), slice(rows // 2, rows)):
            for left in (slice(0, -(-columns // 2)), slice(columns // 2, columns)):
                quarter = answers[:, top, left]
                found += [
                    np.maximum(sign * quarter - THRESHOLD, 0).mean(axis=(1, 2)) for sign in (1, -1)
                ]
        return np.concatenate(found, axis=1)


def _shrink(images: NDArray[np.uint8]) -> Floats:
    """(n, C, H, W) bytes to [0, 1], long sides averaged down."""
    height, width = images.shape[2:]
    factor = -(-max(height, width) // MAX_SIDE)
    scaled: Floats = images.astype(np.float32) / np.float32(255)
    if factor == 1 or min(height, width) < factor:
        return scaled
    height, width = height // factor, width // factor
    cut = scaled[:, :, : height * factor, : width * factor]
    blocks = cut.reshape(*images.shape[:2], height, factor, width, factor)
    result: Floats = blocks.mean(axis=(3, 5))
    return result


def _cut_patches(images: Floats, side: int) -> Floats:
    """(n, C, H, W) to (n, positions, C * side * side)."""
    step = _step(images.shape[2:])
    windows = sliding_window_view(images, (side, side), axis=(2, 3))[:, :, ::step, ::step]
    n, channels, rows, columns = windows.shape[:4]
    moved = windows.transpose(0, 2, 3, 1, 4, 5)
    return moved.reshape(n, rows * columns, channels * side * side)


def _step(size: tuple[int, ...]) -> int:
    return 1 if max(size) <= DENSE_SIDE else 2


def _cut_grid(size: tuple[int, ...], side: int) -> tuple[int, int]:
    """Rows and columns of patches."""
    rows, columns = ((length - side) // _step(size) + 1 for length in size)
    return rows, columns


def _normalise_contrast(patches: Floats) -> tuple[Floats, Floats]:
    """Mean and deviation of the values of each patch, (..., P) to (...) each."""
    mean = patches.mean(axis=-1)
    square = np.einsum("...p,...p->...", patches, patches) / patches.shape[-1]
    variance = np.maximum(square - mean**2, 0)
    return mean, np.sqrt(variance + MIN_DEVIATION**2)
