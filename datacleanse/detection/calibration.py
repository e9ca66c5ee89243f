"""From what is thought of a row to the probability that its label is wrong, learned on pairs.

Of verified rows that were judged like any other it is known whether the label was wrong. On them

    P(wrong) = sigma(a + b x + e max(x, 0) + c_g + sum_k d_k (x_k - x))

is fitted: x is the log-odds of "wrong" by the posterior, x_k that by a single opinion, g the given
label. Platt 1999, "Probabilistic outputs for support vector machines", has a and b; e lets the top
of the ranking be less sure than the rest, as where errors lie near a boundary; c lets a class be
mislabelled more often than was thought, d lets an opinion count more than it did.

The coefficients have normal priors. How far c and d may go is chosen by the evidence, and a
probability above 1/2 is the mean over the coefficients' posterior: MacKay 1992, "The evidence
framework applied to classification networks", eqs. 16 to 20. `docs/method.md` has the measurements.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit

from datacleanse.sampling import draw_spread
from datacleanse.storage.mapped_files import make_rows, release_mapped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CLIP = 6.0
"""Largest log-odds, in size: beyond it a few rows of which a model is certain would decide the
fit."""

INTERCEPT_SPREAD, SLOPE_SPREAD = 2.0, 0.5
"""Standard deviations of the priors a ~ N(0, 2^2) and b ~ N(1.3, .5^2). The one on b keeps the fit
finite where all wrong rows score above all right ones."""

SLOPE = 1.3
"""Mean of the prior of b, and of b over tables: the posterior is a little too mild. Tables that
were not looked at for it are in decision 103."""

BEND_SPREAD = 0.3
"""The same of e ~ N(0, .3^2). Few pairs score so high, so that without it the top is believed too
much: of tables with errors near a boundary 68 % kept the bound on false alarms among the first 100
rows, with it 84 %."""

CLASS_SPREADS = (0.05, 0.3, 0.7, 1.5)
"""Standard deviations that the prior of c may have."""

VIEW_SPREADS = (0.05, 0.15, 0.4)
"""The same of d. With the last one the ranges of classes' rates held in 93 % of cases, without it
in 92 %; average precision was up by .002."""

MANY_CLASSES = 100
"""Above it there is no c: its C^2 covariances would be learned from few rows of each class."""

BLOCK = 65_536
"""Rows judged at a time."""

DRAWS, MAX_SIMULATED = 400, 20_000
"""Draws of what is not known, and rows that a share is simulated on."""

CONFIDENCE = 0.9
"""Of the bounds on false alarms."""

_STEPS, _CONVERGED = 60, 1e-8
"""Of Newton's method, at most, and the step below which it ends."""


@dataclass(frozen=True)
class Clues:
    """What is thought of n rows before it is calibrated."""

    log_odds: Floats
    """(n,) of "the given label is wrong" by the posterior."""
    views: Floats
    """(n, K) the same by each opinion alone."""
    labels: NDArray[np.int64]
    """(n,) given."""

    def take(self, rows: NDArray[np.int64] | slice) -> Clues:
        """The same of some rows."""
        return Clues(self.log_odds[rows], self.views[rows], self.labels[rows])

    def describe(self, n_classes: int) -> Floats:
        """(n, 3 + K + ``n_classes``) what the coefficients a, b, e, d and c are multiplied with."""
        n, k = self.views.shape
        described = np.zeros((n, 3 + k + n_classes))
        described[:, 0] = 1.0
        described[:, 1] = self.log_odds
        described[:, 2] = np.maximum(self.log_odds, 0.0)
        described[:, 3 : 3 + k] = self.views - self.log_odds[:, None]
        if n_classes:
            described[np.arange(n), 3 + k + self.labels] = 1.0
        return described


@dataclass(frozen=True)
class Calibration:
    """The fitted coefficients, a normal distribution (Laplace's approximation)."""

    mode: Floats
    """(D,)."""
    covariance: Floats
    """(D, D)."""
    n_classes: int
    """C, 0 where there is no c."""

    def estimate(self, clues: Clues) -> Floats:
        """(n,) P(wrong), by MacKay's approximation of the mean over the coefficients above 1/2.

        Below it the likeliest coefficients tell it. The mean would be right for a single row, but
        it lies above the middle wherever a row is surely right; summed over all of them it told 6
        to 14 % more errors than there are where few labels are wrong.
        """
        found: Floats = make_rows((len(clues.labels),), np.float64)
        for start in range(0, len(found), BLOCK):
            rows = slice(start, start + BLOCK)
            found[rows] = _average(*self._look(clues.take(rows)))
            release_mapped()
        return found

    def estimate_held_out(self, clues: Clues, is_wrong: NDArray[np.bool_]) -> Floats:
        """(n,) P(wrong) of the very rows that it was fitted on, each as if without its outcome.

        Else these rows would check themselves: of 200 pairs between .7 and .9 there were 88 % that
        were wrong, where it was 74 % of all others. One step of Newton's method takes a row out:
        Rad, Maleki 2020, "A scalable estimate of the extra-sample prediction error via approximate
        leave-one-out", arXiv 1801.10243.
        """
        log_odds, variance = self._look(clues)
        p = expit(log_odds)
        wider = variance / np.maximum(1 - p * (1 - p) * variance, np.finfo(np.float64).eps)
        return _average(log_odds + wider * (p - is_wrong), wider)

    def _look(self, clues: Clues) -> tuple[Floats, Floats]:
        """(n,) mean and variance of rows' log-odds."""
        described = clues.describe(self.n_classes)
        variance: Floats = ((described @ self.covariance) * described).sum(axis=1)
        return described @ self.mode, variance

    def simulate_shares(self, clues: Clues) -> Floats:
        """(`DRAWS`,) shares of wrong rows among these, in [0, 1], as they may be.

        For each draw of the coefficients from their posterior the number of wrong rows is drawn:
        the coefficients' error moves all rows alike, and each row is wrong or right by itself.
        """
        n = len(clues.labels)
        # Of very many rows a part tells the mean as well.
        some = clues.take(draw_spread(n, MAX_SIMULATED))
        rng = np.random.default_rng(0)
        drawn = rng.multivariate_normal(self.mode, self.covariance, size=DRAWS)
        mean = expit(some.describe(self.n_classes) @ drawn.T).mean(axis=0)
        result: Floats = rng.binomial(n, mean) / n
        return result

    def bound_false_alarms(self, clues: Clues) -> NDArray[np.int64]:
        """(n,) how many of the first 1, 2, ... rows have a right label, at most.

        With `CONFIDENCE` for each number of rows by itself. Drawn as in `simulate_shares`, the
        number of right rows by its normal approximation, so that a draw is one run from the top.
        """
        rng = np.random.default_rng(0)
        drawn = rng.multivariate_normal(self.mode, self.covariance, size=DRAWS)
        p = expit(clues.describe(self.n_classes) @ drawn.T)
        deviation = np.sqrt(np.cumsum(p * (1 - p), axis=0)) * rng.normal(size=DRAWS)
        n_false = np.cumsum(1 - p, axis=0) + deviation
        n_rows = np.arange(1, len(p) + 1)
        bound = np.ceil(np.quantile(n_false, CONFIDENCE, axis=1)).clip(0, n_rows)
        # More rows cannot hold fewer.
        result: NDArray[np.int64] = np.maximum.accumulate(bound).astype(np.int64)
        return result


def _average(log_odds: Floats, variance: Floats) -> Floats:
    """(n,) P(wrong), as `Calibration.estimate` has it."""
    doubt = np.where(log_odds > 0, np.sqrt(1 + np.pi / 8 * variance), 1.0)
    found: Floats = expit(log_odds / doubt)
    return found


def clip_log_odds(wrong: Floats) -> Floats:
    """Log-odds of probabilities, cut at `CLIP` on either side."""
    tiny = expit(-CLIP)
    result: Floats = logit(np.clip(wrong, tiny, 1 - tiny))
    return result


def fit_calibration(
    clues: Clues, is_wrong: NDArray[np.bool_], n_classes: int, *, design_effect: float = 1.0
) -> Calibration:
    """The coefficients under which it is likeliest which rows are wrong.

    Args:
        clues: of n rows, n >= 1, that were judged like any other.
        is_wrong: (n,).
        n_classes: C.
        design_effect: how many of the rows tell as much as one independent row, >= 1.
    """
    n_classes = n_classes if n_classes <= MANY_CLASSES else 0
    described = clues.describe(n_classes)
    n_views = clues.views.shape[1]
    centre = np.zeros(described.shape[1])
    centre[1] = SLOPE
    best: tuple[float, Floats, Floats] | None = None
    for view, of_class in product(VIEW_SPREADS, CLASS_SPREADS if n_classes else (1.0,)):
        spreads = [
            INTERCEPT_SPREAD,
            SLOPE_SPREAD,
            BEND_SPREAD,
            *[view] * n_views,
            *[of_class] * n_classes,
        ]
        outcome, weight = is_wrong.astype(np.float64), 1 / design_effect
        found = _fit(described, outcome, centre, np.array(spreads), weight)
        if best is None or found[0] > best[0]:
            best = found
    assert best is not None
    return Calibration(best[1], best[2], n_classes)


def measure_fit(log_odds: Floats, is_wrong: NDArray[np.bool_]) -> float:
    """Log-likelihood, in nats, of (n,) outcomes once their log-odds are calibrated by a and b."""
    n = len(log_odds)
    clues = Clues(log_odds, np.empty((n, 0)), np.zeros(n, dtype=np.int64))
    described, outcome = clues.describe(0), is_wrong.astype(np.float64)
    spreads = np.array([INTERCEPT_SPREAD, SLOPE_SPREAD, BEND_SPREAD])
    _, mode, _ = _fit(described, outcome, np.array([0.0, 1.0, 0.0]), spreads)
    return -_lose(described @ mode, outcome)


def _fit(
    described: Floats, outcome: Floats, centre: Floats, spreads: Floats, weight: float = 1.0
) -> tuple[float, Floats, Floats]:
    """Evidence in nats (up to a constant), mode and covariance, by Newton's method.

    Each row counts as ``weight`` rows.
    """

    def lose(theta: Floats) -> float:
        return weight * _lose(described @ theta, outcome) + 0.5 * float(
            (((theta - centre) / spreads) ** 2).sum()
        )

    def curve(theta: Floats) -> tuple[Floats, Floats]:
        p = expit(described @ theta)
        bent = (described.T * (weight * p * (1 - p))) @ described + np.diag(spreads**-2.0)
        return p, bent

    theta = centre.copy()
    for _ in range(_STEPS):
        p, bent = curve(theta)
        gradient = described.T @ (weight * (p - outcome)) + (theta - centre) / spreads**2
        step = np.linalg.solve(bent, gradient)
        # The whole step may lead too far where the curve is flat.
        scale, before = 1.0, lose(theta)
        while lose(theta - scale * step) > before and scale > 1e-4:
            scale /= 2
        theta = theta - scale * step
        if np.abs(step).max() < _CONVERGED:
            break
    _, bent = curve(theta)
    evidence = -lose(theta) - float(np.log(spreads).sum()) - 0.5 * np.linalg.slogdet(bent)[1]
    covariance: Floats = np.linalg.inv(bent).astype(np.float64)
    return float(evidence), theta, covariance


def _lose(z: Floats, outcome: Floats) -> float:
    """Negative log-likelihood, in nats, of outcomes with log-odds ``z``."""
    return float((np.logaddexp(0, z) - outcome * z).sum())
