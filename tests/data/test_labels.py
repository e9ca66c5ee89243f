"""The label and id columns: which they are, and the same classes in every file."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from datacleanse.data import ReadOptions, read_data, read_ids, read_like
from datacleanse.data.label_column import choose_label
from datacleanse.errors import InputError
from tests.data.conftest import slugs


def read_labels(labels, **options):
    table = pa.table({"x": np.arange(len(labels)) * 0.5, "label": labels})
    return read_data(table, ReadOptions(**options))


def frame_of(labels):
    return pd.DataFrame({"x": np.arange(len(labels)) * 0.5, "label": labels})


def test_many_numbers_as_labels_are_warned_of():
    told = read_labels([at % 73 for at in range(300)]).notices
    [notice] = [each for each in told if each.slug == "label-many-numbers"]
    assert notice.is_warning
    assert "holds 73 distinct numbers, e.g. '0', '1', '2'" in notice.message
    for labels in ([at % 10 for at in range(300)], [f"c{at % 73}" for at in range(300)]):
        assert "label-many-numbers" not in slugs(read_labels(labels).notices)


@pytest.mark.parametrize("name", ["label", "target", "class", "y"])
def test_a_usual_name_is_taken_and_said(name, listener):
    table = pa.table({"x": [1, 2], name: ["a", "b"]})
    data = read_data(table, ReadOptions(), progress=listener)
    assert data.schema.label == name
    assert slugs(data.notices)[0] == "label-chosen"
    assert listener.said == [data.notices[0].message]


def test_a_named_label_is_taken_without_a_word(listener):
    table = pa.table({"x": [1, 2], "y": [1, 2], "colour": ["a", "b"]})
    data = read_data(table, ReadOptions(label="colour"), progress=listener)
    assert data.schema.label == "colour"
    assert not listener.said


def test_usual_names_are_case_sensitive(csv):
    with pytest.raises(InputError, match="'x', 'Label'") as caught:
        read_data(csv("x,Label\n1,a\n2,b\n"), ReadOptions())
    assert caught.value.slug == "label-column-missing"


@pytest.mark.parametrize("wanted", [None, "label"])
@pytest.mark.parametrize("name", [" label", "label ", "\u00a0label", "label\t"])
def test_blanks_around_a_name_are_seen_and_the_name_without_them_proposed(csv, name, wanted):
    path = csv(f"x,{name}\n1,a\n2,b\n")
    with pytest.raises(InputError) as caught:
        read_data(path, ReadOptions(label=wanted))
    assert f"columns are 'x', {name!r}." in caught.value.message
    assert f"{name!r} has blanks around its name: rename it to 'label'" in caught.value.hint
    assert read_data(path, ReadOptions(label=name)).schema.label == name


@pytest.mark.parametrize("option", ["drop", "categorical", "numeric"])
def test_blanks_around_the_name_of_an_option_s_column_are_seen(csv, option):
    with pytest.raises(InputError, match="The column ' x' has blanks") as caught:
        read_data(csv("key, x,label\n1,2,a\n2,3,b\n"), ReadOptions(**{option: ("x",)}))
    assert caught.value.slug == "column-unknown"
    with pytest.raises(InputError, match="rename it to 'x'"):
        read_data(csv("key, x,label\n1,2,a\n2,3,b\n"), ReadOptions(id="x"))


def test_several_usual_names_are_an_error_unless_dropped(csv):
    path = csv("x,target,label\n1,a,c\n2,b,d\n")
    with pytest.raises(InputError, match="target, label") as caught:
        read_data(path, ReadOptions())
    assert caught.value.slug == "label-column-ambiguous"
    assert read_data(path, ReadOptions(drop=("target",))).schema.label == "label"


def test_an_unknown_label_is_answered_with_the_nearest(csv):
    with pytest.raises(InputError, match=r"'incom'.*'income'") as caught:
        read_data(csv("x,income\n1,a\n2,b\n"), ReadOptions(label="incom"))
    assert caught.value.slug == "label-column-missing"


SPELLINGS = {
    "text": (["b", "a", "b"], ("a", "b"), ("a", "b"), [1, 0, 1]),
    "spaces and case are kept": ([" a", "a", "A"], (" a", "A", "a"), (" a", "A", "a"), [0, 2, 1]),
    "whole numbers by value": ([10, 9, 10], ("9", "10"), ("9", "10"), [1, 0, 1]),
    "negative numbers": ([-1, 1, -1], ("-1", "1"), ("-1", "1"), [0, 1, 0]),
    "whole floats": ([1.0, 0.0, 1.0], ("0", "1"), ("0.0", "1.0"), [1, 0, 1]),
    "text of whole floats": (["1.0", "0", "1"], ("0", "1"), ("0", "1.0"), [1, 0, 1]),
    "leading zeros are kept": (["007", "7", "7"], ("007", "7"), ("007", "7"), [0, 1, 1]),
    "booleans": ([True, False, True], ("False", "True"), ("False", "True"), [1, 0, 1]),
    "booleans as text": (
        ["true", "False", "TRUE"], ("False", "true"), ("False", "true"), [1, 0, 1],
    ),
    "true among others": (
        ["true", "TRUE", "x"], ("TRUE", "true", "x"), ("TRUE", "true", "x"), [1, 0, 2],
    ),
    "declared categories": (
        pa.array(["u", "v", "u"]).dictionary_encode(), ("u", "v"), ("u", "v"), [0, 1, 0],
    ),
    "a class called None in typed text": (
        ["None", "a", "a"], ("None", "a"), ("None", "a"), [0, 1, 1],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SPELLINGS)
def test_classes_are_canonical_and_labels_as_found(case):
    labels, classes, given, codes = SPELLINGS[case]
    data = read_labels(labels)
    assert data.schema.classes == classes
    assert data.given_labels == given
    assert data.labels.tolist() == codes
    assert data.labels.dtype == np.int64


@pytest.mark.parametrize("kind", ["csv", "text"])
def test_equal_numbers_are_one_class_and_it_is_told(csv, kind):
    labels = ["1", "1.0", "2", "1.0", "1", "2", "1"]
    text = "x,label\n" + "".join(f"{at}.5,{label}\n" for at, label in enumerate(labels))
    data = read_data(csv(text), ReadOptions()) if kind == "csv" else read_labels(labels)
    assert data.schema.classes == ("1", "2")
    (notice,) = [notice for notice in data.notices if notice.slug == "labels-merged"]
    assert "'1' (3 rows), '1.0' (2 rows)." in notice.message
    assert "'2'" not in notice.message


@pytest.mark.parametrize("kind", ["csv", "text"])
def test_beside_a_word_they_are_names(csv, kind):
    """As a peer reads such a column: its cells are text."""
    labels = ["1", "1.0", "beta", "1.0", "1", "beta", "1"]
    text = "x,label\n" + "".join(f"{at}.5,{label}\n" for at, label in enumerate(labels))
    data = read_data(csv(text), ReadOptions()) if kind == "csv" else read_labels(labels)
    assert data.schema.classes == ("1", "1.0", "beta")
    assert [data.given_labels[code] for code in data.labels] == labels
    assert "labels-merged" not in slugs(data.notices)
    clean = read_like(frame_of(["1.0", "1"]), data.schema, role="CLEAN")
    assert [data.schema.classes[code] for code in clean.labels] == ["1.0", "1"]


def test_truth_values_in_several_spellings_are_told():
    data = read_labels(["true", "False", "TRUE", "true"])
    (notice,) = [notice for notice in data.notices if notice.slug == "labels-merged"]
    assert "'true' (2 rows), 'TRUE' (1 row)." in notice.message


def test_numbers_of_one_spelling_each_are_told_nothing():
    assert "labels-merged" not in slugs(read_labels([1.0, 0.0, 1.0]).notices)
    assert "labels-merged" not in slugs(read_labels(["1.0", "0", "1.0"]).notices)


def test_labels_of_a_csv_stay_as_written(csv):
    data = read_data(csv("x,label\n1,007\n2,1.0\n3,007\n"), ReadOptions())
    assert data.schema.classes == ("1", "007")
    assert data.given_labels == ("1.0", "007")


AGREEING = [
    ([1, 0], ["1.0", "0.0"]),
    ([1.0, 0.0], [1, 0]),
    (["1", "0"], [1, 0]),
    ([True, False], ["true", "false"]),
    (["TRUE", "FALSE"], [True, False]),
    (pd.Categorical(["u", "v"]), ["u", "v"]),
]


@pytest.mark.parametrize(("ours", "theirs"), AGREEING)
def test_the_same_labels_in_another_spelling_agree(ours, theirs):
    data = read_data(frame_of(ours), ReadOptions())
    clean = read_like(frame_of(theirs), data.schema, role="CLEAN")
    assert clean.labels.tolist() == data.labels.tolist()
    assert sorted(clean.given_labels) == sorted(map(str, theirs))


def test_a_csv_agrees_with_typed_booleans(csv):
    data = read_data(frame_of([True, False]), ReadOptions())
    clean = read_like(csv("x,label\n1,true\n2,false\n"), data.schema, role="CLEAN")
    assert clean.labels.tolist() == [1, 0]


def test_missing_labels_are_an_error_that_lists_five_rows(csv):
    path = csv("x,label\n" + "1,a\n2,\n3,b\n4,NA\n" * 6)
    with pytest.raises(InputError, match="12 rows: rows 1, 3, 5, 7, 9 and 7 more") as caught:
        read_data(path, ReadOptions())
    assert caught.value.slug == "label-missing"


@pytest.mark.parametrize("labels", [[1.0, None, 0.0], ["a", "", "b"], [float("nan"), 1.0, 0.0]])
def test_missing_labels_of_any_type_are_found(labels):
    with pytest.raises(InputError, match="1 row: row") as caught:
        read_labels(labels)
    assert caught.value.slug == "label-missing"


def test_a_single_class_is_an_error():
    with pytest.raises(InputError, match="single class, 'a', in all 3 rows") as caught:
        read_labels(["a", "a", "a"])
    assert caught.value.slug == "label-one-class"


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([1.0, 2.5, 1.0], "2.5 in row 1"),
        (["1.0", "2.5", "1.0"], "2.5 in row 1"),
        (list(range(40)), "40 distinct values in 40 rows"),
        ([f"id{row % 1200}" for row in range(2000)], "1,200 distinct values"),
    ],
)
def test_values_that_are_no_classes_are_an_error(labels, said):
    with pytest.raises(InputError, match=said) as caught:
        read_labels(labels)
    assert caught.value.slug == "label-not-a-class"


@pytest.mark.parametrize("labels", [[["a"], ["b"]], [b"a", b"b"], [{"u": 1}, {"u": 2}]])
def test_cells_that_cannot_be_labels_are_an_error(labels):
    with pytest.raises(InputError) as caught:
        read_labels(labels)
    assert caught.value.slug == "label-type"


def test_a_class_with_a_single_row_is_a_warning():
    data = read_labels(["a", "a", "b"])
    (notice,) = [notice for notice in data.notices if notice.slug == "class-single-row"]
    assert notice.is_warning
    assert "'b'" in notice.message


def test_a_label_unknown_to_data_is_an_error_with_its_rows():
    data = read_labels(["yes", "no", "yes"])
    other = frame_of(["yes", "perhaps", "perhaps"])
    with pytest.raises(InputError, match=r"'perhaps' of TEST.*rows 1, 2.*'no', 'yes'") as caught:
        read_like(other, data.schema, role="TEST")
    assert caught.value.slug == "label-unknown"


@pytest.mark.parametrize("spelling", ["Yes", " yes", "YES "])
def test_a_label_that_differs_by_case_or_space_is_never_guessed(spelling):
    data = read_labels(["yes", "no", "yes"])
    with pytest.raises(InputError, match="DATA spells it 'yes'"):
        read_like(frame_of([spelling]), data.schema, role="CLEAN")


def test_clean_may_lack_a_class_but_not_a_label():
    data = read_labels(["yes", "no", "yes"])
    assert read_like(frame_of(["no"]), data.schema, role="CLEAN").labels.tolist() == [0]
    with pytest.raises(InputError) as caught:
        read_like(frame_of(["no", None]), data.schema, role="CLEAN")
    assert caught.value.slug == "label-missing"
    with pytest.raises(InputError) as caught:
        read_like(pd.DataFrame({"x": [1.0]}), data.schema, role="CLEAN")
    assert caught.value.slug == "label-column-missing"


def test_new_rows_may_lack_labels_and_ids():
    table = pa.table({"key": ["u", "v"], "x": [1, 2], "label": ["a", "b"]})
    data = read_data(table, ReadOptions(id="key"))
    new = read_like(pd.DataFrame({"x": [1.0, 2.0]}), data.schema, role="NEW")
    assert new.labels.tolist() == [-1, -1]
    assert read_ids(new).to_pylist() == ["0", "1"]
    known = read_like(frame_of(["a", "z", None]), data.schema, role="NEW")
    assert known.labels.tolist() == [0, -1, -1]


def read_with_ids(keys, name="key"):
    table = pa.table(
        {name: keys, "x": np.arange(len(keys)) * 0.5, "label": ["a", "b"] * (len(keys) // 2)}
    )
    return read_data(table, ReadOptions(id=name))  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "texts"),
    [
        (["007", "8"], ["007", "8"]),
        ([7, 8], ["7", "8"]),
        ([7.0, 8.0], ["7", "8"]),
        (pa.array(["u", "v"]).dictionary_encode(), ["u", "v"]),
    ],
)
def test_ids_are_text_and_no_feature(keys, texts):
    data = read_with_ids(keys)
    assert read_ids(data).to_pylist() == texts
    assert read_ids(data).type == pa.string()
    assert [column.name for column in data.schema.columns] == ["x"]


def test_without_an_id_column_rows_are_known_by_number():
    assert read_ids(read_labels(["a", "b", "a"])).to_pylist() == ["0", "1", "2"]


def test_repeated_ids_are_an_error_with_value_and_rows():
    with pytest.raises(InputError, match=r"'v'.*rows 1, 3.*1 more id") as caught:
        read_with_ids(["u", "v", "w", "v", "w", "z"])
    assert caught.value.slug == "id-duplicate"


def test_missing_ids_are_an_error_with_rows():
    with pytest.raises(InputError, match="1 row: row 1") as caught:
        read_with_ids(["u", None])
    assert caught.value.slug == "id-missing"


def test_an_id_column_that_is_not_there_is_an_error(csv):
    with pytest.raises(InputError, match=r"'kye'.*'key'") as caught:
        read_data(csv("key,label\n1,a\n2,b\n"), ReadOptions(id="kye"))
    assert caught.value.slug == "id-column-missing"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("customerID", "tenure", "Churn"), "with --label: perhaps 'Churn'."),
        (("eventType", "text", "true_label"), "with --label: perhaps 'true_label'."),
        (("a", "eventType", "b"), "with --label: perhaps 'eventType'."),
        (("x", "y1", "classy"), "Say which holds the label with --label."),
    ],
)
def test_a_column_that_sounds_like_a_label_is_proposed_and_not_taken(names, said):
    with pytest.raises(InputError) as raised:
        choose_label(names, None, source="data.csv")
    assert raised.value.hint.endswith(said)


def test_a_usual_name_that_is_dropped_is_said_to_be_dropped():
    with pytest.raises(InputError, match="than 'label', which drop= names") as raised:
        choose_label(["text", "label"], None, source="data.csv", dropped=["label"])
    assert raised.value.hint.startswith("Leave that")
    assert choose_label(["y", "label"], None, source="d", dropped=["label"]) == "y"
