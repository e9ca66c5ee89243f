"""Of hundreds of numbers a row, the same is found with less work."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from datacleanse.data import ReadOptions, read_data
from datacleanse.detection.health import leaking_columns, strange_rows
from datacleanse.detection.health import look as look_module
from datacleanse.detection.health.look import choose_rows, look_at
from datacleanse.detection.health.strange_rows import measure_distance

N, D, C = 6_000, 80, 3


@pytest.fixture(scope="module")
def wide():
    """Columns of which one gives the label away, and two say something of it."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, C, N)
    columns = {f"x{place}": rng.normal(size=N) for place in range(D)}
    columns["x7"] = columns["x7"] + labels
    columns["x30"] = columns["x30"] + 0.5 * labels
    columns["leak"] = labels + 0.01 * rng.normal(size=N)
    table = pa.table({**columns, "label": [f"c{label}" for label in labels]})
    return read_data(table, ReadOptions(label="label"))


def look(data):
    found = look_at(
        data,
        None,
        None,
        pair_rows=np.empty(0, np.int64),
        wrong=np.full(data.n_rows, 0.02),
        class_shares=np.full(C, 1 / C),
        notices=[],
    )
    return [each for each in found.section.findings if each.kind == "leaking-columns"]


def test_few_rows_tell_most_columns_and_all_rows_those_that_matter(wide, monkeypatch):
    measured = []
    measure = leaking_columns.measure_skill

    def count(values, labels, trust):
        measured.append(len(values))
        return measure(values, labels, trust)

    monkeypatch.setattr(leaking_columns, "measure_skill", count)
    found = look(wide)
    assert [each.columns for each in found] == [("leak",)]
    assert measured.count(2_000) == D + 1
    assert measured.count(N) <= 10
    monkeypatch.setattr(leaking_columns, "MANY_NUMBERS", 1_000)
    assert look(wide) == found


def test_kinds_of_rows_that_take_turns_are_all_looked_at(monkeypatch):
    monkeypatch.setattr(look_module, "MOST_ROWS", 1_000)
    assert 400 < (choose_rows(2_000) % 2).sum() < 600
    assert choose_rows(1_000).tolist() == list(range(1_000))


def test_in_many_dimensions_fewer_rows_show_the_same_rows_as_far(monkeypatch):
    rng = np.random.default_rng(0)
    points = (rng.normal(size=(3_500, 40)) @ rng.normal(size=(40, 1_500))).astype(np.float32)
    far = np.arange(0, 3_500, 175)
    points[far] *= 2
    own = np.arange(len(points))
    few = measure_distance(points, len(points), own)
    monkeypatch.setattr(strange_rows, "WIDE", 2_000)
    all_of_them = measure_distance(points, len(points), own)
    assert np.corrcoef(few, all_of_them)[0, 1] > 0.98
    assert few.mean() == pytest.approx(all_of_them.mean(), rel=0.02)
    assert not np.array_equal(few, all_of_them)
    assert set(np.argsort(-few)[: len(far)]) == set(far)
