"""Which cells tell most, against frequencies counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from datacleanse.data import ReadOptions, read_data
from datacleanse.detection import telling_cells as module
from datacleanse.detection.telling_cells import PRIOR_ROWS, Commonness, find_telling_cells

N = 600


@pytest.fixture
def frame():
    """``city`` tells the label, ``size`` a little, ``coin`` nothing; row 0 has the other label."""
    rng = np.random.default_rng(0)
    label = np.where(np.arange(N) % 2 == 0, "no", "yes")
    frame = pd.DataFrame(
        {
            "key": [f"k{i}" for i in range(N)],
            "coin": rng.choice(["heads", "tails"], N),
            "size": rng.normal(0, 1, N) + 0.8 * (label == "yes"),
            "city": np.where(rng.random(N) < 0.95, np.where(label == "yes", "Ulm", "Genf"), "Bonn"),
            "day": pd.date_range("2020-01-01", periods=N),
            "vector": [[float(i), 1.0] for i in range(N)],
            "label": label,
        }
    )
    frame.loc[0, ["city", "size", "label"]] = ["Ulm", 3.0, "no"]
    return frame


@pytest.fixture
def data(frame):
    return read_data(frame, ReadOptions(label="label", id="key"))


def find(data, rows, *, suggested=None, probability=None):
    codes = np.full(N, -1) if suggested is None else suggested
    wrong = np.zeros(N) if probability is None else probability
    table = find_telling_cells(data, wrong, codes, np.array(rows))
    return table.to_pylist()


def other_labels(data):
    return 1 - data.labels


def test_the_column_that_tells_the_label_tells_most(data):
    told = find(data, [0, 5], suggested=other_labels(data))

    assert [line["place"] for line in told] == [1, 2, 3, 4] * 2
    assert [line["column"] for line in told[:2]] == ["city", "size"]
    assert told[0]["evidence"] > 2
    # Row 5 is right: its city speaks against the other label, most of all columns.
    assert told[-1]["column"] == "city"
    assert told[-1]["evidence"] < -2


def test_evidence_is_the_ratio_of_how_common_the_value_is(frame, data):
    rng = np.random.default_rng(1)
    wrong = rng.random(N).round(2)
    told = find(data, [0], suggested=other_labels(data), probability=wrong)
    share = {}
    right = pd.Series(1 - wrong)
    values = frame["city"].unique()
    whole = right[frame["city"] == "Ulm"].sum() + 1 / (len(values) + 1)
    whole /= right.sum() + 1
    for label in ("no", "yes"):
        given = frame["label"] == label
        n = right[given & (frame["city"] == "Ulm")].sum() + module.PRIOR_ROWS * whole
        share[label] = n / (right[given].sum() + module.PRIOR_ROWS)
    city = next(line for line in told if line["column"] == "city")

    expected = math.log(share["yes"] / share["no"])
    assert city["evidence"] == pytest.approx(expected, rel=0.02)


def test_without_a_suggestion_cells_are_told_that_are_odd_for_the_given_label(data):
    assert find(data, [0])[0]["column"] == "city"


def test_ids_and_vectors_are_never_told(data):
    assert {line["column"] for line in find(data, range(N))} == {"coin", "size", "city", "day"}


def test_of_a_large_table_a_sample_shows_what_is_common(data, monkeypatch):
    monkeypatch.setattr(module, "SAMPLE", 200)

    assert find(data, [0, 599], suggested=other_labels(data))[0]["column"] == "city"


def test_missing_cells_count_as_a_value(frame):
    frame.loc[frame["label"] == "yes", "size"] = np.nan
    frame.loc[0, "size"] = np.nan
    data = read_data(frame, ReadOptions(label="label", id="key"))
    told = find(data, [0], suggested=other_labels(data))

    assert told[0]["column"] == "size"


def test_no_rows_are_asked_for(data):
    assert find(data, np.empty(0, np.int64)) == []


@pytest.mark.parametrize("seed", range(3))
def test_counting_pairs_that_are_met_is_counting_all(seed):
    """Beside the table of every class and value."""
    rng = np.random.default_rng(seed)
    n, n_classes, n_codes = 60, 7, 9
    codes, labels = rng.integers(0, n_codes, n), rng.integers(0, n_classes - 1, n)
    weight = rng.random(n)
    counts = np.zeros((n_classes, n_codes))
    np.add.at(counts, (labels, codes), weight)
    whole = counts.sum(axis=0) + 1.0 / n_codes
    whole /= whole.sum()
    mixed = counts + PRIOR_ROWS * whole
    share = np.log(np.vstack([mixed / mixed.sum(axis=1, keepdims=True), whole]))
    asked = rng.integers(0, n_codes, 20)
    given, suggested = rng.integers(0, n_classes, 20), rng.integers(-1, n_classes, 20)

    common = Commonness(codes, labels, weight, n_classes=n_classes, n_codes=n_codes)

    found = common.compare(asked, given=given, suggested=suggested)
    np.testing.assert_allclose(found, share[suggested, asked] - share[given, asked], atol=1e-12)
