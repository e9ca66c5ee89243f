"""The scikit-learn estimator: its contract, what it finds, what it refuses."""

from __future__ import annotations

import io
import re
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn
import torch
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import average_precision_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

import datacleanse as dc
from datacleanse.storage.schemas import AUDIT_COLUMNS

ROOT = Path(__file__).parents[2]
# The contract is one for all rules: that of the shortest training is checked.
CHECKED = dc.ReweightedClassifier(
    rule="uniform", validation_fraction=0.2, epochs=2, batch_size=64, lr=0.04, device="cpu"
)


def quick(**settings):
    return dc.ReweightedClassifier(**{"epochs": 2, "device": "cpu", **settings})


def blobs(n=120, *, n_val=40, seed=0):
    """Two well separated classes, in doubt and trusted."""
    rng = np.random.default_rng(seed)
    y = np.arange(n + n_val) % 2
    X = rng.normal(size=(n + n_val, 4)) + 3.0 * y[:, None]
    return X[:n], y[:n], X[n:], y[n:]


def tumours(*, share=0.15, seed=0):
    """scikit-learn's breast cancer rows with labels turned round, and 100 trusted ones."""
    X, y = load_breast_cancer(return_X_y=True)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(y))
    val, data = order[:100], order[100:]
    wrong = rng.random(len(data)) < share
    return X[data], np.where(wrong, 1 - y[data], y[data]), X[val], y[val], wrong


def mixed(n=240, *, seed=0):
    """A column of every kind that a frame may have; the label depends on two of them."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "label": rng.normal(size=n),
            "age": rng.integers(18, 90, n),
            "running": rng.permutation(n),
            "city": rng.choice(["Oslo", "Rome", None], n),
            "grade": pd.Categorical(rng.choice(list("abc"), n)),
            "member": rng.random(n) < 0.5,
            "asked": pd.array(rng.choice([True, False, None], n), dtype="boolean"),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), "D"),
            "income": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
        },
        index=rng.permutation(n) + 7,
    )
    frame["vector"] = list(rng.normal(size=(n, 3)))
    return frame, np.where((frame["city"] == "Oslo") | (frame["label"] > 1), "yes", "no")


def perceptron(n_features, n_classes):
    return nn.Sequential(nn.Linear(n_features, 32), nn.ReLU(), nn.Linear(32, n_classes))


def with_batch_norm(n_features, n_classes):
    return nn.Sequential(
        nn.Linear(n_features, 32), nn.BatchNorm1d(32), nn.Tanh(), nn.Linear(32, n_classes)
    )


@parametrize_with_checks([CHECKED])
def test_scikit_learns_checks_pass(estimator, check):
    check(estimator)


@pytest.mark.usefixtures("whole_judge")
@pytest.mark.parametrize("module", [None, perceptron, with_batch_norm])
def test_planted_errors_are_ranked_first(module):
    X, y, X_val, y_val, wrong = tumours()
    clf = quick(epochs=5, module=module).fit(X, y, X_val=X_val, y_val=y_val)
    assert average_precision_score(wrong, clf.audit_["suspicion"]) > 0.8  # chance: 0.15
    assert clf.score(X_val, y_val) > 0.85


@pytest.mark.parametrize("module", [None, perceptron])
def test_the_table_has_the_columns_of_the_run_folder(module):
    X, y, X_val, y_val = blobs()
    clf = quick(epochs=3, module=module).fit(X, y, X_val=X_val, y_val=y_val)
    assert list(clf.audit_.columns) == [each.name for each in AUDIT_COLUMNS]
    assert clf.audit_["row"].tolist() == list(range(len(X)))
    assert {len(weights) for weights in clf.audit_["weight_by_epoch"]} == {3}
    np.testing.assert_allclose(
        np.stack(clf.audit_["weight_by_epoch"]).mean(1), clf.audit_["mean_weight"], rtol=1e-5
    )


def test_the_table_is_that_of_the_audit_of_the_same_frame(tmp_path):
    frame, y = mixed()
    clf = quick().fit(frame[:200], y[:200], X_val=frame[200:], y_val=y[200:])
    whole = frame.assign(target=y).reset_index(drop=True)
    result = dc.audit(
        whole[:200],
        val=whole[200:],
        label="target",
        numeric=["running"],
        epochs=2,
        device="cpu",
        out=tmp_path / "run",
    )
    # The content that a row is known by holds its label, and here the id, as the file has it.
    pd.testing.assert_frame_equal(
        clf.audit_.drop(columns="row_sha256").reset_index(drop=True),
        result.table.drop(columns="row_sha256"),
    )
    assert clf.audit_.index.equals(frame.index[:200])


@pytest.mark.parametrize("module", [None, perceptron])
def test_a_frame_of_mixed_columns_is_learned_from_and_predicted(module):
    frame, y = mixed()
    clf = quick(epochs=10, batch_size=32, lr=0.02, module=module)
    clf.fit(frame[:200], y[:200], X_val=frame[200:], y_val=y[200:])
    assert clf.score(frame[:200], y[:200]) > 0.8
    assert clf.feature_names_in_.tolist() == frame.columns.tolist()
    assert clf.n_features_in_ == frame.shape[1]
    unseen = frame[:1].assign(city="Lima", income=np.nan, asked=None)
    with pytest.warns(dc.DataWarning, match="'city'.*'Lima'"):
        assert np.isfinite(clf.predict_proba(unseen)).all()


def test_free_text_is_read_and_said():
    X, y, X_val, y_val = blobs()
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame["remark"] = [f"called on day {i}, spoke of {i * 7} other things" for i in range(len(X))]
    trusted = pd.DataFrame(X_val, columns=list("abcd")).assign(remark="none")
    clf = quick().fit(frame, y, X_val=trusted, y_val=y_val)
    assert any("'remark'" in notice for notice in clf.notices_)
    other = frame.assign(remark="other words")
    assert (clf.predict_proba(frame) != clf.predict_proba(other)).any()


def test_numbers_that_look_like_ids_are_features_all_the_same():
    rng = np.random.default_rng(0)
    X = rng.permutation(120)[:, None]
    y = X[:, 0] > 60
    clf = quick(epochs=10, batch_size=16, lr=0.02).fit(X, y, X_val=X[::3] + 0.5, y_val=y[::3])
    assert clf.score(X, y) > 0.9


@pytest.mark.parametrize(
    "labels",
    [
        np.array([10, 9, -1]),
        np.array([1.0, 2.0]),
        np.array([False, True]),
        np.array(["9", "10"]),
        np.array(["1.5", "nan"]),
        np.array(["", "x"]),
        np.array(["a", "A", "b"]),
    ],
    ids=["ints", "floats", "bools", "digits", "numbers as text", "empty", "case"],
)
def test_labels_come_back_as_they_were_given(labels):
    X, _, _, _ = blobs()
    y = labels[np.arange(len(X)) % len(labels)]
    clf = quick(validation_fraction=0.3).fit(X, y)
    assert clf.audit_["given_label"].to_numpy().tolist() == y.tolist()
    assert clf.classes_.tolist() == sorted(labels.tolist())
    assert clf.predict(X).dtype == labels.dtype
    suggested = clf.audit_["suggested_label"].dropna().tolist()
    assert set(suggested) <= set(labels.tolist())


def test_probabilities_follow_the_order_of_the_classes():
    X, code, X_val, val_code = blobs()
    names = np.array(["9", "10"])  # sorted as text, 10 comes first
    clf = quick(epochs=10).fit(X, names[code], X_val=X_val, y_val=names[val_code])
    assert clf.classes_.tolist() == ["10", "9"]
    assert clf.score(X, names[code]) > 0.95
    np.testing.assert_allclose(clf.predict_proba(X).sum(1), 1.0)


def test_rows_of_the_trusted_set_are_verified_and_no_suspects():
    X, y, X_val, y_val = blobs()
    y[0] = 1 - y[0]
    X_val, y_val = np.vstack([X_val, X[:2]]), np.append(y_val, [1 - y[0], y[1]])
    audit = quick().fit(X, y, X_val=X_val, y_val=y_val).audit_
    assert audit["in_training"][2:].all()
    assert audit["verified_label"][:2].tolist() == [1 - y[0], y[1]]
    assert audit["rank"][:2].tolist() == [len(X) - 1, len(X)]
    assert not audit["flagged"][:2].any()


def test_a_validation_fraction_takes_that_share_of_each_class_and_says_so():
    X, y, _, _ = blobs()
    X = np.vstack([X, X])  # equal rows are told apart
    y = np.append(y, y)
    clf = quick(validation_fraction=0.25).fit(X, y)
    held_out = clf.audit_["verified_label"].notna().to_numpy()
    assert np.bincount(y[held_out]).tolist() == [30, 30]
    assert (clf.audit_["in_training"] == ~held_out).all()
    assert "60 of 240 rows of X, drawn at random, were taken for right" in clf.notices_[0]


@pytest.mark.parametrize("module", [None, with_batch_norm])
def test_fits_repeat_exactly_and_seeds_differ(module):
    X, y, X_val, y_val = blobs()
    fits = [
        quick(random_state=seed, module=module).fit(X, y, X_val=X_val, y_val=y_val)
        for seed in (0, 0, 1)
    ]
    pd.testing.assert_frame_equal(fits[0].audit_, fits[1].audit_)
    np.testing.assert_array_equal(fits[0].predict_proba(X), fits[1].predict_proba(X))
    assert not fits[0].audit_["mean_loss"].equals(fits[2].audit_["mean_loss"])


def test_the_global_random_state_is_neither_read_nor_moved():
    X, y, X_val, y_val = blobs()
    torch.manual_seed(5)
    np.random.seed(5)  # the global state is the subject
    quick(module=with_batch_norm).fit(X, y, X_val=X_val, y_val=y_val)
    drawn = torch.rand(()), np.random.rand()
    torch.manual_seed(5)
    np.random.seed(5)
    assert drawn == (torch.rand(()), np.random.rand())


def test_float32_gives_the_same_audit_as_float64():
    X, y, X_val, y_val = (part.astype(np.float32) for part in blobs())
    one = quick().fit(X, y.astype(int), X_val=X_val, y_val=y_val.astype(int))
    other = quick().fit(
        X.astype(float), y.astype(int), X_val=X_val.astype(float), y_val=y_val.astype(int)
    )
    np.testing.assert_allclose(one.audit_["suspicion"], other.audit_["suspicion"])


@pytest.mark.parametrize("module", [None, with_batch_norm])
def test_a_fitted_estimator_survives_pickling(module):
    frame, y = mixed()
    clf = quick(module=module).fit(frame[:200], y[:200], X_val=frame[200:], y_val=y[200:])
    stream = io.BytesIO()
    joblib.dump(clf, stream)
    stream.seek(0)
    back = joblib.load(stream)
    np.testing.assert_array_equal(back.predict_proba(frame), clf.predict_proba(frame))
    pd.testing.assert_frame_equal(back.audit_, clf.audit_)


def test_it_leaves_no_files(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    X, y, X_val, y_val = blobs()
    quick().fit(X, y, X_val=X_val, y_val=y_val)
    assert list(tmp_path.iterdir()) == []


def test_cross_validation_without_routing_holds_rows_out():
    X, y, _, _ = blobs()
    clf = quick(validation_fraction=0.2, epochs=5, batch_size=16)
    assert cross_val_score(clf, X, y, cv=2).min() > 0.9


def test_pipelines_and_cross_validation_route_the_trusted_set():
    X, y, X_val, y_val = blobs()
    with sklearn.config_context(enable_metadata_routing=True):
        clf = quick(epochs=5, batch_size=16).set_fit_request(X_val=True, y_val=True)
        pipeline = make_pipeline(StandardScaler(), clf, transform_input=["X_val"])
        trusted = {"X_val": X_val, "y_val": y_val}
        scores = cross_val_score(pipeline, X, y, cv=2, params=trusted, error_score="raise")
        fitted = clone(pipeline).fit(X, y, **trusted)[-1]
    assert scores.min() > 0.9
    # The notice on unlike distributions would be there had X_val not been scaled.
    assert not any("unlike" in notice for notice in fitted.notices_)


def refusal(X, y, *, settings=None, **trusted):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the caller checks the words
        quick(**(settings or {})).fit(X, y, **trusted)
    return str(caught.value)


def test_without_a_trusted_set_it_says_what_is_needed():
    X, y, X_val, y_val = blobs()
    assert "fit(X, y, X_val=..., y_val=...)" in refusal(X, y)
    assert "X_val is given without y_val" in refusal(X, y, X_val=X_val)
    assert "y_val is given without X_val" in refusal(X, y, y_val=y_val)


def test_data_that_is_the_trusted_set_is_refused_in_the_audits_words():
    X, y, _, _ = blobs()
    message = refusal(X, y, X_val=X, y_val=y)
    assert "all 120 rows of DATA stand in it, so nothing is left to audit" in message


def test_unknown_and_unlike_trusted_rows_are_refused():
    X, y, X_val, y_val = blobs()
    message = refusal(X, y, X_val=X_val, y_val=np.where(y_val == 1, 3, y_val))
    assert "y_val has labels that y lacks: 3. The labels of y are 0, 1." in message
    assert "X has 3 features" in refusal(X, y, X_val=X_val[:, :3], y_val=y_val)
    assert "inconsistent numbers of samples" in refusal(X, y, X_val=X_val, y_val=y_val[:5])


def test_many_classes_of_few_rows_are_no_cause_for_a_warning():
    y = np.arange(75) % 25
    X = np.random.default_rng(0).normal(scale=0.1, size=(100, 2)) + np.append(y, y[:25])[:, None]
    clf = quick().fit(X[:75], y, X_val=X[75:], y_val=y[:25])
    assert len(clf.classes_) == 25


def test_settings_out_of_range_are_refused_by_name():
    X, y, X_val, y_val = blobs()
    trusted = {"X_val": X_val, "y_val": y_val}
    assert "epochs" in refusal(X, y, settings={"epochs": 1}, **trusted)
    assert "rule" in refusal(X, y, settings={"rule": "guess"}, **trusted)
    assert "validation_fraction is 1.5" in refusal(X, y, settings={"validation_fraction": 1.5})


def test_input_that_is_no_table_of_numbers_and_names_is_refused():
    X, y, X_val, y_val = blobs()
    trusted = {"X_val": X_val, "y_val": y_val}
    with pytest.raises(TypeError, match="Sparse data was passed"):
        quick().fit(scipy.sparse.csr_array(X), y, **trusted)
    sparse = pd.DataFrame({"a": pd.arrays.SparseArray(X[:, 0])})
    with pytest.raises(TypeError, match="Sparse data was passed"):
        quick().fit(sparse, y, X_val=sparse, y_val=y)
    infinite = np.where(X > 4, np.inf, X)
    assert "infinity" in refusal(infinite, y, **trusted)
    assert "infinity" in refusal(pd.DataFrame(infinite), y, **trusted)
    twice = pd.DataFrame(X, columns=list("aabc"))
    assert "'a'" in refusal(twice, y, X_val=twice, y_val=y)
    assert "1 class" in refusal(X, np.zeros(len(X)), **trusted)


def test_a_module_that_is_none_or_has_other_outputs_is_refused():
    X, y, X_val, y_val = blobs()
    trusted = {"X_val": X_val, "y_val": y_val}
    message = refusal(X, y, settings={"module": lambda f, c: nn.Linear(f, c + 1)}, **trusted)
    assert "(4, 2) gives (2, 3) for 2 examples" in message
    message = refusal(X, y, settings={"module": lambda f, c: 3}, **trusted)
    assert "(4, 2) returned int, not a torch.nn.Module" in message


def test_new_rows_of_another_kind_are_refused_as_value_errors():
    frame, y = mixed()
    clf = quick().fit(frame[:200], y[:200], X_val=frame[200:], y_val=y[200:])
    with pytest.raises(ValueError, match="column 'age' is numeric in DATA"):
        clf.predict(frame.assign(age="old"))
    with pytest.raises(ValueError, match="feature names should match"):
        clf.predict(frame.drop(columns="age"))


def test_every_block_of_the_python_page_runs():
    page = (ROOT / "docs/python.md").read_text(encoding="utf-8")
    page = page.replace("epochs=10", "epochs=4")  # as quickly as it still finds most of them
    # Of a network of one's own, no more is asked than that it is trained.
    page = page.replace("epochs=5", "epochs=2").replace('"epochs": 5', '"epochs": 2')
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert sum("dc." in block for block in blocks) >= 4
    names = {"__name__": "page"}
    torch.manual_seed(0)
    exec(compile("\n".join(blocks), "docs/python.md", "exec"), names)
    assert names["accuracy"] > 0.85
    assert names["wrong"][names["suspects"]["row"]].mean() > 0.8
    assert len(names["result"].suspects(20)) == 20
    assert names["scores"].min() > 0.7
    assert len(names["cleaned_frame"]) == len(names["X"]) - 20
    assert (names["predicted"] == names["truth"]).mean() > 0.85
    assert names["wrong"][names["rows_suspects"]["row"]].mean() > 0.8
    assert "network" in names["own_result"].manifest["settings"]["model"]
    wrong = torch.tensor(names["wrong"])
    assert (names["influence"][wrong] < 0).double().mean() > 0.6
    assert (names["influence"][~wrong] < 0).double().mean() < 0.3
    assert names["reweighter"].route.name == "forward-mode"


def test_tensors_are_fitted_as_arrays_are():
    X, y = np.random.default_rng(0).normal(size=(80, 3)), np.arange(80) % 2
    given = [torch.as_tensor(each) for each in (X, y)]
    clf = dc.ReweightedClassifier(epochs=2, random_state=0)
    clf.fit(*given, X_val=given[0][:20] + 0.01, y_val=given[1][:20])
    assert set(clf.predict(given[0]).tolist()) <= {0, 1}
    with pytest.raises(ValueError, match=r"y has 1 class, 0\."):
        clf.fit(X, 0 * y, X_val=X[:20], y_val=y[:20])
