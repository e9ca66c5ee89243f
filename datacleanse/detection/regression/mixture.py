"""P(wrong | x, y) by a mixture: right numbers lie about their prediction, wrong ones elsewhere.

A right number lies about the pooled prediction with a spread that depends on x; how heavy the tails
are is learned, by a mixture of normals of many widths. A wrong one belongs to another row, so that
it is drawn from what all rows' predictions allow, or it was moved off, maybe beyond them, or it was
right before a slip (`slips.py`). The shares of all these are learned by expectation and
maximisation, from the rows that nobody verified and from the pairs of one half of CLEAN, whose
origin is known. Rows that are known to be right show above all that tails are no heavier: else they
would take wrong numbers in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.data.number_labels import count_decimals
from datacleanse.detection.regression.slips import find_slips, weigh_grid
from datacleanse.detection.regression.spread import estimate_spread, pool_predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.detection.regression.slips import Slip

    Floats = NDArray[np.float64]

WIDTHS = np.geomspace(0.05, 30, 14)
"""Of the normals that right residuals are a mixture of, in spreads."""

OFF = 3.0
"""Standard deviations of all labels by which numbers are moved far off; others by a robust one."""

N_OTHERS = 2
"""Origins of a wrong number that no slip made: it is another row's, or was moved off."""

ROUNDS, STEPS = 3, 20
"""Fits of prediction and spread, and EM steps after each."""

PAIR_VALUE = 5.0
"""How many rows that nobody verified a pair's origin counts for in the shares."""

FEW_WRONG = 4
"""Wrong pairs from which on they show how numbers go wrong."""

RIGHT_VALUE = 15.0
"""How many unverified rows one counts for that is known to be right, in the tails of right ones."""

START_RIGHT = 0.9
"""P(right) of a row before anything is known."""

LEAST_COUNT, MOST_WRONG = 0.3, 0.5
"""What origins that no pair shows count, and the share of wrong labels, at most."""

LEAST_SHARE = 1e-5
"""Of an origin."""

MOST_OTHERS = 400
"""Rows whose predictions stand for those of all."""

REACH, POINTS = 60.0, 4_001
"""The right density is looked up to so many spreads off, at so many points."""

BLOCK = 2_048
"""Rows compared with others at a time."""

COVERED = 0.9
"""Of right numbers that the interval of a prediction holds."""

_LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True)
class Known:
    """The labels that the mixture is learned from, (M,) each."""

    numbers: Floats
    """As given, in the label's unit."""
    truth: Floats
    """Verified, where `is_known`; anything elsewhere."""
    is_known: NDArray[np.bool_]
    """Rows of the fold's steering half of CLEAN."""
    is_learned: NDArray[np.bool_]
    """Rows that stand for DATA as it was given."""
    centre: float
    """Of the numbers."""
    scale: float
    """Of the numbers, > 0: predictions are in units of it, off the centre."""

    @property
    def standardised(self) -> Floats:
        """(M,) the given numbers as predictions are."""
        found: Floats = (self.numbers - self.centre) / self.scale
        return found


@dataclass(frozen=True)
class Mixture:
    """What is thought of each of the M rows."""

    wrong: Floats
    """(M,) P(the given number is wrong)."""
    prediction: Floats
    """(M,) in the label's unit."""
    low: Floats
    """(M,) lower end of the range that holds `COVERED` of right numbers."""
    high: Floats
    """(M,) upper end."""
    slips: tuple[Slip, ...]
    """Those that the pairs show, S in number."""
    by_slip: Floats
    """(M, S) P(a slip made the number)."""


class _Right:
    """The density of right numbers about their predictions, in standardised units."""

    def __init__(self, prediction: Floats, spread: Floats, deviation: float) -> None:
        """Begin with tails of any weight; ``deviation``: of all labels, standardised."""
        self.prediction, self.spread = prediction, spread
        self.off = np.array([1.0, OFF * max(1.0, deviation)])
        self.shares = np.full(len(WIDTHS), 1 / len(WIDTHS))

    def by_width(self, distance: Floats) -> Floats:
        """(..., W) log-density of distances in spreads by each width, with its share."""
        squared = (distance[..., None] / WIDTHS) ** 2
        found: Floats = -0.5 * (squared + _LOG_2PI) - np.log(WIDTHS) + np.log(self.shares)
        return found

    def log_density(self, numbers: Floats) -> Floats:
        """(M,) log-density of a number for each row."""
        distance = (numbers - self.prediction) / self.spread
        return sum_logs(self.by_width(distance)) - np.log(self.spread)

    def log_density_elsewhere(self, numbers: Floats, others: NDArray[np.int64]) -> Floats:
        """(M,) log of the mean density of a number over other rows."""
        grid = np.linspace(-REACH, REACH, POINTS)
        table = sum_logs(self.by_width(grid))
        found = np.empty(len(numbers))
        centre, spread = self.prediction[others], self.spread[others]
        for start in range(0, len(numbers), BLOCK):
            rows = slice(start, start + BLOCK)
            distance = (numbers[rows, None] - centre) / spread
            density = np.interp(np.clip(distance, -REACH, REACH), grid, table) - np.log(spread)
            found[rows] = sum_logs(density) - np.log(len(others))
        return found

    def log_density_off(self, numbers: Floats) -> Floats:
        """(M,) log-density of a number that was moved off: by as much as labels differ, or more."""
        distance = (numbers - self.prediction)[:, None] / self.off
        logs = -0.5 * (distance**2 + _LOG_2PI) - np.log(self.off * len(self.off))
        return sum_logs(logs)

    def learn(self, numbers: Floats, weight: Floats) -> None:
        """One EM step of the widths' shares; ``weight``: (M,) P(right)."""
        used = np.flatnonzero(weight > 0)
        distance = ((numbers - self.prediction) / self.spread)[used]
        terms = self.by_width(distance)
        origin = np.exp(terms - sum_logs(terms)[:, None])
        shares = (origin * weight[used, None]).sum(axis=0) + 0.5 / len(WIDTHS)
        self.shares = shares / shares.sum()

    def reach(self) -> float:
        """Spreads within which `COVERED` of right numbers lie."""
        grid = np.geomspace(0.01, 4 * WIDTHS[-1], 2_000)
        inside = np.array([_cover(grid, width) for width in WIDTHS])
        return float(np.interp(COVERED, self.shares @ inside, grid))


class _Shares:
    """How frequent each origin of a wrong number is, among DATA's rows."""

    def __init__(self, slips_seen: list[int], n_others: int, n_pairs: int) -> None:
        """Begin with what pairs show.

        Args:
            slips_seen: wrong pairs by slip.
            n_others: wrong pairs that no slip made.
            n_pairs: rows of DATA whose origin is known.
        """
        self._n_others, self._n_pairs = n_others, n_pairs
        seen = np.array([n_others / N_OTHERS] * N_OTHERS + slips_seen, dtype=np.float64)
        least = np.maximum(seen, LEAST_COUNT / N_OTHERS)
        # That none of few wrong pairs is of an origin says little against it.
        self._seen = seen if seen.sum() >= FEW_WRONG else least
        shares = least / n_pairs if n_pairs else np.ones(len(seen))
        most = MOST_WRONG if n_pairs else 1 - START_RIGHT
        self.of_wrong: Floats = shares * min(1.0, most / shares.sum())
        """(2 + S,) in (0, 1): another row's, moved off, each slip."""

    def learn(self, counted: Floats, of_pairs: Floats) -> None:
        """One EM step, by (n, 2 + S) origins of unverified rows, and (w, 2 + S) of wrong pairs."""
        if self._n_others:
            # Which of the two it was, no pair tells by itself.
            parts = of_pairs[:, :N_OTHERS].sum(axis=0) + LEAST_COUNT
            self._seen[:N_OTHERS] = self._n_others * parts / parts.sum()
        found = counted.sum(axis=0) + PAIR_VALUE * self._seen
        shares = found / max(len(counted) + PAIR_VALUE * self._n_pairs, 1.0)
        self.of_wrong = np.maximum(shares * min(1.0, MOST_WRONG / shares.sum()), LEAST_SHARE)


def fit_mixture(known: Known, opinions: Floats, rows: NDArray[np.float32], *, seed: int) -> Mixture:
    """Learn the mixture, and judge all rows by it.

    Args:
        known: the labels.
        opinions: (M, K) predictions, standardised, made without the row's own label.
        rows: (M, F) encoded columns.
        seed: of bags, and of the rows that stand for all.
    """
    z = known.standardised
    is_wrong = known.is_known & (known.numbers != known.truth)
    is_right = known.is_known & ~is_wrong
    slips, n_others = find_slips(
        known.numbers[is_wrong], known.truth[is_wrong], known.numbers[known.is_learned]
    )
    # Rows of CLEAN from elsewhere say how right numbers lie, not how many are wrong.
    n_pairs = int(np.count_nonzero(known.is_known & known.is_learned))
    shares = _Shares([slip.seen for slip in slips], n_others, n_pairs)
    is_counted = known.is_learned & ~known.is_known
    weight = np.where(known.is_learned, START_RIGHT, 0.0)
    weight[is_wrong], weight[is_right] = 0.0, 1.0
    rng = np.random.default_rng(seed)
    for _ in range(ROUNDS):
        prediction = pool_predictions(opinions, z, weight)
        spread = estimate_spread(rows, prediction, opinions, z - prediction, weight, seed=seed)
        right = _Right(prediction, spread, float(z[known.is_learned].std()))
        others = rng.choice(len(z), size=min(MOST_OTHERS, len(z)), p=weight / weight.sum())
        for step in range(STEPS):
            if step % 5 == 0:
                wrong = _weigh_errors(right, known, slips, others, weight)
            logs = np.column_stack([right.log_density(z), wrong])
            logs += np.log([max(1 - shares.of_wrong.sum(), 1e-9), *shares.of_wrong])
            origin = np.exp(logs - sum_logs(logs)[:, None])
            weight = np.where(known.is_learned, origin[:, 0], 0.0)
            weight[is_wrong], weight[is_right] = 0.0, 1.0
            shares.learn(origin[is_counted, 1:], origin[is_wrong, 1:])
            right.learn(z, np.where(is_right, RIGHT_VALUE, weight))
    return _sum_up(right, known, slips, origin)


def _sum_up(right: _Right, known: Known, slips: tuple[Slip, ...], origin: Floats) -> Mixture:
    """What (M, 2 + S) probabilities of each number's origin say."""
    prediction, reach = right.prediction, right.reach() * right.spread
    return Mixture(
        wrong=origin[:, 1:].sum(axis=1).clip(0.0, 1.0),
        prediction=known.centre + known.scale * prediction,
        low=known.centre + known.scale * (prediction - reach),
        high=known.centre + known.scale * (prediction + reach),
        slips=slips,
        by_slip=origin[:, 1 + N_OTHERS :],
    )


def _weigh_errors(
    right: _Right,
    known: Known,
    slips: tuple[Slip, ...],
    others: NDArray[np.int64],
    weight: Floats,
) -> Floats:
    """(M, 2 + S) log-density of each number as another row's, moved off, and after each slip."""
    z = known.standardised
    columns = [right.log_density_elsewhere(z, others), right.log_density_off(z)]
    decimals = count_decimals(known.numbers)
    for slip in slips:
        before = (slip.undo(known.numbers) - known.centre) / known.scale
        grid = weigh_grid(slip, known.numbers, decimals, weight)
        columns.append(right.log_density(before) - np.log(abs(slip.factor)) + grid)
    return np.column_stack(columns)


def sum_logs(logs: Floats) -> Floats:
    """Log of the sum of exponentials over the last axis."""
    top = logs.max(axis=-1, keepdims=True)
    found: Floats = np.log(np.exp(logs - top).sum(axis=-1)) + top[..., 0]
    return found


def _cover(distance: Floats, width: float) -> Floats:
    """(n,) share of a centred normal of this width within each distance."""
    from scipy.special import erf

    found: Floats = erf(distance / (width * np.sqrt(2)))
    return found
