"""The order of an epoch: every row once, and of large inputs read in runs."""

from __future__ import annotations

import math
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from datacleanse.training import batches, placement
from datacleanse.training.batches import draw_order, draw_order_in_runs, measure_window
from datacleanse.training.placement import Gathered, find_window
from tests.tries import tries


def draw(rows, *, seed, window, runs):
    with mock.patch.object(batches, "RUNS", runs):
        generator = torch.Generator().manual_seed(seed)
        return draw_order_in_runs(rows, generator, window)


@settings(max_examples=tries(100), deadline=None)
@given(
    st.sets(st.integers(0, 10**6), min_size=2, max_size=300),
    st.integers(1, 9),
    st.integers(1, 6),
    st.integers(0, 5),
)
def test_every_row_is_drawn_once_from_few_runs_at_a_time(rows, length, runs, seed):
    rows = torch.tensor(sorted(rows))
    order = draw(rows, seed=seed, window=length * runs, runs=runs)
    assert sorted(order.tolist()) == rows.tolist()
    run_of = {row: place // length for place, row in enumerate(rows.tolist())}
    met = [run_of[row] for row in order.tolist()]
    n_runs = math.ceil(len(rows) / length)
    # No run is met again once its window is left.
    last = {run: place for place, run in enumerate(met)}
    first = {run: met.index(run) for run in last}
    windows = sorted({run: first[run] for run in first}.items(), key=lambda pair: pair[1])
    for number in range(0, n_runs, runs):
        mine = [run for run, _ in windows[number : number + runs]]
        others = [run for run, _ in windows[number + runs :]]
        if others:
            assert max(last[run] for run in mine) < min(first[run] for run in others)


def test_an_order_in_runs_is_the_seeds_and_changes_with_it():
    rows = torch.arange(500)
    again = [draw(rows, seed=seed, window=40, runs=4).tolist() for seed in (1, 1, 2)]
    assert again[0] == again[1] != again[2]


def test_runs_and_their_rows_are_mixed():
    order = draw(torch.arange(1000), seed=0, window=100, runs=10)
    steps = (order[1:] - order[:-1]).abs()
    assert int((steps == 1).sum()) < 60
    assert len(set((order[:100] // 10).tolist())) == 10
    assert int(order[:100].max() - order[:100].min()) > 300


def test_where_nothing_is_large_the_order_is_that_of_a_permutation():
    rows = torch.arange(0, 40, 2)
    found = draw_order(rows, torch.Generator().manual_seed(3))
    expected = rows[torch.randperm(20, generator=torch.Generator().manual_seed(3))]
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("row_bytes", [1, 104, 12_288, 10**9])
def test_a_window_holds_whole_runs(row_bytes):
    assert measure_window(row_bytes) % batches.RUNS == 0
    assert measure_window(row_bytes) >= batches.RUNS


def test_the_size_of_inputs_decides_and_nothing_else(monkeypatch):
    values = torch.zeros(100, 4)
    images = Gathered(np.zeros((100, 1, 4, 4), np.uint8), torch.device("cpu"))
    assert find_window(values) == find_window(images) == 0
    monkeypatch.setattr(placement, "LARGE_INPUTS", 1600)
    assert find_window(values) == find_window(images) == measure_window(16)
    monkeypatch.setattr(placement, "LARGE_INPUTS", 1601)
    assert find_window(values) == find_window(images) == 0
