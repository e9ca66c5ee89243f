"""The additive regression on a table: what it sees of a row, and that labels do not vouch."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from datacleanse import additive as module
from datacleanse import ridge
from datacleanse.additive import _Columns
from datacleanse.second_opinion import AbandonedError

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


ask = partial(module.left_out, n_numbers=2, n_classes=2, seed=0, is_unwanted=lambda: False)


def test_features_are_numbers_bins_indicators_and_categories():
    rows = np.array([[0, 1], [1, 2], [2, 2], [np.nan, 1], [8, 3]] * 5, dtype=np.float32)
    columns = _Columns.learned(rows, 1)
    features = columns.features(rows)
    edges = np.unique(np.quantile([0.0, 1, 2, 8] * 5, np.linspace(0, 1, 9)))
    for row, found in zip(rows, features, strict=True):
        number = 0.0 if np.isnan(row[0]) else row[0]
        bins = [min(max((number - low) / (high - low), 0), 1) for low, high in pairwise(edges)]
        categories = [float(row[1] == code) for code in (1, 2, 3)]
        expected = [number, *bins, float(np.isnan(row[0])), *categories]
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert columns.n_features == features.shape[1]


def test_effects_that_bend_and_categories_are_learned_and_wrong_labels_seen():
    rows, labels = table()
    given = labels.copy()
    given[:40] = 1 - given[:40]
    for scores in ask(rows, given, np.ones(N, bool)):
        assert (scores.argmax(axis=1)[:40] == labels[:40]).mean() > 0.85
        assert (scores.argmax(axis=1) == labels).mean() > 0.9


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


@pytest.mark.parametrize(("many", "n_features"), [(1_000, 2 + 1 + 16 + 4), (19, 2 + 1 + 4)])
def test_many_columns_get_no_bins(many, n_features, monkeypatch):
    monkeypatch.setattr(module, "MANY_COLUMNS", many)
    assert _Columns.learned(table()[0], 2).n_features == n_features


def test_categories_beyond_the_room_are_the_rare_ones(monkeypatch):
    codes = np.repeat(np.arange(40), np.arange(40) + 5)[:, None].astype(np.float32)
    monkeypatch.setattr(module, "MANY_COLUMNS", 10)
    ((column, kept),) = _Columns.learned(codes, 0).categories
    assert (column, kept.tolist()) == (0, list(range(30, 40)))


def test_too_many_columns_are_not_asked(monkeypatch):
    monkeypatch.setattr(module, "MAX_COLUMNS", 5)
    rows, labels = table()
    assert ask(rows, labels, np.ones(N, bool)) == []


@pytest.mark.parametrize("rows", [np.full((12, 2), np.nan), np.zeros((12, 2)), np.zeros((12, 3))])
def test_columns_that_tell_nothing_are_served(rows):
    scores = ask(rows.astype(np.float32), np.arange(12) % 2, np.ones(12, bool))
    assert np.isfinite(scores).all()


def test_nobody_waits():
    rows, labels = table()
    with pytest.raises(AbandonedError):
        ask(rows, labels, np.arange(N) > 50, is_unwanted=lambda: True)
