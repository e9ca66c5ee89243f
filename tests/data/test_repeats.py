"""CLEAN with rows that stand in it more than once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import datacleanse as dc
from datacleanse.data import ReadOptions, compare, read_data, read_like
from datacleanse.data.repeats import drop_repeats
from datacleanse.errors import InputError
from tests.cli.conftest import people

N = 60


def read(frame, clean, id_=None):
    data = read_data(frame, ReadOptions(id=id_, seeks_id=id_ is not None))
    return data, drop_repeats(data, read_like(clean, data.schema, role="CLEAN"))[0]


def slugs(dataset):
    return {notice.slug: notice.message for notice in dataset.notices}


@pytest.fixture
def frame():
    return people(N, seed=0, wrong=0.1).drop(columns="key")


@pytest.mark.parametrize("id_", [None, "key"])
def test_copies_count_once_and_pairs_stay_pairs(frame, id_):
    frame = frame.assign(key=[f"k{row}" for row in range(N)]) if id_ else frame
    clean = frame.iloc[:20]
    data, found = read(frame, pd.concat([clean, clean.iloc[3:5], clean]), id_)
    assert found.n_rows == 20
    assert "22 rows of CLEAN (<DataFrame>) repeat another one" in slugs(found)["clean-repeats"]
    assert "row 20, 21, 22, 23, 24 and 17 more" in slugs(found)["clean-repeats"]
    overlap = compare(data, found).overlap
    np.testing.assert_array_equal(overlap.clean_rows, np.arange(20))


@pytest.mark.parametrize("id_", [None, "key"])
def test_a_row_with_several_verified_labels_is_not_verified_and_named(frame, id_):
    frame = frame.assign(key=[f"k{row}" for row in range(N)]) if id_ else frame
    clean = frame.iloc[:20]
    other = clean.iloc[[7]].assign(label={"yes": "no", "no": "yes"}[clean["label"].iloc[7]])
    data, found = read(frame, pd.concat([clean, other]), id_)
    assert found.n_rows == 19
    told = slugs(found)["clean-contradicts"]
    assert "2 rows of CLEAN" in told
    assert "row 7, 20." in told
    assert 7 not in compare(data, found).overlap.data_rows
    with pytest.raises(InputError, match="gives every row of DATA that it names several labels"):
        read(frame, pd.concat([clean.iloc[[7]], other]), id_)


def test_equal_rows_stay_where_data_has_as_many_or_does_not_tell_rows_apart(frame):
    clean = frame.iloc[:20]
    twice = pd.concat([frame, frame.iloc[[4]]])
    _, found = read(twice, pd.concat([clean, clean.iloc[[4, 4]]]))
    assert found.n_rows == 21
    few = pd.DataFrame({"x": np.arange(N) % 3, "label": np.where(np.arange(N) % 2, "a", "b")})
    _, found = read(few, few.iloc[:20])
    assert found.n_rows == 20
    assert not found.notices


def test_an_audit_finds_the_same_with_a_clean_set_twice_in_one_file(frame):
    """A row steered and its copy calibrated: of 11 % wrong labels 34 % were told."""
    clean = people(N, seed=0).drop(columns="key").iloc[:30]
    options = {"epochs": 2, "device": "cpu", "fast": True}
    once, twice = (
        dc.audit(frame, val=each, **options).table for each in (clean, pd.concat([clean, clean]))
    )
    np.testing.assert_array_equal(once["mislabel_probability"], twice["mislabel_probability"])
