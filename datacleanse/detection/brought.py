"""Probabilities that the user brings join the second opinion, if labels and verified rows let them.

They have to be out of sample, and nothing in them shows whether they are: a model that learned a
row's label by heart finds it likely, right or wrong. So they are asked about labels that are wrong.
Rows that are verified to be wrong say it best; where there are few, those do which the second
opinion and plain training, that saw no row's own label, both take for another class. And whoever
learned with the verified labels in place is told by the others: nobody can foresee most of the
labels where verified rows show that many are wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.deconvolution import raise_to_floor
from datacleanse.detection.second_opinion.pool import apply_weights, fit_weights
from datacleanse.records import Notice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.detection.evidence import Evidence

    Floats = NDArray[np.float32]

ENOUGH = 20
"""Rows verified to be wrong that can tell by themselves."""

FEWEST = 20
"""Rows of DATA with probabilities from which their worth can be learned: a weight that is fitted on
fewer may be anything, and CLEAN's rows, which take the probabilities of these few, score by it."""

SURE = 0.8
"""Probability from which both opinions are sure of another class."""

BY_HEART = 0.8
"""Share of wrong labels that probabilities prefer if they have seen them; a forest nine in ten."""

HONEST = 0.6
"""The largest share that out-of-sample probabilities prefer: of errors near boundaries it is half,
of others a tenth to a third."""

DEVIATIONS = 2.3
"""Standard errors above `HONEST` that are no chance; of one honest model in a hundred."""


@dataclass(frozen=True)
class Joined:
    """The second opinion with the user's in it."""

    second: Floats
    """(M, C) class probabilities."""
    notice: Notice
    """What became of the probabilities."""


def join_brought(name: str, brought: Floats, evidence: Evidence, used: NDArray[np.bool_]) -> Joined:
    """Pool the second opinion with probabilities that the user brought.

    Args:
        name: how messages name their source.
        brought: (M, C) of the examples; NaN in rows of which none are told.
        evidence: of the trainings, its second opinion formed.
        used: (M,) rows whose labels may be learned from.
    """
    second = evidence.second
    assert second is not None
    if (sign := _find_sign_of_memory(brought, evidence)) is not None:
        message = (
            f"{name}: not used. The probabilities were made with the labels that they are about: "
            f"{sign}. Make them out of sample, by cross-validation."
        )
        return Joined(second, Notice("probabilities-in-sample", message, is_warning=True))
    known = ~np.isnan(brought[:, 0])
    n_data = int(np.count_nonzero(known[: evidence.n_data]))
    if n_data < min(FEWEST, evidence.n_data):
        message = (
            f"{name}: not used. It has probabilities of {n_data:,} of {evidence.n_data:,} rows of "
            f"DATA; from fewer than {FEWEST} nobody can tell what they are worth. Give those of "
            "more rows."
        )
        return Joined(second, Notice("probabilities-few", message, is_warning=True))
    whole = fill_unknown(brought, second, evidence.labels, evidence.n_data)
    told = ~np.isnan(whole[:, 0])
    views = [_log(second[told]), _log(whole[told])]
    joined = second.copy()
    weights = fit_weights(views, evidence.labels[told], np.flatnonzero((known & used)[told]))
    joined[told] = apply_weights(views, weights)
    part = _measure_part(views, weights)
    message = (
        f"{name}: the probabilities of {n_data:,} rows of DATA are part of the second opinion, "
        f"{part:.0%} of it by what they say of the labels."
    )
    return Joined(joined, Notice("probabilities-used", message))


def _measure_part(views: list[Floats], weights: NDArray[np.float64]) -> float:
    """Which part of the pool's differences between classes the second of two views makes.

    Weights alone would not say: they are large where probabilities are mild, and anything where
    these are the same for all classes.
    """
    told = weights * [view.std(axis=1).mean() for view in views]
    return float(told[1] / max(told.sum(), np.finfo(np.float64).tiny))


def _find_sign_of_memory(brought: Floats, evidence: Evidence) -> str | None:
    """What shows that the probabilities know the labels by heart; None: nothing does."""
    n_wrong, share = measure_memory(brought, evidence)
    if is_by_heart(n_wrong, share):
        return f"they prefer {share:.0%} of {n_wrong} wrong labels"
    least = bound_wrong_share(evidence)
    agrees, others = _measure_agreement(brought, evidence)
    # The second opinion would foresee errors that follow from the columns, too.
    if agrees > 1 - least / 2 > others:
        return (
            f"they agree with {agrees:.0%} of the labels, at least {least:.0%} of which are wrong"
        )
    return None


def bound_wrong_share(evidence: Evidence) -> float:
    """The least share of wrong labels that pairs leave, at 95 % (Clopper, Pearson 1934); or 0."""
    from scipy.special import betaincinv

    truth, labels = evidence.truth[: evidence.n_data], evidence.labels[: evidence.n_data]
    pairs = np.flatnonzero(truth >= 0)
    n_wrong = int(np.count_nonzero(truth[pairs] != labels[pairs]))
    return float(betaincinv(n_wrong, len(pairs) - n_wrong + 1, 0.05)) if n_wrong else 0.0


def _measure_agreement(brought: Floats, evidence: Evidence) -> tuple[float, float]:
    """Shares of unverified labels that they, and the second opinion, find likeliest."""
    n, second = evidence.n_data, evidence.second
    assert second is not None
    asked = np.flatnonzero(~np.isnan(brought[:n, 0]) & (evidence.truth[:n] < 0))
    if not len(asked):
        return 0.0, 0.0
    labels = evidence.labels[asked]
    shares = (np.mean(each[asked].argmax(axis=1) == labels) for each in (brought, second))
    return float(next(shares)), float(next(shares))


def is_by_heart(n_wrong: int, share: float) -> bool:
    """Whether probabilities that prefer such a share of the wrong labels must have seen them."""
    chance = DEVIATIONS * np.sqrt(HONEST * (1 - HONEST) / max(n_wrong, 1))
    return bool(share >= max(BY_HEART, HONEST + chance))


def measure_memory(brought: Floats, evidence: Evidence) -> tuple[int, float]:
    """How many labels seem wrong, and in which share of them the probabilities prefer the label."""
    n, labels = evidence.n_data, evidence.labels
    known = ~np.isnan(brought[:n, 0])
    truth = evidence.truth[:n]
    wrong = np.flatnonzero(known & (truth >= 0) & (truth != labels[:n]))
    if len(wrong) < ENOUGH:
        wrong = np.flatnonzero(known & _find_plainly_wrong(evidence))
    if not len(wrong):
        return 0, 0.0
    prefers = brought[wrong].argmax(axis=1) == labels[wrong]
    return len(wrong), float(prefers.mean())


def _find_plainly_wrong(evidence: Evidence) -> NDArray[np.bool_]:
    """(N,) both opinions that saw no row's own label are sure of one other class."""
    n = evidence.n_data
    assert evidence.second is not None
    second, control = evidence.second[:n], evidence.control.probability[:n]
    likeliest = second.argmax(axis=1)
    at = np.arange(n), likeliest
    is_sure = (second[at] > SURE) & (control[at] > SURE)
    found: NDArray[np.bool_] = is_sure & (likeliest != evidence.labels[:n])
    return found


def fill_unknown(brought: Floats, second: Floats, labels: NDArray[np.int64], n_data: int) -> Floats:
    """Probabilities for CLEAN's rows without any: those of a like row of DATA.

    They show how right labels score, so they have to be judged like DATA's rows. Taken is the row
    with the same label of which the second opinion thinks the nearest thing (a hot deck).

    Args:
        brought: (M, C), NaN in rows of which none are told.
        second: (M, C) the second opinion.
        labels: (M,) given labels.
        n_data: DATA's rows are the first ones.
    """
    filled = brought.copy()
    own = second[np.arange(len(labels)), labels]
    is_known = ~np.isnan(brought[:, 0])
    behind = np.arange(len(labels)) >= n_data
    for label in np.unique(labels[behind & ~is_known]):
        of_class = labels == label
        donors = np.flatnonzero(of_class & is_known & ~behind)
        takers = np.flatnonzero(of_class & ~is_known & behind)
        if not len(donors):
            continue
        donors = donors[np.argsort(own[donors], kind="stable")]
        place = np.searchsorted(own[donors], own[takers])
        filled[takers] = brought[donors[np.minimum(place, len(donors) - 1)]]
    return filled


def _log(probability: Floats) -> Floats:
    logs: Floats = np.log(raise_to_floor(probability.astype(np.float64))).astype(np.float32)
    return logs
