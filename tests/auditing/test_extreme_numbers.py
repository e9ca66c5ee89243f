"""Numbers beyond all measure among the labels."""

from __future__ import annotations

import numpy as np
import pandas as pd

import datacleanse as dc


def test_a_number_whose_square_no_float_holds_is_wrong_and_no_hindrance():
    """It took the second opinion, or training, down with it."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(120, 3)), columns=list("abc"))
    frame["y"] = frame["a"] + frame["b"]
    clean = frame.iloc[:30]
    frame.loc[[50, 51], "y"] = [1e200, -1e200]
    options = {"label": "y", "task": "regression", "epochs": 2, "device": "cpu", "fast": True}
    table = dc.audit(frame, val=clean, **options).table
    assert set(table.sort_values("rank")["row"].head(2)) == {50, 51}
    assert np.isfinite(table[["mislabel_probability", "mean_loss", "predicted"]]).all(axis=None)
