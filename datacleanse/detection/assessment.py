"""From what was learned to suspicion, probability and flags.

Each fold has a network that one half of the clean set steered. Its opinion, plain training's and
that of a model of another kind make the posterior probability that a row's label is wrong
(`posterior.py`); the other half of the clean set, treated like any row, shows how that score looks
where the label is right (`flags.py`). A row's suspicion is the mean over the folds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection import flags
from datacleanse.detection.evidence import Assessment, Evidence, Fold
from datacleanse.detection.flags import Scored
from datacleanse.detection.local_fdr import estimate_local_probability
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
    """The verdict on DATA's rows.

    Args:
        evidence: what is known after the trainings.
        fdr: largest expected share of false alarms among the flags, in (0, 1).
    """
    posteriors = _Posteriors(evidence)
    suspicion, verdict = posteriors.mean_score(), _read_verdicts(evidence)
    wrong, right = verdict == PROVEN_WRONG, verdict == PROVEN_RIGHT
    is_tested = evidence.is_trained[: evidence.n_data] & (evidence.verified < 0)
    calibrated = _calibrate(posteriors, evidence, is_tested, suspicion, fdr=fdr)
    low, probability, high = _estimate_probability(
        suspicion, calibrated.local, wrong=wrong, right=right
    )
    flagged, basis = _choose_flags(calibrated.is_passing, probability, is_tested, wrong, fdr=fdr)
    if not evidence.has_clean:
        # Nothing stands behind a list of unverified rows, and known ones are no finds.
        flagged, basis = np.zeros_like(flagged), "none"
    loss = evidence.reweighted.loss + evidence.control.loss
    return Assessment(
        suspicion=suspicion,
        verdict=verdict,
        rank=rank_rows(suspicion, verdict, loss[: evidence.n_data]),
        probability=probability,
        bounds=(low, high),
        p_value=calibrated.p_value,
        flagged=flagged,
        basis=basis,
        suggested=_suggest_labels(posteriors, evidence, wrong=wrong, right=right),
        confusion=posteriors.confusion,
        noise=tuple(posteriors.noise),
        calibration_score=_gather_calibration_scores(posteriors, evidence),
        smallest_p_value=calibrated.smallest_p_value,
        null_share=calibrated.null_share,
        rows_needed=calibrated.rows_needed,
    )


@dataclass(frozen=True)
class _Calibrated:
    """What the calibration rows say of the suspicions; the defaults where they are too few."""

    p_value: NDArray[np.float64]
    """(N,) in (0, 1]; NaN where none is possible."""
    is_passing: NDArray[np.bool_]
    """(K,) of the tested rows: whether Benjamini and Hochberg's procedure lets them pass."""
    local: NDArray[np.float64] | None = None
    """(N,) in [0, 1], the complement of the local false-discovery rate."""
    smallest_p_value: float | None = None
    """In (0, 1]: least that a p-value can be; None where none is possible."""
    null_share: float | None = None
    """In (0, 1]: Storey's estimate of the share of right labels; None where there is none."""
    rows_needed: int | None = None
    """Calibration rows that it would take, at least, for anything to pass; None: enough there."""


def _calibrate(
    posteriors: _Posteriors,
    evidence: Evidence,
    is_tested: NDArray[np.bool_],
    suspicion: NDArray[np.float64],
    *,
    fdr: float,
) -> _Calibrated:
    """Compare the tested rows, (N,) True, with the calibration rows of every fold."""
    n = evidence.n_data
    p_value, is_passing = np.full(n, np.nan), np.zeros(int(is_tested.sum()), dtype=np.bool_)
    n_calibration = sum(len(fold.calibration) for fold in evidence.folds)
    if n_calibration < flags.MIN_CALIBRATION or not is_tested.any():
        return _Calibrated(p_value, is_passing)
    folds = [
        Scored(
            # A million rows are not copied without need.
            scores[:n] if is_tested.all() else scores[:n][is_tested],
            scores[fold.calibration],
        )
        for scores, fold in zip(posteriors.scores, evidence.folds, strict=True)
    ]
    found = _compute_p_values(folds, evidence, is_tested)
    null_share = flags.estimate_null_share(found.values)
    # Storey 2002: a share of right labels below 1 lets the level be that much higher.
    level = fdr / null_share
    p_value[is_tested] = found.values
    is_passing = flags.select_by_benjamini_hochberg(found.values, level)
    return _Calibrated(
        p_value,
        is_passing,
        estimate_local_probability(suspicion, folds, null_share),
        found.smallest,
        null_share,
        None if is_passing.any() else flags.count_rows_needed(found, level),
    )


def _choose_flags(
    is_passing: NDArray[np.bool_],
    probability: NDArray[np.float64],
    is_tested: NDArray[np.bool_],
    wrong: NDArray[np.bool_],
    *,
    fdr: float,
) -> tuple[NDArray[np.bool_], flags.Basis]:
    """(N,) rows to flag, those that CLEAN proves wrong among them, and what the list rests on."""
    flagged = np.zeros(len(is_tested), dtype=np.bool_)
    flagged[is_tested], basis = flags.choose_list(is_passing, probability[is_tested], fdr)
    # What CLEAN proves is no estimate.
    return flagged | wrong, "controlled" if basis == "none" and wrong.any() else basis


def _estimate_probability(
    suspicion: NDArray[np.float64],
    local: NDArray[np.float64] | None,
    *,
    wrong: NDArray[np.bool_],
    right: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The smaller estimate, the mean and the larger one, (N,) each; see `Assessment.bounds`."""
    if local is None:
        # Nothing to check the suspicion against: the truth may be anything.
        estimates = np.zeros_like(suspicion), suspicion.copy(), np.ones_like(suspicion)
    else:
        mean = suspicion + LOCAL_PART * (local - suspicion)
        estimates = np.minimum(suspicion, local), mean, np.maximum(suspicion, local)
    for each in estimates:
        each[wrong], each[right] = 1.0, 0.0
    return estimates


def find_likely_classes(
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
    opinions = [_gather_opinions(evidence, fold) for fold in evidence.folds]
    parts = [
        each.posterior(rows, labels, noise)
        for each, noise in zip(opinions, assessment.noise, strict=True)
    ]
    mean = np.mean(parts, axis=0)
    order = np.argsort(-mean, axis=1, kind="stable")[:, :places]
    return order, np.take_along_axis(mean, order, axis=1)


class _Posteriors:
    """Every row's posterior by every fold, kept as far as it is needed."""

    def __init__(self, evidence: Evidence) -> None:
        """Learn how labels go wrong, then judge all rows, block by block."""
        labels, n = evidence.labels, evidence.n_data
        n_classes = evidence.control.probability.shape[1]
        opinions = [_gather_opinions(evidence, fold) for fold in evidence.folds]
        independent = evidence.control.probability if evidence.second is None else evidence.second
        parts = [fold.steering for fold in evidence.folds]
        self.noise = learn_noise(independent, parts, labels, n)
        self.scores = [np.empty(len(labels)) for _ in opinions]
        """(M,) by fold: 1 - q(given label)."""
        self.likeliest = np.empty(n, dtype=np.int64)
        """(N,) likeliest true class."""
        self.confusion = np.zeros((n_classes, n_classes))
        """(C, C) expected rows of DATA by given label (first) and true class."""
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

    def mean_score(self) -> NDArray[np.float64]:
        """(N,) P(given label is wrong): mean over the folds, in [0, 1]."""
        mean = self.scores[0][: self._n].copy()
        for scores in self.scores[1:]:
            mean += scores[: self._n]
        mean /= len(self.scores)
        # A sum of probabilities may be a rounding error above 1.
        return np.minimum(mean, 1.0, out=mean)


def _gather_opinions(evidence: Evidence, fold: Fold) -> Opinions:
    """The opinions that have a vote in a fold."""
    of_given: list[NDArray[np.float32]] = [evidence.control.probability]
    of_true: list[NDArray[np.float32]] = []
    if fold.opinion is not None:
        (of_true if evidence.is_steered else of_given).append(fold.opinion)
    return Opinions(of_given, of_true, second=evidence.second)


def _compute_p_values(
    folds: list[Scored], evidence: Evidence, is_tested: NDArray[np.bool_]
) -> flags.PValues:
    """P-values of the tested rows; class by class where CLEAN was balanced on purpose.

    Rows that calibrate must then be compared with rows of their own class alone, since the mix of
    classes is another one.
    """
    labels, n = evidence.labels, evidence.n_data
    n_classes = evidence.control.probability.shape[1]
    counts = np.bincount(labels[n : len(labels) - evidence.n_reviewed], minlength=n_classes)
    shares = np.bincount(labels[:n], minlength=n_classes) / n
    is_balanced = counts.min() > 0 and np.ptp(counts) <= 1
    if not is_balanced or np.ptp(shares) < UNBALANCED:
        return flags.compute_p_values(folds)
    return flags.compute_p_values_by_class(
        folds,
        labels[:n][is_tested],
        [labels[fold.calibration] for fold in evidence.folds],
        n_classes=n_classes,
    )


def _read_verdicts(evidence: Evidence) -> NDArray[np.int8]:
    """(N,) what CLEAN proves of each row; see `Assessment.verdict`."""
    agrees = evidence.verified == evidence.labels[: evidence.n_data]
    verdict = np.where(agrees, PROVEN_RIGHT, PROVEN_WRONG)
    return np.where(evidence.verified >= 0, verdict, UNVERIFIED).astype(np.int8)


def _suggest_labels(
    posteriors: _Posteriors,
    evidence: Evidence,
    *,
    wrong: NDArray[np.bool_],
    right: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """(N,) likeliest class, CLEAN's where it proves a row wrong; -1 where it is the given one."""
    likeliest = posteriors.likeliest
    likeliest[wrong] = evidence.verified[wrong]
    likeliest[right | (likeliest == evidence.labels[: evidence.n_data])] = -1
    return likeliest


def _gather_calibration_scores(posteriors: _Posteriors, evidence: Evidence) -> NDArray[np.float64]:
    """(CLEAN,) see `Assessment.calibration_score`."""
    found = np.full(len(evidence.labels), np.nan)
    for scores, fold in zip(posteriors.scores, evidence.folds, strict=True):
        found[fold.calibration] = scores[fold.calibration]
    return found[evidence.n_data :]
