"""Results in the caller's own terms: the frame's index, the labels' type, keywords by name."""

from __future__ import annotations

import inspect
from dataclasses import fields
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import datacleanse as dc
from datacleanse.auditing.handed_over import take_over
from datacleanse.auditing.result import AuditResult
from datacleanse.data import ReadOptions, read_data
from datacleanse.data.label_types import LabelValues, type_schema_classes
from datacleanse.errors import RunFolderError, SettingsError
from datacleanse.settings import Settings

LIGHT = {"label": "grade", "epochs": 4, "fast": True, "device": "cpu"}
N, N_CLEAN = 120, 50


def made(labels=("a", "b"), dtype=None, *, seed=0):
    """A frame whose first column tells the label, some labels wrong; and a clean one."""
    rng = np.random.default_rng(seed)
    code = np.arange(N + N_CLEAN) % 2
    frame = pd.DataFrame(
        {"size": rng.normal(size=len(code)) + 4.0 * code, "noise": rng.normal(size=len(code))}
    )
    given = np.where(rng.random(len(code)) < 0.1, 1 - code, code)
    given[N:] = code[N:]
    values = pd.array(list(labels), dtype=dtype) if dtype else pd.Series(list(labels)).array
    frame["grade"] = pd.Series(values).take(given).array
    return frame[:N], frame[N:].reset_index(drop=True)


@pytest.fixture(scope="module")
def plain():
    """A frame with a plain index, and the result of its audit."""
    data, clean = made()
    return data, dc.audit(data, val=clean, **LIGHT)


@pytest.mark.parametrize("label", [2, ("g", "grade")])
def test_columns_are_named_as_the_frame_names_them(label):
    """Of a CSV without a header the columns are 0, 1, 2; levels of names are tuples."""
    data, clean = made()
    for frame in (data, clean):
        names = [("g", name) for name in frame.columns] if isinstance(label, tuple) else range(3)
        frame.columns = pd.Index(list(names))
    left_out = data.columns[1]
    result = dc.audit(data, val=clean, **LIGHT | {"label": label, "drop": [left_out]})
    names = [column.name for column in result.folder.manifest().schema.columns]
    assert names == [{2: "0"}.get(label, "g.size")]
    with pytest.raises(SettingsError, match="an object of the type int"):
        dc.audit(data, val=clean, **LIGHT | {"label": 7})


def test_a_place_that_is_taken_is_told_in_the_words_of_save(plain, tmp_path):
    _, result = plain
    result.save(tmp_path / "run")
    with pytest.raises(RunFolderError) as caught:
        result.save(tmp_path / "run")
    assert str(caught.value).endswith("Choose another place, or replace it with force=True.")


def shuffled(n):
    return pd.Index(np.random.default_rng(1).permutation(n) + 5)


INDEXES = {
    "plain": pd.RangeIndex(N),
    "shuffled": shuffled(N),
    "text": pd.Index([f"customer {i}" for i in shuffled(N)], name="customer"),
    "duplicates": pd.Index(np.arange(N) % 7),
    "several levels": pd.MultiIndex.from_arrays(
        [np.arange(N) % 3, shuffled(N)], names=["shop", None]
    ),
    "dates": pd.date_range("2020-01-01", periods=N, freq="D"),
    "named like an audit column": pd.Index(shuffled(N), name="id"),
}


@pytest.fixture(params=INDEXES.values(), ids=INDEXES.keys())
def indexed(request, plain):
    """The same audit, of a frame with that index."""
    data, result = plain
    frame = data.set_axis(request.param)
    return frame, AuditResult(result.folder, None, None, take_over(frame, "grade"))


def test_a_mask_of_the_table_takes_the_rows_that_it_means(indexed):
    frame, result = indexed
    doubtful = result.table.mislabel_probability > 0.5
    expected = frame.iloc[np.flatnonzero(doubtful)]
    assert len(expected)
    pd.testing.assert_frame_equal(frame[doubtful], expected)


def test_a_column_of_the_table_stands_beside_the_row_that_it_is_about(indexed):
    frame, result = indexed
    assert result.table.index.equals(frame.index)
    assert (result.table.given_label == frame.grade.set_axis(result.table.index)).all()


def test_suspects_are_called_as_in_the_frame_and_have_its_cells(indexed):
    frame, result = indexed
    top = result.suspects(15)
    assert top["rank"].tolist() == list(range(1, 16))
    for name, row in zip(top.index, top["row"], strict=True):
        assert name == frame.index[row]
    expected = frame.iloc[top["row"]]
    assert top["size"].tolist() == expected["size"].tolist()
    assert top["data.grade" if "data.grade" in top else "grade"].tolist() == list(expected.grade)
    # What pandas refuses where a column and a level of the index have one name.
    top.sort_values("row")
    top.groupby("id", observed=True).size()


def test_a_named_index_is_no_column_beside_itself():
    data, clean = made()
    data = data.set_axis(pd.Index([f"k{i}" for i in range(N)], name="customer"))
    clean = clean.set_axis(pd.Index([f"c{i}" for i in range(len(clean))], name="customer"))
    result = dc.audit(data, val=clean, **LIGHT)
    top = result.suspects(5)
    assert top.index.name == "customer"
    assert "customer" not in top.columns
    top.sort_values("customer")


def test_a_frame_shuffled_and_with_duplicates_is_audited_row_by_row():
    data, clean = made()
    data = data.sample(frac=1, random_state=3).set_axis(np.arange(N) % 11)
    result = dc.audit(data, val=clean, **LIGHT)
    order = result.table.mislabel_probability.to_numpy() > 0.5
    pd.testing.assert_frame_equal(data[result.table.mislabel_probability > 0.5], data[order])
    clf = dc.ReweightedClassifier(epochs=4, device="cpu").fit(
        data[["size", "noise"]],
        data.grade,
        X_val=clean[["size", "noise"]],
        y_val=clean.grade,
    )
    assert clf.audit_.index.equals(data.index)


def test_the_report_names_rows_by_the_frame_s_index_too():
    data, clean = made(seed=3)
    frame = data.set_axis([f"customer {i}" for i in shuffled(N)])
    result = dc.audit(frame, val=clean, **LIGHT)

    assert result.table["id"].tolist() == frame.index.tolist()
    row = result.suspects(1).iloc[0]
    assert row.name in result.report()._repr_html_()


def test_suspects_have_the_suggestion_and_the_frame_s_own_columns_first(plain):
    _, result = plain
    names = result.suspects(3).columns.tolist()
    assert names[:8] == [
        *("given_label", "suggested_label", "mislabel_probability", "flagged", "rank", "row"),
        *("size", "noise"),
    ]
    assert set(names) >= set(result.table.columns)


def test_tables_that_are_no_frames_keep_row_numbers(plain):
    data, result = plain
    other = AuditResult(result.folder, None, None, take_over(pa.Table.from_pandas(data), "grade"))
    assert other.table.index.equals(pd.RangeIndex(N))


DTYPES = {
    "int64": ([0, 1], "int64"),
    "int8": ([-1, 1], "int8"),
    "uint16": ([3, 7], "uint16"),
    "nullable int": ([0, 1], "Int64"),
    "float": ([1.0, 2.0], "float64"),
    "bool": ([False, True], "bool"),
    "nullable bool": ([False, True], "boolean"),
    "object of text": (["no", "yes"], "object"),
    "string": (["no", "yes"], "string"),
    "text that looks like numbers": (["0", "1"], "object"),
    "categories of text": (["no", "yes"], pd.CategoricalDtype(["yes", "no", "unused"])),
    "ordered categories": (["low", "high"], pd.CategoricalDtype(["low", "high"], ordered=True)),
    "categories of numbers": ([10, 9], pd.CategoricalDtype([9, 10])),
    "categories of text like numbers": (["1", "01"], pd.CategoricalDtype(["01", "1"])),
    "dates": (list(pd.to_datetime(["2020-01-01", "2021-05-01"])), "datetime64[ns]"),
    "days": ([date(2020, 1, 1), date(2021, 5, 1)], "object"),
    "arrow text": (["no", "yes"], pd.ArrowDtype(pa.string())),
    "arrow int": ([4, 5], pd.ArrowDtype(pa.int32())),
}


@pytest.mark.parametrize(("labels", "dtype"), DTYPES.values(), ids=DTYPES.keys())
def test_labels_of_every_type_come_back_as_they_are(labels, dtype):
    frame, _ = made(labels, dtype)
    read = read_data(frame, ReadOptions("grade"))
    classes = type_schema_classes(read.schema)
    assert set(pd.Series(classes)) == set(labels)
    predicted = classes[read.labels]
    assert (predicted == frame.grade).mean() == 1.0
    assert {type(each) for each in pd.Series(predicted)} == {
        type(each) for each in pd.Series(labels)
    }


@pytest.mark.parametrize(("labels", "dtype"), DTYPES.values(), ids=DTYPES.keys())
def test_columns_of_labels_have_the_type_of_the_frames(labels, dtype):
    frame, _ = made(labels, dtype)
    read = read_data(frame, ReadOptions("grade"))
    names, classes = read.given_labels, type_schema_classes(read.schema)
    texts = [names[code] for code in read.labels]
    table = pd.DataFrame({"given_label": texts, "suggested_label": [None, *texts[1:]]})
    found = LabelValues(names, classes, frame.grade.dtype).restore(table)
    assert found.given_label.dtype == frame.grade.dtype
    assert (found.given_label == frame.grade).all()
    assert found.suggested_label.isna().tolist() == [True, *[False] * (N - 1)]
    assert (found.suggested_label[1:] == frame.grade[1:]).all()


def test_labels_that_are_intervals_come_back_as_the_categories_that_they_were():
    data, clean = made([0, 1], "int64")
    data["grade"], clean["grade"] = (pd.cut(each.grade, [-1, 0, 1]) for each in (data, clean))
    result = dc.audit(data, val=clean, **LIGHT)
    assert result.table.given_label.dtype == data.grade.dtype
    assert (result.table.given_label == data.grade).all()
    dropped = result.cleaned([{"row": 0, "action": "drop"}])
    assert dropped.grade.dtype == data.grade.dtype


def test_labels_and_names_with_half_a_sign_are_shown_with_the_sign_for_unreadable():
    halves = {"a": "\ud800", "b": "b"}
    data, clean = (
        each.set_axis(pd.Index(["size", "noise\ud800", "grade"], dtype=object), axis=1).assign(
            grade=pd.Series([halves[label] for label in each.grade], dtype=object)
        )
        for each in made()
    )
    result = dc.audit(data, val=clean, **LIGHT)
    assert set(result.table.given_label) == {"\ufffd", "b"}
    assert "noise\ufffd" in result.suspects(3).columns
    row = int((result.table.given_label == "b").idxmax())
    new = [{"row": row, "action": "relabel", "new_label": "\ufffd"}]
    assert result.cleaned(new).grade.iloc[row] in ("\ud800", "\ufffd")


TRAINED = ("int8", "bool", "text that looks like numbers", "categories of numbers")


@pytest.mark.parametrize(("labels", "dtype"), [DTYPES[name] for name in TRAINED], ids=TRAINED)
def test_every_predictor_answers_in_the_labels_type(labels, dtype, tmp_path):
    data, clean = made(labels, dtype)
    result = dc.audit(data, val=clean, out=tmp_path / "run", **LIGHT)
    features = data[["size", "noise"]]
    clf = dc.ReweightedClassifier(epochs=4, device="cpu")
    clf.fit(features, data.grade, X_val=clean[["size", "noise"]], y_val=clean.grade)
    loaded = dc.load(tmp_path / "run")
    predictions = [
        result.model.predict(data),
        dc.load_predictor(result.folder.model_dir).predict(features),
        loaded.predict(features),
        clf.predict(features),
    ]
    for predicted in predictions:
        assert set(predicted.tolist()) <= set(labels)
        assert {type(each) for each in predicted.tolist()} == {type(labels[0])}
        assert (predicted == data.grade).mean() > 0.8
    assert sorted(loaded.classes_.tolist()) == sorted(labels)
    assert result.table.given_label.dtype == data.grade.dtype
    assert clf.audit_.given_label.dtype == data.grade.dtype
    assert (result.table.given_label == data.grade).all()


def test_labels_of_a_csv_are_typed_as_pandas_reads_them(tmp_path):
    data, clean = made([0, 1], "int64")
    data.to_csv(tmp_path / "data.csv", index=False)
    result = dc.audit(tmp_path / "data.csv", val=clean, **LIGHT)
    again = pd.read_csv(tmp_path / "data.csv")
    assert (result.table.given_label == again.grade).all()
    assert (result.model.predict(again) == again.grade).mean() > 0.8


PUBLIC = [
    dc.audit,
    dc.audit_dataset,
    dc.apply,
    dc.load,
    dc.load_predictor,
    dc.reweight,
    dc.ReweightedClassifier,
    dc.Settings,
]


@pytest.mark.parametrize("entry", PUBLIC, ids=lambda entry: entry.__name__)
def test_every_argument_of_a_public_entry_is_named_and_documented(entry):
    parameters = inspect.signature(entry).parameters
    assert not [p for p in parameters.values() if p.kind == inspect.Parameter.VAR_KEYWORD]
    documented = inspect.getdoc(entry) or ""
    if entry is not dc.Settings:
        for name in parameters:
            assert f"\n    {name}: " in documented, name


@pytest.mark.parametrize("entry", [dc.audit, dc.audit_dataset], ids=["audit", "audit_dataset"])
def test_settings_are_arguments_with_the_same_defaults(entry):
    parameters = inspect.signature(entry).parameters
    own = {"weights", "features", "model", "text_model"}
    of_tables_alone = own if entry is dc.audit_dataset else set()
    for each in fields(Settings):
        if each.name not in of_tables_alone:
            assert parameters[each.name].default == each.default, each.name


@pytest.mark.parametrize(
    ("call", "meant"),
    [
        (lambda: dc.audit(None, epoch=3), "audit() has no argument 'epoch'. Did you mean 'epochs'"),
        (lambda: dc.audit_dataset(None, None, batchsize=3), "'batch_size'"),
        (lambda: dc.apply("run", relabel=0.9), "'relabel_above'"),
        (lambda: dc.load("run", text_class=True), "'text_classes'"),
        (lambda: dc.ReweightedClassifier(randomstate=1), "'random_state'"),
        (lambda: dc.Settings(fdrr=0.1), "'fdr'"),
        (lambda: dc.audit(None, zzz=3), "audit() has no argument 'zzz'."),
    ],
)
def test_an_unknown_argument_names_the_one_that_was_meant(call, meant):
    with pytest.raises(TypeError) as caught:
        call()
    assert meant in str(caught.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"label": 5}, "label= is given an object of the type int. Give a text"),
        ({"delimiter": 5}, "delimiter= is given an object of the type int"),
        ({"fast": "yes"}, "fast='yes'. Give True or False."),
        ({"text_model": 5}, "text_model=5. Give a text."),
        ({"model": None}, "model=None. Give 'auto'"),
        ({"label": pd.Series(["a"])}, "label= is given an object of the type Series"),
        ({"drop": 5}, "drop=5. Give a list of texts."),
        ({"drop": None}, "drop=None. Give a list of texts."),
        ({"text": [5]}, "text= is given an object of the type int"),
        ({"text": True}, "text=True. Give a list of texts."),
        ({"epochs": 2.5}, "epochs=2.5. Give a whole number."),
        ({"seed": None}, "seed=None. Give a whole number."),
        ({"fdr": "0.1"}, "fdr='0.1'. Give a number."),
        ({"image_size": "32"}, "image_size='32'. Give a whole number."),
        ({"max_unreadable": None}, "max_unreadable=None. Give a number."),
        ({"memory": 5}, "memory=5. Give a size such as 2GB"),
        ({"task": None}, "task=None. Give one of auto, classification, regression."),
        ({"features": np.zeros((9, 9))}, "features= is an object of the type ndarray. Give a text"),
    ],
)
def test_an_argument_of_another_type_is_refused_in_a_sentence(given, said):
    data, clean = made()
    with pytest.raises(dc.SettingsError) as caught:
        dc.audit(data, val=clean, **LIGHT | given)
    assert str(caught.value).startswith(said)


def test_what_cannot_be_told_of_progress_is_refused():
    data, clean = made()
    with pytest.raises(TypeError, match=r"progress=5\. Give None, True, False, or an object"):
        dc.audit(data, val=clean, progress=5, **LIGHT)


def test_numbers_of_numpy_are_numbers_and_a_name_alone_is_one_column():
    data, clean = made()
    settings = {"epochs": np.int64(2), "fdr": np.float32(0.125), "seed": np.uint8(3)}
    result = dc.audit(data, val=clean, drop="noise", **LIGHT | settings)

    assert [each["name"] for each in result.manifest["schema"]["columns"]] == ["size"]
    assert result.manifest["settings"]["fdr"] == 0.125


def test_errors_and_warnings_name_arguments_as_python_does():
    data, clean = made()
    with pytest.raises(dc.InputError, match="label=") as caught:
        dc.audit(data.rename(columns={"grade": "mark"}), val=clean)
    assert "--" not in str(caught.value)
    with pytest.raises(dc.SettingsError, match=r"^fdr=10\."):
        dc.audit(data, val=clean, label="grade", fdr=10)
    priced = data.assign(price=[f"1,{i + 100}" for i in range(N)])
    with (
        pytest.warns(dc.DataWarning, match=r"\(decimal='\.' or decimal=','\)"),
    ):
        dc.audit(priced, val=clean.assign(price="1,234"), **LIGHT)
