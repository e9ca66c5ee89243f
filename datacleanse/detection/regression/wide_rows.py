"""Rows of many columns: patches and pixels of pictures, and features of a pretrained network.

Regressions read all of the columns. Trees, and the spread of right numbers, read their first
principal components.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.second_opinion import ridge
from datacleanse.models.image_statistics import average_blocks
from datacleanse.sampling import draw_spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.pictures.joined import Joined

    Floats = NDArray[np.float32]

N_COMPONENTS = 32
"""Principal components that stand for the columns."""

PORTION = 2_048
"""Rows that are turned to components at a time."""


def average_pixels(images: NDArray[np.uint8] | Joined) -> Floats:
    """(M, F) the pixels of pictures, averaged down: patches do not tell how bright or large.

    Args:
        images: (M, C, H, W).
    """
    rows = np.arange(len(images))
    parts = [
        average_blocks(images[rows[start : start + PORTION]]).reshape(-1)
        for start in range(0, len(rows), PORTION)
    ]
    return np.concatenate(parts).reshape(len(rows), -1)


def find_components(rows: Floats, is_learned: NDArray[np.bool_]) -> Floats:
    """(M, K) the first principal components of (M, F) rows, K <= `N_COMPONENTS`.

    Args:
        rows: finite.
        is_learned: (M,) rows whose spread is learned from.
    """
    learned = np.flatnonzero(is_learned)
    # The first rows alone would be of small numbers, where rows are sorted by them.
    seen = rows[learned[draw_spread(len(learned), ridge.MAX_FITTED)]].astype(np.float64)
    centre = seen.mean(axis=0)
    seen -= centre
    _, axes = np.linalg.eigh(seen.T @ seen)
    kept = axes[:, ::-1][:, :N_COMPONENTS].astype(np.float32)
    found = np.empty((len(rows), kept.shape[1]), dtype=np.float32)
    for start in range(0, len(rows), PORTION):
        part = slice(start, start + PORTION)
        found[part] = (rows[part] - centre.astype(np.float32)) @ kept
    return found
