"""How many of the rows with a score are wrong: the local false-discovery rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.storage.mapped_files import make_rows, split_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from datacleanse.detection.flags import Scored


MAX_POINTS = 100_000
"""Scores a fold that the ratio is fitted on, about: more would not move it."""


def estimate_local_probability(
    scores: NDArray[np.float64], folds: Sequence[Scored], pi0: float
) -> NDArray[np.float64]:
    """1 - pi0 f0(s) / f(s), the complement of Efron's local false-discovery rate (2008, eq. 2.3).

    Isotonic regression of "is from DATA" on the score, both samples weighing the same, estimates
    f / (f + f0). One more calibration row is imagined beyond all scores, the + 1 of the conformal
    p-value: otherwise any row beyond the last calibration row would be wrong for certain.

    Args:
        scores: (N,) to be judged.
        folds: scores of DATA's rows and of rows known to be right, one of each at least.
        pi0: share of right labels in DATA.

    Returns:
        (N,) in [0, 1], not decreasing in the score.
    """
    tested = np.concatenate([_thin(fold.tested) for fold in folds])
    calibration = np.concatenate([fold.calibration for fold in folds])
    beyond = max(tested.max(), calibration.max())
    null = np.append(calibration, beyond)
    x, position = np.unique(np.concatenate([tested, null]), return_inverse=True)
    # Both samples weigh the same in all; rows with equal scores are one point of the fit.
    data_weight = np.bincount(position[: len(tested)], minlength=len(x)) / len(tested)
    null_weight = np.bincount(position[len(tested) :], minlength=len(x)) / len(null)
    weight = data_weight + null_weight
    fit = fit_isotonic(data_weight / weight, weight)
    result: NDArray[np.float64] = make_rows((len(scores),), np.float64)
    for part, judged in zip(split_rows(result), split_rows(scores), strict=True):
        # Bounded, so that the ratio stays finite where no calibration row is left.
        share = np.maximum(np.interp(judged, x, fit), np.finfo(np.float64).eps)
        np.clip(1.0 - pi0 * (1.0 - share) / share, 0.0, 1.0, out=part)
    return result


def fit_isotonic(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The non-decreasing sequence nearest to ``values``, by weighted squares; both (n,).

    Pool adjacent violators: Barlow, Bartholomew, Bremner, Brunk 1972, "Statistical Inference under
    Order Restrictions". Scipy has it in a package that takes a quarter of a second and 25 MiB to
    load.
    """
    heights: list[float] = []
    masses: list[float] = []
    counts: list[int] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        height, mass, count = value, weight, 1
        while heights and heights[-1] >= height:
            before = masses.pop()
            height = (height * mass + heights.pop() * before) / (mass + before)
            mass, count = mass + before, count + counts.pop()
        heights.append(height)
        masses.append(mass)
        counts.append(count)
    return np.repeat(np.array(heights), counts)


def _thin(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Every k-th of the ordered scores, where there are very many."""
    step = max(1, len(scores) // MAX_POINTS)
    return scores if step == 1 else np.sort(scores)[::step]
