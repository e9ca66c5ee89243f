"""Labels and ids that read like a missing value: in quotes they are names, empty ones never."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datacleanse.data import ReadOptions, read_data, read_ids, read_like, write_table
from datacleanse.data.columns import MISSING_TEXTS
from datacleanse.data.rewriting.csv import Grammar
from datacleanse.data.spreadsheets import format_csv_line
from datacleanse.errors import InputError
from tests.tries import tries

LIKE_MISSING = sorted(MISSING_TEXTS - {""})


def write(path, *lines):
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


def labels_of(data):
    return [data.given_labels[code] for code in data.labels]


@pytest.mark.parametrize("name", LIKE_MISSING)
def test_a_quoted_label_is_the_name_of_a_class(tmp_path, name):
    file = write(tmp_path / "d.csv", "x,label", f'1,"{name}"', "2,ok", f'3,"{name}"')
    assert labels_of(read_data(file, ReadOptions())) == [name, "ok", name]


@pytest.mark.parametrize("cell", ["", '""', "NA", "null"])
def test_what_is_missing_stays_missing(tmp_path, cell):
    """Beside a quoted name, too."""
    file = write(tmp_path / "d.csv", "x,label", '1,"None"', "2,ok", f"3,{cell}")
    with pytest.raises(InputError, match=r"missing in 1 row: row 2") as caught:
        read_data(file, ReadOptions())
    assert 'write "NA" in quotes' in caught.value.hint


def test_a_class_that_data_has_is_known_without_quotes(tmp_path):
    """As a spreadsheet saves a sample again."""
    data = read_data(
        write(tmp_path / "d.csv", "x,label", '1,"NA"', "2,ok", '3,"NA"', "4,ok"), ReadOptions()
    )
    clean = write(tmp_path / "v.csv", "x,label", "1,NA", "2,ok")
    assert labels_of(read_like(clean, data.schema, role="CLEAN")) == ["NA", "ok"]
    other = write(tmp_path / "o.csv", "x,label", "1,null", "2,ok")
    with pytest.raises(InputError, match="missing in 1 row"):
        read_like(other, data.schema, role="CLEAN")


def test_features_are_missing_in_quotes_or_not(tmp_path):
    file = write(tmp_path / "d.csv", "x,z,label", '1,"NA","NA"', '"",b,ok', "3,b,ok", "4,c,ok")
    table = read_data(file, ReadOptions()).table
    assert [table.column(name).null_count for name in ("x", "z", "label")] == [1, 1, 0]


@settings(max_examples=tries(40), deadline=None)
@given(
    names=st.lists(
        st.sampled_from(LIKE_MISSING)
        | st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8),
        min_size=2,
        max_size=5,
        unique=True,
    ),
    suffix=st.sampled_from([".csv", ".tsv", ".csv.gz", ".jsonl", ".parquet"]),
    delimiter=st.sampled_from([None, ";", "|"]),
)
def test_labels_and_ids_that_were_written_are_read_again(
    tmp_path_factory, names, suffix, delimiter
):
    path = tmp_path_factory.mktemp("any") / f"t{suffix}"
    table = pa.table({"id": names, "x": list(range(len(names))), "label": names})
    table = pa.concat_tables([table, table.set_column(0, "id", [[f"{n}." for n in names]])])
    write_table(table, path, delimiter=delimiter)
    try:
        data = read_data(str(path), ReadOptions(label="label", id="id", delimiter=delimiter))
    except InputError as error:  # all of them numbers with a fraction
        assert error.slug == "label-not-a-class"  # noqa: PT017
        return
    assert read_ids(data).to_pylist() == table.column("id").to_pylist()
    assert data.table.column("label").to_pylist() == table.column("label").to_pylist()


@pytest.mark.parametrize("name", LIKE_MISSING)
def test_lists_for_spreadsheets_tell_a_name_from_an_empty_cell(tmp_path, name):
    file = tmp_path / "d.csv"
    lines = [["x", "label"], ["", name], ["1", "ok"], ["2", "ok"]]
    file.write_text("".join(map(format_csv_line, lines)), encoding="utf-8")
    assert labels_of(read_data(str(file), ReadOptions())) == [name, "ok", "ok"]
    assert pd.read_csv(file, keep_default_na=False)["label"][0] == name


@pytest.mark.parametrize("name", LIKE_MISSING)
def test_a_new_label_that_reads_like_a_missing_value_is_put_in_quotes(name):
    """In a file whose other cells are without them."""
    line = Grammar(",").replace_cell(b"1,ok,2\n", 1, name.encode())
    assert line == f'1,"{name}",2\n'.encode()
    assert Grammar(",").replace_cell(b"1,ok,2\n", 1, b"b") == b"1,b,2\n"
