"""A second opinion on the labels, by models that share no weakness with the network.

`tables` asks trees and a regression about a table's rows, `features` regressions and class means
about embeddings and images. Each row is judged by what did not see its label. The answer is (M, C)
class probabilities, rows sum to 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import numpy as np

from datacleanse.detection.second_opinion.corrected_labels import share_out
from datacleanse.sampling import draw_spread
from datacleanse.storage.mapped_files import make_rows, split_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from scipy import sparse

MAX_FITTED = 20_000
"""Rows that the weights of a pool are fitted on."""


class Conditions(TypedDict):
    """What whoever gives an opinion is told besides rows and labels."""

    n_classes: int
    seed: int
    is_unwanted: Callable[[], bool]


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


def pool_by_guide(
    opinions: Sequence[NDArray[np.float32]],
    guide: NDArray[np.float32],
    labels: NDArray[np.int64],
    used: NDArray[np.int64],
) -> NDArray[np.float32]:
    """A pool whose weights suit labels that one opinion, the guide, has corrected.

    Where errors follow from the rows, as near a boundary, a flexible model foresees wrong labels,
    and the likelihood of labels as given rewards it. So corrected labels say whom to believe, and
    labels as given how sharply.

    Args:
        opinions: as for `pool_opinions`.
        guide: (M, C) scores by one of them; labels are corrected as `share_out` does.
        labels: as for `pool_opinions`.
        used: as for `pool_opinions`.
    """
    fitted = _thin(used)
    own, every = labels[fitted], np.arange(len(fitted))
    shares = share_out(pool_opinions([guide[fitted]], own, every), own, every)
    seen = [opinion[fitted] for opinion in opinions]
    weights = fit_weights_to_shares(seen, shares)
    pooled = np.tensordot(weights.astype(np.float32), seen, 1)
    return apply_weights(opinions, weights * fit_weights([pooled], own, every))


def fit_weights(
    opinions: Sequence[NDArray[np.float32]], labels: NDArray[np.int64], used: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The weights b, (K,), of the greatest likelihood; arguments as for `pool_opinions`."""
    fitted = _thin(used)
    seen = np.stack([opinion[fitted].astype(np.float64) for opinion in opinions])
    return _maximise_likelihood(seen, seen[:, np.arange(len(fitted)), labels[fitted]])


def fit_weights_to_shares(
    opinions: Sequence[NDArray[np.float32]], shares: sparse.csr_array
) -> NDArray[np.float64]:
    """The weights, (K,), of the greatest expected likelihood.

    Args:
        opinions: (n, C) as for `pool_opinions`.
        shares: (n, C) of the classes in each row; rows sum to 1.
    """
    seen = np.stack([opinion.astype(np.float64) for opinion in opinions])
    return _maximise_likelihood(
        seen, np.stack([shares.multiply(each).sum(axis=1) for each in seen])
    )


def _thin(used: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of some positions `MAX_FITTED` at most, that weights are fitted on."""
    return used[draw_spread(len(used), MAX_FITTED)]


def _maximise_likelihood(
    seen: NDArray[np.float64], own: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The weights, (K,), under which a pool finds the labels likeliest.

    Args:
        seen: (K, n, C) scores of the classes.
        own: (K, n) of the rows' labels, or the mean by how the rows are shared out.
    """
    from scipy.optimize import minimize

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

    start = np.full(len(seen), 1 / len(seen))
    bounds = [(0.0, None)] * len(seen)
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
