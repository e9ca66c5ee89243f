"""Columns of numbers that are codes: told from quantities by what labels make of their order."""

from __future__ import annotations

import numpy as np
import pytest

from datacleanse.detection.second_opinion import kernel_ridge
from datacleanse.detection.second_opinion.kernel_ridge import Columns
from datacleanse.detection.second_opinion.nominal_numbers import find_nominal

N = 1_200


def table(seed=0, n_codes=25):
    """A code and a quantity of as many values, and a class to which each adds."""
    rng = np.random.default_rng(seed)
    code, quantity = rng.integers(0, n_codes, (2, N))
    effect = rng.normal(size=n_codes)[code] + (quantity - n_codes / 2) / n_codes
    labels = (effect + 0.3 * rng.logistic(size=N) > 0).astype(np.int64)
    # As numbers of articles are: neither dense nor from 0 on.
    return np.column_stack([code * 7 + 1_000, quantity]).astype(np.float32), labels


@pytest.mark.parametrize("seed", range(5))
def test_a_code_is_told_from_a_quantity(seed):
    rows, labels = table(seed)
    assert find_nominal(rows, labels) == [0]


@pytest.mark.parametrize("seed", range(5))
def test_without_any_meaning_nothing_is_a_code(seed):
    rows, labels = table(seed)
    assert find_nominal(rows, np.random.default_rng(seed).permutation(labels)) == []


def test_missing_codes_are_no_code():
    rows, labels = table()
    rows[::5, 0] = np.nan
    assert find_nominal(rows, labels) == [0]
    ((place, codes),) = Columns.learned(rows, 2, [0]).categories
    assert place == 0
    assert len(codes) == 25
    assert not np.isnan(codes).any()


def test_rare_classes_and_rare_codes_prove_nothing():
    rng = np.random.default_rng(0)
    rows = rng.poisson(0.4, (N, 30)).astype(np.float32)
    labels = np.where(rng.random(N) < 0.004, 2, rng.integers(0, 2, N))
    assert find_nominal(rows, labels) == []
    assert find_nominal(rng.integers(0, 190, (N, 30)).astype(np.float32), labels) == []


def test_the_regression_sees_what_codes_mean():
    rows, labels = table()
    (scores, *_) = kernel_ridge.score_without_own_labels(
        rows,
        labels,
        np.ones(N, bool),
        n_numbers=2,
        n_classes=2,
        seed=0,
        is_unwanted=lambda: False,
    )
    assert (scores.argmax(axis=1) == labels).mean() > 0.75


def test_nothing_is_left_of_a_code_as_a_number():
    rows, _ = table()
    points = Columns.learned(rows, 2, [0]).points(rows)
    assert points.shape == (N, 2 + 25)
    assert not points[:, 0].any()
    np.testing.assert_array_equal(points[:, 2:].sum(axis=1), 1)
