"""The verdict on DATA's rows where labels are numbers; see `detection/assessment.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.assessment import (
    bound_false_alarms,
    order_flags,
    read_verdicts,
    set_known,
)
from datacleanse.detection.calibration import Clues, clip_log_odds
from datacleanse.detection.evidence import Assessment
from datacleanse.detection.on_pairs import calibrate_on_pairs
from datacleanse.detection.on_right_rows import calibrate_on_right_rows
from datacleanse.detection.p_values import compare_with_right_rows
from datacleanse.detection.pairs import find_judged_pairs
from datacleanse.detection.ranking import UNVERIFIED, rank_rows
from datacleanse.detection.regression.mixture import Known, fit_mixture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from datacleanse.detection.evidence import Evidence, Fold
    from datacleanse.detection.pairs import JudgedPairs
    from datacleanse.detection.regression.mixture import Mixture
    from datacleanse.detection.regression.slips import Slip

    Floats = NDArray[np.float64]

NO_SLIP = -1

FARTHEST = 1e12
"""Robust deviations beyond which a number counts as if it were just so far: no right one is, and
its square may be more than a float can hold."""


@dataclass(frozen=True)
class Targets:
    """What the codes of an `Evidence` stand for, and the scale that networks see."""

    values: Floats
    """(V,) distinct numbers, ascending; codes are positions in it."""
    centre: float
    """Median of DATA's labels."""
    scale: float
    """Robust standard deviation of DATA's labels, > 0."""

    @property
    def bounded(self) -> Floats:
        """(V,) the numbers, none farther off than `FARTHEST`."""
        most = FARTHEST * self.scale
        return np.clip(self.values, self.centre - most, self.centre + most)


@dataclass(frozen=True)
class NumberAssessment:
    """The verdict, and the numbers that belong to it; N rows of DATA."""

    rows: Assessment
    """Probabilities, flags, ranks; its ``suggested`` and ``confusion`` say nothing."""
    prediction: Floats
    """(N,) pooled over the opinions, mean over the folds, in the label's unit."""
    low: Floats
    """(N,) lower end of the interval of right numbers."""
    high: Floats
    """(N,) upper end."""
    suggested: Floats
    """(N,) the verified or likeliest right number where the given one is likelier wrong, else
    NaN."""
    slips: tuple[Slip, ...]
    """Those that any half of the pairs shows."""
    slip: NDArray[np.int64]
    """(N,) the slip that made the number, likelier than not, else `NO_SLIP`."""


@dataclass(frozen=True)
class Seen:
    """What models see of the M rows, and make of them."""

    rows: NDArray[np.float32]
    """(M, F) encoded columns."""
    predictions: Floats
    """(M, K) standardised numbers, made without the row's own label."""
    is_learned: NDArray[np.bool_]
    """(M,) rows that stand for DATA as given."""


class _Posteriors:
    """What each fold makes of each row, as the calibration asks for it."""

    def __init__(self, mixtures: Sequence[Mixture], n_data: int) -> None:
        self.scores = [mixture.wrong for mixture in mixtures]
        """(M,) by fold."""
        self.confusion = np.zeros((1, 1))
        """One class of rows: errors are not told apart by the given number."""
        self._n = n_data

    def mean_score(self) -> Floats:
        mean: Floats = np.mean([scores[: self._n] for scores in self.scores], axis=0)
        return mean

    def gather_clues(self) -> Clues:
        return _make_clues(self.mean_score())

    def gather_pair_clues(self, pairs: JudgedPairs) -> Clues:
        return _make_clues(pairs.choose([scores[pairs.rows] for scores in self.scores]))


def _make_clues(wrong: Floats) -> Clues:
    n = len(wrong)
    return Clues(clip_log_odds(wrong), np.empty((n, 0)), np.zeros(n, dtype=np.int64))


def assess_numbers(
    evidence: Evidence, targets: Targets, seen: Seen, *, fdr: float, seed: int
) -> NumberAssessment:
    """The verdict on DATA's rows.

    Args:
        evidence: what is known after the trainings; its labels are codes of ``targets``.
        targets: the numbers.
        seen: what models see and predict.
        fdr: largest expected share of false alarms among the flags, in (0, 1).
        seed: of all draws.
    """
    n = evidence.n_data
    mixtures = [_fit_fold(evidence, targets, seen, fold, seed=seed) for fold in evidence.folds]
    posteriors = _Posteriors(mixtures, n)
    pairs = find_judged_pairs(evidence)
    verdict = read_verdicts(evidence)
    is_tested = evidence.is_trained[:n] & (verdict == UNVERIFIED)
    tests = compare_with_right_rows(
        posteriors.scores, evidence, pairs, is_tested, confusion=posteriors.confusion
    )
    calibrate = calibrate_on_pairs if pairs.suffice else calibrate_on_right_rows
    found = calibrate(posteriors, evidence, pairs, tests, fdr=fdr)
    rank = rank_rows(
        found.suspicion, verdict, evidence.control.loss[:n], tie=posteriors.mean_score()
    )
    common = Assessment(
        suspicion=found.suspicion,
        verdict=verdict,
        rank=rank,
        probability=set_known(found.probability, verdict),
        bounds=(set_known(found.low, verdict), set_known(found.high, verdict)),
        fdr=fdr,
        flagged=order_flags(found, rank, is_tested),
        false_at_most=bound_false_alarms(found, rank, verdict),
        suggested=np.full(n, -1),
        confusion=posteriors.confusion,
        noise=(),
        p_value=tests.p_value,
        smallest_p_value=tests.smallest,
        null_share=tests.null_share,
        **{name: getattr(found, name) for name in _TAKEN_OVER},
    )
    return _suggest(common, evidence, targets, mixtures)


_TAKEN_OVER = (
    "shares",
    "wrong_pairs",
    "clues",
    "basis",
    "calibration_score",
    "rows_needed",
    "listed_at_double",
)
"""What an `Assessment` has of `Calibrated` as it is."""


def _fit_fold(
    evidence: Evidence, targets: Targets, seen: Seen, fold: Fold, *, seed: int
) -> Mixture:
    """The mixture by what one fold's steering rows show."""
    is_known = np.zeros(len(evidence.labels), dtype=np.bool_)
    is_known[fold.steering] = True
    opinions = seen.predictions
    if fold.opinion is not None:
        opinions = np.column_stack([opinions, fold.opinion[:, 0]])
    known = Known(
        targets.bounded[evidence.labels],
        targets.bounded[np.maximum(evidence.truth, 0)],
        is_known,
        seen.is_learned,
        targets.centre,
        targets.scale,
    )
    return fit_mixture(known, opinions, seen.rows, seed=seed)


def _suggest(
    common: Assessment, evidence: Evidence, targets: Targets, mixtures: Sequence[Mixture]
) -> NumberAssessment:
    """Add what each number should have been."""
    n = evidence.n_data
    prediction, low, high = (
        np.mean([getattr(mixture, name)[:n] for mixture in mixtures], axis=0)
        for name in ("prediction", "low", "high")
    )
    slips, by_slip = _join_slips(mixtures, n)
    slip = np.full(n, NO_SLIP)
    given = targets.values[evidence.current]
    suggested = prediction.copy()
    if slips:
        best = by_slip.argmax(axis=1)
        is_slip = by_slip[np.arange(n), best] > 0.5
        slip[is_slip] = best[is_slip]
        for place, each in enumerate(slips):
            suggested[slip == place] = each.undo(given[slip == place])
    verified = evidence.verified
    is_known = verified >= 0
    suggested[~is_known & (common.suspicion <= 0.5)] = np.nan
    suggested[is_known] = np.where(
        verified[is_known] == evidence.current[is_known],
        np.nan,
        targets.values[verified[is_known]],
    )
    slip[is_known] = NO_SLIP
    return NumberAssessment(common, prediction, low, high, suggested, slips, slip)


def _join_slips(mixtures: Sequence[Mixture], n: int) -> tuple[tuple[Slip, ...], Floats]:
    """All folds' slips, each once, and (N, S) mean P(a slip made the number)."""
    slips: list[Slip] = []
    columns: list[Floats] = []
    for mixture in mixtures:
        for place, slip in enumerate(mixture.slips):
            same = next((k for k, each in enumerate(slips) if each.is_like(slip)), None)
            share = mixture.by_slip[:n, place] / len(mixtures)
            if same is None:
                slips.append(slip)
                columns.append(share)
            else:
                columns[same] = columns[same] + share
    return tuple(slips), np.column_stack(columns) if columns else np.empty((n, 0))
