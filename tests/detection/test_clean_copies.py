"""Verified rows that are copies of each other count as fewer rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from datacleanse.detection.assessment import assess
from datacleanse.detection.calibration import Clues, fit_calibration
from datacleanse.detection.clean_copies import measure_design_effect, name_copies
from datacleanse.detection.equal_rows import find_equal
from datacleanse.detection.noise_rates import INTERVAL, estimate_noise_rate
from tests.detection.test_pairs import N, make_evidence

N_DATA, N_PAIRS, TRIALS = 4000, 200, 100


def cover(size, *, groups_drawn):
    """In what share of trials the interval of the rate holds it; DATA is groups of copies."""
    hits = 0
    for seed in range(TRIALS):
        rng = np.random.default_rng(seed)
        log_odds = np.repeat(rng.normal(-2.3, 1.6, N_DATA // size), size)
        is_wrong = np.repeat(rng.random(N_DATA // size) < expit(log_odds[::size]), size)
        copies = np.arange(N_DATA) // size if size > 1 else np.full(N_DATA, -1)
        if groups_drawn:
            drawn = rng.choice(N_DATA // size, N_PAIRS // size, replace=False)
            pairs = np.flatnonzero(np.isin(copies, drawn))
        else:
            pairs = rng.choice(N_DATA, N_PAIRS, replace=False)
        clues = Clues(log_odds, np.empty((N_DATA, 0)), np.zeros(N_DATA, np.int64))
        effect = measure_design_effect(copies, N_DATA, pairs)
        found = fit_calibration(clues.take(pairs), is_wrong[pairs], 1, design_effect=effect)
        low, high = np.quantile(found.simulate_shares(clues), INTERVAL)
        hits += low <= is_wrong.mean() <= high
    return hits / TRIALS


@pytest.mark.parametrize("size", [2, 5, 10])
def test_the_interval_holds_the_rate_where_copies_were_verified_together(size):
    assert cover(size, groups_drawn=True) >= 0.88


@pytest.mark.parametrize("size", [1, 5, 40])
def test_rows_drawn_one_by_one_are_independent_whatever_copies_there_are(size):
    assert cover(size, groups_drawn=False) >= 0.9
    rng = np.random.default_rng(0)
    pairs = rng.choice(N_DATA, N_PAIRS, replace=False)
    assert measure_design_effect(np.arange(N_DATA) // size, N_DATA, pairs) == 1.0


def test_copies_have_equal_inputs_and_one_label():
    matrix = np.float32([[1], [1], [1], [2], [2], [3]])
    labels = np.array([0, 0, 1, 1, 1, 0])
    copies = name_copies(find_equal(matrix, labels, np.ones(6, bool), n_classes=2), 6)
    assert copies[0] == copies[1] != copies[2]
    assert copies[3] == copies[4] != copies[2]
    assert copies[5] == -1
    assert measure_design_effect(copies, 6, np.array([0, 1])) > 1.1
    assert measure_design_effect(copies, 6, np.array([0, 2, 5])) == 1.0
    assert measure_design_effect(None, 6, np.array([0, 1])) == 1.0


def test_an_assessment_tells_a_wider_range_where_pairs_are_copies():
    evidence, _ = make_evidence()
    copies = np.full(N, -1)
    pairs = evidence.clean_at
    copies[pairs] = np.arange(len(pairs)) // 4
    plain = estimate_noise_rate(assess(evidence, fdr=0.1))
    found = estimate_noise_rate(assess(replace(evidence, copies=copies), fdr=0.1))
    assert found.high - found.low > 1.5 * (plain.high - plain.low)
