"""What the scoring of rows starts from, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.clean_copies import name_copies
from datacleanse.detection.equal_rows import fit_strength, inform_equal_rows
from datacleanse.detection.left_out import find_left_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from datacleanse.detection import flags
    from datacleanse.detection.calibration import Clues
    from datacleanse.detection.equal_rows import EqualRows
    from datacleanse.detection.looked_at import LookedAt
    from datacleanse.detection.posterior import Noise
    from datacleanse.training.recorder import Dynamics


@dataclass(frozen=True)
class Fold:
    """A way to use the clean set: some rows steered the network, others calibrate its verdict."""

    opinion: NDArray[np.float32] | None
    """(M, C) mean class probabilities by the fold's reweighted network; None where the rule
    reweights nothing, so that the control is the only network and has one vote."""
    steering: NDArray[np.int64]
    """(m,) positions among the M examples of the rows that steered and are drawn from DATA like the
    calibration rows, so that the noise matrix can be learned from them; m >= 1 where CLEAN is
    given. Of a pair it is the place in DATA: what was thought of the row before its own label was
    seen stands there."""
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
    """(M,) given label; of ``corrected`` rows the one that they had before."""
    n_data: int
    is_trained: NDArray[np.bool_]
    """(M,) whether updates were made from the row in the first fold."""
    truth: NDArray[np.int64]
    """(M,) verified label, -1 where there is none: of DATA's rows that of the pairs, of CLEAN's
    rows their label."""
    clean_at: NDArray[np.int64]
    """(CLEAN,) where each row of CLEAN stands among the M: pairs in DATA, all others behind it."""
    n_reviewed: int = 0
    """Rows of CLEAN, its last, that are no sample of DATA; see `reviewed.py`."""
    corrected: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """Pairs whose label was wrong, and whose verified label stands in DATA by now."""
    strangers: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """Rows of DATA that are known to be of a class that no row of DATA has: wrong, and without a
    code for their ``truth``. Half of them calibrate in each fold, and none steers."""
    looked_at: LookedAt | None = None
    """Suspects of earlier rounds whose verdicts calibrate beside the pairs."""
    has_texts: bool = False
    """Whether the second opinion read texts."""
    copies: NDArray[np.int64] | None = None
    """(M,) see `clean_copies.name_copies`; None where no rows are equal."""

    @property
    def has_clean(self) -> bool:
        """Whether CLEAN was given; where it was not, nothing checks what is found."""
        return any(len(fold.steering) for fold in self.folds)

    @property
    def verified(self) -> NDArray[np.int64]:
        """(N,) label that CLEAN gives this very row, -1 where it gives none."""
        return self.truth[: self.n_data]

    def count_sampled(self) -> NDArray[np.int64]:
        """(C,) rows of CLEAN that were sampled, by true class; reviewed ones are no sample."""
        sampled = self.clean_at[: len(self.clean_at) - self.n_reviewed]
        n_classes = self.control.probability.shape[1]
        return np.bincount(self.truth[sampled], minlength=n_classes)

    @cached_property
    def left_out(self) -> NDArray[np.bool_]:
        """(C,) see `find_left_out`."""
        counts = self.count_sampled()
        pairs = self.clean_at[self.clean_at < self.n_data]
        had = np.bincount(self.labels[pairs], minlength=len(counts))
        return find_left_out(self.current, counts, had)

    @property
    def current(self) -> NDArray[np.int64]:
        """(N,) labels as they stand in DATA."""
        labels = self.labels[: self.n_data].copy()
        labels[self.corrected] = self.verified[self.corrected]
        return labels


@dataclass(frozen=True)
class Calibrated:
    """What verified rows make of the suspicions of DATA's N rows; see `Assessment`."""

    suspicion: NDArray[np.float64]
    """(N,) in [0, 1]."""
    probability: NDArray[np.float64]
    """(N,) in [0, 1], whatever CLEAN proves."""
    low: NDArray[np.float64]
    """(N,) the smaller estimate of it, in [0, 1]."""
    high: NDArray[np.float64]
    """(N,) the larger one."""
    shares: Callable[[NDArray[np.int64]], NDArray[np.float64]] | None
    """See `Assessment.shares`."""
    wrong_pairs: NDArray[np.int64]
    """See `Assessment.wrong_pairs`."""
    bound: Callable[[NDArray[np.int64]], NDArray[np.int64]] | None
    """See `Assessment.false_at_most`: given rows of DATA in the order of the ranking, (K,)."""
    flagged: NDArray[np.bool_]
    """(N,) rows that nobody verified and that are on the list."""
    basis: flags.Basis
    """What the list rests on."""
    calibration_score: NDArray[np.float64]
    """(CLEAN,) see `Assessment.calibration_score`."""
    rows_needed: int | None
    """See `Assessment.rows_needed`."""
    listed_at_double: int | None = None
    """See `Assessment.listed_at_double`."""
    clues: Clues | None = None
    """See `Assessment.clues`."""


@dataclass(frozen=True)
class Assessment:
    """The verdict on DATA's N rows."""

    suspicion: NDArray[np.float64]
    """(N,) in [0, 1]: P(given label is wrong) by the posterior, mean over the folds, calibrated on
    pairs where these suffice; whatever CLEAN proves."""
    verdict: NDArray[np.int8]
    """(N,) what CLEAN proves of the row: 1 wrong, -1 right, 0 nothing; see `ranking`."""
    rank: NDArray[np.int64]
    """(N,) distinct, 1 = most suspicious; unverified rows first, by suspicion, losses and row."""
    probability: NDArray[np.float64]
    """(N,) in [0, 1]: P(given label is wrong), calibrated; 1 and 0 where CLEAN proves it."""
    bounds: tuple[NDArray[np.float64], NDArray[np.float64]]
    """(N,) each: the smaller and the larger of the two estimates that ``probability`` lies between;
    0 and 1 where there is only one, as nothing calibrates it. Both are ``probability`` where pairs
    calibrate it."""
    shares: Callable[[NDArray[np.int64]], NDArray[np.float64]] | None
    """Simulates the share of wrong labels among some rows of DATA, as `Calibration.simulate_shares`
    does, verified rows counted as known; None where no pairs calibrate."""
    wrong_pairs: NDArray[np.int64]
    """Rows of DATA that calibrated as pairs and whose label was wrong then; none where no pairs
    calibrate."""
    p_value: NDArray[np.float64]
    """(N,) in (0, 1]; NaN where none is possible."""
    false_at_most: NDArray[np.int64] | None
    """(N,) how many of the unverified rows down to this one in the ranking have a right label, at
    most, with a confidence of 90 %; -1 for verified rows and beyond the first `MAX_BOUNDED`. None
    where no pairs calibrate."""
    fdr: float
    """The expected share of false alarms among the flags that was allowed, in (0, 1)."""
    flagged: NDArray[np.bool_]
    basis: flags.Basis
    suggested: NDArray[np.int64]
    """(N,) class, -1 where the given label is the likeliest."""
    confusion: NDArray[np.float64]
    """(C, C) expected rows of DATA by given label (first) and true class; pairs count as known."""
    noise: tuple[Noise, ...]
    """By fold."""
    calibration_score: NDArray[np.float64]
    """(CLEAN,) suspicion of each row in the fold in which it calibrates, NaN where it never does;
    where pairs calibrate, of them alone, each as if its own label had taught nothing."""
    smallest_p_value: float | None
    """The smallest p-value that the calibration rows allow; None where there are no p-values."""
    null_share: float | None
    """Estimated share of right labels among DATA's trained rows, in (0, 1]; None as above."""
    rows_needed: int | None
    """Calibration rows, of all classes together, that would let something be flagged with a
    guarantee, where nothing was; None where something was or no number would help."""
    listed_at_double: int | None = None
    """Rows that would be flagged at twice the share of false alarms, where pairs calibrate and
    nothing is flagged at the one that was asked for."""
    clues: Clues | None = None
    """Of DATA's N rows, where pairs calibrate."""


def add_equal_rows(evidence: Evidence, equal: EqualRows | None) -> Evidence:
    """The evidence in which every opinion on a row knows what equal rows are labelled."""
    if equal is None:
        return evidence
    evidence = replace(evidence, copies=name_copies(equal, len(evidence.labels)))
    plain, second = evidence.control.probability, evidence.second
    strength = fit_strength(plain if second is None else second, equal)
    if np.isinf(strength):
        return evidence
    return replace(
        evidence,
        control=replace(evidence.control, probability=inform_equal_rows(plain, equal, strength)),
        folds=tuple(
            fold
            if fold.opinion is None
            else replace(fold, opinion=inform_equal_rows(fold.opinion, equal, strength))
            for fold in evidence.folds
        ),
        second=None if second is None else inform_equal_rows(second, equal, strength),
    )
