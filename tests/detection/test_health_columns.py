"""Columns are sorted once: what is read off their order is what slower ways say."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datacleanse.data import ReadOptions, read_data
from datacleanse.detection.health.columns import FAR, Columns, read_columns
from datacleanse.detection.health.near_pairs import find_near_pairs
from datacleanse.detection.health.number_skill import measure_number_skill, predict_numbers
from datacleanse.detection.health.ranks import (
    is_constant,
    pick_quantiles,
    rank_among,
    sort_known,
)
from datacleanse.detection.health.value_pairs import MOST_VALUES, measure_surprise

NUMBERS = st.floats(-1e9, 1e9) | st.integers(-3, 3).map(float)
COLUMNS = st.lists(NUMBERS | st.just(np.nan), min_size=1, max_size=40).map(np.array)


@given(st.lists(NUMBERS, min_size=1, max_size=40), st.lists(st.floats(0, 1), max_size=5))
def test_quantiles_are_numpy_s_to_the_last_bit(values, shares):
    found = pick_quantiles(np.sort(values), shares)
    assert found.tolist() == np.quantile(values, shares).tolist()


def test_quantiles_of_many_numbers_are_numpy_s_as_well():
    rng = np.random.default_rng(0)
    values, shares = rng.normal(size=501), rng.random(400)
    assert (pick_quantiles(np.sort(values), shares) == np.quantile(values, shares)).all()


@given(COLUMNS, st.integers(0, 40))
def test_ranks_are_counted_among_the_known(values, n_known):
    known = values[:n_known][~np.isnan(values[:n_known])]
    twice, n_ranked = rank_among(values, n_known)
    assert n_ranked == len(known)
    assert sort_known(values[:n_known]).tolist() == sorted(known)
    for value, found in zip(values, twice, strict=True):
        if not np.isnan(value):
            assert found == (known < value).sum() + (known <= value).sum() + 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], True),
        ([2.0, 2.0], True),
        ([np.nan, np.nan], True),
        ([2.0, 3.0], False),
        ([2.0, np.nan], False),
    ],
)
def test_a_missing_cell_is_a_value_of_a_column(values, expected):
    assert is_constant(np.array(values)) is expected


@given(st.lists(NUMBERS, min_size=1, max_size=12))
def test_medians_of_neighbours_are_those_of_windows(numbers):
    """A column of distinct values is predicted by the medians of up to five neighbours."""
    n = len(numbers)
    expected = []
    for at in range(n):
        reach = min(at, n - 1 - at, 2)
        expected.append(np.median(numbers[at - reach : at + reach + 1]))
    places = np.random.default_rng(0).permutation(n).astype(float)
    found = predict_numbers(places, np.array(numbers)[places.astype(int)], np.arange(float(n)))
    # Half of the least number there is, is none.
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=np.finfo(float).tiny)


def test_equal_values_are_predicted_by_their_median_whatever_the_order_of_rows():
    rng = np.random.default_rng(0)
    values, numbers = rng.integers(0, 4, 200).astype(float), rng.normal(size=200)
    expected = [np.median(numbers[values == each]) for each in range(4)]
    np.testing.assert_allclose(predict_numbers(values, numbers, np.arange(4.0)), expected)


def test_a_column_says_nothing_of_numbers_that_do_not_vary():
    trust = np.ones(60)
    varying, rising = np.arange(60.0), np.linspace(0, 1, 60)
    assert measure_number_skill(varying, np.full(60, 7.0), trust, 0.0) == 0.0
    assert measure_number_skill(np.full(60, np.nan), rising, trust, 15.0) == 0.0
    assert measure_number_skill(varying, rising, trust, 15.0) > 0.9


def test_numbers_of_vectors_and_columns_stand_beside_each_other():
    table = pa.table(
        {
            "v": pa.array([[1.0, 2.0], [3.0, np.inf], None, [7.0, 8.0]], pa.list_(pa.float32(), 2)),
            "x": pa.array([1.5, None, -2.0, 4.0]),
            "label": ["a", "b", "a", "b"],
        }
    )
    columns = read_columns([read_data(table, ReadOptions(label="label"))] * 2)
    assert columns.number_names == ("v", "v", "x")
    once = [[1, 2, 1.5], [3, FAR, np.nan], [np.nan, np.nan, -2], [7, 8, 4]]
    np.testing.assert_array_equal(columns.numbers, once * 2)
    assert columns.numbers.flags.f_contiguous


def test_rows_of_many_columns_are_equal_only_if_all_are():
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, 2, (60, 40)).astype(float)
    numbers[:, :20] = 1.0  # what varies stands behind
    numbers[:30, :18] = rng.integers(0, 2, 18)
    numbers[10:20] = numbers[0]
    numbers[15:20, 39] = 1 - numbers[0, 39]
    exact = find_near_pairs(
        Columns(("x",) * 40, np.asfortranarray(numbers), (), np.empty((60, 0), np.int64)),
        np.ones(60, np.bool_),
    ).exact
    for i, one in enumerate(numbers):
        for j, other in enumerate(numbers[:i]):
            assert (one == other).all() == (exact[i] >= 0 and exact[i] == exact[j])


def test_what_is_the_same_in_data_tells_other_rows_apart():
    numbers = np.random.default_rng(0).normal(size=(60, 2))
    numbers[:, 1] = 5.0
    numbers[50:] = numbers[:10]
    numbers[55:, 1] = 6.0
    columns = Columns(("x", "same"), numbers, (), np.empty((60, 0), np.int64))
    exact = find_near_pairs(columns, np.arange(60) < 50).exact
    assert (exact[50:55] == exact[:5]).all()
    assert (exact[:5] >= 0).all()
    assert (exact[5:50] == -1).all()
    assert (exact[55:] == -1).all()


def test_of_columns_with_too_many_values_none_is_cut_any_more(monkeypatch):
    n = 200
    numbers = np.random.default_rng(0).normal(size=(n, MOST_VALUES))
    wide = Columns(("x",) * MOST_VALUES, numbers, (), np.empty((n, 0), np.int64))
    cut = []
    monkeypatch.setattr(
        "datacleanse.detection.health.value_pairs.cut_numbers",
        lambda values, known: cut.append(1) or np.arange(len(values)) % 8,
    )
    every = slice(0, n)
    assert measure_surprise(wide, every, every, np.arange(n)) is None
    assert len(cut) == MOST_VALUES // 8 + 1
