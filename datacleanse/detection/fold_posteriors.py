"""Every row's posterior by every fold, kept as far as it is needed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.calibration import Clues, clip_log_odds
from datacleanse.detection.posterior import (
    SECOND_VOTE,
    TEXTS_VOTE,
    Opinions,
    choose_trust,
    learn_noise,
    split_judged,
)
from datacleanse.storage.mapped_files import make_rows, release_mapped, split_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from datacleanse.detection.evidence import Evidence, Fold
    from datacleanse.detection.pairs import JudgedPairs
    from datacleanse.detection.posterior import Noise

BLOCK = 65_536
"""Rows whose clues are gathered at a time."""


class FoldPosteriors:
    """What each fold makes of each row, the mean of it, and how labels go wrong."""

    def __init__(self, evidence: Evidence, pairs: JudgedPairs) -> None:
        """Learn how labels go wrong, then judge all rows, block by block."""
        labels, n = evidence.labels, evidence.n_data
        n_classes = evidence.control.probability.shape[1]
        self._labels, self._opinions = (
            labels,
            [gather_opinions(evidence, f) for f in evidence.folds],
        )
        self.noise = _learn_noise(evidence, self._opinions, pairs)
        self.scores = [make_rows((len(labels),), np.float64) for _ in self._opinions]
        """(M,) by fold: 1 - q(given label)."""
        self.other = make_rows((n,), np.int64)
        """(N,) likeliest class beside the given one."""
        self.other_share = make_rows((n,), np.float64)
        """(N,) how likely it is where the given label is wrong, in [0, 1]."""
        self.confusion = np.zeros((n_classes, n_classes))
        """(C, C) expected rows of DATA by given label (first) and true class, without pairs."""
        for rows in split_judged(len(labels), n_classes):
            given = labels[rows]
            own = np.arange(len(rows)), given
            mean = np.zeros((len(rows), n_classes))
            for o, noise, scores in zip(self._opinions, self.noise, self.scores, strict=True):
                q = o.posterior(rows, given, noise)
                mean += q / len(self._opinions)
                # The sum of the others keeps what 1 - q(given) would round away.
                q[own] = 0.0
                scores[rows] = q.sum(axis=1)
            of_data = rows[rows < n]
            self._note_others(of_data, mean[: len(of_data)])
            is_unknown = np.flatnonzero(evidence.verified[of_data] < 0)
            np.add.at(self.confusion, given[is_unknown], mean[is_unknown])
            release_mapped()
        self._n = n

    def _note_others(self, rows: NDArray[np.int64], mean: NDArray[np.float64]) -> None:
        """Keep which other class is likeliest by the (n, C) mean posterior of some rows of DATA."""
        at = np.arange(len(rows))
        others = mean.copy()
        others[at, self._labels[rows]] = 0.0
        self.other[rows] = others.argmax(axis=1)
        # Rounded to 0 where a label is certain: any share will do.
        total = np.maximum(others.sum(axis=1), np.finfo(np.float64).tiny)
        self.other_share[rows] = others.max(axis=1) / total

    def mean_score(self) -> NDArray[np.float64]:
        """(N,) P(given label is wrong): mean over the folds, in [0, 1]."""
        mean: NDArray[np.float64] = make_rows((self._n,), np.float64)
        for part, *scores in zip(
            split_rows(mean), *(split_rows(each[: self._n]) for each in self.scores), strict=True
        ):
            for each in scores:
                np.add(part, each, out=part)
            np.divide(part, len(scores), out=part)
            # A sum of probabilities may be a rounding error above 1.
            np.minimum(part, 1.0, out=part)
        return mean

    def gather_clues(self) -> Clues:
        """What is thought of DATA's N rows, for the calibration: means over the folds."""
        n, labels = self._n, self._labels[: self._n]
        log_odds = make_rows((n,), np.float64)
        views = make_rows((n, self._opinions[0].count()), np.float64)
        mean = self.mean_score()
        for start in range(0, n, BLOCK):
            rows = np.arange(start, min(start + BLOCK, n))
            log_odds[rows] = clip_log_odds(mean[rows])
            found = [clip_log_odds(o.doubt_given(rows, labels[rows])) for o in self._opinions]
            views[rows] = np.mean(found, axis=0)
            release_mapped()
        return Clues(log_odds, views, labels)

    def gather_pair_clues(self, pairs: JudgedPairs) -> Clues:
        """What was thought of each pair in the fold in which it calibrates."""
        labels = self._labels[pairs.rows]
        scores = pairs.choose([scores[pairs.rows] for scores in self.scores])
        views = [clip_log_odds(o.doubt_given(pairs.rows, labels)) for o in self._opinions]
        return Clues(clip_log_odds(scores), pairs.choose(views), labels)


def gather_opinions(evidence: Evidence, fold: Fold) -> Opinions:
    """The opinions that have a vote in a fold."""
    of_given: list[NDArray[np.float32]] = [evidence.control.probability]
    of_true: list[NDArray[np.float32]] = []
    if fold.opinion is not None:
        (of_true if evidence.is_steered else of_given).append(fold.opinion)
    return Opinions(
        of_given,
        of_true,
        second=evidence.second,
        second_vote=TEXTS_VOTE if evidence.has_texts else SECOND_VOTE,
        left_out=evidence.left_out if evidence.left_out.any() else None,
    )


def _learn_noise(
    evidence: Evidence, opinions: Sequence[Opinions], pairs: JudgedPairs
) -> list[Noise]:
    """How labels go wrong by each fold's steering rows, believed as far as pairs bear it out.

    Where CLEAN leaves out a class, nothing tells how its rows are mislabelled, and no matrix is
    believed.
    """
    independent = evidence.control.probability if evidence.second is None else evidence.second
    parts = [fold.steering for fold in evidence.folds]
    found = learn_noise(
        independent, parts, evidence.truth, evidence.labels, evidence.n_data, on_pairs=pairs.suffice
    )
    if evidence.left_out.any():
        return [replace(noise, trust=0.0) for noise in found]
    if not pairs.suffice:
        return found
    labels = evidence.labels[pairs.rows]
    at = np.arange(len(labels)), labels
    by_matrix, by_rate = (
        pairs.choose(
            [
                1.0 - each.posterior(pairs.rows, labels, replace(noise, trust=trust))[at]
                for each, noise in zip(opinions, found, strict=True)
            ]
        )
        for trust in (1.0, 0.0)
    )
    trust = choose_trust(by_matrix, by_rate, pairs.is_wrong)
    return [replace(noise, trust=trust) for noise in found]
