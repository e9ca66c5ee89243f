"""How far rows are from all others, and which are too far.

Rows are placed twice, see `SCALES`. A row's distance is the one to its `NEIGHBOURS`-th neighbour
among DATA's rows: some twenty strange rows that are alike do not hide each other. Rows are also
scored by how seldom their values stand together (`value_pairs`). Whether a row is too far by one of
the three is told by all rows, most of which are like others: by the upper tail of the normal
distribution that has their median and an upper quantile. The false-discovery rate among the rows
told is held at `LEVEL` under that tail (Benjamini, Hochberg 1995, "Controlling the False Discovery
Rate"), which is a model and no promise. Distances between what the network's last layer reads only
added false alarms: decision 77.

Where CLEAN is there, a conformal p-value compares the row with CLEAN's rows (Bates, Candès, Lei,
Romano, Sesia 2023, "Testing for Outliers with Conformal p-values", arXiv 2104.08279), and no row is
told that is not stranger than nearly all of them (`LARGEST_P_VALUE`). It alone would never do: with
200 rows it is not smaller than 1/201, and to tell 20 strange rows of 3,000 takes 0.00007.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from datacleanse.detection.health.ranks import pick_quantiles, rank_among, sort_known
from datacleanse.detection.health.value_pairs import measure_surprise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from numpy.typing import NDArray

    from datacleanse.detection.health.columns import Columns

    Scale: TypeAlias = Callable[[NDArray[np.float64], int], NDArray[np.float64]]

NEIGHBOURS = 25
LEAST_ROWS = 4 * NEIGHBOURS
REFERENCE = 3_000
"""Rows of DATA, evenly spaced, among which neighbours are looked for."""

WIDE, FEW = 512, 1_000
"""Coordinates above which there are fewer such rows in proportion, down to so many: in many
dimensions all are about as far, and the row of the same place among fewer tells as much."""

LEVEL = 0.05
LEVELS = (LEVEL, 5e-4, 5e-6, 5e-8)
"""Where one tells too many rows, since the table's own tail is a heavy one, the next is taken."""

LARGEST_P_VALUE = 0.05
MOST, MOST_OF_FEW = 0.02, 25
"""Share of rows above which they are no strangers but a part of the data; of few rows the
number."""

LEAST, PLAIN = 3, 1e-9
"""Rows below which nothing is told, since the tail is no exact one, unless one is plainly strange
by its p-value."""

ALIKE = 0.99
"""A row of CLEAN that is so near to being as far counts as far: one of DATA, which is no neighbour
of itself, has one neighbour less among its likes."""

LEAST_CLEAN = 20
"""Rows of CLEAN that give conformal p-values."""

_LOW, _HIGH, _HIGH_OF_PAIRS = 0.5, 0.95, 0.98
"""Quantiles of the distances that the normal distribution is given by. Scores of values that stand
together have a heavier tail."""

_CLIP = 3.0
_VALUES = 32
"""Values of a column of names that count as different, the most frequent; the others are one."""

_MISMATCH = 1.5
"""Distance of two names; that of two numbers is in standard deviations."""

_BLOCK = 1024


@dataclass(frozen=True)
class Strange:
    """What the distances of DATA's n rows say."""

    is_unlike: NDArray[np.bool_]
    """(n,) rows that are too far."""
    p_value: NDArray[np.float64]
    """(n,) how likely a row like the others is as far."""
    conformal: NDArray[np.float64]
    """(n,) conformal p-values of "the row is like CLEAN's", NaN where there are none."""


def find_strange(
    columns: Columns, data: slice, clean: slice, clean_rows: NDArray[np.int64]
) -> Strange | None:
    """Find rows of DATA that are far from all others; None of few rows, or without columns.

    Args:
        columns: of all rows.
        data: where DATA's n rows stand.
        clean: where CLEAN's M rows stand, right behind them.
        clean_rows: (M,) the row of DATA that each row of CLEAN is; -1: none.
    """
    n_data = data.stop - data.start
    if n_data < LEAST_ROWS:
        return None
    rows, own = slice(data.start, clean.stop), np.concatenate([np.arange(n_data), clean_rows])
    is_unlike, p_values, conformals = np.zeros(n_data, np.bool_), [], []
    for score, high in _score_rows(columns, data, rows, own):
        p_values.append(estimate_tail(score[:n_data], high))
        conformals.append(compare_with_clean(score, n_data))
        is_unlike |= choose_unlike(p_values[-1], conformals[-1])
    if not p_values:
        return None
    return Strange(is_unlike, _join_p_values(p_values), _join_p_values(conformals))


def _score_rows(
    columns: Columns, data: slice, rows: slice, own: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.float64], float]]:
    """(n,) how strange rows are by each test, and the quantile that its tail is given by."""
    for scale in SCALES:
        points = place_rows(columns, data, rows, scale)
        if points.shape[1]:
            yield measure_distance(points, data.stop - data.start, own), _HIGH
    surprise = measure_surprise(columns, data, rows, own)
    if surprise is not None:
        yield surprise, _HIGH_OF_PAIRS


def _join_p_values(each: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """(n,) p-values of what one of several tests says, by Bonferroni's inequality."""
    joined: NDArray[np.float64] = np.minimum(1.0, len(each) * np.min(each, axis=0))
    return joined


def choose_unlike(
    p_value: NDArray[np.float64], conformal: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """(n,) the rows that are told: of too many the plainest, if there are few of them.

    Args:
        p_value: (n,) by the tail.
        conformal: (n,) against CLEAN; NaN where there are none.
    """
    most = max(MOST * len(p_value), MOST_OF_FEW)
    for level in LEVELS:
        told = hold_discovery_rate(p_value, level / TESTS)
        told &= ~(conformal > LARGEST_P_VALUE)
        if told.sum() <= most:
            is_enough = told.sum() >= LEAST or p_value.min() <= PLAIN
            return told if is_enough else np.zeros_like(told)
    return np.zeros(len(p_value), np.bool_)


def place_rows(columns: Columns, data: slice, rows: slice, scale: Scale) -> NDArray[np.float32]:
    """(n, D) points of some rows.

    Args:
        columns: of all rows.
        data: rows that ranks and frequent names are taken from.
        rows: rows that are placed, DATA's first.
        scale: of numbers, one of `SCALES`.
    """
    n_data = data.stop - data.start
    parts = [np.empty((0, rows.stop - rows.start), np.float32)]
    for values in columns.numbers[rows].T:
        x = scale(values, n_data).astype(np.float32)
        is_missing = np.isnan(x)
        if not is_missing.any():
            parts.append(x[None])
            continue
        parts.append(np.where(is_missing, np.float32(0), x)[None])
        if is_missing[:n_data].any():
            parts.append(is_missing[None].astype(np.float32))
    for values in columns.codes[rows].T:
        met, counts = np.unique(values[:n_data], return_counts=True)
        frequent = met[np.argsort(-counts, kind="stable")[:_VALUES]]
        is_value = values[None] == frequent[:, None]
        # A value that is none of them lies as far from each as they do from one another.
        is_other = ~is_value.any(axis=0, keepdims=True)
        parts.append(np.float32(_MISMATCH / np.sqrt(2)) * np.concatenate([is_value, is_other]))
    return np.ascontiguousarray(np.concatenate(parts).T)


def soften(values: NDArray[np.float64], n_known: int) -> NDArray[np.float64]:
    """Scale robustly and clip smoothly, as `models.encoding` does for the network.

    Args:
        values: (n,), NaN where missing.
        n_known: the first so many tell the scale.
    """
    known = sort_known(values[:n_known])
    if not len(known):
        return np.zeros_like(values)
    low, center, high = pick_quantiles(known, (0.25, 0.5, 0.75))
    scale = (high - low) / 1.349
    if not scale > 0:
        scale = (known[-1] - known[0]) / 2 or 1.0
    x = values / scale - center / scale
    x = np.clip(x, -1e50, 1e50)
    softened: NDArray[np.float64] = x / np.sqrt(1.0 + (x / _CLIP) ** 2)
    return softened


def score_normally(values: NDArray[np.float64], n_known: int) -> NDArray[np.float64]:
    """(n,) normal scores: the normal quantile of each value's rank among the known; NaN stays.

    So no column is heavy-tailed.

    Args:
        values: (n,), NaN where missing.
        n_known: the first so many are the known.
    """
    twice, n_ranked = rank_among(values, n_known)
    scores = _list_normal_scores(n_ranked)[twice] if n_ranked else np.zeros(len(values))
    return np.where(np.isnan(values), np.nan, scores)


@lru_cache(maxsize=1)
def _list_normal_scores(n: int) -> NDArray[np.float64]:
    """(2 n + 2,) the scores of n numbers' ranks, by twice the rank: equal ones have a mean rank."""
    scores: NDArray[np.float64] = special.ndtri(np.arange(2 * n + 2) / 2 / (n + 1))
    return scores


SCALES: tuple[Scale, ...] = (soften, score_normally)
"""Rows are placed by each in turn, and told where they are too far by one of them: by the first
where single values are wild, by the second where many columns are unusual at once."""

TESTS = len(SCALES) + 1
"""That tell rows, of values that stand together besides."""


def measure_distance(
    points: NDArray[np.float32], n_data: int, own: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(n,) distance of each row to its `NEIGHBOURS`-th neighbour among the first ``n_data`` rows.

    Of many coordinates, see `WIDE`, to the one of the same place among fewer rows.

    Args:
        points: (n, D).
        n_data: rows of DATA.
        own: (n,) the row of DATA that each row is, which is no neighbour of it; -1: none.
    """
    most = min(n_data, REFERENCE)
    few = min(most, max(FEW, REFERENCE * WIDE // max(WIDE, points.shape[1])))
    chosen = np.unique(np.linspace(0, n_data - 1, few).astype(np.int64))
    neighbour = max(1, round(NEIGHBOURS * few / most))
    place = np.full(n_data + 1, -1)
    place[chosen] = np.arange(len(chosen))
    own = place[own]
    others = points[chosen]
    lengths = np.square(others).sum(axis=1)
    distance = np.empty(len(points))
    for start in range(0, len(points), _BLOCK):
        rows = slice(start, start + _BLOCK)
        here = points[rows]
        gaps = np.square(here).sum(axis=1)[:, None] + lengths[None]
        gaps -= 2 * here @ others.T
        its = own[rows]
        gaps[np.flatnonzero(its >= 0), its[its >= 0]] = np.inf
        gaps.partition(neighbour - 1, axis=1)
        distance[rows] = gaps[:, neighbour - 1]
    return np.sqrt(np.maximum(distance, 0.0))


def estimate_tail(distance: NDArray[np.float64], quantile: float) -> NDArray[np.float64]:
    """(n,) how likely a row like the others is as far.

    Args:
        distance: (n,) of all rows, most of which are like others.
        quantile: the upper one that the normal distribution is given by, beside the median.
    """
    low, high = np.quantile(distance, [_LOW, quantile])
    spread = (high - low) / (special.ndtri(quantile) - special.ndtri(_LOW))
    if not spread > 0:
        return np.ones(len(distance))
    tail: NDArray[np.float64] = special.ndtr(-(distance - low) / spread)
    return tail


def compare_with_clean(distance: NDArray[np.float64], n_data: int) -> NDArray[np.float64]:
    """(n,) conformal p-values of DATA's rows: how many of CLEAN's are as far, or farther.

    Args:
        distance: (n + M,) of DATA's rows, then CLEAN's, see `measure_distance`.
        n_data: n.
    """
    clean = np.sort(distance[n_data:])
    if len(clean) < LEAST_CLEAN:
        return np.full(n_data, np.nan)
    farther = len(clean) - np.searchsorted(clean, ALIKE * distance[:n_data], side="left")
    found: NDArray[np.float64] = (1 + farther) / (1 + len(clean))
    return found


def hold_discovery_rate(p_value: NDArray[np.float64], level: float) -> NDArray[np.bool_]:
    """(n,) the rows that Benjamini and Hochberg's procedure tells."""
    ordered = np.sort(p_value)
    n = len(ordered)
    kept = np.flatnonzero(ordered <= level * np.arange(1, n + 1) / n)
    if not len(kept):
        return np.zeros(n, np.bool_)
    found: NDArray[np.bool_] = p_value <= ordered[kept[-1]]
    return found
