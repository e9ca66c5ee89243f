"""A CLEAN without one of two classes: its rows are neither all called wrong nor unlearned."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import average_precision_score

import datacleanse as dc


def test_rows_of_a_class_that_clean_leaves_out_are_judged_by_plain_training(tmp_path):
    data = load_breast_cancer(as_frame=True)
    rng = np.random.default_rng(1)
    order, is_wrong = rng.permutation(len(data.target)), rng.random(len(data.target)) < 0.15
    labels = data.target.where(~is_wrong, 1 - data.target)
    table = data.data.assign(label=np.array(["ill", "well"])[labels])
    verified = data.data.assign(label=np.array(["ill", "well"])[data.target])
    clean, rest = order[:150], order[150:]
    ill = verified.iloc[clean].query("label == 'ill'")

    result = dc.audit(table.iloc[rest], label="label", val=ill, out=tmp_path / "run")

    wrong = is_wrong[rest]
    assert average_precision_score(wrong, -result.table["rank"]) > 0.9
    rate = result.manifest["noise"]["rate"]
    assert rate["low"] <= wrong.mean() <= rate["high"] < 0.35
    predicted = dc.load(tmp_path / "run").predict(data.data.iloc[rest])
    assert (predicted == verified["label"].iloc[rest].to_numpy()).mean() > 0.95
