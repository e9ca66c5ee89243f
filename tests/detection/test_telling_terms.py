"""Which words tell most, against shares counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from datacleanse.data import ReadOptions, read_data
from datacleanse.detection.telling_terms import PLACES, PRIOR_ROWS, find_telling_terms

N = 200


@pytest.fixture
def data():
    """Of class a every text holds *alpha*, of class b *beta*; row 0 has the other label."""
    label = np.where(np.arange(N) % 2 == 0, "a", "b")
    texts = [f"the {'alpha' if k % 2 == 0 else 'beta'} of number n{k % 7}" for k in range(N)]
    texts[0] = "the BETA, of <b>beta</b> number"
    texts[4] = None
    frame = pd.DataFrame({"text": texts, "more": texts[::-1], "label": label})
    return read_data(frame, ReadOptions(label="label", text=("text",), drop=("more",)))


def find(data, rows, suggested, probability=None):
    wrong = np.zeros(N) if probability is None else probability
    return find_telling_terms(data, wrong, suggested, np.array(rows)).to_pylist()


def test_a_word_of_the_suggested_class_tells_as_in_naive_bayes(data):
    told = find(data, [0, 1], np.where(np.arange(N) == 0, 1, -1))
    assert [(line["row"], line["place"], line["term"]) for line in told] == [(0, 1, "beta")]
    # 100 of class b hold it, of class a one; the whole table has 101.
    whole = (101 + 1) / (N + 2)
    of_b = (100 + PRIOR_ROWS * whole) / (100 + PRIOR_ROWS)
    of_a = (1 + PRIOR_ROWS * whole) / (100 + PRIOR_ROWS)
    assert told[0]["evidence"] == pytest.approx(math.log(of_b / of_a), rel=1e-5)


def test_without_a_suggestion_the_words_speak_against_the_given_label(data):
    told = find(data, [0], np.full(N, -1))
    assert [line["term"] for line in told] == ["beta"]


def test_missing_texts_tell_nothing_and_doubtful_rows_count_little(data):
    assert find(data, [4], np.full(N, 1)) == []
    doubtful = np.where(np.arange(N) == 0, 1.0, 0.0)
    known = find(data, [0], np.full(N, 1))[0]["evidence"]
    assert find(data, [0], np.full(N, 1), doubtful)[0]["evidence"] > known
    assert PLACES >= 3
