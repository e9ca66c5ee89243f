"""Notes on the quality of a picture, from simple measures with a source each.

The measures are taken of the grey picture, at most `SIDE` pixels wide and high, so that one
threshold suits pictures of all sizes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 512
"""Pixels of the longer side of a picture that is measured, at most."""

BLURRED = 100.0
"""Variance of the Laplacian below which a picture may be called blurred, if those of DATA are not
mostly so. The measure is LAPV of Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield
microscopy: a comparative study"; the threshold is in common use for photographs of this size."""

DARK = 64
"""Grey level that 95 % of a dark picture's pixels lie below."""
_NEARLY_ALL = 95

BLANK = 8
"""Grey levels between the 1st and the 99th percentile up to which a picture is called blank."""
_OUTER = (1, 99)

_OUT, _FAR = 1.5, 3.0
"""Interquartile ranges beyond the quartiles from which a value is outside, or far out (Tukey 1977,
"Exploratory Data Analysis")."""
_DOUBLE = 1.0
"""Powers of two by which a size or ratio must differ from the median, however alike the others."""


@dataclass(frozen=True)
class Usual:
    """What DATA's pictures are like; all but the last as powers of two.

    Attributes:
        size: least and largest that are not odd; of the root of width times height.
        ratio: least and largest that are not odd; of width by height.
        sharpness: least variance of the Laplacian that is not called blurred.
    """

    size: tuple[float, float]
    ratio: tuple[float, float]
    sharpness: float


def find_usual(sizes: NDArray[np.int32], sharpnesses: NDArray[np.float64]) -> Usual:
    """What is usual, by all (N, 2) widths and heights and the sharpness of some pictures, (K,)."""
    size, ratio = _measure_sizes(sizes)
    blurred = BLURRED
    if len(sharpnesses):
        logs = np.log2(np.maximum(sharpnesses, 1e-6))
        low, high = (float(q) for q in np.quantile(logs, (0.25, 0.75)))
        blurred = min(BLURRED, 2 ** (low - _OUT * (high - low)))
    return Usual(_find_fences(size), _find_fences(ratio), blurred)


def _measure_sizes(sizes: NDArray[np.int32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    logs = np.log2(np.maximum(sizes, 1).astype(np.float64))
    return logs.mean(axis=-1), logs[..., 0] - logs[..., 1]


def _find_fences(values: NDArray[np.float64]) -> tuple[float, float]:
    low, median, high = (float(q) for q in np.quantile(values, (0.25, 0.5, 0.75)))
    room = _FAR * (high - low)
    return min(low - room, median - _DOUBLE), max(high + room, median + _DOUBLE)


def note_quality(
    grey: NDArray[np.uint8], size: NDArray[np.int32], common: Usual
) -> tuple[str, ...]:
    """What is to be said of a picture; nothing of most.

    Args:
        grey: (H, W), each at most `SIDE`.
        size: (2,) width and height of the original.
        common: what DATA's pictures are like.
    """
    notes = []
    low, high = np.percentile(grey, _OUTER)
    is_dark = bool(np.percentile(grey, _NEARLY_ALL) < DARK)
    if high - low <= BLANK:
        notes.append("blank")
    elif (
        not is_dark and measure_sharpness(grey) < common.sharpness
    ):  # in the dark all edges are weak
        notes.append("blurred")
    if is_dark:
        notes.append("dark")
    extent, ratio = (float(value) for value in _measure_sizes(size))
    if extent < common.size[0]:
        notes.append("small")
    elif extent > common.size[1]:
        notes.append("large")
    if ratio < common.ratio[0]:
        notes.append("tall")
    elif ratio > common.ratio[1]:
        notes.append("wide")
    return tuple(notes)


def measure_sharpness(grey: NDArray[np.uint8]) -> float:
    """The variance of the Laplacian of an (H, W) picture; infinite where no pixel is inner."""
    if min(grey.shape) < 3:
        return float("inf")
    values = grey.astype(np.float32)
    inner = values[1:-1, 1:-1]
    across = values[1:-1, :-2] + values[1:-1, 2:]
    down = values[:-2, 1:-1] + values[2:, 1:-1]
    return float((across + down - 4 * inner).var())
