"""Rows to verify by hand, so that a clean set exists at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.records import Dataset


def sample_rows(dataset: Dataset, n: int, *, seed: int) -> NDArray[np.int64]:
    """Draw rows in proportion to the labels, two of each class first if there is room.

    Args:
        dataset: to draw from, without replacement.
        n: rows wanted; all rows if there are no more.
        seed: the same seed draws the same rows.

    Returns:
        (min(n, N),) int64 sorted row numbers.
    """
    if n >= dataset.n_rows:
        return np.arange(dataset.n_rows)
    strata, members = np.unique(dataset.labels, return_inverse=True)
    quotas = _quotas(np.bincount(members, minlength=len(strata)), n)
    draw = np.random.default_rng(seed)
    chosen = [
        draw.choice(np.flatnonzero(members == stratum), size=quota, replace=False)
        for stratum, quota in enumerate(quotas)
    ]
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def _quotas(counts: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """(C,) rows of each stratum, ``n`` in all: a floor for each, then by who lacks the most."""
    floor = next((floor for floor in (2, 1) if floor * len(counts) <= n), 0)
    quotas = np.minimum(counts, floor)
    fair = n * counts / counts.sum()
    while (left := n - int(quotas.sum())) > 0:
        lack = np.where(quotas < counts, fair - quotas, -np.inf)
        if left > len(counts):
            # Whole rows at once first, so that the loop is short for large n.
            step = np.clip(np.floor(lack), 0, counts - quotas)
            step = np.floor(step * min(1.0, left / max(step.sum(), 1.0))).astype(np.int64)
            if step.any():
                quotas = quotas + step
                continue
        quotas[int(np.argmax(lack))] += 1
    result: NDArray[np.int64] = quotas
    return result
