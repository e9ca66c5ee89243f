"""From training dynamics to suspicion, probability and flags.

The mean learned weight alone ranks badly: rows that the network already fits have no gradient,
hence no weight, and look like mislabels. Margins do not have this weakness. The score is the mean
of a row's rank by its margin under the reweighted network, which one-sided noise does not fool,
and by its margin under plain training (AUM, arXiv 2001.10528), which sees all rows, after its
class shares were corrected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression

from datacleanse import flag

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.dynamics import Dynamics

TIE_STEP = 1e-12
"""Separates equal scores; far below the distance of two ranks at any size that fits in memory."""

LEAST_PROBABILITY = 1e-6
"""Floor under the control's mean probabilities before their logarithm."""

METHODS = {
    "suspicion": (
        "Mean of two ranks: by the mean margin over epochs under the reweighted network, and by "
        "the margin under plain, uniform training with DATA's class shares replaced by CLEAN's; "
        "1 = least margin. Rows verified by CLEAN stand above 1 (wrong) or below 0 (right)."
    ),
    "mislabel_probability": (
        "Local false-discovery rate: 1 - pi0 f0/f, with f0 the scores of calibration rows (known "
        "to be right), f those of DATA, their ratio fitted by isotonic regression, pi0 by "
        "Storey's estimate. Rough with few calibration rows; null with fewer than "
        f"{flag.MIN_CALIBRATION} calibration rows."
    ),
    "p_value": "Conformal p-value against the calibration rows (arXiv 2104.08279).",
    "flagged": (
        "Benjamini-Hochberg over the p-values at --fdr / pi0, and rows that CLEAN proves wrong."
    ),
    "suggested_label": (
        "Likeliest class by the mean over epochs of both networks' probabilities, when it is not "
        "the given one; CLEAN's label for verified rows."
    ),
}
"""What each column of the audit table rests on, for the reports."""


@dataclass(frozen=True)
class Evidence:
    """What is known of DATA's N rows and of CLEAN's rows after both trainings; M = N + CLEAN."""

    reweighted: Dynamics
    control: Dynamics
    labels: NDArray[np.int64]
    """(M,) given label."""
    n_data: int
    trained: NDArray[np.bool_]
    """(M,) whether updates were made from the row."""
    verified: NDArray[np.int64]
    """(N,) label that CLEAN gives this very row, -1 where it gives none."""


@dataclass(frozen=True)
class Assessment:
    """The verdict on DATA's N rows."""

    suspicion: NDArray[np.float64]
    """(N,) distinct; higher is more likely mislabelled."""
    probability: NDArray[np.float64]
    """(N,) in [0, 1]; NaN throughout where there is no basis."""
    p_value: NDArray[np.float64]
    """(N,) in (0, 1]; NaN where none is possible."""
    flagged: NDArray[np.bool_]
    suggested: NDArray[np.int64]
    """(N,) class, -1 where the given label is the likeliest."""
    calibration_score: NDArray[np.float64]
    """(CLEAN,) score of each calibration row, NaN for rows that steer."""
    null_share: float | None
    """Estimated share of right labels among DATA's trained rows."""
    rows_needed: int | None
    """Calibration rows that would let something be flagged, where nothing could be."""


def assess(evidence: Evidence, *, fdr: float) -> Assessment:
    """Score, calibrate and flag."""
    n = evidence.n_data
    scores = _margin_ranks(evidence)
    tested = evidence.trained[:n] & (evidence.verified < 0)
    calibration = scores[n:][evidence.trained[n:]]
    p_value, probability = np.full(n, np.nan), np.full(n, np.nan)
    flagged = np.zeros(n, dtype=np.bool_)
    pi0, needed = None, None
    if len(calibration) >= flag.MIN_CALIBRATION and tested.any():
        p_value[tested] = flag.conformal_p_values(scores[:n][tested], calibration)
        pi0 = flag.null_share(p_value[tested])
        flagged[tested] = flag.benjamini_hochberg(p_value[tested], fdr / pi0)
        probability[:] = wrong_probability(scores[:n], scores[:n][tested], calibration, pi0)
        if not flagged.any():
            needed = flag.calibration_rows_needed(scores[:n][tested], calibration, fdr / pi0)
    wrong, right = _verdicts(evidence)
    probability[wrong], probability[right] = 1.0, 0.0
    return Assessment(
        suspicion=_without_ties(scores[:n] + wrong - right, evidence),
        probability=probability,
        p_value=p_value,
        flagged=flagged | wrong,
        suggested=_suggestions(evidence, wrong=wrong, right=right),
        calibration_score=np.where(evidence.trained[n:], scores[n:], np.nan),
        null_share=pi0,
        rows_needed=needed,
    )


def wrong_probability(
    scores: NDArray[np.float64],
    tested: NDArray[np.float64],
    calibration: NDArray[np.float64],
    pi0: float,
) -> NDArray[np.float64]:
    """1 - pi0 f0(s) / f(s), the complement of Efron's local false-discovery rate (2008, eq. 2.3).

    Isotonic regression of "is from DATA" on the score, both samples weighing the same, estimates
    f / (f + f0). One more calibration row is imagined beyond all scores, the + 1 of the conformal
    p-value: otherwise any row beyond the last calibration row would be wrong for certain.

    Args:
        scores: (N,) to be judged.
        tested: (K,) of DATA's rows, K >= 1.
        calibration: (n,) of rows known to be right, n >= 1.
        pi0: share of right labels in DATA.

    Returns:
        (N,) in [0, 1], not decreasing in the score.
    """
    beyond = max(tested.max(), calibration.max())
    null = np.append(calibration, beyond)
    x, position = np.unique(np.concatenate([tested, null]), return_inverse=True)
    # Both samples weigh the same in all; rows with equal scores are one point of the fit.
    data_weight = np.bincount(position[: len(tested)], minlength=len(x)) / len(tested)
    null_weight = np.bincount(position[len(tested) :], minlength=len(x)) / len(null)
    weight = data_weight + null_weight
    fit = isotonic_regression(data_weight / weight, weights=weight)
    # Bounded, so that the ratio stays finite where no calibration row is left.
    share = np.maximum(np.interp(scores, x, fit.x), np.finfo(np.float64).eps)
    result: NDArray[np.float64] = np.clip(1.0 - pi0 * (1.0 - share) / share, 0.0, 1.0)
    return result


def _margin_ranks(evidence: Evidence) -> NDArray[np.float64]:
    """(M,) in (0, 1): mean of both margins' ranks, 1 = least margin."""
    margins = (evidence.reweighted.margin.astype(np.float64), adjusted_margin(evidence))
    ranks = [pd.Series(-margin).rank().to_numpy() for margin in margins]
    result: NDArray[np.float64] = np.mean(ranks, axis=0) / (len(evidence.labels) + 1)
    return result


def adjusted_margin(evidence: Evidence) -> NDArray[np.float64]:
    """(M,) margin under plain training, with DATA's class shares replaced by CLEAN's.

    One-sided errors make the class that they lead to too frequent, and plain training learns
    that. Adding log(share in CLEAN / share in DATA) to the log-probabilities takes it back
    (Menon et al. 2021, "Long-tail learning via logit adjustment", arXiv 2007.07314, eq. 9). A clean
    set with as many rows of each class was balanced on purpose and says nothing about shares.
    """
    probability, labels = evidence.control.probability, evidence.labels
    n_classes = probability.shape[1]
    counts = np.bincount(labels[evidence.n_data :], minlength=n_classes)
    adjusted = np.log(np.maximum(probability, LEAST_PROBABILITY, dtype=np.float64))
    if counts.max() - counts.min() > 1:
        given = np.bincount(labels[: evidence.n_data], minlength=n_classes)
        # One more row of each class: a class that CLEAN lacks is rare, not impossible.
        shares = [(c + 1) / (c + 1).sum() for c in (counts, given)]
        adjusted += np.log(shares[0] / shares[1])
    at = np.arange(len(labels)), labels
    own = adjusted[at]
    adjusted[at] = -np.inf
    result: NDArray[np.float64] = own - adjusted.max(axis=1)
    return result


def _verdicts(evidence: Evidence) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(N,) each: rows that CLEAN proves wrong, and right."""
    is_verified = evidence.verified >= 0
    agrees = evidence.verified == evidence.labels[: evidence.n_data]
    return is_verified & ~agrees, is_verified & agrees


def _without_ties(scores: NDArray[np.float64], evidence: Evidence) -> NDArray[np.float64]:
    """Break ties by the losses, then in favour of the earlier row."""
    n = evidence.n_data
    losses = (evidence.reweighted.loss + evidence.control.loss)[:n]
    order = np.lexsort((np.arange(n), -losses, -scores))
    distinct = np.empty(n)
    distinct[order] = scores[order] - TIE_STEP * np.arange(n)
    return distinct


def _suggestions(
    evidence: Evidence, *, wrong: NDArray[np.bool_], right: NDArray[np.bool_]
) -> NDArray[np.int64]:
    n = evidence.n_data
    pooled = evidence.reweighted.probability[:n] + evidence.control.probability[:n]
    likeliest: NDArray[np.int64] = pooled.argmax(axis=1).astype(np.int64)
    likeliest[wrong] = evidence.verified[wrong]
    likeliest[right | (likeliest == evidence.labels[:n])] = -1
    return likeliest
