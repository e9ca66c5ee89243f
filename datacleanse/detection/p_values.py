"""P-values of DATA's rows beside rows whose labels are known to be right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.data.drift import measure_class_shares
from datacleanse.detection import flags
from datacleanse.detection.flags import PValues, Scored
from datacleanse.detection.pairs import find_right_rows
from datacleanse.storage.mapped_files import keep_rows, make_rows, release_mapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from datacleanse.detection.evidence import Evidence
    from datacleanse.detection.pairs import JudgedPairs

UNBALANCED = 0.1
"""Difference of the largest and the least share of a class in DATA from which a clean set with as
many rows of each is no sample of DATA."""

CHANCE = 0.05
"""By which CLEAN's classes are mixed as they are, at least, for it to be a sample of DATA. Values
tried: decision 24."""


@dataclass(frozen=True)
class Tests:
    """What the comparison with right rows says."""

    is_tested: NDArray[np.bool_]
    """(N,) rows of DATA that were compared: trained on, verified by nobody, and of no class that
    `left_out` finds."""
    p_value: NDArray[np.float64]
    """(N,) in (0, 1]; NaN where none is possible."""
    folds: Sequence[Scored]
    """Scores of the T tested and of the right rows, by fold; none where these are too few."""
    found: PValues | None
    """Of the T tested rows; None where the right rows are too few."""
    null_share: float | None
    """In (0, 1]: Storey's estimate of the share of right labels; None where there is none."""

    @property
    def smallest(self) -> float | None:
        """Least that a p-value can be, in (0, 1]; None where none is possible."""
        return None if self.found is None else self.found.smallest


def compare_with_right_rows(
    scores: Sequence[NDArray[np.float64]],
    evidence: Evidence,
    pairs: JudgedPairs,
    is_tested: NDArray[np.bool_],
    *,
    confusion: NDArray[np.float64],
) -> Tests:
    """Compare the tested rows, (N,) True, with right ones of every fold.

    Right pairs are exchangeable with DATA's right rows whatever the errors are; rows from elsewhere
    are so where errors fall alike on all rows of a class.

    Args:
        scores: (M,) by fold, higher where a label is doubted more.
        evidence: what is known after the trainings.
        pairs: those that calibrate.
        is_tested: rows to compare.
        confusion: (C, C) expected rows of DATA by given label (first) and true class, without
            pairs; (1, 1) where labels are numbers.
    """
    n = evidence.n_data
    right = find_right_rows(evidence, pairs)
    p_value = make_rows((n,), np.float64, np.nan)
    if sum(map(len, right)) < flags.MIN_CALIBRATION or not is_tested.any():
        return Tests(is_tested, p_value, (), None, None)
    folds = [
        # A million rows are not copied without need.
        Scored(each[:n] if is_tested.all() else keep_rows(each[:n][is_tested]), each[rows])
        for each, rows in zip(scores, right, strict=True)
    ]
    is_by_class = _is_balanced(evidence) or (not pairs.suffice and _is_unlike(evidence, confusion))
    if is_by_class:
        own = [evidence.labels[rows] for rows in right]
        tested = evidence.labels[:n][is_tested]
        found = flags.compute_p_values_by_class(folds, tested, own, n_classes=len(confusion))
    else:
        found = flags.compute_p_values(folds)
    p_value[is_tested] = found.values
    release_mapped()
    return Tests(is_tested, p_value, folds, found, flags.estimate_null_share(found.values))


def _is_balanced(evidence: Evidence) -> bool:
    """Whether CLEAN has as many rows of each class on purpose.

    Rows that calibrate must then be compared with rows of their own class alone, since the mix of
    classes is another one.
    """
    n_classes = evidence.control.probability.shape[1]
    counts = evidence.count_sampled()
    shares = np.bincount(evidence.labels[: evidence.n_data], minlength=n_classes) / evidence.n_data
    return bool(counts.min() > 0 and np.ptp(counts) <= 1 and np.ptp(shares) >= UNBALANCED)


def _is_unlike(evidence: Evidence, confusion: NDArray[np.float64]) -> bool:
    """Whether CLEAN's classes are mixed otherwise than DATA's true ones are, by estimate.

    With few rows of a class whose right labels look doubtful, too many of these would pass.
    """
    if len(confusion) == 1:
        return False
    # Rows of a class that is left out are not tested.
    is_tested = ~evidence.left_out
    expected = confusion.sum(axis=0)[is_tested]
    counts = evidence.count_sampled()[is_tested]
    return measure_class_shares(counts, expected / expected.sum()) < CHANCE
