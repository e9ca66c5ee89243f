"""P(true class | row, given label): three opinions and how labels go wrong, in one formula.

- S, of the second opinion (trees and a regression, or patches of images), and u, of plain training
  (mean over epochs, before each update), learn the labels as given; `deconvolution.deconvolve`
  takes the errors out of them.
- r, of the reweighted network, was steered by true labels and is taken as it is.

With a noise matrix T, both kinds of models have a vote: p(c | x) is S^1/2 u^1/4 r^1/4, where there
are texts S^2/3 u^1/6 r^1/6, S and u so corrected, raised to `SHARPNESS` and made to sum to 1 (a
product of experts, Hinton 2002). Then by Bayes' rule

    q(c | x, g) ~ P(given label g | c, x) p(c | x),    P(wrong) = 1 - q(g | x, g).

Two accounts of the errors are held: a matrix T free in every entry, with P(g | c, x) = T[c, g]; and
one rate of errors for all classes, drawn as in `spread`. q is their mean by trust.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from datacleanse.detection import error_kinds
from datacleanse.detection.calibration import clip_log_odds, measure_fit
from datacleanse.detection.deconvolution import (
    USUAL_RATE,
    deconvolve,
    make_one_rate_matrix,
    raise_to_floor,
)
from datacleanse.detection.error_kinds import (
    IMAGINED_WRONG,
    Spread,
    compare_with_right,
    fit_spread,
)
from datacleanse.detection.noise_matrix import NoiseModel, fit_noise, fit_noise_on_pairs
from datacleanse.sampling import draw_spread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

POOL_LEAST = 2e-3
"""Floor under each opinion in the mean, for the reason of `deconvolution.LEAST`: the correction may
take an opinion below it. Half or twice as much moved the average precision of a table by .0006 at
most (breast cancer and digits with planted errors)."""

SECOND_VOTE = 0.5
"""Of the second opinion: two networks err more alike than a network and it, so they share one."""

TEXTS_VOTE = 2 / 3
"""The same where there are texts: it reads all of their terms, networks what 128 numbers hold of
them. Measured: decision 86."""

SHARPNESS = 1.5
"""Between 1, for kinds of models that err alike, and 2, for two kinds that err apart. The ranking
hardly depends on it, the calibration does; measured in `docs/method.md`."""

BURDEN = 5.0
"""Nats by which clean rows must prefer a full matrix for even odds: its entries are many."""

PAIRS_BURDEN = 2.0
"""The same where pairs say which account tells wrong labels better."""

JUDGED = 2**20
"""Rows times classes that are judged together: a dozen arrays of that size are held."""

MAX_CLEAN = 2_000
"""Clean rows of a part that teach the matrix. Its fit takes time and memory for each of them, a
minute and a gigabyte for 10,000 with 40 classes."""

MAX_FITTED = 20_000
"""Rows of DATA whose labels tell how errors spread."""


@dataclass(frozen=True)
class Noise:
    """How labels go wrong, by one part of the clean rows."""

    matrices: NoiseModel
    spread: Spread
    trust: float
    """In [0, 1]: how much the full matrix is believed, of all parts alike."""


def learn_noise(
    opinion: NDArray[np.float32],
    parts: Sequence[NDArray[np.int64]],
    truth: NDArray[np.int64],
    labels: NDArray[np.int64],
    n_data: int,
    *,
    on_pairs: bool,
) -> list[Noise]:
    """How labels go wrong, by each part of the clean rows and by DATA's labels.

    On pairs the trust is 0, for `choose_trust` to say.

    Args:
        opinion: (M, C) P(given label | x) by what did not see the row: the second opinion, or the
            control where there is none.
        parts: positions of clean rows, of pairs those in DATA; each has one at least, or there are
            none at all.
        truth: (M,) true labels of clean rows.
        labels: (M,) given labels.
        n_data: DATA's rows are the first ones.
        on_pairs: whether the given labels of pairs, of which there are some, teach the matrix.
    """
    parts = [part[draw_spread(len(part), MAX_CLEAN)] for part in parts]
    clean = np.unique(np.concatenate(parts))
    if not len(clean):
        return [learn_noise_alone(opinion, labels, n_data)] * len(parts)
    is_in = np.stack([np.isin(clean, part) for part in parts])
    given = _take_at(opinion, clean)
    if on_pairs:
        own = np.where(clean < n_data, labels[clean], -1)
        models, trust = fit_noise_on_pairs(given, truth[clean], own, is_in), 0.0
    else:
        models = fit_noise(given, truth[clean], is_in)
        # Each clean row is asked about matrices that did not see it, so that all have a say.
        trust = float(expit(sum(found.gain for found in models) - BURDEN))
    data = draw_spread(n_data, MAX_FITTED)
    of_data = _take_at(opinion, data)
    noise = []
    for found, seen in zip(models, is_in, strict=True):
        spread = fit_spread(deconvolve(of_data, found.one_rate), labels[data])
        if not on_pairs:
            right = deconvolve(given[seen], found.one_rate)
            seeming = fit_spread(right, truth[clean[seen]], IMAGINED_WRONG)
            spread = compare_with_right(spread, seeming)
        noise.append(Noise(found, spread, trust))
    return noise


def learn_noise_alone(
    opinion: NDArray[np.float32], labels: NDArray[np.int64], n_data: int
) -> Noise:
    """How labels go wrong by DATA's labels alone, as where no row is verified.

    Args:
        opinion: as for `learn_noise`.
        labels: (M,) given labels.
        n_data: DATA's rows are the first ones.
    """
    matrix = make_one_rate_matrix(opinion.shape[1], USUAL_RATE)
    data = draw_spread(n_data, MAX_FITTED)
    given = deconvolve(_take_at(opinion, data), matrix)
    return Noise(NoiseModel(matrix, matrix, 0.0), fit_spread(given, labels[data]), 0.0)


def choose_trust(
    by_matrix: NDArray[np.float64], by_rate: NDArray[np.float64], is_wrong: NDArray[np.bool_]
) -> float:
    """How much the full matrix is believed, in [0, 1], by which account tells wrong pairs better.

    The likelihood of true classes, or that of given labels, may prefer an account that ranks worse
    (`docs/method.md`); so each is asked what is wanted, after it was calibrated.

    Args:
        by_matrix: (n,) P(wrong) of pairs by the full matrix, in folds that did not see the label.
        by_rate: the same by the one rate.
        is_wrong: (n,).
    """
    ahead, behind = (measure_fit(clip_log_odds(wrong), is_wrong) for wrong in (by_matrix, by_rate))
    return float(expit(ahead - behind - PAIRS_BURDEN))


class Opinions:
    """What is thought of M rows, each (M, C) with rows that sum to 1."""

    def __init__(
        self,
        of_given: Sequence[NDArray[np.float32]],
        of_true: Sequence[NDArray[np.float32]],
        *,
        second: NDArray[np.float32] | None,
        second_vote: float = SECOND_VOTE,
        left_out: NDArray[np.bool_] | None = None,
    ) -> None:
        """Take all kinds.

        Args:
            of_given: P(given label | x) by networks, one at least.
            of_true: P(true class | x) by networks.
            second: P(given label | x) by `second_opinion`; None where there is none.
            second_vote: its vote, in (0, 1); networks share the rest.
            left_out: (C,) classes that CLEAN leaves out, from which steering drove networks away:
                the first of ``of_given`` speaks for them. None: there are none.
        """
        self._of_given, self._of_true, self._second = of_given, of_true, second
        self._second_vote, self._left_out = second_vote, left_out

    def posterior(self, rows: NDArray[np.int64], labels: NDArray[np.int64], noise: Noise) -> Matrix:
        """Q, (n, C), of (n,) positions with (n,) given labels."""
        full, one_rate = noise.matrices.full, noise.matrices.one_rate
        # Looked up once for both accounts.
        given = [_take_at(opinion, rows) for opinion in self._of_given]
        true = [_take_at(opinion, rows) for opinion in self._of_true]
        second = None if self._second is None else _take_at(self._second, rows)
        pooled, evenly = (
            _pool(given, true, second, matrix, vote=self._second_vote, left_out=self._left_out)
            for matrix in (full, one_rate)
        )
        by_matrix = _apply_bayes(pooled, full, labels)
        by_rate = error_kinds.posterior(evenly, labels, noise.spread)
        result: Matrix = noise.trust * by_matrix + (1 - noise.trust) * by_rate
        return result

    def count(self) -> int:
        """K, how many they are."""
        return len(self._of_given) + len(self._of_true) + (self._second is not None)

    def doubt_given(self, rows: NDArray[np.int64], labels: NDArray[np.int64]) -> Matrix:
        """(n, K) P(label is wrong) by each opinion alone, networks first."""
        second = [] if self._second is None else [self._second]
        opinions = [*self._of_given, *self._of_true, *second]
        doubt = np.column_stack([1.0 - each[rows, labels].astype(np.float64) for each in opinions])
        if self._left_out is not None:
            steered = slice(len(self._of_given), len(self._of_given) + len(self._of_true))
            is_unknown = self._left_out[labels]
            doubt[is_unknown, steered] = doubt[is_unknown, :1]
        return doubt


def split_judged(n_rows: int, n_classes: int) -> Iterator[NDArray[np.int64]]:
    """Yield the positions of n rows, so many at a time as are judged together."""
    step = max(1, JUDGED // n_classes)
    for start in range(0, n_rows, step):
        yield np.arange(start, min(start + step, n_rows))


def _take_at(opinion: NDArray[np.float32], rows: NDArray[np.int64]) -> Matrix:
    return raise_to_floor(opinion[rows].astype(np.float64))


def _pool(
    given: list[Matrix],
    true: list[Matrix],
    second: Matrix | None,
    matrix: Matrix,
    *,
    vote: float = SECOND_VOTE,
    left_out: NDArray[np.bool_] | None = None,
) -> Matrix:
    """P(c | x), (n, C), from the opinions of networks and the second one."""
    networks = [deconvolve(p, matrix) for p in given]
    networks += true if left_out is None else [_fill_in(p, networks[0], left_out) for p in true]
    mean = np.mean([_log(p) for p in networks], axis=0)
    if second is not None:
        mean = (1 - vote) * mean + vote * _log(deconvolve(second, matrix))
    p = np.exp(SHARPNESS * (mean - mean.max(axis=1, keepdims=True)))
    result: Matrix = p / p.sum(axis=1, keepdims=True)
    return result


def _fill_in(p: Matrix, other: Matrix, left_out: NDArray[np.bool_]) -> Matrix:
    """P(c | x), (n, C), of some classes by ``other``; ``p`` tells the rest apart."""
    share = other[:, ~left_out].sum(axis=1, keepdims=True)
    known = p[:, ~left_out].sum(axis=1, keepdims=True)
    result: Matrix = np.where(left_out, other, p * (share / known))
    return result


def _log(p: Matrix) -> Matrix:
    result: Matrix = np.log(raise_to_floor(p, POOL_LEAST))
    return result


def _apply_bayes(p: Matrix, matrix: Matrix, labels: NDArray[np.int64]) -> Matrix:
    joint = matrix.T[labels] * p
    result: Matrix = joint / joint.sum(axis=1, keepdims=True)
    return result
