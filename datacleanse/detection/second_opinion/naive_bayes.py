"""Naive Bayes on texts: which class's texts use such terms, each row's own text left out.

Multinomial, on weighted counts (Rennie, Shih, Teevan, Karger 2003, "Tackling the Poor Assumptions
of Naive Bayes Text Classifiers"). What a class's texts amount to is a sum over its rows, so that a
row is left out by taking its own counts away. Where classes have few rows each it sees more than
regressions do.

Texts with wrong labels would spoil these sums. So they are formed twice: at first by the labels as
given, then each text is parted among the classes that it may truly have (`corrected_labels`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.second_opinion.corrected_labels import share_out
from datacleanse.detection.second_opinion.pool import pool_opinions

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    Floats = NDArray[np.float32]

SMOOTHING = 0.03
"""Added to each class's count of each term. A single term has a weight of some tenths in a text.
Measured: decision 63."""


def score_without_own_labels(
    texts: sparse.csr_array,
    labels: NDArray[np.int64],
    is_learned: NDArray[np.bool_],
    *,
    n_classes: int,
) -> Floats:
    """Log-probabilities of the classes, up to a constant a row.

    Args:
        texts: (M, V) weighted counts; a row of zeros has no text.
        labels: (M,) as given.
        is_learned: (M,) whether the row's label may be learned; all others are judged too.
        n_classes: C.

    Returns:
        (M, C). A row's own label has no part in its scores, but for what it changed, through the
        first sums, in how other rows were parted.
    """
    from scipy import sparse

    used = np.flatnonzero(is_learned)
    if not len(used):
        return np.zeros((len(labels), n_classes), dtype=np.float32)
    at = np.arange(len(used))
    as_given = sparse.csr_array((np.ones(len(used)), (at, labels[used])), (len(used), n_classes))
    first = score_without_own_shares(texts, as_given, used)
    shares = share_out(pool_opinions([first], labels, used), labels, used)
    return score_without_own_shares(texts, shares, used)


def score_without_own_shares(
    texts: sparse.csr_array, shares: sparse.csr_array, used: NDArray[np.int64]
) -> Floats:
    """The same by sums to which rows give shares.

    Args:
        texts: (M, V) weighted counts.
        shares: (n, C) of the ``used`` rows among the classes; rows sum to 1.
        used: (n,) positions of the rows that are learned from.

    Returns:
        (M, C); what a row itself gave is taken away first.
    """
    from scipy import sparse

    exact = texts.astype(np.float64)
    learned, n_terms = exact[used], texts.shape[1]
    counts = np.asarray((shares.T @ learned).todense())
    rows, total = np.asarray(shares.sum(axis=0)), counts.sum(axis=1)
    weight = np.log(counts + SMOOTHING) - np.log(total + SMOOTHING * n_terms)[:, None]
    scores = exact @ weight.T + np.log(rows + 1)
    # The same for the classes that a row gave to, without the row.
    giver, own = shares.nonzero()
    given, part = shares[giver, own], learned[giver]
    size = np.diff(part.indptr)
    mine = np.repeat(given, size) * part.data
    left = np.maximum(counts[np.repeat(own, size), part.indices] - mine, 0) + SMOOTHING
    told = sparse.csr_array((part.data * np.log(left), part.indices, part.indptr), part.shape)
    length = part.sum(axis=1)
    rest = np.maximum(total[own] - given * length, 0) + SMOOTHING * n_terms
    alone = np.maximum(rows[own] - given, 0) + 1
    scores[used[giver], own] = told.sum(axis=1) - length * np.log(rest) + np.log(alone)
    found: Floats = scores.astype(np.float32)
    return found
