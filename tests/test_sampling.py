"""Rows that stand for very many: spread over all of them, and of all kinds that take turns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datacleanse.sampling import draw_spread


@given(st.integers(0, 10_000), st.integers(1, 300))
def test_one_row_of_each_stretch_is_drawn(n_rows, at_most):
    drawn = draw_spread(n_rows, at_most)
    assert len(drawn) == min(n_rows, at_most)
    assert (np.diff(drawn) > 0).all()
    stretch = drawn * len(drawn) // max(n_rows, 1)
    assert np.abs(stretch - np.arange(len(drawn))).max(initial=0) <= 1


@pytest.mark.parametrize("period", [2, 3, 5, 7])
def test_kinds_that_take_turns_are_all_drawn(period):
    drawn = draw_spread(period * 3_000, 3_000)
    counts = np.bincount(drawn % period, minlength=period)
    assert np.abs(counts - 3_000 / period).max() < 200


def test_millions_of_rows_do_not_overflow():
    drawn = draw_spread(3_000_000_000, 20_000)
    assert drawn[0] < 150_000
    assert 2_999_850_000 <= drawn[-1] < 3_000_000_000
