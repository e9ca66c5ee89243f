"""The benchmark of texts: its errors, its made numbers, its sums."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.detection.text import OURS, TEXT, count_signs, near_boundary, summarise


def table(texts):
    return pa.table({TEXT: pa.array(texts, pa.string())})


def test_errors_near_the_boundary_are_so_many_and_on_the_other_class():
    texts = [f"{'card' if k % 2 else 'fee'} number {k % 5}" for k in range(60)]
    rows = SimpleNamespace(
        train=SimpleNamespace(table=table(texts[:50])),
        test=SimpleNamespace(table=table(texts[50:])),
    )
    truth = np.arange(60) % 2
    drawn = SimpleNamespace(rows=rows, truth=truth, n_noisy=50, classes=("fee", "card"))
    given = near_boundary(drawn, 0.2, 3)
    assert (given != truth[:50]).sum() == 10
    np.testing.assert_array_equal(given, near_boundary(drawn, 0.2, 3))


def test_numbers_about_texts_are_counted():
    found = count_signs(table(["AB 12", None])).to_pydict()
    assert found["signs"] == [5, 0]
    assert found["digits"] == [0.4, 0.0]
    assert found["capitals"] == [0.4, 0.0]


def test_leads_are_mean_and_least_of_all_cells():
    cells = [{**dict.fromkeys(OURS, 0.9), "best": best} for best in (0.8, 0.95)]
    for lead in summarise({"cells": cells, "mixed": []})["lead"].values():
        assert lead == {"mean": pytest.approx(0.025), "least": pytest.approx(-0.05)}
    assert summarise({"cells": [], "mixed": []})["lead"] == {}
