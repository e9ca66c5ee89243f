"""One prediction of the opinions on a row, and how far right labels lie from it there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

POOL_STEPS = 20
"""Reweightings of the robust fit; it settles in fewer."""

DEGREES = 4.0
"""Of freedom of the Student distribution that the pool is fitted by: far residuals count little."""

N_TREES, LEAF, BAG = 40, 15, 0.5
"""Trees of the spread, rows in a leaf at least, and the share of rows that each is grown on."""

MAX_BAG = 20_000
"""Rows of a bag, at most."""

NEAREST, FARTHEST = 0.1, 20.0
"""Median residuals between which residuals are kept before their logarithm is learned."""


def pool_predictions(opinions: Floats, numbers: Floats, weight: Floats) -> Floats:
    """(M,) the opinions' combination, weights >= 0, that is nearest to the right labels.

    Fitted by the likelihood of a Student distribution: Lange, Little, Taylor 1989, "Robust
    Statistical Modeling Using the t Distribution".

    Args:
        opinions: (M, K) predictions.
        numbers: (M,) labels.
        weight: (M,) P(the label is right), 0 for rows that are not to be learned.
    """
    from scipy.optimize import nnls

    columns = np.column_stack([opinions, np.ones(len(numbers)), -np.ones(len(numbers))])
    used = np.flatnonzero(weight > 0)
    matrix, target, share = columns[used], numbers[used], weight[used]
    current = share
    for _ in range(POOL_STEPS):
        root = np.sqrt(current)
        coefficients, _ = nnls(matrix * root[:, None], target * root)
        residual = target - matrix @ coefficients
        scale = measure_spread(residual, share)
        current = share * (DEGREES + 1) / (DEGREES + (residual / scale) ** 2)
    result: Floats = columns @ coefficients
    return result


def estimate_spread(
    rows: NDArray[np.float32],
    prediction: Floats,
    opinions: Floats,
    residual: Floats,
    weight: Floats,
    *,
    seed: int,
) -> Floats:
    """(M,) how far right labels lie from the prediction, by out-of-bag trees on log |residual|.

    Args:
        rows: (M, F) encoded columns.
        prediction: (M,) pooled.
        opinions: (M, K): where they differ, labels lie farther off.
        residual: (M,) label minus prediction.
        weight: (M,) P(the label is right), 0 for rows that are not to be learned.
        seed: of bags and trees.
    """
    from sklearn.tree import DecisionTreeRegressor

    scale = measure_spread(residual, weight)
    target = np.log(np.clip(np.abs(residual), NEAREST * scale, FARTHEST * scale))
    features = np.column_stack([rows, prediction, opinions.std(axis=1)]).astype(np.float32)
    rng, n, used = np.random.default_rng(seed), len(residual), np.flatnonzero(weight > 0)
    chance = weight[used] / weight[used].sum()
    total, count = np.zeros(n), np.zeros(n)
    bag_size = min(int(BAG * len(used)) + 1, MAX_BAG)
    for _ in range(N_TREES):
        bag, times = np.unique(rng.choice(used, size=bag_size, p=chance), return_counts=True)
        tree = DecisionTreeRegressor(
            min_samples_leaf=LEAF, max_features=0.5, random_state=int(rng.integers(2**31))
        )
        tree.fit(features[bag], target[bag], sample_weight=times)
        is_judged = np.ones(n, dtype=np.bool_)
        is_judged[bag] = False
        total[is_judged] += tree.predict(features[is_judged])
        count[is_judged] += 1
    spread: Floats = np.exp(np.where(count > 0, total / np.maximum(count, 1), np.log(scale)))
    return spread


def measure_spread(residual: Floats, weight: Floats) -> float:
    """The median absolute residual of rows that are likelier right than wrong, as a deviation."""
    likely = np.abs(residual[weight > 0.5])
    if not len(likely):
        likely = np.abs(residual)
    return max(1.4826 * float(np.median(likely)), LEAST_SPREAD)


LEAST_SPREAD = 1e-6
"""Robust deviations: labels that follow exactly from the columns have no spread of their own."""
