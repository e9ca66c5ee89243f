"""Rows that pushed a model toward a prediction, against plain autograd and by what they do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional as F

import datacleanse as dc
from datacleanse.data import read_like
from datacleanse.models.encoding import encode
from tests.cli.conftest import people


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """A run whose verified rows stand in DATA, some with a wrong label."""
    data = people(150, seed=0, wrong=0.2)
    clean = people(150, seed=0).iloc[::5]
    out = tmp_path_factory.mktemp("pairs") / "run"
    return data, dc.audit(data, val=clean, id="key", epochs=3, fast=True, out=out)


@pytest.fixture(scope="module")
def new():
    return people(20, seed=2).drop(columns="label")


def read_rows(frame, result):
    """Rows as the run's predictor reads them."""
    return read_like(frame, result.model.schema, role="NEW", ignore_extra=True)


def compute_gradient(network, inputs, label):
    network.eval()
    loss = F.cross_entropy(network(inputs), torch.tensor([label]))
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(network.parameters()))])


def test_a_push_is_the_product_of_gradients_times_what_the_row_counts(pairs, new):
    data, result = pairs
    found = dc.explain(result.folder.path, new, row=7, top=1000, data=data)
    predictor, table = result.model, result.table
    learned = table["verified_label"].where(table["verified_label"].notna(), table["given_label"])
    codes = [predictor.classes.index(str(name)) for name in learned]
    assert (table["verified_label"].dropna() != table["given_label"][::5]).any()
    rows = torch.from_numpy(encode(read_rows(data, result), predictor.encoding))
    target = predictor.classes.index(found.label)
    one = torch.from_numpy(encode(read_rows(new.iloc[[7]], result), predictor.encoding))
    direction = compute_gradient(predictor.network, one, target)
    expected = np.array(
        [
            float(compute_gradient(predictor.network, rows[[i]], codes[i]) @ direction)
            for i in range(len(rows))
        ]
    )
    expected *= table["final_weight"].to_numpy()
    told = found.table.set_index("row")["push"]
    assert set(told.index) == set(np.flatnonzero(expected))
    np.testing.assert_allclose(told, expected[told.index], rtol=1e-3, atol=1e-7)
    assert list(told[told > 0]) == sorted(told[told > 0], reverse=True)
    assert found.table["share"][told.to_numpy() > 0].sum() == pytest.approx(1)


def test_a_step_on_the_first_row_makes_the_class_likelier_and_on_the_last_less_likely(pairs, new):
    data, result = pairs
    found = dc.explain(result.folder.path, new, row=3, top=1, data=data)
    predictor = dc.load_predictor(result.folder.model_dir)
    target = predictor.classes.index(found.label)
    one = torch.from_numpy(encode(read_rows(new.iloc[[3]], result), predictor.encoding))
    for row, way in zip(found.table["row"], (1, -1), strict=True):
        about = result.table.iloc[row]
        label = (
            about["given_label"] if pd.isna(about["verified_label"]) else about["verified_label"]
        )
        inputs = torch.from_numpy(encode(read_rows(data.iloc[[row]], result), predictor.encoding))
        before = F.cross_entropy(predictor.network(one), torch.tensor([target])).item()
        network = dc.load_predictor(result.folder.model_dir).network
        gradient = compute_gradient(network, inputs, predictor.classes.index(str(label)))
        with torch.no_grad():
            torch.nn.utils.vector_to_parameters(
                torch.nn.utils.parameters_to_vector(network.parameters()) - 1e-3 * gradient,
                network.parameters(),
            )
        after = F.cross_entropy(network(one), torch.tensor([target])).item()
        assert way * (before - after) > 0


def test_the_class_may_be_chosen_and_the_row_be_anywhere_in_a_file(pairs, new, tmp_path):
    data, result = pairs
    new.to_parquet(tmp_path / "new.parquet", row_group_size=4)
    whole = dc.explain(result.folder.path, tmp_path / "new.parquet", row=13, data=data)
    other = next(name for name in result.model.classes if name != whole.label)
    turned = dc.explain(result.folder.path, new, row=13, label=other, data=data)
    assert (turned.label, turned.predicted) == (other, whole.predicted)
    assert turned.probability == pytest.approx(1 - whole.probability)
    # Of two classes one's push is the other's, turned round and scaled.
    assert set(turned.table["row"]) == set(whole.table["row"])
    assert turned.suspect_share <= 1


def test_another_table_in_the_place_of_data_is_refused(pairs, new):
    data, result = pairs
    other = data.assign(age=data["age"] + 1)
    with pytest.raises(dc.InputError, match="is another one than when it was audited"):
        dc.explain(result.folder.path, new, row=0, data=other)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"row": 20}, "NEW has no row 20: it has 20 rows"),
        ({"label": "perhaps"}, "'perhaps' is no class of the run"),
        ({"top": 0}, "top is 0"),
        ({"data": None}, "is of a table in memory"),
    ],
)
def test_what_cannot_be_explained_is_said(pairs, new, change, message):
    data, result = pairs
    with pytest.raises(dc.DatacleanseError, match=message):
        dc.explain(result.folder.path, new, **{"row": 0, "data": data} | change)
