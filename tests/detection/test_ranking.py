"""One order of the rows, and the score that tells it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datacleanse.detection.ranking import list_first, rank_rows, score_ranks

ROW = st.tuples(
    st.sampled_from([0.0, 5e-324, 1e-13, 0.25, 0.5, 1.0 - 2**-53, 1.0]),
    st.sampled_from([1, 0, -1]),
    st.sampled_from([0.0, 0.7]),
)


def check(suspicion, verdict, rank, score):
    """Score and rank tell the same order, and each kind of row stands where it is said to stand."""
    order = np.argsort(rank)
    assert (np.diff(score[order]) < 0).all()
    wrong, right, unverified = verdict == 1, verdict == -1, verdict == 0
    assert ((score[unverified] >= 0) & (score[unverified] <= 1)).all()
    assert ((score[wrong] < 0) & (score[wrong] >= -1)).all()
    assert ((score[right] < -1) & (score[right] >= -2)).all()
    np.testing.assert_allclose(score, suspicion - wrong - 2 * right, atol=1e-9)


@given(st.lists(ROW, min_size=1, max_size=30))
def test_unverified_rows_lead_and_the_order_is_by_suspicion_loss_and_row(rows):
    suspicion, verdict, loss = (np.array(each) for each in zip(*rows, strict=True))
    verdict, loss = verdict.astype(np.int8), loss.astype(np.float32)
    rank = rank_rows(suspicion, verdict, loss)
    expected = sorted(
        range(len(rows)),
        key=lambda row: ((2, 0, 1)[verdict[row] + 1], -suspicion[row], -loss[row], row),
    )
    assert list(np.argsort(rank)) == expected
    assert sorted(rank) == list(range(1, len(rows) + 1))
    check(suspicion, verdict, rank, score_ranks(suspicion, verdict, rank))


@pytest.mark.parametrize("value", [None, 0.0, 1e-7, 0.5, 1.0])
def test_among_a_million_rows_nobody_leaves_the_place_of_its_kind(value):
    """A step of 1e-12 for each row would put unverified rows below 0, beside verified ones."""
    n = 1_000_000
    rng = np.random.default_rng(0)
    suspicion = np.round(rng.beta(0.2, 2, n), 4) if value is None else np.full(n, value)
    verdict = rng.choice(np.array([1, 0, -1], dtype=np.int8), size=n, p=[0.01, 0.98, 0.01])
    rank = rank_rows(suspicion, verdict, rng.choice([0.1, 0.2], n).astype(np.float32))
    check(suspicion, verdict, rank, score_ranks(suspicion, verdict, rank))


def test_distinct_values_are_written_as_they_are():
    suspicion = np.random.default_rng(0).random(1000)
    verdict = np.zeros(1000, dtype=np.int8)
    rank = rank_rows(suspicion, verdict, np.zeros(1000, dtype=np.float32))
    np.testing.assert_array_equal(score_ranks(suspicion, verdict, rank), suspicion)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.integers(0, 30), st.randoms())
def test_a_list_is_one_run_of_the_ranking_whatever_is_equal(levels, n, random):
    suspicion = np.array(levels) / 4
    loss = np.array([random.random() for _ in levels], dtype=np.float32)
    rank = rank_rows(suspicion, np.zeros(len(levels), dtype=np.int8), loss)
    may_be = np.array([random.random() < 0.8 for _ in levels])
    rows = np.flatnonzero(may_be)
    flagged = np.zeros(len(levels), dtype=bool)
    flagged[rows[np.argsort(-suspicion[rows], kind="stable")][:n]] = True
    listed = list_first(flagged, rank, may_be)
    assert listed.sum() == flagged.sum()
    assert not (listed & ~may_be).any()
    others = may_be & ~listed
    assert rank[listed].max(initial=0) < rank[others].min(initial=len(levels) + 1)
    np.testing.assert_array_equal(np.sort(suspicion[listed]), np.sort(suspicion[flagged]))
