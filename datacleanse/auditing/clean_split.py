"""Parts of the clean set: steering rows, and calibration rows, which show how right ones look.

Some may be held back from both, to compare models on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.flags import MIN_CALIBRATION

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class CleanSplit:
    """The parts that rows of CLEAN play: disjoint, together all that are not held back."""

    drawn_steering: NDArray[np.int64]
    """(S,) positions in CLEAN of the rows drawn to steer, sorted; S >= 1 where CLEAN is given."""
    calibration: NDArray[np.int64]
    """(K,) positions of the rows that calibrate, sorted; empty where the clean set is too small to
    spare `MIN_CALIBRATION` rows."""
    reviewed: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """(R,) positions of the rows that reviewers decided about: they steer in every fold and
    calibrate in none; see `review/next_round.py`."""

    @property
    def steering(self) -> NDArray[np.int64]:
        """(S + R,) all rows that steer, drawn or reviewed, sorted."""
        return np.sort(np.concatenate([self.drawn_steering, self.reviewed]))


def split_clean(
    labels: NDArray[np.int64], *, seed: int, held_back: NDArray[np.int64] | None = None
) -> CleanSplit:
    """Halve the clean set, each class by itself; the odd row of a class goes to either by turns.

    Args:
        labels: (n,) class of each row of CLEAN; where n is 0, all parts are empty.
        seed: of the draw.
        held_back: rows to leave out, not all.
    """
    by_class = _shuffle_by_class(labels, seed)
    if held_back is not None and len(held_back):
        by_class = by_class[~np.isin(by_class, held_back)]
    steering, calibration = by_class[0::2], by_class[1::2]
    if len(calibration) < MIN_CALIBRATION:
        steering, calibration = by_class, by_class[:0]
    return CleanSplit(np.sort(steering), np.sort(calibration))


def hold_back_rows(labels: NDArray[np.int64], share: float, *, seed: int) -> NDArray[np.int64]:
    """Rows of CLEAN to compare models on, sorted: about the ``share`` of each class, never all.

    Args:
        labels: (n,) class of each row of CLEAN, n >= 1.
        share: in [0, 0.5].
        seed: of the draw.
    """
    by_class = _shuffle_by_class(labels, seed)
    count = int(share * len(labels))
    # Evenly spaced, so that each class gives its share.
    return np.sort(by_class[(np.arange(count) * len(labels) + len(labels) // 2) // max(count, 1)])


def _shuffle_by_class(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    ordered: NDArray[np.int64] = shuffled[np.argsort(labels[shuffled], kind="stable")]
    return ordered
