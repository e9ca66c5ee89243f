"""From what was learned to suspicion, probability and flags.

Each fold has a network that one half of the clean set steered. Its opinion, plain training's and
that of a model of another kind make the posterior probability that a row's label is wrong
(`posterior.py`); the other half of the clean set, treated like any row, shows how that score looks
where the label is right (`flag.py`). A row's suspicion is the mean over the folds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from datacleanse import flag
from datacleanse.equal_rows import informed, likeliest_strength
from datacleanse.flag import Scored
from datacleanse.local_rate import local_probability
from datacleanse.posterior import Noise, Opinions, learn_noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.dynamics import Dynamics
    from datacleanse.equal_rows import EqualRows

TIE_STEP = 1e-12
"""Separates equal scores."""

BLOCK = 65_536
"""Rows judged at a time."""

LOCAL_PART = 1 / 3
"""Weight of the local rate in a probability; the posterior has the rest. Values tried are in
`docs/method.md`."""

MOST_CHANGED = 20.0
"""By which a class may gain or lose weight in the final model, at most."""

UNBALANCED = 0.1
"""Difference of the largest and the least share of a class in DATA from which a clean set with as
many rows of each is no sample of DATA."""

METHODS = {
    "suspicion": (
        "P(given label is wrong) by Bayes' rule: pooled class probabilities of the reweighted "
        "network, of plain training and of a second opinion (tables: out-of-bag trees and kernel "
        "ridge regression; images: ridge regression on whitened patches; the row's own label left "
        "out), each told the labels of equal rows, with a noise matrix learned from the clean set "
        "and the spread of errors learned from DATA; mean over the folds of the clean set. Rows "
        "verified by CLEAN stand above 1 (wrong) or below 0 (right)."
    ),
    "mislabel_probability": (
        "Weighted mean of the suspicion and of the local false-discovery rate 1 - pi0 f0/f, with "
        "f0 the scores of the calibration rows (known to be right), f those of DATA, their ratio "
        f"fitted by isotonic regression, pi0 by Storey's estimate; weights {1 - LOCAL_PART:.2f} "
        f"and {LOCAL_PART:.2f}. With fewer than {flag.MIN_CALIBRATION} calibration rows the "
        "suspicion alone."
    ),
    "p_value": (
        "Conformal p-value against the calibration rows, cross-fitted over the folds "
        "(arXiv 2104.08279, 1208.0806)."
    ),
    "flagged": (
        "Benjamini-Hochberg over the p-values at --fdr / pi0, and rows that CLEAN proves wrong. "
        "Beside it stands the longest list whose estimated share of false alarms is at most --fdr, "
        "by mislabel_probability, and of 1 / --fdr rows at least. Where the first holds nothing, "
        f"or less than {flag.SHORT:.0%} as much, the second is given: an estimate, which carries "
        "no guarantee."
    ),
    "suggested_label": (
        "Likeliest true class by the same posterior, when it is not the given one; CLEAN's label "
        "for verified rows."
    ),
}
"""What each column of the audit table rests on, for the reports."""


@dataclass(frozen=True)
class Fold:
    """A way to use the clean set: some rows steered the network, others calibrate its verdict."""

    opinion: NDArray[np.float32]
    """(M, C) mean class probabilities by the network that was steered."""
    meta: NDArray[np.int64]
    """(m,) positions among the M examples, m >= 1; those drawn from DATA like the calibration
    rows, so that the noise matrix can be learned from them."""
    calibration: NDArray[np.int64]
    """(n,) positions; treated in all like DATA's rows."""


@dataclass(frozen=True)
class Evidence:
    """What is known of DATA's N rows and of CLEAN's rows after the trainings; M = N + CLEAN."""

    reweighted: Dynamics
    """Of the run's own network, that of the first fold."""
    control: Dynamics
    folds: tuple[Fold, ...]
    """One at least."""
    is_steered: bool
    """Whether true labels steered the reweighted networks, or only the labels as given."""
    second: NDArray[np.float32] | None
    """(M, C) the second opinion, where there is one; see `second_opinion`."""
    labels: NDArray[np.int64]
    """(M,) given label."""
    n_data: int
    trained: NDArray[np.bool_]
    """(M,) whether updates were made from the row in the first fold."""
    verified: NDArray[np.int64]
    """(N,) label that CLEAN gives this very row, -1 where it gives none."""
    n_reviewed: int = 0
    """Rows of CLEAN, its last, that are no sample of DATA; see `reviewed.py`."""


@dataclass(frozen=True)
class Assessment:
    """The verdict on DATA's N rows."""

    suspicion: NDArray[np.float64]
    """(N,) distinct; higher is more likely mislabelled."""
    probability: NDArray[np.float64]
    """(N,) in [0, 1]."""
    bounds: tuple[NDArray[np.float64], NDArray[np.float64]]
    """(N,) each: the smaller and the larger of the two estimates that ``probability`` lies between;
    0 and 1 where there is only one, as nothing calibrates it."""
    p_value: NDArray[np.float64]
    """(N,) in (0, 1]; NaN where none is possible."""
    flagged: NDArray[np.bool_]
    basis: flag.Basis
    suggested: NDArray[np.int64]
    """(N,) class, -1 where the given label is the likeliest."""
    confusion: NDArray[np.float64]
    """(C, C) expected rows of DATA by given label (first) and true class."""
    noise: tuple[Noise, ...]
    """By fold."""
    calibration_score: NDArray[np.float64]
    """(CLEAN,) score of each row in the fold in which it calibrates, NaN where it never does."""
    null_share: float | None
    """Estimated share of right labels among DATA's trained rows."""
    rows_needed: int | None
    """Calibration rows that would let something be flagged with a guarantee, where nothing was."""


def with_equal_rows(evidence: Evidence, equal: EqualRows | None) -> Evidence:
    """The evidence in which every opinion on a row knows what equal rows are labelled."""
    if equal is None:
        return evidence
    plain, second = evidence.control.probability, evidence.second
    strength = likeliest_strength(plain if second is None else second, equal)
    if np.isinf(strength):
        return evidence
    # By identity: opinions that are one stay one.
    opinions = {id(each): each for each in (plain, *(fold.opinion for fold in evidence.folds))}
    told = {key: informed(each, equal, strength) for key, each in opinions.items()}
    return replace(
        evidence,
        control=replace(evidence.control, probability=told[id(plain)]),
        folds=tuple(replace(fold, opinion=told[id(fold.opinion)]) for fold in evidence.folds),
        second=None if second is None else informed(second, equal, strength),
    )


def assess(evidence: Evidence, *, fdr: float) -> Assessment:
    """Score, calibrate and flag."""
    n = evidence.n_data
    judged = _Judged(evidence)
    is_tested = evidence.trained[:n] & (evidence.verified < 0)
    folds = [
        Scored(
            # A million rows are not copied without need.
            scores[:n] if is_tested.all() else scores[:n][is_tested],
            scores[fold.calibration],
        )
        for scores, fold in zip(judged.scores, evidence.folds, strict=True)
    ]
    n_calibration = sum(len(fold.calibration) for fold in folds)
    posterior = judged.posterior()
    p_value = np.full(n, np.nan)
    passing = np.zeros(int(is_tested.sum()), dtype=np.bool_)
    local, pi0, needed = None, None, None
    if n_calibration >= flag.MIN_CALIBRATION and is_tested.any():
        found = _p_values(folds, evidence, is_tested)
        pi0 = flag.null_share(found)
        p_value[is_tested] = found
        passing = flag.benjamini_hochberg(found, fdr / pi0)
        local = local_probability(posterior, folds, pi0)
        if not passing.any():
            needed = flag.calibration_rows_needed(found, n_calibration, fdr / pi0)
    wrong, right = _verdicts(evidence)
    low, probability, high = _probability(posterior, local, wrong=wrong, right=right)
    flagged = np.zeros(n, dtype=np.bool_)
    flagged[is_tested], basis = flag.listed(passing, probability[is_tested], fdr)
    flagged |= wrong
    return Assessment(
        suspicion=_without_ties(posterior + wrong - right, evidence),
        probability=probability,
        bounds=(low, high),
        p_value=p_value,
        flagged=flagged,
        # What CLEAN proves is no estimate.
        basis="controlled" if basis == "none" and wrong.any() else basis,
        suggested=_suggestions(judged, evidence, wrong=wrong, right=right),
        confusion=judged.confusion,
        noise=tuple(judged.noise),
        calibration_score=_calibration_scores(judged, evidence),
        null_share=pi0,
        rows_needed=needed,
    )


def _probability(
    posterior: NDArray[np.float64],
    local: NDArray[np.float64] | None,
    *,
    wrong: NDArray[np.bool_],
    right: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The smaller estimate, the mean and the larger one, (N,) each; see `Assessment.bounds`."""
    if local is None:
        # Nothing to check the posterior against: the truth may be anything.
        estimates = np.zeros_like(posterior), posterior.copy(), np.ones_like(posterior)
    else:
        mean = posterior + LOCAL_PART * (local - posterior)
        estimates = np.minimum(posterior, local), mean, np.maximum(posterior, local)
    for each in estimates:
        each[wrong], each[right] = 1.0, 0.0
    return estimates


def worth_of(assessment: Assessment, labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """How much each row counts in the final model, (M,) in [0, 1], the largest 1.

    P(label is right)^2, times a factor of the label's class. Squared, the final model is nearer to
    one trained on true labels than with P itself: many doubtful rows outweigh the few that are
    surely right. That alone would take most from rare classes, whose right rows are doubtful too,
    so the rows of each class are given the weight that the class is expected to have among DATA's
    true ones. Both are measured in `docs/method.md`.

    Args:
        assessment: of DATA's rows.
        labels: (M,) given labels, of DATA's rows, then of CLEAN's, which are right.
    """
    worth = np.ones(len(labels))
    # In place: a million rows are not copied without need.
    of_data = worth[: len(assessment.suspicion)]
    of_data -= assessment.suspicion
    np.clip(of_data, 0.0, 1.0, out=of_data)
    of_data *= of_data
    expected = np.maximum(assessment.confusion.sum(axis=0), 0.5)
    present = np.bincount(labels, worth, len(expected))
    factor = (expected / expected.sum()) / np.maximum(present / present.sum(), np.finfo(float).eps)
    worth *= np.clip(factor, 1 / MOST_CHANGED, MOST_CHANGED)[labels]
    worth /= worth.max()
    return worth.astype(np.float32)


def likely_classes(
    evidence: Evidence, assessment: Assessment, rows: NDArray[np.int64], *, places: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The likeliest true classes of some rows, for those who decide on them.

    Args:
        evidence: what `assess` was given.
        assessment: what it found.
        rows: (K,) positions among the M examples.
        places: P, classes told at most.

    Returns:
        Two (K, min(P, C)): classes, likeliest first, and their probabilities q.
    """
    labels = evidence.labels[rows]
    opinions = [_opinions(evidence, fold) for fold in evidence.folds]
    parts = [
        each.posterior(rows, labels, noise)
        for each, noise in zip(opinions, assessment.noise, strict=True)
    ]
    mean = np.mean(parts, axis=0)
    order = np.argsort(-mean, axis=1, kind="stable")[:, :places]
    return order, np.take_along_axis(mean, order, axis=1)


class _Judged:
    """The posterior of each row, kept as far as it is needed: block by block."""

    def __init__(self, evidence: Evidence) -> None:
        labels, n = evidence.labels, evidence.n_data
        n_classes = evidence.control.probability.shape[1]
        opinions = [_opinions(evidence, fold) for fold in evidence.folds]
        independent = evidence.control.probability if evidence.second is None else evidence.second
        parts = [fold.meta for fold in evidence.folds]
        self.noise = learn_noise(independent, parts, labels, n)
        self.scores = [np.empty(len(labels)) for _ in opinions]
        """(M,) by fold: 1 - q(given label)."""
        self.likeliest = np.empty(n, dtype=np.int64)
        """(N,) class."""
        self.confusion = np.zeros((n_classes, n_classes))
        for start in range(0, len(labels), BLOCK):
            rows = np.arange(start, min(start + BLOCK, len(labels)))
            given = labels[rows]
            own = np.arange(len(rows)), given
            mean = np.zeros((len(rows), n_classes))
            for o, noise, scores in zip(opinions, self.noise, self.scores, strict=True):
                q = o.posterior(rows, given, noise)
                mean += q / len(opinions)
                # The sum of the others keeps what 1 - q(given) would round away.
                q[own] = 0.0
                scores[rows] = q.sum(axis=1)
            of_data = rows < n
            self.likeliest[rows[of_data]] = mean[of_data].argmax(axis=1)
            np.add.at(self.confusion, given[of_data], mean[of_data])
        self._n = n

    def posterior(self) -> NDArray[np.float64]:
        """(N,) P(given label is wrong): mean over the folds."""
        mean = self.scores[0][: self._n].copy()
        for scores in self.scores[1:]:
            mean += scores[: self._n]
        mean /= len(self.scores)
        return mean


def _opinions(evidence: Evidence, fold: Fold) -> Opinions:
    control, own = evidence.control.probability, fold.opinion
    of_given: list[NDArray[np.float32]] = [control]
    of_true: list[NDArray[np.float32]] = []
    if own is not control:
        (of_true if evidence.is_steered else of_given).append(own)
    return Opinions(of_given, of_true, second=evidence.second)


def _p_values(
    folds: list[Scored], evidence: Evidence, tested: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(K,) of the tested rows; class by class where CLEAN was balanced on purpose.

    Rows that calibrate must then be compared with rows of their own class alone, since the mix of
    classes is another one.
    """
    n = evidence.n_data
    counts = np.bincount(evidence.labels[n : len(evidence.labels) - evidence.n_reviewed])
    shares = np.bincount(evidence.labels[:n], minlength=len(counts)) / n
    is_balanced = counts.min() > 0 and np.ptp(counts) <= 1
    if not is_balanced or np.ptp(shares) < UNBALANCED:
        return flag.conformal_p_values(folds)
    given = evidence.labels[:n][tested]
    p_values = np.ones(len(given))
    for label in np.unique(given):
        mine = given == label
        own = [
            Scored(s.tested[mine], s.calibration[evidence.labels[fold.calibration] == label])
            for s, fold in zip(folds, evidence.folds, strict=True)
        ]
        p_values[mine] = flag.conformal_p_values(own)
    return p_values


def _verdicts(evidence: Evidence) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(N,) each: rows that CLEAN proves wrong, and right."""
    is_verified = evidence.verified >= 0
    agrees = evidence.verified == evidence.labels[: evidence.n_data]
    return is_verified & ~agrees, is_verified & agrees


def _without_ties(scores: NDArray[np.float64], evidence: Evidence) -> NDArray[np.float64]:
    """Break ties by the losses, then in favour of the earlier row."""
    n = evidence.n_data
    losses = (evidence.reweighted.loss + evidence.control.loss)[:n]
    # Stable: the earlier of equal rows comes first.
    order = np.lexsort((-losses, -scores))
    distinct = np.empty(n)
    distinct[order] = scores[order] - TIE_STEP * np.arange(n)
    return distinct


def _suggestions(
    judged: _Judged, evidence: Evidence, *, wrong: NDArray[np.bool_], right: NDArray[np.bool_]
) -> NDArray[np.int64]:
    likeliest = judged.likeliest
    likeliest[wrong] = evidence.verified[wrong]
    likeliest[right | (likeliest == evidence.labels[: evidence.n_data])] = -1
    return likeliest


def _calibration_scores(judged: _Judged, evidence: Evidence) -> NDArray[np.float64]:
    found = np.full(len(evidence.labels), np.nan)
    for scores, fold in zip(judged.scores, evidence.folds, strict=True):
        found[fold.calibration] = scores[fold.calibration]
    return found[evidence.n_data :]
