"""Tables in memory of every kind, and what is none."""

from __future__ import annotations

import json
from collections import UserDict

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pytest
import torch.utils.data

from datacleanse.auditing import from_python
from datacleanse.auditing.reading import read_inputs
from datacleanse.data import ReadOptions, fingerprint, hold_source, read_data, read_like
from datacleanse.errors import InputError
from datacleanse.progress import SILENT

COLUMNS = {"x": [at * 0.5 for at in range(12)], "c": ["u", "v", None] * 4, "label": ["a", "b"] * 6}
TABLE = pa.table(COLUMNS)
RECORDS = TABLE.to_pylist()
FIELDS = np.array(
    [(row["x"], row["c"] or "", row["label"]) for row in RECORDS],
    dtype=[("x", ">f4"), ("c", "U3"), ("label", "S3")],
)

KINDS = {
    "polars frame": lambda: pl.DataFrame(COLUMNS),
    "lazy frame": lambda: pl.DataFrame(COLUMNS).lazy().filter(pl.col("x") >= 0),
    "record batch": lambda: TABLE.to_batches()[0],
    "list of batches": lambda: TABLE.to_batches(max_chunksize=5),
    "reader of batches": TABLE.to_reader,
    "dataset": lambda: pyarrow.dataset.dataset(TABLE),
    "scanner": lambda: pyarrow.dataset.dataset(TABLE).scanner(),
    "array of structs": lambda: pa.array(RECORDS),
    "columns": lambda: COLUMNS,
    "columns of arrays": lambda: {
        "x": np.array(COLUMNS["x"]),
        "c": pl.Series(COLUMNS["c"]),
        "label": pd.Categorical(COLUMNS["label"]),
    },
    "columns of another mapping": lambda: UserDict(COLUMNS),
    "records": lambda: RECORDS,
    "records that leave out what is missing": lambda: [
        {name: cell for name, cell in row.items() if cell is not None} for row in RECORDS
    ],
    "tuple of records": lambda: tuple(RECORDS),
    "iterator of records": lambda: iter(RECORDS),
    "named fields": lambda: FIELDS,
    "array of records": lambda: FIELDS.view(np.recarray),
    "masked fields": lambda: np.ma.array(FIELDS, mask=[(0, not row["c"], 0) for row in RECORDS]),
}


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_every_kind_of_table_is_read(make):
    data = read_data(make(), ReadOptions())
    assert {column.name: column.kind for column in data.schema.columns} == {
        "x": "numeric",
        "c": "categorical",
    }
    assert data.schema.classes == ("a", "b")
    assert data.labels.tolist() == [0, 1] * 6
    assert data.table.column("x").to_pylist() == COLUMNS["x"]
    cells = [cell or None for cell in data.table.column("c").to_pylist()]
    assert cells == COLUMNS["c"]


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_a_table_that_is_held_can_be_read_again(make):
    held = hold_source(make())
    assert fingerprint(held) == fingerprint(held)
    assert read_data(held, ReadOptions()).n_rows == read_data(held, ReadOptions()).n_rows == 12


def test_the_frame_of_a_caller_is_held_as_it_is(tmp_path):
    for each in (pd.DataFrame(COLUMNS), TABLE, pl.DataFrame(COLUMNS), tmp_path, "data.csv"):
        assert hold_source(each) is each


def test_an_audit_reads_streams_once(monkeypatch, tmp_path):
    asked = []

    def take(request, place, **_):
        asked.append(request)
        raise InterruptedError

    monkeypatch.setattr(from_python, "run_audit", take)
    clean = iter([{**row, "x": row["x"] + 0.25} for row in RECORDS])
    with pytest.raises(InterruptedError):
        from_python.audit(TABLE.to_reader(), val=clean, test=pl.DataFrame(COLUMNS).lazy())
    inputs = read_inputs(asked[0], SILENT, tmp_path)
    assert [each.n_rows for each in (inputs.data, inputs.clean, inputs.test)] == [12, 12, 12]


NO_TABLES = {
    "a number": (3, "<int> is no table", "a path, a pandas or polars frame"),
    "nothing": (None, "<NoneType> is no table", "a dictionary of columns"),
    "an array": (np.zeros((3, 2)), "<ndarray> is no table", "pandas.DataFrame(array"),
    "a column": (pd.Series([1, 2]), "<Series> is no table", "single column"),
    "a row": (pd.DataFrame(COLUMNS).iloc[0], "<Series> is no table", "frame.iloc[[0]]"),
    "a row of numbers": (pd.DataFrame({"x": [1.0], "y": 2.0}).iloc[0], "<Series>", "single row"),
    "a column by key": (pd.Series(["u", "v"], ["k", "l"], name="x"), "<Series>", "single column"),
    "a column of polars": (pl.Series([1, 2]), "<Series> is no table", "single column"),
    "bytes": (b"data.csv", "<bytes> is no table", "os.fsdecode"),
    "a torch dataset": (
        torch.utils.data.TensorDataset(torch.zeros(3)),
        "<TensorDataset> is no table",
        "datacleanse.audit_dataset",
    ),
    "tuples": ([(1, "a"), (2, "b")], "<list> is no table", "a list of dictionaries"),
    "two frames": ((TABLE, TABLE), "<tuple> is no table", "a path"),
    "splits": ({"train": pd.DataFrame(COLUMNS)}, "'train' of the dictionary", "data['train']"),
    "lazy splits": (
        {"train": pl.DataFrame(COLUMNS).lazy()},
        "'train' of the dictionary is a table",
        "data['train']",
    ),
    "scalars": ({"x": 1, "label": "a"}, "'x' of the dictionary is int", "a list or an array"),
    "lengths": ({"x": [1, 2], "label": ["a"]}, "lengths: 'x' 2, 'label' 1", "one cell for each"),
    "a row that is none": ([*RECORDS, 3], "Row 12 of the list is int", "dictionary"),
    "a query that fails": (
        pl.DataFrame(COLUMNS).lazy().select("absent"),
        "<LazyFrame> cannot be collected",
        "Mend the query",
    ),
}


@pytest.mark.parametrize("case", NO_TABLES.values(), ids=NO_TABLES)
@pytest.mark.parametrize("read", [hold_source, lambda source: read_data(source, ReadOptions())])
def test_what_is_no_table_is_refused_in_a_sentence(case, read):
    source, said, cure = case
    with pytest.raises(InputError) as caught:
        read(source)
    assert said in caught.value.message
    assert cure in caught.value.hint
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("source", [[], {}, iter([]), [{}]])
def test_a_table_without_columns_is_refused_as_such(source):
    with pytest.raises(InputError) as caught:
        read_data(source, ReadOptions())
    assert caught.value.slug == "table-empty"


def test_an_open_file_is_answered_with_its_path(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("x,label\n1,a\n")
    with path.open() as file, pytest.raises(InputError) as caught:
        read_data(file, ReadOptions())
    assert "path instead of the open file" in caught.value.hint


def test_cells_of_several_types_become_text_and_vectors_become_features():
    data = read_data(
        {"x": [1, "u", None, 2.5] * 3, "v": np.ones((12, 2)), "label": COLUMNS["label"]},
        ReadOptions(),
    )
    assert {column.name: column.kind for column in data.schema.columns}["v"] == "embedding"
    assert data.table.column("x").to_pylist()[:4] == ["1", "u", None, "2.5"]


def test_levels_of_column_names_are_joined_without_empty_ones():
    frame = pd.DataFrame({("x", "mean"): COLUMNS["x"], ("label", ""): COLUMNS["label"]})
    data = read_data(frame, ReadOptions())
    assert data.schema.label == "label"
    assert [column.name for column in data.schema.columns] == ["x.mean"]


class ClassLabel:
    """As in `datasets`, which need not be installed."""

    def __init__(self, names):
        self.names = names


class Image:
    """The same."""


def make_hugging_face(labels, picture=None):
    """A stand-in for a `datasets.Dataset` of which every other row is selected."""

    class Formatted:
        def __getitem__(self, rows):
            assert rows == slice(None)
            table = pa.table({"x": COLUMNS["x"], "label": labels})
            if picture is not None:
                table = table.append_column("image", pa.array([picture] * 12))
            return table.take(list(range(0, 12, 2)))

    class HuggingFace:
        column_names = ("x", "label")

        def __init__(self):
            self.features = {"x": object(), "label": ClassLabel(["cat", "dog", "emu"])}
            if picture is not None:
                self.features["image"] = Image()

        def __len__(self):
            return 6

        def with_format(self, kind):
            assert kind == "arrow"
            return Formatted()

    HuggingFace.__module__ = "datasets.arrow_dataset"
    return HuggingFace()


def test_a_hugging_face_dataset_is_read_with_its_selection_and_its_names():
    data = read_data(hold_source(make_hugging_face([0, 9, 1, 9] * 3)), ReadOptions())
    assert data.n_rows == 6
    assert data.schema.classes == ("cat", "dog")
    (notice,) = [each for each in data.notices if each.slug == "label-names-from-metadata"]
    assert "0 is 'cat', 1 is 'dog', 2 is 'emu'" in notice.message


@pytest.mark.parametrize(
    ("picture", "kept"),
    [
        ({"bytes": None, "path": "a.png"}, "a.png"),
        ({"bytes": b"\x89PNG", "path": "a.png"}, {"bytes": b"\x89PNG", "path": "a.png"}),
        ({"bytes": b"\x89PNG", "path": None}, {"bytes": b"\x89PNG", "path": None}),
    ],
)
def test_pictures_that_a_hugging_face_dataset_points_to_are_paths(picture, kept):
    held = hold_source(make_hugging_face([0, 1] * 6, picture))
    assert held.column("image").to_pylist() == [kept] * 6


def test_a_stream_of_hugging_face_is_told_how_to_become_a_table():
    stream = type("IterableDataset", (), {"__module__": "datasets.iterable_dataset"})()
    with pytest.raises(InputError, match="no table") as caught:
        hold_source(stream)
    assert "Dataset.from_list" in str(caught.value.hint)


def with_names(table, names, kind="ClassLabel"):
    told = {"info": {"features": {"label": {"names": names, "_type": kind}}}}
    return table.replace_schema_metadata({"huggingface": json.dumps(told)})


NUMBERED = pa.table({"x": COLUMNS["x"], "label": [0, 1, 2] * 4})


def test_names_in_the_metadata_agree_with_names_in_another_file():
    data = read_data(with_names(NUMBERED, ["no", "10", "yes"]), ReadOptions())
    assert data.schema.classes == ("10", "no", "yes")
    clean = read_like(
        pa.table({"x": [1.0, 2.0], "label": ["yes", "10"]}), data.schema, role="CLEAN"
    )
    assert [data.schema.classes[code] for code in clean.labels] == ["yes", "10"]
    assert not [each for each in clean.notices if each.slug == "label-names-from-metadata"]


@pytest.mark.parametrize(
    "table",
    [
        NUMBERED,
        with_names(NUMBERED, ["a", "b", "c"], kind="Value"),
        with_names(NUMBERED, ["a", "a", "c"]),
        with_names(NUMBERED, [1, 2, 3]),
        NUMBERED.replace_schema_metadata({"huggingface": "no JSON"}),
        NUMBERED.replace_schema_metadata({"huggingface": "[]"}),
    ],
)
def test_without_sound_names_numbers_stay(table):
    assert read_data(table, ReadOptions()).schema.classes == ("0", "1", "2")


def test_a_number_without_a_name_and_a_missing_label_are_refused_with_their_rows():
    with pytest.raises(InputError, match=r"a label is 2, but.*classes 0 to 1: rows 2, 5, 8, 11"):
        read_data(with_names(NUMBERED, ["a", "b"]), ReadOptions())
    unlabelled = NUMBERED.set_column(1, "label", pa.array([0, -1, 1] * 4))
    with pytest.raises(InputError, match="is missing in 4 rows: rows 1, 4, 7, 10") as caught:
        read_data(with_names(unlabelled, ["a", "b"]), ReadOptions())
    assert "In files of Hugging Face, -1 does." in caught.value.hint


def test_a_single_name_in_the_metadata_holds_too():
    numbers = NUMBERED.set_column(1, "label", pa.array([0, -1] * 6))
    with pytest.raises(InputError, match="is missing in 6 rows"):
        read_data(with_names(numbers, ["cat"]), ReadOptions())
    with pytest.raises(InputError, match=r"a label is 1, but the metadata name the class 0 alone"):
        read_data(with_names(NUMBERED, ["cat"]), ReadOptions())


def test_columns_of_a_dictionary_may_be_named_and_filled_with_half_a_sign():
    data = {"x\ud800": COLUMNS["x"], "kind": [1, "\ud800"] * 6, "label": [0, 1] * 6}
    read = read_data(hold_source(data), ReadOptions())
    assert [each.name for each in read.schema.columns] == ["x\ufffd", "kind"]
