"""The second opinion on a table's rows: trees, out of bag, and regressions, left out.

Texts have opinions of their own, on their terms and on a text model's vectors. Their main axes are
columns like others where classes are few: see decision 63.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.second_opinion import kernel_ridge, naive_bayes, ridge
from datacleanse.detection.second_opinion import texts as text_ridge
from datacleanse.detection.second_opinion.features import look_twice
from datacleanse.detection.second_opinion.pool import pool_by_guide, pool_opinions
from datacleanse.detection.second_opinion.trees import KINDS, vote_out_of_bag
from datacleanse.storage.mapped_files import take_spread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from datacleanse.detection.second_opinion.pool import Conditions


N_PARTS = len(KINDS) + 1
"""Parts of an opinion on a table that may be formed apart: each kind of trees, and all others."""

REST = N_PARTS - 1
"""The last part, without trees."""


def ask(
    rows: NDArray[np.float32],
    labels: NDArray[np.int64],
    is_learned: NDArray[np.bool_],
    *,
    n_numbers: int,
    n_classes: int,
    seed: int,
    texts: csr_array | None = None,
    vectors: NDArray[np.float32] | None = None,
    is_quick: bool = False,
    is_unwanted: Callable[[], bool] = lambda: False,
) -> NDArray[np.float32]:
    """What trees and regressions make of rows whose labels they did not see.

    Args:
        rows: (M, F): ``n_numbers`` numbers, NaN where missing, then category codes; no columns
            where the table holds texts alone.
        labels: (M,) as given.
        is_learned: (M,) whether the row's label may be learned; all others are judged too.
        n_numbers: columns that are numbers.
        n_classes: C.
        seed: of bags, trees and samples.
        texts: (M, V) weighted counts of terms; None without a column of text.
        vectors: (M, E) of the texts by a text model, NaN where missing; None without one.
        is_quick: with fewer trees.
        is_unwanted: asked now and then.

    Returns:
        (M, C) P(given label | x), rows sum to 1.

    Raises:
        AbandonedError: ``is_unwanted`` said so.
    """
    opinions = []
    for part in range(N_PARTS):
        opinions += ask_part(
            part,
            rows,
            labels,
            is_learned,
            n_numbers=n_numbers,
            n_classes=n_classes,
            seed=seed,
            texts=texts,
            vectors=vectors,
            is_quick=is_quick,
            is_unwanted=is_unwanted,
        )
    return pool_parts(opinions, labels, is_learned, has_texts=texts is not None)


def pool_parts(
    opinions: Sequence[NDArray[np.float32]],
    labels: NDArray[np.int64],
    is_learned: NDArray[np.bool_],
    *,
    has_texts: bool,
) -> NDArray[np.float32]:
    """Pool what all parts of `ask` said, (M, C) each; of texts naive Bayes guides the pool."""
    used = np.flatnonzero(is_learned)
    if has_texts:
        return pool_by_guide(opinions, opinions[-1], labels, used)
    return pool_opinions(opinions, labels, used)


def ask_part(
    part: int,
    rows: NDArray[np.float32],
    labels: NDArray[np.int64],
    is_learned: NDArray[np.bool_],
    *,
    n_numbers: int,
    n_classes: int,
    seed: int,
    texts: csr_array | None = None,
    vectors: NDArray[np.float32] | None = None,
    is_quick: bool = False,
    is_unwanted: Callable[[], bool] = lambda: False,
) -> list[NDArray[np.float32]]:
    """The opinions that one part of `ask` hears, (M, C) scores each, in the order of the parts.

    Naive Bayes is the last of all, where there are texts.

    Args:
        part: a kind of trees, or `REST`.
        rows: as for `ask`.
        labels: as for `ask`.
        is_learned: as for `ask`.
        n_numbers: as for `ask`.
        n_classes: as for `ask`.
        seed: as for `ask`.
        texts: as for `ask`.
        vectors: as for `ask`.
        is_quick: as for `ask`.
        is_unwanted: asked now and then.

    Raises:
        AbandonedError: ``is_unwanted`` said so.
    """
    drawn: Conditions = {"n_classes": n_classes, "seed": seed, "is_unwanted": is_unwanted}
    if part != REST:
        return (
            vote_out_of_bag(rows, labels, is_learned, kinds=[part], is_quick=is_quick, **drawn)
            if rows.shape[1]
            else []
        )
    opinions = []
    if rows.shape[1]:
        opinions += kernel_ridge.score_without_own_labels(
            rows, labels, is_learned, n_numbers=n_numbers, **drawn
        )
        # More rows would have to be read once more, and of so many it adds nothing.
        if np.count_nonzero(is_learned) <= ridge.MAX_FITTED:
            opinions += _regress_linearly(rows, labels, is_learned, n_numbers=n_numbers, **drawn)
    if vectors is not None:
        opinions += look_twice(_direct(vectors), labels, is_learned, **drawn)
    if texts is not None:
        opinions += text_ridge.score_without_own_labels(texts, labels, is_learned, **drawn)
        opinions.append(
            naive_bayes.score_without_own_labels(texts, labels, is_learned, n_classes=n_classes)
        )
    return opinions


def _regress_linearly(
    rows: NDArray[np.float32],
    labels: NDArray[np.int64],
    is_learned: NDArray[np.bool_],
    *,
    n_numbers: int,
    n_classes: int,
    seed: int,
    is_unwanted: Callable[[], bool],
) -> list[NDArray[np.float32]]:
    """Scores by regressions that add up what each column tells; arguments as for `ask_part`.

    Of few rows they learn more than models that bend.

    Returns:
        (M, C) for each penalty of `ridge`.
    """
    used = ridge.draw_rows(is_learned, np.random.default_rng(seed))
    columns = kernel_ridge.learn_columns(take_spread(rows, used), labels[used], n_numbers)
    return ridge.score_without_own_labels(
        lambda some: columns.points(rows[some]),
        labels,
        used,
        n_classes=n_classes,
        portion=kernel_ridge.PORTION,
        is_unwanted=is_unwanted,
    )


def _direct(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors of length 1: texts are near each other by what they mean, however long they are."""
    known = np.nan_to_num(vectors, nan=0.0)
    length = np.linalg.norm(known, axis=1, keepdims=True)
    found: NDArray[np.float32] = known / np.maximum(length, np.finfo(np.float32).tiny)
    return found
