"""How much each row counts in the final model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.ranking import UNVERIFIED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.detection.evidence import Assessment

MOST_CHANGED = 20.0
"""By which a class may gain or lose weight in the final model, at most."""


def weigh_rows(
    assessment: Assessment, labels: NDArray[np.int64], is_learned: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """How much each row counts in the final model, (M,) in [0, 1], the largest 1.

    P(label is right)^2, times a factor of the label's class. Squared, the final model is nearer to
    one trained on true labels than with P itself: many doubtful rows outweigh the few that are
    surely right. That alone would take most from rare classes, whose right rows are doubtful too,
    so the rows of each class are given the weight that the class is expected to have among DATA's
    true ones. Both are measured in `docs/method.md`.

    Args:
        assessment: of DATA's rows.
        labels: (M,) given labels, of DATA's rows, then of CLEAN's, which are right.
        is_learned: (M,) whether the final model learns the row; all others count 0.
    """
    worth = weigh_by_probability(assessment, len(labels))
    # Rows that are held back would make up the weight of a class that has none of it.
    worth[~is_learned] = 0.0
    expected = np.maximum(assessment.confusion.sum(axis=0), 0.5)
    present = np.bincount(labels, worth, len(expected))
    factor = (expected / expected.sum()) / np.maximum(present / present.sum(), np.finfo(float).eps)
    worth *= np.clip(factor, 1 / MOST_CHANGED, MOST_CHANGED)[labels]
    worth /= worth.max()
    return worth.astype(np.float32)


def weigh_by_probability(assessment: Assessment, n_rows: int) -> NDArray[np.float64]:
    """How much each row would count by itself, (M,) in [0, 1]: P(label is right)^2.

    Args:
        assessment: of DATA's rows.
        n_rows: M, DATA's rows, then CLEAN's, which are right and count 1.
    """
    worth = np.ones(n_rows)
    # In place: a million rows are not copied without need.
    of_data = worth[: len(assessment.suspicion)]
    of_data -= assessment.suspicion
    of_data *= of_data
    # Their row of CLEAN stands for them, with its true label.
    of_data[assessment.verdict != UNVERIFIED] = 0.0
    return worth
