"""Suspects that reviewers looked at calibrate the next round.

Which rows a reviewer looks at follows from features and given labels alone, by way of the ranking.
So among rows of which an audit thought the same, those that were looked at are wrong as often as
the others: their verdicts may join the pairs where P(wrong) is learned from what was thought, with
what the audit thought of them in which they were rows like any other. In the audit after it their
right labels are known to it, and what it thinks of them tells nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.calibration import Clues

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class LookedAt:
    """K rows that reviewers of earlier rounds looked at one by one."""

    clues: Clues
    """Of the round in which they were suspects."""
    is_wrong: NDArray[np.bool_]
    """(K,) whether the label that they had then was found wrong."""


def join_looked_at(
    of_pairs: Clues, is_wrong: NDArray[np.bool_], looked_at: LookedAt | None
) -> tuple[Clues, NDArray[np.bool_]]:
    """Clues and outcomes of n pairs and of the K rows behind them.

    Rows of a round that heard other opinions are left out.
    """
    if looked_at is None or looked_at.clues.views.shape[1] != of_pairs.views.shape[1]:
        return of_pairs, is_wrong
    more = looked_at.clues
    joined = Clues(
        np.concatenate([of_pairs.log_odds, more.log_odds]),
        np.concatenate([of_pairs.views, more.views]),
        np.concatenate([of_pairs.labels, more.labels]),
    )
    return joined, np.concatenate([is_wrong, looked_at.is_wrong])
