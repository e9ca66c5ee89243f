"""Rows that are equal but for their labels, against a slow search."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pandas as pd
import pytest

from datacleanse.data import ReadOptions, read_data
from datacleanse.detection import conflicts as module
from datacleanse.detection.conflicts import find_conflicts


def dataset(n, n_values, seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "key": [f"k{i}" for i in range(n)],
            "x": rng.integers(0, n_values, n) + 0.5,
            "city": rng.choice(["Ulm", "Genf"], n),
            "label": rng.choice(["no", "yes", "maybe"], n),
        }
    )
    return frame, read_data(frame, ReadOptions(label="label", id="key"))


@pytest.mark.parametrize(("n", "n_values"), [(60, 20), (200, 3), (40, 100_000)])
def test_groups_are_those_of_a_slow_search(n, n_values):
    frame, data = dataset(n, n_values, seed=n)
    rank = np.random.default_rng(1).permutation(n) + 1
    by_values = defaultdict(list)
    for row, values in enumerate(zip(frame["x"], frame["city"], strict=True)):
        by_values[values].append(row)
    slow = [rows for rows in by_values.values() if frame["label"][rows].nunique() > 1]
    slow = [sorted(rows, key=lambda row: rank[row]) for rows in slow]
    slow.sort(key=lambda rows: rank[rows[0]])
    found = find_conflicts(data, rank)

    assert found.schema.metadata[b"groups"] == str(len(slow)).encode()
    assert found.schema.metadata[b"rows"] == str(sum(map(len, slow))).encode()
    groups = defaultdict(list)
    for line in found.to_pylist():
        groups[line["group"]].append(line["row"])
        assert line["label"] == frame["label"][line["row"]]
        assert line["rank"] == rank[line["row"]]
        assert line["group_rows"] == len(slow[line["group"]])
    assert [groups[number] for number in range(len(slow))] == [
        rows[: module.STORED_ROWS] for rows in slow
    ]


def test_no_more_groups_are_stored_than_are_read(monkeypatch):
    _, data = dataset(200, 20, seed=2)
    monkeypatch.setattr(module, "STORED_GROUPS", 3)
    found = find_conflicts(data, np.arange(1, 201))

    assert set(found["group"].to_pylist()) == {0, 1, 2}
    assert int(found.schema.metadata[b"groups"]) > 3
