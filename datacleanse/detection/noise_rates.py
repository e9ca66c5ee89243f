"""What the assessment says of the data as a whole: noise rates, confusions, how far to read.

Each figure is a mean of probabilities with an interval that spans both estimates of them, the
posterior and the local false-discovery rate, and their sampling error. The two rest on different
assumptions: where they differ, not more is known than that the truth may be either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.detection.evidence import Assessment

BUDGETS = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
"""Rows of the ranking that a user may read."""

Z = 1.96
"""Half width of a 95 % interval in standard errors."""

MAX_PAIRS = 100
"""Pairs of classes that are told, the most frequent."""


@dataclass(frozen=True)
class Share:
    """An estimated share of wrong labels among some rows."""

    rows: int
    share: float
    low: float
    """Lower end of a 95 % interval, >= 0."""
    high: float
    """Upper end, <= 1."""


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


def noise_rate(assessment: Assessment) -> Share:
    """Of all rows."""
    return _share(assessment, np.arange(len(assessment.probability)))


def noise_by_class(
    assessment: Assessment, labels: NDArray[np.int64], n_classes: int
) -> list[Share]:
    """Of the rows with each given label, (N,)."""
    return [_share(assessment, np.flatnonzero(labels == label)) for label in range(n_classes)]


def budget(assessment: Assessment) -> list[Share]:
    """Of the first rows of the ranking."""
    order = np.argsort(assessment.rank)
    return [_share(assessment, order[:count]) for count in BUDGETS if count <= len(order)]


def confusions(assessment: Assessment) -> list[Confusion]:
    """The most frequent pairs of given and true class, by the posterior."""
    expected = assessment.confusion.copy()
    totals = expected.sum(axis=1)
    np.fill_diagonal(expected, 0.0)
    order = np.argsort(-expected, axis=None, kind="stable")[:MAX_PAIRS]
    pairs = zip(*np.unravel_index(order, expected.shape), strict=True)
    return [
        Confusion(int(g), int(c), float(expected[g, c]), float(expected[g, c] / totals[g]))
        for g, c in pairs
        if expected[g, c] >= 0.5
    ]


def _share(assessment: Assessment, rows: NDArray[np.int64]) -> Share:
    n = len(rows)
    if not n:
        return Share(0, 0.0, 0.0, 1.0)
    probability = assessment.probability[rows]
    low, high = (bound[rows] for bound in assessment.bounds)
    error = Z * float(np.sqrt((probability * (1 - probability)).sum())) / n
    return Share(
        rows=n,
        share=float(probability.mean()),
        low=max(0.0, float(low.mean()) - error),
        high=min(1.0, float(high.mean()) + error),
    )
