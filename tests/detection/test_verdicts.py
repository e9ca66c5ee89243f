"""The verdict of a row, by what is likely and what is proven."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datacleanse.detection.verdicts import (
    AMBIGUOUS,
    FINE,
    LIKELY_WRONG,
    UNLIKE,
    VERDICTS,
    judge_likely,
    judge_rows,
)
from datacleanse_reports.health import MARKS
from datacleanse_reports.health import VERDICTS as TOLD


@pytest.mark.parametrize(
    ("probability", "given_label", "expected"),
    [
        ((0.9, 0.1), 1, LIKELY_WRONG),
        ((0.9, 0.1), 0, FINE),
        ((0.5, 0.25), 1, LIKELY_WRONG),
        ((0.5, 0.25), 2, LIKELY_WRONG),
        ((0.5, 0.26), 0, AMBIGUOUS),
        ((0.5, 0.5), 1, AMBIGUOUS),
        ((1.0, 0.0), 0, FINE),
    ],
)
def test_a_class_is_clear_where_it_is_twice_as_likely_as_any_other(
    probability, given_label, expected
):
    found = judge_likely(np.array([[0, 1]]), np.array([probability]), np.array([given_label]))
    assert found.tolist() == [expected]


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=5), st.integers(0, 4))
def test_the_verdict_does_not_depend_on_the_names_of_classes(values, label):
    p = np.array(values) / sum(values)
    label %= len(p)
    order = np.argsort(-p, kind="stable")[:2]
    one = judge_likely(order[None], p[order][None], np.array([label]))
    shifted = (order + 1) % len(p)
    other = judge_likely(shifted[None], p[order][None], np.array([(label + 1) % len(p)]))
    assert one.tolist() == other.tolist()


def test_reports_know_every_verdict():
    assert sorted(TOLD) == sorted(VERDICTS)
    assert sorted(MARKS) == sorted(VERDICTS)
    assert MARKS["fine"] == 0


def test_what_clean_proves_comes_first(monkeypatch):
    class Known:
        n_data = 5
        labels = np.zeros(5, dtype=np.int64)
        verdict = np.array([1, -1, 0, 0, 0], dtype=np.int8)
        confusion = np.zeros((2, 2))

    likely = np.tile([0, 1], (5, 1)), np.tile([0.95, 0.05], (5, 1))
    monkeypatch.setattr(
        "datacleanse.detection.verdicts.find_likely_classes",
        lambda evidence, assessment, rows, places: tuple(each[rows] for each in likely),
    )
    is_unlike = np.array([True, True, True, False, False])
    found = judge_rows(Known(), Known(), is_unlike)
    assert found.tolist() == [LIKELY_WRONG, FINE, UNLIKE, FINE, FINE]
