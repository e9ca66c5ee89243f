"""Probabilities and flags where the clean rows come from elsewhere.

Of such rows only the true label is known. They show how right labels score, not how wrong ones do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection import flags
from datacleanse.detection.evidence import Calibrated
from datacleanse.detection.local_fdr import estimate_local_probability
from datacleanse.detection.pairs import find_right_rows
from datacleanse.storage.mapped_files import keep_rows, release_mapped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.detection.evidence import Evidence
    from datacleanse.detection.judged_folds import JudgedFolds
    from datacleanse.detection.p_values import Tests
    from datacleanse.detection.pairs import JudgedPairs

LOCAL_PART = 1 / 3
"""Weight of the local rate in a probability; the posterior has the rest. Values tried are in
`docs/method.md`."""


def calibrate_on_right_rows(
    posteriors: JudgedFolds, evidence: Evidence, pairs: JudgedPairs, tests: Tests, *, fdr: float
) -> Calibrated:
    """What the right rows say of the suspicions.

    Args:
        posteriors: of all rows.
        evidence: what is known after the trainings.
        pairs: too few to calibrate.
        tests: of the rows that nobody verified.
        fdr: see `flags`.
    """
    suspicion = posteriors.mean_score()
    is_tested, is_passing, needed = tests.is_tested, np.zeros(0, dtype=np.bool_), None
    if tests.found is None or tests.null_share is None:
        # Nothing to check the suspicion against: the truth may be anything.
        low, mean, high = np.zeros_like(suspicion), suspicion, np.ones_like(suspicion)
        is_passing = np.zeros(int(is_tested.sum()), dtype=np.bool_)
    else:
        local = estimate_local_probability(suspicion, tests.folds, tests.null_share)
        low = keep_rows(np.minimum(suspicion, local))
        high = keep_rows(np.maximum(suspicion, local))
        mean = keep_rows(suspicion + LOCAL_PART * (local - suspicion))
        # Storey 2002: a share of right labels below 1 lets the level be that much higher.
        level = fdr / tests.null_share
        release_mapped()
        is_passing = flags.select_by_benjamini_hochberg(tests.found.values, level)
        needed = None if is_passing.any() else flags.count_rows_needed(tests.found, level)
    flagged = np.zeros(evidence.n_data, dtype=np.bool_)
    basis: flags.Basis = "none"
    # Without any clean row nothing stands behind a list.
    if evidence.has_clean:
        flagged[is_tested], basis = flags.choose_list(is_passing, mean[is_tested], fdr)
    return Calibrated(
        suspicion=suspicion,
        probability=mean,
        low=low,
        high=high,
        shares=None,
        wrong_pairs=np.empty(0, np.int64),
        bound=None,
        flagged=flagged,
        basis=basis,
        calibration_score=_gather_scores(posteriors, evidence, pairs),
        rows_needed=needed,
    )


def _gather_scores(
    posteriors: JudgedFolds, evidence: Evidence, pairs: JudgedPairs
) -> NDArray[np.float64]:
    """(CLEAN,) see `Assessment.calibration_score`."""
    found = np.full(len(evidence.labels), np.nan)
    for scores, rows in zip(posteriors.scores, find_right_rows(evidence, pairs), strict=True):
        found[rows] = scores[rows]
    return found[evidence.clean_at]
