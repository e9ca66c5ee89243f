"""The export of weights: what other programs' models train on."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from datacleanse.serving.export import export_run
from datacleanse.serving.export.weights import WeightsFormat


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_weights_are_what_the_audit_found(audited, tmp_path, ending):
    target = tmp_path / f"w.{ending}"
    export_run(audited.folder.path, "weights", target)
    read = {"csv": pd.read_csv, "parquet": pd.read_parquet}.get(
        ending, lambda path: pd.read_json(path, lines=True)
    )
    found, audit = read(target), audited.table
    assert list(found.columns) == ["row", "id", "weight", "keep"]
    assert list(found["id"]) == list(audit["id"])
    np.testing.assert_allclose(found["weight"], 1 - audit["mislabel_probability"])
    assert list(found["keep"]) == list(~audit["flagged"])


def test_rows_without_an_estimate_have_weight_one(result, tmp_path):
    class Folder:
        @staticmethod
        def read_audit(classes):
            assert classes == {"yes": 2}
            columns = {"row": [0, 1], "id": ["a", "b"], "flagged": [False, True]}
            return pa.table({**columns, "mislabel_probability": pa.array([None, 0.75])})

    class Run:
        folder = Folder
        manifest = SimpleNamespace(data=SimpleNamespace(classes={"yes": 2}))

    messages = WeightsFormat().write(Run, tmp_path / "w.csv")
    assert list(pd.read_csv(tmp_path / "w.csv")["weight"]) == [1.0, 0.25]
    assert "1 rows without an estimate" in messages[1]
