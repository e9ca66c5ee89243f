"""Rows that pushed a model toward a prediction, against plain autograd and by what they do."""

from __future__ import annotations

import copy

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
def number_pairs(tmp_path_factory):
    """The same rows with a number for a label, some of the verified ones ten times too large."""
    right = price(people(150, seed=0))
    data = right.assign(label=np.where(np.arange(150) % 7 == 0, 10 * right.label, right.label))
    out = tmp_path_factory.mktemp("numbers") / "run"
    audited = dc.audit(data, val=right.iloc[::5], id="key", task="regression", epochs=3, out=out)
    return data, audited


def price(frame):
    """Numbers that follow from the columns."""
    return frame.assign(label=(frame["income"].fillna(0) / 100 + frame["age"].fillna(0)).round(1))


@pytest.fixture(scope="module")
def new():
    return people(20, seed=2).drop(columns="label")


def read_rows(frame, result):
    """Rows as the run's predictor reads them."""
    return read_like(frame, result.model.schema, role="NEW", ignore_extra=True)


def compute_gradient(network, inputs, label, loss=F.cross_entropy):
    """Of a class's loss, or of another one."""
    network.eval()
    found = loss(network(inputs), torch.tensor([label]))
    return torch.cat([g.flatten() for g in torch.autograd.grad(found, list(network.parameters()))])


def compute_pushes(data, new_row, audited, *, labels, target, loss):
    """What each row of DATA pushes, by plain autograd."""
    predictor = audited.model
    rows = torch.from_numpy(encode(read_rows(data, audited), predictor.encoding))
    one = torch.from_numpy(encode(read_rows(new_row, audited), predictor.encoding))
    direction = compute_gradient(predictor.network, one, target, loss)
    found = [
        float(compute_gradient(predictor.network, rows[[i]], label, loss) @ direction)
        for i, label in enumerate(labels)
    ]
    return np.array(found) * audited.table["final_weight"].to_numpy()


def check_pushes(found, expected):
    """See that an explanation tells of the pushes that are expected, the strongest first."""
    told = found.table.set_index("row")["push"]
    assert set(told.index) == set(np.flatnonzero(expected))
    np.testing.assert_allclose(told, expected[told.index], rtol=1e-3, atol=1e-6)
    assert list(told[told > 0]) == sorted(told[told > 0], reverse=True)
    assert found.table["share"][told.to_numpy() > 0].sum() == pytest.approx(1)


def find_learned(table):
    """The labels that the final model learned."""
    return table["verified_label"].where(table["verified_label"].notna(), table["given_label"])


def test_a_push_is_the_product_of_gradients_times_what_the_row_counts(pairs, new):
    data, result = pairs
    found = dc.explain(result.folder.path, new, row=7, top=1000, data=data)
    classes, table = result.model.classes, result.table
    codes = [classes.index(str(name)) for name in find_learned(table)]
    assert (table["verified_label"].dropna() != table["given_label"][::5]).any()
    target = classes.index(found.label)
    expected = compute_pushes(
        data, new.iloc[[7]], result, labels=codes, target=target, loss=F.cross_entropy
    )
    check_pushes(found, expected)


def huber(outputs, numbers):
    """Huber's loss as a textbook has it, by another way than the engine's."""
    residual = (outputs[:, 0] - numbers).abs()
    return torch.where(residual < 3, residual**2 / 2, 3 * (residual - 1.5)).sum()


@pytest.mark.parametrize("number", [None, 40.0, 1e6])
def test_a_number_is_pushed_by_the_gradients_of_huber_s_loss(number_pairs, new, number):
    data, result = number_pairs
    found = dc.explain(result.folder.path, new, row=7, label=number, top=1000, data=data)
    model, table = result.model, result.table
    assert (table["verified_label"].dropna() != table["given_label"][::5]).any()
    assert found.predicted == pytest.approx(model.predict(new)[7])
    learned = (find_learned(table).astype(float) - model.label.centre) / model.label.scale
    asked = found.predicted + model.label.scale if number is None else number
    target = (asked - model.label.centre) / model.label.scale
    expected = compute_pushes(
        data, new.iloc[[7]], result, labels=learned, target=target, loss=huber
    )
    check_pushes(found, expected)


def test_a_step_on_the_row_that_pushes_up_most_raises_the_number(number_pairs, new):
    data, result = number_pairs
    found = dc.explain(result.folder.path, new, row=3, top=1, data=data)
    model = result.model
    one = torch.from_numpy(encode(read_rows(new.iloc[[3]], result), model.encoding))
    learned = (find_learned(result.table).astype(float) - model.label.centre) / model.label.scale
    before = model.network(one).item()
    for row, way in zip(found.table["row"], (1, -1), strict=True):
        network = copy.deepcopy(model.network)
        inputs = torch.from_numpy(encode(read_rows(data.iloc[[row]], result), model.encoding))
        gradient = compute_gradient(network, inputs, float(learned[row]), huber)
        with torch.no_grad():
            flat = torch.nn.utils.parameters_to_vector(network.parameters()) - 1e-4 * gradient
            torch.nn.utils.vector_to_parameters(flat, network.parameters())
        assert way * (network(one).item() - before) > 0


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


def test_a_number_that_is_none_is_refused(number_pairs, new):
    data, result = number_pairs
    with pytest.raises(dc.SettingsError, match="'red' is no number"):
        dc.explain(result.folder.path, new, row=0, label="red", data=data)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"row": "1"}, "row='1'. Give a whole number."),
        ({"row": 1.5}, "row=1.5. Give a whole number."),
        ({"row": 0, "top": None}, "top=None. Give a whole number."),
    ],
)
def test_arguments_of_another_type_are_refused_in_a_sentence(given, said, pairs):
    data, result = pairs
    with pytest.raises(dc.SettingsError) as caught:
        dc.explain(result, data, data=data, **given)
    assert str(caught.value).startswith(said)
