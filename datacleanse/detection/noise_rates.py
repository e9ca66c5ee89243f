"""What the assessment says of the data as a whole: noise rates, confusions, how far to read.

Each figure is a mean of probabilities. Where pairs calibrate these, a 95 % confidence interval
stands beside it: what the calibration may be, and chance. Elsewhere it is the range of two
estimates, the posterior and the local false-discovery rate, widened by the sampling error. The two
rest on different assumptions: where they differ, the truth may be either, or neither, where both
are wrong. So that range is no interval with a stated coverage: on tables held back from development
it held the true share in 64 % of the cases, of feature-dependent errors in 25 %.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.ranking import PROVEN_RIGHT, PROVEN_WRONG, UNVERIFIED
from datacleanse.shares import NORMAL_95

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.detection.evidence import Assessment

BUDGETS = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
"""Rows of the ranking that a user may read."""

INTERVAL = (0.025, 0.975)
"""Quantiles of the simulated shares at which a range ends where pairs calibrate."""

MAX_PAIRS = 100
"""Pairs of classes that are told, the most frequent."""


@dataclass(frozen=True)
class Share:
    """An estimated share of wrong labels among some rows."""

    rows: int
    """How many."""
    share: float
    """Mean mislabel probability, in [0, 1]."""
    low: float
    """Lower end of the range of two estimates, in [0, ``share``]; see the module's docstring."""
    high: float
    """Upper end, in [``share``, 1]."""


@dataclass(frozen=True)
class Confusion:
    """Rows expected to be of one class and labelled another."""

    given: int
    """Class index."""
    true: int
    rows: float
    """Expected number."""
    share: float
    """Of the rows with the given label."""


def estimate_noise_rate(assessment: Assessment) -> Share:
    """The estimated share of wrong labels in DATA."""
    rows = np.arange(len(assessment.probability))
    return _admit_none(_share(assessment, rows), assessment, rows)


def estimate_noise_by_class(
    assessment: Assessment, labels: NDArray[np.int64], n_classes: int
) -> list[Share]:
    """The estimated share of wrong labels among the rows of each given label, by class.

    Args:
        assessment: of DATA's N rows.
        labels: (N,) given labels.
        n_classes: C.
    """
    return [
        _admit_none(_share(assessment, rows), assessment, rows)
        for rows in (np.flatnonzero(labels == label) for label in range(n_classes))
    ]


def expect_budget(assessment: Assessment) -> list[Share]:
    """The estimated share of wrong labels among the first rows of the ranking, for `BUDGETS`.

    Verified rows, which stand last, are not counted on: nobody need read them.
    """
    order = np.argsort(assessment.rank)
    n_unverified = int(np.count_nonzero(assessment.verdict == UNVERIFIED))
    return [_share(assessment, order[:count]) for count in BUDGETS if count <= n_unverified]


def count_confusions(assessment: Assessment, labels: NDArray[np.int64]) -> list[Confusion]:
    """The most frequent pairs of given and true class.

    The posterior says which class a wrong row is of, the mislabel probabilities how many are wrong:
    those of a given label sum to what `estimate_noise_by_class` expects of it.

    Args:
        assessment: of DATA's N rows.
        labels: (N,) given labels.
    """
    expected = assessment.confusion.copy()
    np.fill_diagonal(expected, 0.0)
    n_classes = len(expected)
    wrong = np.bincount(labels, assessment.probability, n_classes)
    expected *= (wrong / np.maximum(expected.sum(axis=1), np.finfo(np.float64).tiny))[:, None]
    totals = np.maximum(np.bincount(labels, minlength=n_classes), 1)
    order = np.argsort(-expected, axis=None, kind="stable")[:MAX_PAIRS]
    pairs = zip(*np.unravel_index(order, expected.shape), strict=True)
    return [
        Confusion(int(g), int(c), float(expected[g, c]), float(expected[g, c] / totals[g]))
        for g, c in pairs
        if expected[g, c] >= 0.5
    ]


def _admit_none(share: Share, assessment: Assessment, rows: NDArray[np.int64]) -> Share:
    """The share with a range from what is proven on where no pair among these was wrong.

    Simulated shares are above 0 whatever the pairs say, since any probability is; but where none
    was wrong, nothing proves that any other row is.
    """
    is_proven = assessment.shares is None or np.isin(assessment.wrong_pairs, rows).any()
    return share if is_proven else replace(share, low=_find_proven(assessment, rows)[0])


def _share(assessment: Assessment, rows: NDArray[np.int64]) -> Share:
    """The estimated share of wrong labels among some rows, and its range."""
    n = len(rows)
    if not n:
        return Share(0, 0.0, 0.0, 1.0)
    probability = assessment.probability[rows]
    share = float(probability.mean())
    if assessment.shares is not None:
        low, high = np.quantile(assessment.shares(rows), INTERVAL)
    else:
        # The smaller part of what may be wrong: both estimates may be biased alike.
        error = NORMAL_95 * float(np.sqrt((probability * (1 - probability)).sum())) / n
        low, high = (bound[rows].mean() for bound in assessment.bounds)
        low, high = low - error, high + error
    least, most = _find_proven(assessment, rows)
    low, high = max(least, float(low)), min(most, float(high))
    return Share(n, share, min(share, low), max(share, high))


def _find_proven(assessment: Assessment, rows: NDArray[np.int64]) -> tuple[float, float]:
    """The least and the largest share of wrong labels among n >= 1 rows that CLEAN leaves open."""
    verdict = assessment.verdict[rows]
    return float((verdict == PROVEN_WRONG).mean()), float((verdict != PROVEN_RIGHT).mean())
