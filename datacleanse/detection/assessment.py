"""From what was learned to suspicion, probability and flags.

Each fold has a network that one half of the clean set steered. Its opinion, plain training's and
that of a model of another kind make the posterior probability that a row's label is wrong
(`posterior.py`); the other half of the clean set, treated like any row, shows how far that is true.
Where these rows are pairs they calibrate the probability itself (`on_pairs.py`); where CLEAN comes
from elsewhere they show only how right labels score (`on_right_rows.py`). A row's suspicion is the
mean over the folds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.evidence import Assessment, Calibrated, Evidence
from datacleanse.detection.flags import MAX_BOUNDED
from datacleanse.detection.fold_posteriors import FoldPosteriors, gather_opinions
from datacleanse.detection.on_pairs import calibrate_on_pairs
from datacleanse.detection.on_right_rows import calibrate_on_right_rows
from datacleanse.detection.p_values import compare_with_right_rows
from datacleanse.detection.pairs import find_judged_pairs
from datacleanse.detection.ranking import (
    PROVEN_RIGHT,
    PROVEN_WRONG,
    UNVERIFIED,
    list_first,
    rank_rows,
)
from datacleanse.storage.mapped_files import copy_rows, keep_rows, make_rows, release_mapped

if TYPE_CHECKING:
    from numpy.typing import NDArray


def assess(evidence: Evidence, *, fdr: float) -> Assessment:
    """The verdict on DATA's rows.

    Args:
        evidence: what is known after the trainings.
        fdr: largest expected share of false alarms among the flags, in (0, 1).
    """
    pairs = find_judged_pairs(evidence)
    posteriors = FoldPosteriors(evidence, pairs)
    verdict = read_verdicts(evidence)
    is_tested = evidence.is_trained[: evidence.n_data] & (verdict == UNVERIFIED)
    is_tested &= ~evidence.left_out[evidence.current]
    tests = compare_with_right_rows(
        posteriors.scores, evidence, pairs, is_tested, confusion=posteriors.confusion
    )
    calibrate = calibrate_on_pairs if pairs.suffice else calibrate_on_right_rows
    found = calibrate(posteriors, evidence, pairs, tests, fdr=fdr)
    loss = (evidence.reweighted.loss + evidence.control.loss)[: evidence.n_data]
    release_mapped()
    rank = rank_rows(found.suspicion, verdict, loss, tie=posteriors.mean_score())
    del loss
    release_mapped()
    return Assessment(
        suspicion=found.suspicion,
        verdict=verdict,
        rank=rank,
        probability=set_known(found.probability, verdict),
        bounds=(set_known(found.low, verdict), set_known(found.high, verdict)),
        shares=found.shares,
        wrong_pairs=found.wrong_pairs,
        p_value=tests.p_value,
        false_at_most=bound_false_alarms(found, rank, verdict),
        fdr=fdr,
        flagged=order_flags(found, rank, is_tested),
        basis=found.basis,
        suggested=_suggest_labels(posteriors, evidence, found.suspicion, verdict),
        confusion=_count_confusions(posteriors, evidence, found.suspicion),
        noise=tuple(posteriors.noise),
        calibration_score=found.calibration_score,
        smallest_p_value=tests.smallest,
        null_share=tests.null_share,
        rows_needed=found.rows_needed,
        listed_at_double=found.listed_at_double,
        clues=found.clues,
    )


def order_flags(
    found: Calibrated, rank: NDArray[np.int64], is_tested: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """(N,) the flags; a list by probability is one run of the ranking, whatever ties there are."""
    if found.basis == "controlled":
        return found.flagged
    return list_first(found.flagged, rank, is_tested)


def bound_false_alarms(
    found: Calibrated, rank: NDArray[np.int64], verdict: NDArray[np.int8]
) -> NDArray[np.int64] | None:
    """(N,) see `Assessment.false_at_most`."""
    if found.bound is None:
        return None
    # Unverified rows come first.
    n = min(MAX_BOUNDED, int(np.count_nonzero(verdict == UNVERIFIED)))
    rows = np.argsort(rank)[:n]
    bound: NDArray[np.int64] = make_rows((len(rank),), np.int64, -1)
    bound[rows] = found.bound(rows)
    return bound


def find_likely_classes(
    evidence: Evidence, assessment: Assessment, rows: NDArray[np.int64], *, places: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The likeliest true classes of some rows, for those who decide on them.

    Args:
        evidence: what `assess` was given.
        assessment: what it found.
        rows: (K,) positions among DATA's N rows.
        places: P, classes told at most.

    Returns:
        Two (K, min(P, C)): classes, likeliest first, and their probabilities.
    """
    labels = evidence.labels[rows]
    opinions = [gather_opinions(evidence, fold) for fold in evidence.folds]
    parts = [
        each.posterior(rows, labels, noise)
        for each, noise in zip(opinions, assessment.noise, strict=True)
    ]
    mean = np.mean(parts, axis=0)
    _rescale_others(mean, labels, assessment.suspicion[rows])
    order = np.argsort(-mean, axis=1, kind="stable")[:, :places]
    return order, np.take_along_axis(mean, order, axis=1)


def _rescale_others(
    posterior: NDArray[np.float64], labels: NDArray[np.int64], wrong: NDArray[np.float64]
) -> None:
    """Give (n, C) probabilities, in place, the (n,) calibrated sum of all but the given label."""
    own = np.arange(len(labels)), labels
    posterior[own] = 0.0
    total = np.maximum(posterior.sum(axis=1), np.finfo(np.float64).tiny)
    posterior *= (wrong / total)[:, None]
    posterior[own] = 1.0 - wrong


def read_verdicts(evidence: Evidence) -> NDArray[np.int8]:
    """(N,) what CLEAN proves of each row; see `Assessment.verdict`."""
    agrees = evidence.verified == evidence.current
    verdict = np.where(agrees, PROVEN_RIGHT, PROVEN_WRONG)
    verdict = np.where(evidence.verified >= 0, verdict, UNVERIFIED).astype(np.int8)
    verdict[evidence.strangers] = PROVEN_WRONG
    return verdict


def set_known(probability: NDArray[np.float64], verdict: NDArray[np.int8]) -> NDArray[np.float64]:
    """(N,) the probabilities, 1 and 0 where CLEAN proves it."""
    known: NDArray[np.float64] = copy_rows(probability)
    known[verdict == PROVEN_WRONG], known[verdict == PROVEN_RIGHT] = 1.0, 0.0
    return known


def _suggest_labels(
    posteriors: FoldPosteriors,
    evidence: Evidence,
    wrong: NDArray[np.float64],
    verdict: NDArray[np.int8],
) -> NDArray[np.int64]:
    """(N,) likeliest class, CLEAN's where it proves a row wrong; -1 where it is the given one."""
    is_likelier = wrong * posteriors.other_share > 1.0 - wrong
    suggested = np.where(is_likelier & (verdict == UNVERIFIED), posteriors.other, -1)
    is_wrong = verdict == PROVEN_WRONG
    suggested[is_wrong] = evidence.verified[is_wrong]
    release_mapped()
    return keep_rows(suggested)


def _count_confusions(
    posteriors: FoldPosteriors, evidence: Evidence, wrong: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(C, C) see `Assessment.confusion`; each given label's errors sum to their probabilities."""
    n_classes = len(posteriors.confusion)
    labels, verified = evidence.current, evidence.verified
    is_known = verified >= 0
    confusion = posteriors.confusion.copy()
    np.fill_diagonal(confusion, 0.0)
    unknown = np.bincount(labels[~is_known], minlength=n_classes)
    expected = np.bincount(labels[~is_known], wrong[~is_known], n_classes)
    confusion *= (expected / np.maximum(confusion.sum(axis=1), np.finfo(np.float64).tiny))[:, None]
    np.fill_diagonal(confusion, unknown - expected)
    np.add.at(confusion, (labels[is_known], verified[is_known]), 1.0)
    return confusion
