"""A linear opinion on texts: ridge regression on the weighted counts of their terms.

It is solved along the main axes of the counts, many more than a network reads, so that each row can
be judged without its own label: see `ridge`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.second_opinion import ridge
from datacleanse.models.text_features import find_axes
from datacleanse.sampling import draw_spread

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from scipy import sparse

    Floats = NDArray[np.float32]

N_AXES = 512

MAX_SAMPLED = 5_000
"""Rows whose axes are found."""

PORTION = 4_096
"""Rows that are turned at a time."""


def score_without_own_labels(
    texts: sparse.csr_array,
    labels: NDArray[np.int64],
    is_learned: NDArray[np.bool_],
    *,
    n_classes: int,
    seed: int,
    is_unwanted: Callable[[], bool],
) -> list[Floats]:
    """Scores of the classes by a regression that the row's own label had no part in.

    Args:
        texts: (M, V) float32 weighted counts; a row of zeros has no text.
        labels: (M,) as given.
        is_learned: (M,) whether the row's label may be learned; all others are judged too.
        n_classes: C.
        seed: of the rows that are learned where they are many.
        is_unwanted: asked before each portion of rows.

    Returns:
        (M, C) for each penalty.

    Raises:
        AbandonedError: ``is_unwanted`` said so.
    """
    used = ridge.draw_rows(is_learned, np.random.default_rng(seed))
    axes = find_axes(texts[used[draw_spread(len(used), MAX_SAMPLED)]], N_AXES)
    return ridge.score_without_own_labels(
        lambda rows: texts[rows],
        labels,
        used,
        n_classes=n_classes,
        portion=PORTION,
        is_unwanted=is_unwanted,
        axes=axes,
    )
