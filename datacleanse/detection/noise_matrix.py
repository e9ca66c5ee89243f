"""Which class is mistaken for which: the noise matrix, learned from the clean rows.

The best T is the one under which P(true class | x), as `deconvolution` finds it, is right about the
clean rows. "Forward" and "backward" corrections with a known T are Patrini et al. 2017, arXiv
1609.03683.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from datacleanse.detection.deconvolution import (
    LEAST,
    MANY_CLASSES,
    deconvolve,
    make_one_rate_matrix,
)
from datacleanse.training.adamw import AdamW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

FIT_ITERATIONS = 6
"""Of the deconvolution while T is fitted, where each costs a gradient. How many matters little: on
breast cancer and digits with planted errors, 3 to 24 moved the average precision of a table by
.0013 at most and the mean suspicion by .007."""

FIT_STEPS, FIT_RATE = 100, 0.15
"""Of Adam on the logits of T's rows. By then the fit has converged as far as it matters: on the
same tables 200 or 400 steps, or 400 at a rate of .05, moved no suspicion by .001; 40 moved some by
.06."""

IMAGINED = 1.0
"""Rightly labelled rows of each class that are imagined beside the clean ones: each row of T has a
Dirichlet prior of 1 + `IMAGINED` on the diagonal and 1 elsewhere. It keeps classes without clean
rows at few errors."""

START_DIAGONAL = 0.9
"""P(right label) that the fit starts from: errors are the exception."""

RATES = tuple(float(r) for r in np.geomspace(0.002, 0.4, 24))
"""Shares of wrong labels that the one-rate matrix may take, each a quarter above the one before:
closer than a few hundred clean rows can tell apart."""

PRIOR_ROWS = 0.5
"""Rows that are imagined for each entry of T where pairs teach it, spread within a class's row as
one rate of errors would spread them."""

FOLDS = 4
"""Of the clean rows, when two matrices are compared. With 8 no suspicion moves by .004."""


@dataclass(frozen=True)
class NoiseModel:
    """What the clean rows tell of the labels' errors."""

    full: Matrix
    """(C, C) rows sum to 1: free in every entry; the one-rate matrix above `MANY_CLASSES`."""
    one_rate: Matrix
    """(C, C) rows sum to 1: one share of errors, spread evenly."""
    gain: float
    """Nats by which `full` is ahead on clean rows that it was not fitted on."""


def fit_noise(
    given: Matrix, labels: NDArray[np.int64], is_in: NDArray[np.bool_]
) -> list[NoiseModel]:
    """Learn both matrices from each part of the clean rows, and which of them is ahead.

    The full matrix has C (C - 1) entries and a few hundred rows to learn them from. So what counts
    is how far it is ahead on clean rows that it has not seen, in log-likelihood.

    Args:
        given: (m, C) P(given label | x) of the clean rows by a model that did not see them.
        labels: (m,) their true classes.
        is_in: (P, m) whether a row is in a part; each has one at least.

    Returns:
        One for each part.
    """
    if given.shape[1] > MANY_CLASSES:
        even = _fit_one_rate(given, labels, is_in)
        return [NoiseModel(matrix, matrix, 0.0) for matrix in even]
    is_unseen = np.concatenate([_count_unseen_rows(labels, part) for part in is_in])
    is_seen = np.repeat(is_in, 1 + FOLDS, axis=0) & ~is_unseen
    full = _fit_full(given, labels, is_seen, _trust_diagonal)
    one_rate = _fit_one_rate(given, labels, is_seen)
    ahead = _compute_likelihoods(given, labels, full) - _compute_likelihoods(
        given, labels, one_rate
    )
    gain = np.where(is_unseen, ahead, 0.0).reshape(len(is_in), -1).sum(axis=1)
    # The first fit of a part is on all its rows.
    parts = zip(full[:: 1 + FOLDS], one_rate[:: 1 + FOLDS], gain, strict=True)
    return [NoiseModel(free, even, float(nats)) for free, even, nats in parts]


def fit_noise_on_pairs(
    given: Matrix,
    truth: NDArray[np.int64],
    labels: NDArray[np.int64],
    is_in: NDArray[np.bool_],
) -> list[NoiseModel]:
    """The same from clean rows of which some are pairs, so that their given labels tell T itself.

    Which matrix is ahead is not asked here: how well either tells wrong rows from right ones can be
    seen on pairs.

    Args:
        given: (m, C) P(given label | x) of the clean rows by a model that did not see them.
        truth: (m,) their true classes.
        labels: (m,) given labels of pairs, -1 for all others; one pair at least.
        is_in: (P, m) whether a row is in a part; each has one at least.
    """
    even = _fit_one_rate(given, truth, is_in)
    if given.shape[1] > MANY_CLASSES:
        return [NoiseModel(matrix, matrix, 0.0) for matrix in even]
    is_pair = labels >= 0
    n_wrong = np.count_nonzero(labels[is_pair] != truth[is_pair])
    rate = (n_wrong + 1) / (np.count_nonzero(is_pair) + 4)
    n_classes = given.shape[1]
    imagined = PRIOR_ROWS * n_classes * torch.from_numpy(make_one_rate_matrix(n_classes, rate))
    true, own = torch.from_numpy(truth[is_pair]), torch.from_numpy(labels[is_pair])
    seen = torch.from_numpy(is_in[:, is_pair])

    def weigh(log_t: Tensor) -> Tensor:
        found: Tensor = (log_t[:, true, own] * seen).sum() + (imagined * log_t).sum()
        return found

    full = _fit_full(given, truth, is_in, weigh)
    return [NoiseModel(free, one, 0.0) for free, one in zip(full, even, strict=True)]


def _count_unseen_rows(labels: NDArray[np.int64], is_in: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(1 + `FOLDS`, m) rows of a part that each fit does not see: none first, then a fold each."""
    rows, fold = np.flatnonzero(is_in), np.full(len(labels), FOLDS)
    # Classes are spread over the folds.
    fold[rows[np.argsort(labels[rows], kind="stable")]] = np.arange(len(rows)) % FOLDS
    found: NDArray[np.bool_] = fold == np.arange(-1, FOLDS)[:, None]
    return found


def _trust_diagonal(log_t: Tensor) -> Tensor:
    """`IMAGINED` sum_c log T_cc over (K, C, C) matrices."""
    result: Tensor = IMAGINED * log_t.diagonal(dim1=1, dim2=2).sum()
    return result


def _fit_full(
    given: Matrix,
    truth: NDArray[np.int64],
    is_seen: NDArray[np.bool_],
    weigh: Callable[[Tensor], Tensor],
) -> NDArray[np.float64]:
    """Maximise sum_v log p_T(y_v | x_v) and what else ``weigh`` makes of log T.

    Returns:
        (K, C, C), for each of (K, m) subsets of the rows.
    """
    n_classes = given.shape[1]
    s, seen = torch.from_numpy(given), torch.from_numpy(is_seen)
    at = torch.from_numpy(truth)[None, :, None].expand(len(seen), -1, 1)
    start = torch.from_numpy(make_one_rate_matrix(n_classes, 1 - START_DIAGONAL)).log()
    logits = start.repeat(len(seen), 1, 1).requires_grad_()
    adam = AdamW([logits], weight_decay=0.0)
    for _ in range(FIT_STEPS):
        log_t = logits.log_softmax(dim=2)
        p = deconvolve(s, log_t.exp(), FIT_ITERATIONS)
        likelihood = (p.gather(2, at)[:, :, 0].log() * seen).sum()
        loss = -likelihood - weigh(log_t)
        (logits.grad,) = torch.autograd.grad(loss, logits)
        adam.step(FIT_RATE)
    fitted: NDArray[np.float64] = logits.detach().softmax(dim=2).numpy()
    return fitted


def _fit_one_rate(
    given: Matrix, labels: NDArray[np.int64], is_seen: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The same among the matrices of `RATES`."""
    n_classes = given.shape[1]
    # One at a time: those of many classes are large.
    candidates = (make_one_rate_matrix(n_classes, rate) for rate in RATES)
    found = is_seen @ _compute_likelihoods(given, labels, candidates).T
    found += IMAGINED * n_classes * np.log(1 - np.array(RATES))
    return np.stack([make_one_rate_matrix(n_classes, RATES[at]) for at in found.argmax(axis=1)])


def _compute_likelihoods(
    given: Matrix, labels: NDArray[np.int64], matrices: Iterable[Matrix]
) -> NDArray[np.float64]:
    """Log p_T(y_v | x_v) of m rows under each of K matrices, floored at `LEAST`: (K, m)."""
    at = np.arange(len(labels)), labels
    own = [deconvolve(given, matrix, FIT_ITERATIONS)[at] for matrix in matrices]
    return np.log(np.maximum(np.stack(own), LEAST))
