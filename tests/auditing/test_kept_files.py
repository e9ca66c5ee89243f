"""What a run folder takes follows what the rows hold and how many of them are shown."""

from __future__ import annotations

import datetime
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from datacleanse.auditing.kept_files import LIST_NUMBER, LONGEST_CELL, Cells, measure_cells
from tests.cli.conftest import run_here


def test_cells_are_as_long_as_they_are_written():
    table = pa.table(
        {
            "number": [1.25, 10.5],
            "name": ["ab", "abcd"],
            "code": pa.array(["abc", "abc"]).dictionary_encode(),
            "day": [datetime.date(2020, 1, 1)] * 2,
            "vector": [[0.5, 1.5, 2.5]] * 2,
            "picture": [b"\xff" * 9_000] * 2,
            "nothing": pa.nulls(2),
        }
    )
    expected = 4 + 3 + 3 + 10 + 3 * LIST_NUMBER
    assert measure_cells(table) == Cells(7, expected, expected)
    long = measure_cells(pa.table({"text": ["x" * 5_000]}))
    assert long == Cells(1, 5_000, LONGEST_CELL)
    assert measure_cells(pa.table({"x": pa.array([], pa.int64())})).length == 0


def make_files(folder, extra):
    rng = np.random.default_rng(0)
    for name, n in (("data", 600), ("clean", 100)):
        x = rng.normal(size=(n, 3 + extra))
        frame = pd.DataFrame(x, columns=[f"x{at}" for at in range(x.shape[1])])
        frame["label"] = np.where(x[:, 0] + x[:, 1] > 0, "yes", "no")
        frame.to_csv(folder / f"{name}.csv", index=False)


@pytest.mark.parametrize("extra", [0, 60])
@pytest.mark.parametrize("top", [20, 500])
def test_a_plan_tells_the_room_that_the_audit_takes(tmp_path, extra, top):
    make_files(tmp_path, extra)
    audit = ("audit", "data.csv", "--val", "clean.csv", "--epochs", "3", "--fast", "--top", top)
    planned = run_here(*audit, "--plan", "--json", "-q", cwd=tmp_path)
    assert planned.code == 0, planned.err
    assert run_here(*audit, "--out", "run", "-q", cwd=tmp_path).code == 0
    files = [file for file in (tmp_path / "run").rglob("*") if file.is_file()]
    taken = sum(file.stat().st_size for file in files)
    assert json.loads(planned.out)["disk_bytes"] == pytest.approx(taken, rel=0.15)
