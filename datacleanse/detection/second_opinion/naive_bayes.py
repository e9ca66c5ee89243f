"""Naive Bayes on texts: which class's texts use such terms, each row's own text left out.

Multinomial, on weighted counts (Rennie, Shih, Teevan, Karger 2003, "Tackling the Poor Assumptions
of Naive Bayes Text Classifiers"). What a class's texts amount to is a sum over its rows, so that a
row is left out by taking its own counts away. Where classes have few rows each it sees more than
regressions do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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
        (M, C).
    """
    from scipy import sparse

    used = np.flatnonzero(is_learned)
    ones = np.ones(len(used))
    member = sparse.csr_array((ones, (labels[used], used)), shape=(n_classes, len(labels)))
    counts = np.asarray((member @ texts.astype(np.float64)).todense())
    rows = np.bincount(labels[used], minlength=n_classes).astype(np.float64)
    total = counts.sum(axis=1)
    n_terms = texts.shape[1]
    weight = np.log(counts + SMOOTHING) - np.log(total + SMOOTHING * n_terms)[:, None]
    scores = texts @ weight.T + np.log(rows + 1)
    # The same for a row's own class, without the row.
    own, size = labels[used], np.diff(texts.indptr)[used]
    part = texts[used].astype(np.float64)
    at, mine = np.repeat(own, size), part.data
    left = np.log(np.maximum(counts[at, part.indices] - mine, 0) + SMOOTHING)
    rest = np.maximum(total[own] - part.sum(axis=1), 0) + SMOOTHING * n_terms
    shared = sparse.csr_array((mine * left, part.indices, part.indptr), shape=part.shape)
    scores[used, own] = shared.sum(axis=1) - part.sum(axis=1) * np.log(rest) + np.log(rows[own])
    found: Floats = scores.astype(np.float32)
    return found
