"""The second opinion on a table's rows: trees, out of bag, and a kernel regression, left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.second_opinion import kernel_ridge, naive_bayes
from datacleanse.detection.second_opinion import texts as text_ridge
from datacleanse.detection.second_opinion.pool import pool_opinions
from datacleanse.detection.second_opinion.trees import vote_out_of_bag

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from scipy.sparse import csr_array


def ask(
    rows: NDArray[np.float32],
    labels: NDArray[np.int64],
    is_learned: NDArray[np.bool_],
    *,
    n_numbers: int,
    n_classes: int,
    seed: int,
    texts: csr_array | None = None,
    is_unwanted: Callable[[], bool] = lambda: False,
) -> NDArray[np.float32]:
    """What trees and regression make of rows whose labels they did not see.

    Args:
        rows: (M, F): ``n_numbers`` numbers, NaN where missing, then category codes.
        labels: (M,) as given.
        is_learned: (M,) whether the row's label may be learned; all others are judged too.
        n_numbers: columns that are numbers.
        n_classes: C.
        seed: of bags, trees and samples.
        texts: (M, V) weighted counts of terms; None without a column of text.
        is_unwanted: asked now and then.

    Returns:
        (M, C) P(given label | x), rows sum to 1.

    Raises:
        AbandonedError: ``is_unwanted`` said so.
    """
    trees = vote_out_of_bag(
        rows, labels, is_learned, n_classes=n_classes, seed=seed, is_unwanted=is_unwanted
    )
    scores = kernel_ridge.score_without_own_labels(
        rows,
        labels,
        is_learned,
        n_numbers=n_numbers,
        n_classes=n_classes,
        seed=seed,
        is_unwanted=is_unwanted,
    )
    on_texts = []
    if texts is not None:
        on_texts = text_ridge.score_without_own_labels(
            texts, labels, is_learned, n_classes=n_classes, seed=seed, is_unwanted=is_unwanted
        )
        bayes = naive_bayes.score_without_own_labels(texts, labels, is_learned, n_classes=n_classes)
        on_texts.append(bayes)
    return pool_opinions([*trees, *scores, *on_texts], labels, np.flatnonzero(is_learned))
