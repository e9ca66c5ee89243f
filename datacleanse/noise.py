"""Planting known label errors, to see whether they are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def one_sided_flips(
    labels: NDArray[np.int64], mistaken_for: NDArray[np.int64], share: float, *, seed: int
) -> NDArray[np.int64]:
    """Change a share of the labels, each class always into the same other one.

    Such errors, unlike evenly spread ones, pull a classifier towards the wrong class.

    Args:
        labels: (n,) true classes.
        mistaken_for: (C,) the class that each class is taken for; itself: never changed.
        share: of the rows whose class can be changed, in [0, 1].
        seed: of the draw.

    Returns:
        (n,) labels with errors; rows where they differ from ``labels`` are the planted ones.
    """
    changeable = np.flatnonzero(mistaken_for[labels] != labels)
    rng = np.random.default_rng(seed)
    chosen = rng.choice(changeable, size=round(share * len(changeable)), replace=False)
    noisy = labels.copy()
    noisy[chosen] = mistaken_for[labels[chosen]]
    return noisy
