"""A second opinion on the labels, by models that share no weakness with the network.

`tables` asks trees and a regression about a table's rows, `images` a regression on patches about
images. Each row is judged by what did not see its label. The answer is (M, C) class probabilities,
rows sum to 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.storage.mapped_files import make_rows, split_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MAX_FITTED = 20_000
"""Rows, about, that the weights of a pool are fitted on."""


class AbandonedError(Exception):
    """The opinion was not wanted any more."""


def pool_opinions(
    opinions: Sequence[NDArray[np.float32]], labels: NDArray[np.int64], used: NDArray[np.int64]
) -> NDArray[np.float32]:
    """S ~ exp(sum_k b_k log p_k), (M, C): a logarithmic pool, b >= 0 of the greatest likelihood.

    The weights decide whom to believe and how sharply: votes of trees tend to be too mild.
    Ranjan, Gneiting 2010, "Combining probability forecasts", on why a pool needs calibration.

    Args:
        opinions: (M, C) log-probabilities, or scores, by each.
        labels: (M,) as given.
        used: positions that the weights may be fitted on.
    """
    return apply_weights(opinions, fit_weights(opinions, labels, used))


def fit_weights(
    opinions: Sequence[NDArray[np.float32]], labels: NDArray[np.int64], used: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The weights b, (K,), of the greatest likelihood; arguments as for `pool_opinions`."""
    from scipy.optimize import minimize

    fitted = used[:: max(1, len(used) // MAX_FITTED)]
    seen = np.stack([opinion[fitted].astype(np.float64) for opinion in opinions])
    own = seen[:, np.arange(len(fitted)), labels[fitted]]
    product = np.empty_like(seen[0])

    def mean_loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits = np.tensordot(weights, seen, 1)
        top = logits.max(axis=1, keepdims=True)
        # In place, and opinion by opinion: these arrays are large where classes are many.
        logits -= top
        probability = np.exp(logits, out=logits)
        sums = probability.sum(axis=1, keepdims=True)
        probability /= sums
        expected = [np.multiply(probability, each, out=product).sum(axis=1) for each in seen]
        loss = (top + np.log(sums))[:, 0] - weights @ own
        return float(loss.mean()), (np.stack(expected) - own).mean(axis=1)

    start = np.full(len(opinions), 1 / len(opinions))
    bounds = [(0.0, None)] * len(opinions)
    found: NDArray[np.float64] = minimize(
        mean_loss, start, jac=True, bounds=bounds, method="L-BFGS-B"
    ).x
    return found


def apply_weights(
    opinions: Sequence[NDArray[np.float32]], weights: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Pool (M, C) log-probabilities by their weights: probabilities, rows sum to 1."""
    whole: NDArray[np.float32] = make_rows(opinions[0].shape, opinions[0].dtype)
    for pooled, *parts in zip(split_rows(whole), *map(split_rows, opinions), strict=True):
        for weight, opinion in zip(weights, parts, strict=True):
            np.add(pooled, np.float32(weight) * opinion, out=pooled)
        np.subtract(pooled, pooled.max(axis=1, keepdims=True), out=pooled)
        np.exp(pooled, out=pooled)
        np.divide(pooled, pooled.sum(axis=1, keepdims=True), out=pooled)
    return whole
