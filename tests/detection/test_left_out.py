"""Classes that CLEAN leaves out: chance is bounded, and plain training speaks for them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from datacleanse.detection.left_out import bound_chance, find_left_out


@given(st.floats(0.01, 0.4), st.integers(30, 400))
def test_of_one_class_the_bound_is_about_the_chance_that_a_sample_has_none(share, n_rows):
    shares = np.array([share, 1.0 - share])
    found = bound_chance(shares, np.array([True, False]), n_rows)
    chance = (1 - share) ** n_rows
    assert chance * (1 - 1e-9) <= found <= 1.5 * chance


@given(st.integers(0, 2**32 - 1), st.integers(2, 12), st.integers(1, 60))
def test_the_bound_is_no_less_than_the_share_of_samples_that_miss_as_much(seed, n_classes, n_rows):
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(n_classes))
    draws = rng.multinomial(n_rows, shares, size=2000) == 0
    is_absent = draws[0]
    if not is_absent.any():
        return
    as_much = (draws @ shares >= shares[is_absent].sum() - 1e-12).mean()
    assert bound_chance(shares, is_absent, n_rows) >= as_much - 5 * np.sqrt(as_much / 2000)


def test_nothing_is_missing_from_no_rows_and_from_all_classes():
    shares = np.full(4, 0.25)
    assert bound_chance(shares, np.array([True] * 4), 0) == 1.0
    assert bound_chance(shares, np.array([False] * 4), 50) == 1.0


def test_a_clean_set_of_one_class_among_ten_is_no_sample():
    labels, none = np.repeat(np.arange(10), 100), np.zeros(10, np.int64)
    counts = np.where(np.arange(10) == 3, 15, 0)
    assert find_left_out(labels, counts, none).tolist() == [k != 3 for k in range(10)]


def test_of_many_classes_a_sample_misses_some_and_that_is_chance():
    rng, n_classes = np.random.default_rng(0), 77
    labels = np.repeat(np.arange(n_classes), 40)
    for _ in range(20):
        counts = np.bincount(rng.choice(labels, 150), minlength=n_classes)
        assert (counts == 0).any()
        assert not find_left_out(labels, counts, np.zeros(n_classes, np.int64)).any()
