"""The two parts of the clean set: meta rows steer, calibration rows show how right ones look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.flag import MIN_CALIBRATION

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class CleanSplit:
    """Rows of CLEAN, sorted, disjoint, together all."""

    meta: NDArray[np.int64]
    """At least 1."""
    calibration: NDArray[np.int64]
    """Empty where the clean set is too small to spare `MIN_CALIBRATION` rows."""


def split_clean(labels: NDArray[np.int64], *, seed: int) -> CleanSplit:
    """Halve the clean set, each class by itself; the odd row of a class goes to either by turns.

    Args:
        labels: (n,) class of each row of CLEAN, n >= 1.
        seed: of the draw.
    """
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    meta, calibration = by_class[0::2], by_class[1::2]
    if len(calibration) < MIN_CALIBRATION:
        meta, calibration = by_class, by_class[:0]
    return CleanSplit(np.sort(meta), np.sort(calibration))
