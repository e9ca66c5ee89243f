"""The second opinion on features: embeddings, or what a network or patches see of pictures.

It is the even pool of two that err apart. Kernel ridge regression bends to what single rows tell,
and looks twice: the second time at labels that are corrected (`corrected_labels`). `discriminant`
knows the mean of each class alone. By the likelihood of given labels, which may be wrong, the one
that bends would outweigh the other, and so both have as much to say.

Trees are left out: on such features they tell less and take most of the time. A regression on the
features as they are adds nothing to one on the likeness of rows (`docs/image-audit.md`). Where both
a network's features and patches are heard, there are regressions alone, which look once.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from datacleanse.detection.second_opinion import discriminant, kernel_ridge, patches, ridge
from datacleanse.detection.second_opinion.corrected_labels import share_out
from datacleanse.detection.second_opinion.pool import apply_weights, pool_opinions
from datacleanse.detection.second_opinion.whole_kernel import MOST_ROWS, WholeKernel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from datacleanse.detection.second_opinion.pool import Conditions
    from datacleanse.pictures.joined import Joined

    Floats = NDArray[np.float32]
    Images: TypeAlias = NDArray[np.uint8] | Joined
    Labels: TypeAlias = NDArray[np.int64] | NDArray[np.floating]

N_LANDMARKS = 2_000
"""Where there are too many rows for `whole_kernel`."""

MOST_COMPARED = 2_000
"""Rows, about, by which features and patches are compared: both are learned for it."""

FLOOR = 1e-6
"""Least probability that counts in the comparison."""

EVEN = np.array([0.5, 0.5])
"""Weights of two opinions that have as much to say."""

EVEN_FLOOR = np.float32(1e-3)
"""Under both in the even pool, so that neither rules a class out; see `deconvolution.LEAST`."""


def ask(
    features: Floats,
    labels: NDArray[np.int64],
    is_learned: NDArray[np.bool_],
    *,
    n_classes: int,
    seed: int,
    is_unwanted: Callable[[], bool] = lambda: False,
) -> Floats:
    """What both make of each row, its own label having had no part in it.

    Args:
        features: (M, F), NaN where missing.
        labels: (M,) as given.
        is_learned: (M,) whether the row's label may be learned; all others are judged too.
        n_classes: K.
        seed: of landmarks, and of the rows where they are many.
        is_unwanted: asked now and then.

    Returns:
        (M, K) P(given label | x), rows sum to 1.

    Raises:
        AbandonedError: ``is_unwanted`` said so.
    """
    used = np.flatnonzero(is_learned)
    asked: Conditions = {"n_classes": n_classes, "seed": seed, "is_unwanted": is_unwanted}
    scores = look_twice(features, labels, is_learned, **asked)
    by_means = discriminant.score_without_own_labels(features, labels, is_learned, **asked)
    both = [pool_opinions(each, labels, used) for each in (scores, [by_means])]
    return _pool_evenly(both)


def _pool_evenly(both: Sequence[Floats]) -> Floats:
    """The even pool of two opinions, (M, K) each."""
    return apply_weights([np.log(np.maximum(each, EVEN_FLOOR)) for each in both], EVEN)


def look_twice(
    features: Floats,
    labels: NDArray[np.int64],
    is_learned: NDArray[np.bool_],
    *,
    n_classes: int,
    seed: int,
    is_unwanted: Callable[[], bool],
) -> list[Floats]:
    """Scores by regressions on the labels as given, then on what their answer corrects.

    Arguments are as for `ask`; (M, K) for each penalty and look.
    """
    used = np.flatnonzero(is_learned)
    regress = make_regression(
        features, is_learned, n_classes=n_classes, seed=seed, is_unwanted=is_unwanted
    )
    scores = regress(labels)
    corrected = np.zeros((len(labels), n_classes), dtype=np.float32)
    corrected[used] = share_out(pool_opinions(scores, labels, used), labels, used).toarray()
    return scores + regress(corrected)


def ask_on_patches(
    images: Images,
    labels: NDArray[np.int64],
    is_learned: NDArray[np.bool_],
    *,
    n_classes: int,
    seed: int,
    is_unwanted: Callable[[], bool] = lambda: False,
) -> Floats:
    """What patches of the images, (M, C, H, W), tell; other arguments and the result as for `ask`.

    It is the even pool of `ask` on what patches answer, and of linear ridge regression on the same.
    On few pictures that are easily told apart the line is the better guide beside a network.
    """
    features = patches.encode_patches(images, is_learned, seed=seed, is_unwanted=is_unwanted)
    asked: Conditions = {"n_classes": n_classes, "seed": seed, "is_unwanted": is_unwanted}
    by_lines = ridge.score_without_own_labels(
        lambda rows: features[rows],
        labels,
        ridge.draw_rows(is_learned, np.random.default_rng(seed)),
        n_classes=n_classes,
        portion=kernel_ridge.PORTION,
        is_unwanted=is_unwanted,
    )
    linear = pool_opinions(by_lines, labels, np.flatnonzero(is_learned))
    return _pool_evenly([linear, ask(features, labels, is_learned, **asked)])


def ask_beside_patches(
    features: Floats,
    images: Images,
    labels: NDArray[np.int64],
    is_learned: NDArray[np.bool_],
    *,
    n_classes: int,
    seed: int,
    is_unwanted: Callable[[], bool] = lambda: False,
) -> Floats:
    """What regressions on features and on patches of the images, (M, C, H, W), make of each row.

    They look once: neither alone would be a good guide. Arguments and result are as for `ask`.
    """
    asked: Conditions = {"n_classes": n_classes, "seed": seed, "is_unwanted": is_unwanted}
    answers = patches.encode_patches(images, is_learned, seed=seed, is_unwanted=is_unwanted)
    scores: list[Floats] = []
    for seen in (features, answers):
        scores += make_regression(seen, is_learned, **asked)(labels)
    return pool_opinions(scores, labels, np.flatnonzero(is_learned))


def make_regression(
    features: Floats,
    is_learned: NDArray[np.bool_],
    *,
    n_classes: int,
    seed: int,
    is_unwanted: Callable[[], bool] = lambda: False,
) -> Callable[[Labels], list[Floats]]:
    """Make what regresses labels on the features, one time or several.

    Args:
        features: see `ask`, also for what follows.
        is_learned: (M,).
        n_classes: C.
        seed: of landmarks, and of the rows where they are many.
        is_unwanted: asked now and then.

    Returns:
        From (M,) classes, or (M, C) shares of them, to scores without a row's own label, (M, C) for
        each penalty of `ridge`.
    """
    used = np.flatnonzero(is_learned)
    if len(used) <= MOST_ROWS:
        kernel = WholeKernel(features, used, is_unwanted)
        return partial(kernel.score_without_own_labels, n_classes=n_classes)
    return lambda labels: kernel_ridge.score_without_own_labels(
        features,
        labels,
        is_learned,
        n_numbers=features.shape[1],
        n_classes=n_classes,
        seed=seed,
        is_unwanted=is_unwanted,
        n_landmarks=N_LANDMARKS,
    )


def draw_compared(rows: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """The rows by which features and patches are compared, ascending; the same seed, the same."""
    if len(rows) <= MOST_COMPARED:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, size=MOST_COMPARED, replace=False))


def compare_with_patches(
    features: Floats,
    images: Images,
    labels: NDArray[np.int64],
    rows: NDArray[np.int64],
    *,
    n_classes: int,
    seed: int,
) -> tuple[float, float]:
    """How well labels are told by features, and by patches of the pictures.

    Both are learned from the given labels of some rows, each judged without its own, so that wrong
    labels cost both alike.

    Args:
        features: (M, F) by a pretrained network.
        images: (M, C, H, W).
        labels: (M,) as given; of verified rows the true ones.
        rows: positions, ascending, whose labels may be learned.
        n_classes: K.
        seed: of all draws.

    Returns:
        Information about a label, in nats, by features and by patches: mean log-likelihood of the
        labels above that by the classes' shares.
    """
    rows = draw_compared(rows, seed)
    own, every = labels[rows], np.ones(len(rows), dtype=np.bool_)
    by_shares = float(np.log(np.bincount(own)[own] / len(rows)).mean())

    def measure(seen: Floats) -> float:
        scores = make_regression(seen, every, n_classes=n_classes, seed=seed)(own)
        told = pool_opinions(scores, own, np.arange(len(rows)))
        likely = np.maximum(told[np.arange(len(rows)), own], FLOOR)
        return float(np.log(likely.astype(np.float64)).mean()) - by_shares

    return measure(features[rows]), measure(patches.encode_patches(images[rows], every, seed=seed))
