"""What a calibration asks of the verdicts that it calibrates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from datacleanse.detection.calibration import Clues
    from datacleanse.detection.pairs import JudgedPairs


class JudgedFolds(Protocol):
    """What each fold makes of each row."""

    @property
    def scores(self) -> Sequence[NDArray[np.float64]]:
        """(M,) by fold: P(given label is wrong)."""

    @property
    def confusion(self) -> NDArray[np.float64]:
        """(C, C), C kinds of given labels that may be wrong more or less often."""

    def mean_score(self) -> NDArray[np.float64]:
        """(N,) P(given label is wrong): mean over the folds, in [0, 1]."""

    def gather_clues(self) -> Clues:
        """What is thought of DATA's N rows."""

    def gather_pair_clues(self, pairs: JudgedPairs) -> Clues:
        """What was thought of each pair in the fold in which it calibrates."""
