"""The kernel regression on a table: what it sees of a row, and that labels do not vouch."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics.pairwise import rbf_kernel

from datacleanse.detection.second_opinion import kernel_ridge as module
from datacleanse.detection.second_opinion import ridge
from datacleanse.detection.second_opinion.kernel_ridge import Columns, Landmarks
from datacleanse.detection.second_opinion.pool import AbandonedError
from tests.tries import tries

N = 400


def table():
    """Two numbers, one of them missing at times, and a category; the label is a sum of effects."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(N, 2)).astype(np.float32)
    codes = rng.integers(0, 4, N)
    effect = np.abs(numbers[:, 0]) - 0.8 + np.array([0.0, 1.0, -1.0, 0.0])[codes]
    numbers[::9, 1] = np.nan
    rows = np.column_stack([numbers, codes]).astype(np.float32)
    return rows, (effect > 0).astype(np.int64)


ask = partial(
    module.score_without_own_labels, n_numbers=2, n_classes=2, seed=0, is_unwanted=lambda: False
)


def test_points_are_standardised_numbers_indicators_and_categories():
    rows = np.array([[0, 1], [1, 2], [2, 2], [np.nan, 1], [8, 3]] * 5, dtype=np.float32)
    points = Columns.learned(rows, 1).points(rows)
    mean, deviation = np.mean([0, 1, 2, 8]), np.std([0, 1, 2, 8])
    for row, found in zip(rows, points, strict=True):
        number = 0.0 if np.isnan(row[0]) else (row[0] - mean) / deviation
        categories = [float(row[1] == code) for code in (1, 2, 3)]
        np.testing.assert_allclose(
            found, [number, float(np.isnan(row[0])), *categories], rtol=1e-4, atol=1e-6
        )


@settings(max_examples=tries(25))
@given(st.integers(2, 60), st.integers(1, 5), st.integers(0, 2**31))
def test_products_of_features_are_the_kernel_between_landmarks(n, n_columns, seed):
    points = np.random.default_rng(seed).normal(size=(n, n_columns)).astype(np.float32)
    landmarks, squared = Landmarks.among(points)
    features = landmarks.values(points) @ landmarks.find_axes(squared)
    exact = ((points[:, None] - points) ** 2).sum(axis=2)
    expected = rbf_kernel(points.astype(np.float64), gamma=1 / np.median(exact))
    # What is left out lies along axes of next to no variance.
    np.testing.assert_allclose(features @ features.T, expected, atol=2e-3)


def test_effects_that_bend_and_categories_are_learned_and_wrong_labels_seen():
    rows, labels = table()
    given_labels = labels.copy()
    given_labels[:40] = 1 - given_labels[:40]
    for scores in ask(rows, given_labels, np.ones(N, bool)):
        assert (scores.argmax(axis=1)[:40] == labels[:40]).mean() > 0.85
        assert (scores.argmax(axis=1) == labels).mean() > 0.9


def test_columns_that_work_together_are_seen():
    rows = np.random.default_rng(1).normal(size=(N, 2)).astype(np.float32)
    labels = (rows[:, 0] * rows[:, 1] > 0).astype(np.int64)
    scores = ask(rows, labels, np.ones(N, bool))
    assert (scores[0].argmax(axis=1) == labels).mean() > 0.85


def test_rows_that_are_not_learned_are_judged_but_change_nothing(monkeypatch):
    monkeypatch.setattr(module, "PORTION", 16)
    rows, labels = table()
    is_learned = np.arange(N) >= 100
    before = ask(rows, labels, is_learned)
    after = ask(rows, np.where(is_learned, labels, 1 - labels), is_learned)
    np.testing.assert_array_equal(before, after)
    assert (before[0][:100].argmax(axis=1) == labels[:100]).mean() > 0.85


def test_of_many_rows_some_are_solved_on(monkeypatch):
    rows, labels = table()
    of_all = ask(rows, labels, np.ones(N, bool))
    monkeypatch.setattr(ridge, "MAX_FITTED", 200)
    scores = ask(rows, labels, np.ones(N, bool))
    assert np.abs(scores[0] - of_all[0]).max() > 1e-3
    assert np.isfinite(scores).all()
    assert (scores[0].argmax(axis=1) == labels).mean() > 0.85


def test_of_many_rows_some_are_landmarks(monkeypatch):
    monkeypatch.setattr(module, "MOST_LANDMARKS", 60)
    rows, labels = table()
    scores = ask(rows, labels, np.ones(N, bool))
    assert (scores[0].argmax(axis=1) == labels).mean() > 0.85
    other = ask(rows, labels, np.ones(N, bool), seed=1)
    assert np.abs(scores[0] - other[0]).max() > 1e-3


def test_categories_beyond_the_most_frequent_get_no_column(monkeypatch):
    codes = np.repeat(np.arange(40), np.arange(40) + 5)[:, None].astype(np.float32)
    monkeypatch.setattr(module, "MOST_CATEGORIES", 10)
    ((column, kept),) = Columns.learned(codes, 0).categories
    assert (column, kept.tolist()) == (0, list(range(30, 40)))


def test_equally_frequent_categories_beyond_the_most_frequent_are_left_out_together(monkeypatch):
    codes = np.repeat(np.arange(40), np.where(np.arange(40) < 5, 9, 6))[:, None]
    monkeypatch.setattr(module, "MOST_CATEGORIES", 10)
    ((_, kept),) = Columns.learned(codes.astype(np.float32), 0).categories
    assert kept.tolist() == [0, 1, 2, 3, 4]


def test_rows_apart_from_many_copies_are_told_apart():
    rng = np.random.default_rng(0)
    rows = np.zeros((1_000, 12), np.float32)
    rows[:200] = rng.normal(size=(200, 12))
    labels = (rows.sum(axis=1) > 0).astype(np.int64)
    scores = ask(rows, labels, np.ones(1_000, bool), n_numbers=12)
    assert (scores[1].argmax(axis=1)[:200] == labels[:200]).mean() > 0.8


def test_a_rare_value_leaves_a_row_alike_to_others():
    rows, labels = table()
    rare = np.zeros((N, 30), np.float32)
    rare[np.arange(N), np.arange(N) % 30] = np.arange(N) < 60
    wide = np.column_stack([rows[:, :2], rare, rows[:, 2:]])
    scores = ask(wide, labels, np.ones(N, bool), n_numbers=32)
    assert max((each.argmax(axis=1)[:60] == labels[:60]).mean() for each in scores) > 0.7


@pytest.mark.parametrize("rows", [np.full((12, 2), np.nan), np.zeros((12, 2)), np.zeros((12, 3))])
def test_columns_that_tell_nothing_are_served(rows):
    scores = ask(rows.astype(np.float32), np.arange(12) % 2, np.ones(12, bool))
    assert np.isfinite(scores).all()


def test_nobody_waits():
    rows, labels = table()
    with pytest.raises(AbandonedError):
        ask(rows, labels, np.arange(N) > 50, is_unwanted=lambda: True)


def test_landmarks_grow_with_the_root_of_the_rows_and_span_the_numbers():
    assert module.count_landmarks(100, 5) == module.LEAST_LANDMARKS
    assert module.count_landmarks(10_000, 5) == 922
    assert module.count_landmarks(100, 25) == 400
    assert module.count_landmarks(10**6, 5) == module.MOST_LANDMARKS
    assert module.count_landmarks(100, 5, 50) == module.LEAST_LANDMARKS
    assert module.count_landmarks(100, 5, 200) == 600


def test_effects_of_many_categories_are_told_apart():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 60, (1_500, 5))
    effect = rng.normal(size=(5, 60))[np.arange(5), codes].sum(axis=1)
    labels = (effect > 0).astype(np.int64)
    scores = ask(codes.astype(np.float32), labels, np.ones(1_500, bool), n_numbers=0)
    assert (scores[2].argmax(axis=1) == labels).mean() > 0.84


def test_a_category_of_two_rows_gets_a_column():
    codes = np.array([0, 0, 0, 1, 1, 2], dtype=np.float32)[:, None]
    ((_, kept),) = Columns.learned(codes, 0).categories
    assert kept.tolist() == [0, 1]
