"""Probabilities and flags where pairs calibrate them.

The list of flags is the longest whose mean mislabel probability leaves ``fdr`` for false alarms,
and that holds no more than twice as many with a confidence of 90 % (`flags.shorten_list`).
Among right pairs p-values are exactly valid, but beside some 170 of them they are coarse: Benjamini
and Hochberg's list had more false alarms among all flags, and found fewer errors
(`docs/method.md`).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection import flags
from datacleanse.detection.calibration import DRAWS, fit_calibration
from datacleanse.detection.clean_copies import measure_design_effect
from datacleanse.detection.evidence import Calibrated
from datacleanse.detection.looked_at import join_looked_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.detection.calibration import Calibration, Clues
    from datacleanse.detection.evidence import Evidence
    from datacleanse.detection.judged_folds import JudgedFolds
    from datacleanse.detection.p_values import Tests
    from datacleanse.detection.pairs import JudgedPairs

STRANGE = np.iinfo(np.int64).max
"""Code of a class that no row of DATA has."""

MOST_DOUBLED = 0.5
"""Share of false alarms from which a list is worth little: no such list is told of."""


def calibrate_on_pairs(
    posteriors: JudgedFolds, evidence: Evidence, pairs: JudgedPairs, tests: Tests, *, fdr: float
) -> Calibrated:
    """What the pairs say of the suspicions.

    Args:
        posteriors: of all rows.
        evidence: what is known after the trainings.
        pairs: enough to calibrate.
        tests: of the rows that nobody verified.
        fdr: largest expected share of false alarms among the flags, in (0, 1).
    """
    clues, of_pairs = posteriors.gather_clues(), posteriors.gather_pair_clues(pairs)
    known, is_wrong = join_looked_at(of_pairs, pairs.is_wrong, evidence.looked_at)
    calibration = fit_calibration(
        known,
        is_wrong,
        len(posteriors.confusion),
        design_effect=measure_design_effect(evidence.copies, evidence.n_data, pairs.rows),
    )
    probability = calibration.estimate(clues)

    def bound(rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return calibration.bound_false_alarms(clues.take(rows))

    tested = np.flatnonzero(tests.is_tested)

    def find_list(level: float) -> NDArray[np.int64]:
        listed = flags.find_longest_list(probability[tested], level)
        kept = flags.shorten_list(listed, probability[tested], level, lambda at: bound(tested[at]))
        return tested[kept]

    flagged = np.zeros(evidence.n_data, dtype=np.bool_)
    flagged[find_list(fdr)] = True
    verified = evidence.verified.copy()
    verified[evidence.strangers] = STRANGE
    scores = np.full(len(evidence.labels), np.nan)
    scores[pairs.rows] = calibration.estimate_held_out(of_pairs, pairs.is_wrong)
    return Calibrated(
        suspicion=probability,
        probability=probability,
        low=probability,
        high=probability,
        wrong_pairs=pairs.rows[pairs.is_wrong],
        bound=bound,
        shares=partial(_simulate_shares, calibration, clues, verified, evidence.current),
        flagged=flagged,
        basis="calibrated" if flagged.any() else "none",
        calibration_score=scores[evidence.clean_at],
        rows_needed=None,
        listed_at_double=(
            len(find_list(2 * fdr)) if not flagged.any() and 2 * fdr < MOST_DOUBLED else None
        ),
        clues=clues,
    )


def _simulate_shares(
    calibration: Calibration,
    clues: Clues,
    verified: NDArray[np.int64],
    labels: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> NDArray[np.float64]:
    """(`DRAWS`,) see `Assessment.shares`."""
    is_known = verified[rows] >= 0
    known, unknown = rows[is_known], rows[~is_known]
    n_wrong = np.full(DRAWS, float(np.count_nonzero(verified[known] != labels[known])))
    if len(unknown):
        n_wrong += len(unknown) * calibration.simulate_shares(clues.take(unknown))
    result: NDArray[np.float64] = n_wrong / max(len(rows), 1)
    return result
