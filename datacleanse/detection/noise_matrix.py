"""Which class is mistaken for which: the noise matrix, learned from the clean rows.

T[c, g] = P(given label g | true class c). A classifier trained on given labels estimates
S(g | x) = sum_c p(c | x) T[c, g]; `deconvolved` solves that for p (Richardson 1972, Lucy 1974: the
EM iteration for a mixture of known components). The best T is the one under which p is right about
the clean rows: "forward" and "backward" corrections with a known T are Patrini et al. 2017, arXiv
1609.03683.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from datacleanse.training.adamw import AdamW

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

FIT_ITERATIONS, ITERATIONS = 6, 8
"""Of the deconvolution while fitting, and when applied: few, as more would amplify S's errors."""

FIT_STEPS, FIT_RATE = 100, 0.15
"""Of Adam on the logits of T's rows."""

START_DIAGONAL = 0.9
"""P(right label) that the fit starts from."""

RATES = tuple(float(r) for r in np.geomspace(0.002, 0.4, 24))
"""Shares of wrong labels that the one-rate matrix may take."""

FOLDS = 4
"""Of the clean rows, when two matrices are compared."""

LEAST = 1e-3
"""Floor under probabilities, relative to their sum, that no row is ruled out by one opinion."""


@dataclass(frozen=True)
class NoiseModel:
    """What the clean rows tell of the labels' errors."""

    full: Matrix
    """(C, C) rows sum to 1: free in every entry."""
    one_rate: Matrix
    """(C, C) rows sum to 1: one share of errors, spread evenly."""
    gain: float
    """Nats by which `full` is ahead on clean rows that it was not fitted on."""


def floored(probability: Matrix, least: float = LEAST) -> Matrix:
    """(n, C) with every entry at least ``least`` before rows are made to sum to 1 again."""
    raised = np.maximum(probability, least)
    result: Matrix = raised / raised.sum(axis=1, keepdims=True)
    return result


def deconvolved(given: Matrix, matrix: Matrix, iterations: int = ITERATIONS) -> Matrix:
    """P(true class | x) from P(given label | x) and the noise matrix.

    Args:
        given: (n, C) positive, rows sum to 1.
        matrix: (C, C) T.
        iterations: of EM, from ``given`` itself.
    """
    p = given
    for _ in range(iterations):
        # The sum stays 1 by itself.
        p = p * ((given / np.maximum(p @ matrix, 1e-12)) @ matrix.T)
    return p


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
    is_unseen = np.concatenate([_left_out(labels, part) for part in is_in])
    is_seen = np.repeat(is_in, 1 + FOLDS, axis=0) & ~is_unseen
    full, one_rate = _fit_full(given, labels, is_seen), _fit_one_rate(given, labels, is_seen)
    ahead = _likelihoods(given, labels, full) - _likelihoods(given, labels, one_rate)
    gain = np.where(is_unseen, ahead, 0.0).reshape(len(is_in), -1).sum(axis=1)
    # The first fit of a part is on all its rows.
    parts = zip(full[:: 1 + FOLDS], one_rate[:: 1 + FOLDS], gain, strict=True)
    return [NoiseModel(free, even, float(nats)) for free, even, nats in parts]


def _left_out(labels: NDArray[np.int64], is_in: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(1 + `FOLDS`, m) rows of a part that a fit does not see: none first, then a fold each."""
    rows, fold = np.flatnonzero(is_in), np.full(len(labels), FOLDS)
    # Classes are spread over the folds.
    fold[rows[np.argsort(labels[rows], kind="stable")]] = np.arange(len(rows)) % FOLDS
    found: NDArray[np.bool_] = fold == np.arange(-1, FOLDS)[:, None]
    return found


def one_rate_matrix(n_classes: int, rate: float) -> Matrix:
    """(C, C) T with ``rate`` spread evenly over each row's wrong labels."""
    matrix = np.full((n_classes, n_classes), rate / (n_classes - 1))
    np.fill_diagonal(matrix, 1 - rate)
    return matrix


def _fit_full(
    given: Matrix, labels: NDArray[np.int64], is_seen: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Maximise sum_v log p_T(y_v | x_v) + sum_c log T_cc; (K, C, C) for (K, m) subsets at once.

    The second part keeps classes without clean rows at few errors.
    """
    n_classes = given.shape[1]
    s, seen = torch.from_numpy(given), torch.from_numpy(is_seen)
    at = torch.from_numpy(labels)[None, :, None].expand(len(seen), -1, 1)
    start = torch.from_numpy(one_rate_matrix(n_classes, 1 - START_DIAGONAL)).log()
    logits = start.repeat(len(seen), 1, 1).requires_grad_()
    adam = AdamW([logits], weight_decay=0.0)
    for _ in range(FIT_STEPS):
        t = logits.softmax(dim=2)
        likelihood = (_deconvolved(s, t).gather(2, at)[:, :, 0].log() * seen).sum()
        loss = -likelihood - t.diagonal(dim1=1, dim2=2).log().sum()
        (logits.grad,) = torch.autograd.grad(loss, logits)
        adam.step(FIT_RATE)
    fitted: NDArray[np.float64] = logits.detach().softmax(dim=2).numpy()
    return fitted


def _deconvolved(given: Tensor, matrices: Tensor) -> Tensor:
    """As `deconvolved`, differentiable, under each of (K, C, C): (K, m, C)."""
    p = given
    for _ in range(FIT_ITERATIONS):
        p = p * ((given / (p @ matrices).clamp(min=1e-12)) @ matrices.mT)
    return p


def _fit_one_rate(
    given: Matrix, labels: NDArray[np.int64], is_seen: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The same among `RATES`."""
    n_classes = given.shape[1]
    candidates = np.stack([one_rate_matrix(n_classes, rate) for rate in RATES])
    found = is_seen @ _likelihoods(given, labels, candidates).T
    found += n_classes * np.log(candidates[:, 0, 0])
    best: NDArray[np.float64] = candidates[found.argmax(axis=1)]
    return best


def _likelihoods(
    given: Matrix, labels: NDArray[np.int64], matrices: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Log p_T(y_v | x_v) of m rows under each of K matrices: (K, m).

    Floored, so that one row of a class that a fit has not met does not outweigh all others.
    """
    p = [deconvolved(given, matrix, FIT_ITERATIONS) for matrix in matrices]
    at = np.arange(len(labels)), labels
    return np.stack([np.log(np.maximum(each[at], LEAST)) for each in p])
