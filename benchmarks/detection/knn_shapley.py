"""The value of each training row to a nearest-neighbour classifier, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import pairwise_distances

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_NEIGHBOURS = 5


def knn_shapley(
    train: NDArray[np.float64],
    labels: NDArray[np.int64],
    valid: NDArray[np.float64],
    valid_labels: NDArray[np.int64],
    *,
    k: int = N_NEIGHBOURS,
) -> NDArray[np.float64]:
    """Shapley values of training rows for the validation accuracy of k nearest neighbours.

    The game: v(S) = the share, of k, of the min(k, |S|) nearest rows of S that bear the validation
    row's label, averaged over validation rows. Jia, Dao, Wang, Hubis, Gurel, Li, Zhang, Spanos,
    Song 2019, "Efficient Task-Specific Data Valuation for Nearest Neighbor Algorithms", arXiv
    1908.08619, theorem 1, rows counted from the nearest, 1, to the farthest, N:

        s_N = [y_N = y] min(k, N) / (k N)
        s_i = s_{i+1} + ([y_i = y] - [y_{i+1} = y]) / k * min(k, i) / i

    (s_N is theirs for k <= N, and holds for k > N too.)

    Args:
        train: (N, F).
        labels: (N,) their classes, as given.
        valid: (m, F), m >= 1.
        valid_labels: (m,) their classes, trusted.
        k: neighbours that vote, at least 1.

    Returns:
        (N,) values; low or negative for rows that mislead.
    """
    n = len(labels)
    order = np.argsort(pairwise_distances(valid, train), axis=1, kind="stable")
    is_match = (labels[order] == valid_labels[:, None]).astype(np.float64)
    rank = np.arange(1, n)
    steps = (is_match[:, :-1] - is_match[:, 1:]) / k * (np.minimum(k, rank) / rank)
    last = is_match[:, -1:] * min(k, n) / (k * n)
    by_rank = np.cumsum(np.hstack([last, steps[:, ::-1]]), axis=1)[:, ::-1]
    values = np.empty_like(by_rank)
    np.put_along_axis(values, order, by_rank, axis=1)
    return values.mean(axis=0)
