"""From what was learned to suspicion, probability and flags.

Each fold has a network that one half of the clean set steered. Its opinion, plain training's and
that of a model of another kind make the posterior probability that a row's label is wrong
(`posterior.py`); the other half of the clean set, treated like any row, shows how that score looks
where the label is right (`flags.py`). A row's suspicion is the mean over the folds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection import flags
from datacleanse.detection.evidence import Assessment, Evidence, Fold
from datacleanse.detection.flags import Scored
from datacleanse.detection.local_fdr import local_probability
from datacleanse.detection.posterior import Opinions, learn_noise
from datacleanse.detection.ranking import PROVEN_RIGHT, PROVEN_WRONG, UNVERIFIED, rank_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 65_536
"""Rows judged at a time."""

LOCAL_PART = 1 / 3
"""Weight of the local rate in a probability; the posterior has the rest. Values tried are in
`docs/method.md`."""

UNBALANCED = 0.1
"""Difference of the largest and the least share of a class in DATA from which a clean set with as
many rows of each is no sample of DATA."""


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
    local, pi0, needed, smallest = None, None, None, None
    if n_calibration >= flags.MIN_CALIBRATION and is_tested.any():
        found = _p_values(folds, evidence, is_tested)
        pi0, smallest = flags.null_share(found.values), found.smallest
        p_value[is_tested] = found.values
        passing = flags.benjamini_hochberg(found.values, fdr / pi0)
        local = local_probability(posterior, folds, pi0)
        if not passing.any():
            needed = flags.calibration_rows_needed(found, fdr / pi0)
    verdict = _verdicts(evidence)
    wrong, right = verdict == PROVEN_WRONG, verdict == PROVEN_RIGHT
    low, probability, high = _probability(posterior, local, wrong=wrong, right=right)
    flagged = np.zeros(n, dtype=np.bool_)
    flagged[is_tested], basis = flags.listed(passing, probability[is_tested], fdr)
    flagged |= wrong
    return Assessment(
        suspicion=posterior,
        verdict=verdict,
        rank=rank_rows(posterior, verdict, (evidence.reweighted.loss + evidence.control.loss)[:n]),
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
        smallest_p_value=smallest,
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
        # A sum of probabilities may be a rounding error above 1.
        return np.minimum(mean, 1.0, out=mean)


def _opinions(evidence: Evidence, fold: Fold) -> Opinions:
    """The opinions that have a vote in a fold."""
    of_given: list[NDArray[np.float32]] = [evidence.control.probability]
    of_true: list[NDArray[np.float32]] = []
    if fold.opinion is not None:
        (of_true if evidence.is_steered else of_given).append(fold.opinion)
    return Opinions(of_given, of_true, second=evidence.second)


def _p_values(
    folds: list[Scored], evidence: Evidence, is_tested: NDArray[np.bool_]
) -> flags.PValues:
    """Of the tested rows; class by class where CLEAN was balanced on purpose.

    Rows that calibrate must then be compared with rows of their own class alone, since the mix of
    classes is another one.
    """
    labels, n = evidence.labels, evidence.n_data
    n_classes = evidence.control.probability.shape[1]
    counts = np.bincount(labels[n : len(labels) - evidence.n_reviewed], minlength=n_classes)
    shares = np.bincount(labels[:n], minlength=n_classes) / n
    is_balanced = counts.min() > 0 and np.ptp(counts) <= 1
    if not is_balanced or np.ptp(shares) < UNBALANCED:
        return flags.conformal_p_values(folds)
    return flags.conformal_p_values_by_class(
        folds,
        labels[:n][is_tested],
        [labels[fold.calibration] for fold in evidence.folds],
        n_classes=n_classes,
    )


def _verdicts(evidence: Evidence) -> NDArray[np.int8]:
    """(N,) what CLEAN proves of each row; see `Assessment.verdict`."""
    agrees = evidence.verified == evidence.labels[: evidence.n_data]
    verdict = np.where(agrees, PROVEN_RIGHT, PROVEN_WRONG)
    return np.where(evidence.verified >= 0, verdict, UNVERIFIED).astype(np.int8)


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
