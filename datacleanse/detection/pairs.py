"""Pairs: rows of DATA whose true label is known, beside the given one.

In the fold in which a pair calibrates it was trained on by its given label like any row of DATA,
and everything else learned its given label too. So what was thought of it is exchangeable with what
was thought of rows that nobody verified, and it is known which of them are wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.flags import MIN_CALIBRATION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from datacleanse.detection.evidence import Evidence

LEAST_SHARE = 1 / 3
"""Of the calibration rows that must be pairs for these alone to calibrate. A few rows of a CLEAN
from elsewhere may have the cells of rows of DATA by chance: where rows are alike, no sample."""


@dataclass(frozen=True)
class JudgedPairs:
    """The pairs that calibrate in some fold."""

    rows: NDArray[np.int64]
    """(n,) of DATA."""
    fold: NDArray[np.int64]
    """(n,) number of the fold in which the row calibrates."""
    is_wrong: NDArray[np.bool_]
    """(n,) whether the given label is another one than the verified label."""
    suffice: bool
    """Whether they calibrate; False: clean rows that are no pairs do."""

    def choose(self, by_fold: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Of (n, ...) values by each fold those of the fold in which a row calibrates, (n, ...)."""
        return np.stack(by_fold)[self.fold, np.arange(len(self.rows))]


def find_right_rows(evidence: Evidence, pairs: JudgedPairs) -> list[NDArray[np.int64]]:
    """By fold, the calibration rows whose given label is right; pairs alone where these suffice."""
    parts = [fold.calibration for fold in evidence.folds]
    if pairs.suffice:
        parts = [rows[rows < evidence.n_data] for rows in parts]
    return [rows[evidence.labels[rows] == evidence.truth[rows]] for rows in parts]


def find_judged_pairs(evidence: Evidence) -> JudgedPairs:
    """The pairs among the calibration rows."""
    parts = [fold.calibration for fold in evidence.folds]
    rows = np.concatenate(parts)
    fold = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    is_pair = rows < evidence.n_data
    n_others = int(np.count_nonzero(~is_pair))
    rows, fold = rows[is_pair], fold[is_pair]
    return JudgedPairs(
        rows,
        fold,
        evidence.labels[rows] != evidence.truth[rows],
        len(rows) >= max(MIN_CALIBRATION, LEAST_SHARE * (len(rows) + n_others)),
    )
