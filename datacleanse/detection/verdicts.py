"""One word for each row: likely wrong, ambiguous, unlike the rest, or fine.

By the posterior probabilities of the classes, the same that the ranking rests on. A class is clear
where it is `CLEAR` times as likely as any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.assessment import find_likely_classes
from datacleanse.detection.posterior import split_judged
from datacleanse.detection.ranking import PROVEN_RIGHT, PROVEN_WRONG

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.detection.evidence import Assessment, Evidence

VERDICTS = ("fine", "likely wrong", "ambiguous", "unlike the rest")
"""A verdict is a place here."""

FINE, LIKELY_WRONG, AMBIGUOUS, UNLIKE = range(len(VERDICTS))

CLEAR = 2.0


def judge_rows(
    evidence: Evidence, assessment: Assessment, is_unlike: NDArray[np.bool_]
) -> NDArray[np.int8]:
    """(N,) places in `VERDICTS`.

    What CLEAN proves comes first, then that a row is unlike all others: of such a row the models
    have seen nothing, so that no class is clear.

    Args:
        evidence: what `assess` was given.
        assessment: what it found.
        is_unlike: (N,) rows unlike all others.
    """
    verdict = np.empty(evidence.n_data, np.int8)
    for rows in split_judged(evidence.n_data, len(assessment.confusion)):
        classes, probability = find_likely_classes(evidence, assessment, rows, places=2)
        verdict[rows] = judge_likely(classes, probability, evidence.labels[rows])
    verdict[is_unlike] = UNLIKE
    verdict[assessment.verdict == PROVEN_WRONG] = LIKELY_WRONG
    verdict[assessment.verdict == PROVEN_RIGHT] = FINE
    return verdict


def judge_likely(
    classes: NDArray[np.int64], probability: NDArray[np.float64], given: NDArray[np.int64]
) -> NDArray[np.int8]:
    """(n,) verdicts by the two likeliest classes.

    Args:
        classes: (n, 2), the likelier first.
        probability: (n, 2) theirs.
        given: (n,) labels.
    """
    is_clear = probability[:, 0] >= CLEAR * probability[:, 1]
    clear = np.where(classes[:, 0] == given, FINE, LIKELY_WRONG)
    found: NDArray[np.int8] = np.where(is_clear, clear, AMBIGUOUS).astype(np.int8)
    return found
