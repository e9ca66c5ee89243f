"""The column that names rows where nobody says which it is, and what never is one."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from datacleanse.data import (
    ReadOptions,
    compare,
    read_data,
    read_ids,
    read_like,
    read_portions,
    write_table,
)
from datacleanse.errors import InputError, SettingsError
from tests.data.conftest import kinds, set_aside, slugs

N = 60
RANDOM = np.random.default_rng(0)
KEYS = [f"{7590 - row:04d}-VHVEG" for row in range(N)]


def make_frame(values=KEYS, *, name="customerID", **more):
    """DATA of two classes with a plain column beside the one in question."""
    rows = len(values)
    plain = np.random.default_rng(1).normal(size=rows)
    labels = ["a" if row % 2 else "b" for row in range(rows)]
    return pd.DataFrame({name: values, "plain": plain, **more, "label": labels})


def find_id(values, *, name="x", **options):
    return read_data(make_frame(values, name=name), ReadOptions(**options)).schema.id


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (KEYS, "customerID"),
        (KEYS, "account"),
        ([f"{row:08x}-aaaa-4bbb" for row in range(N)], "hash"),
        ([f"person{row}@example.org" for row in range(N)], "mail"),
        ([f"Ünal{row}" for row in range(N)], "name"),
        (np.arange(N) * 7 + 1000, "customer_id"),
        (np.arange(N) + 1, "id"),
        ([f"{row} of {N}" for row in range(N)], "id"),
        ([f"a'b\"/{row}#%" for row in range(N)], "key"),
        ([f"{row:05d}" for row in range(N)], "customer_id"),
        ([str(row + 17) for row in range(N)], "customer_id"),
    ],
)
def test_a_column_that_names_rows_is_the_id(values, name, listener):
    data = read_data(make_frame(values, name=name), ReadOptions(), progress=listener)
    assert data.schema.id == name
    assert data.schema.id_is_found
    assert read_ids(data).to_pylist() == [str(value) for value in values]
    assert name not in set_aside(data)
    told = [notice for notice in data.notices if notice.slug == "id-found"]
    assert [notice.option for notice in told] == ["--no-id"]
    assert repr(name) in told[0].message
    assert "--id COL" in told[0].message
    assert told[0].message in listener.said


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ([*KEYS[:-1], KEYS[0]], "customerID"),
        ([*KEYS[:-1], None], "customerID"),
        ([*KEYS[:-1], ""], "customerID"),
        ([*KEYS[:-1], " NA "], "customerID"),
        (RANDOM.normal(size=N), "customer_id"),
        (np.arange(N) / 2, "id"),
        (np.arange(N) * 7 + 1000, "income"),
        (RANDOM.permutation(N) + 1000, "turn"),
        (np.arange(N), "index"),
        (np.arange(N), "row"),
        (np.arange(N) * 3, "row_id"),
        (np.arange(N), "Unnamed: 0"),
        (np.arange(N), ""),
        (np.arange(N), "__index_level_0__"),
        ([f"k{row}" for row in range(N)], "__index_level_0__"),
        ([datetime.date(2020, 1, 1) + datetime.timedelta(row) for row in range(N)], "id"),
        ([f"2020-01-01T00:{row:02d}:00" for row in range(N)], "moment"),
        ([f"Person Number{row}" for row in range(N)], "name"),
        ([f"{row},5kg" for row in range(N)], "weight"),
        ([f"{row}.5kg" for row in range(N)], "weight"),
        ([f"+43-{row:05d}" for row in range(N)], "phone"),
        ([f"7,{row:03d}.94" for row in range(N)], "price"),
        ([f"${row + 1},040" for row in range(N)], "price"),
        ([f"{1 + row % 28:02d}/{1 + row % 12:02d}/2019 13:{row:02d}" for row in range(N)], "when"),
        ([f"Sep {1 + row % 28}, {1950 + row}" for row in range(N)], "when"),
        ([f"{row} %" for row in range(N)], "share"),
        ([f"x{'y' * 200}{row}" for row in range(N)], "payload"),
    ],
)
def test_what_does_not_plainly_name_rows_is_no_id(values, name):
    data = read_data(make_frame(values, name=name), ReadOptions())
    assert data.schema.id is None
    assert not data.schema.id_is_found
    assert "id-found" not in slugs(data.notices)
    assert read_ids(data).to_pylist() == [str(row) for row in range(N)]


def test_what_a_person_says_of_the_column_holds():
    assert find_id(KEYS) == "x"
    assert find_id(KEYS, seeks_id=False) is None
    assert find_id(KEYS, drop=("x",)) is None
    assert find_id(KEYS, categorical=("x",)) is None
    named = read_data(make_frame(KEYS, code=KEYS[::-1]), ReadOptions(id="code"))
    assert named.schema.id == "code"
    assert not named.schema.id_is_found
    assert set_aside(named) == {"customerID": "identifier"}


def test_an_id_and_none_at_once_are_refused():
    with pytest.raises(SettingsError, match="contradict each other"):
        ReadOptions(id="key", seeks_id=False)


def test_of_several_columns_the_one_called_an_id_is_taken():
    frame = make_frame([f"mail{row}@example.org" for row in range(N)], name="mail", user_id=KEYS)
    data = read_data(frame, ReadOptions())
    assert data.schema.id == "user_id"
    assert set_aside(data) == {"mail": "identifier"}


def test_only_the_id_differs_from_reading_without_one():
    with_id, without = (
        read_data(make_frame(), ReadOptions(seeks_id=seeks)) for seeks in (True, False)
    )
    assert kinds(with_id) == kinds(without) == {"plain": "numeric"}
    assert with_id.table.equals(without.table)


def test_an_id_is_no_column_to_learn_from():
    frame = make_frame().drop(columns="plain")
    with pytest.raises(InputError, match=r"no column to learn from .*'customerID'"):
        read_data(frame, ReadOptions())


def test_ids_are_spelled_as_in_the_file(csv):
    rows = "".join(f"{row:05d},{row / 7:.3f},{'ab'[row % 2]}\n" for row in range(N))
    path = csv(f"customer_id,plain,label\n{rows}")
    data = read_data(path, ReadOptions())
    assert data.schema.id == "customer_id"
    assert read_ids(data).to_pylist()[:2] == ["00000", "00001"]
    named = read_data(path, ReadOptions(id="customer_id"))
    assert data.table.equals(named.table)


# --- CLEAN, TEST and NEW ---


def compare_with(clean, data=None):
    ours = read_data(make_frame() if data is None else data, ReadOptions())
    theirs = read_like(clean, ours.schema, role="CLEAN")
    comparison = compare(ours, theirs)
    return comparison.overlap, [*theirs.notices, *comparison.notices]


def test_rows_of_clean_are_found_by_the_id_though_a_cell_was_mended():
    clean = make_frame().iloc[:10].assign(plain=lambda rows: rows["plain"].where(rows.index > 0, 9))
    overlap, notices = compare_with(clean)
    assert overlap.matched_by == "id"
    assert overlap.data_rows.tolist() == list(range(10))
    assert "overlap-changed" in slugs(notices)
    assert "id-not-matched" not in slugs(notices)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.drop(columns="customerID"), "has no column 'customerID'"),
        (lambda rows: rows.assign(customerID=[None, *KEYS[1:10]]), "has no id .* in 1 row"),
        (lambda rows: rows.assign(customerID=["", *KEYS[1:10]]), "has no id .* in 1 row"),
        (lambda rows: rows.assign(customerID=[KEYS[1], *KEYS[1:10]]), "has 1 repeated id"),
        (lambda rows: rows.assign(customerID=KEYS[20:30]), "on rows with other feature values"),
    ],
)
def test_where_clean_has_no_such_ids_rows_are_found_by_their_values(change, said):
    clean = change(make_frame().iloc[:10])
    overlap, notices = compare_with(clean)
    told = [each for each in notices if each.slug == "id-not-matched"]
    assert len(told) == 1
    assert not told[0].is_warning
    assert pd.Series([told[0].message]).str.contains(said).all()
    # Exactly what is found where no column is taken for the id.
    data = read_data(make_frame(), ReadOptions(seeks_id=False))
    before = compare(data, read_like(clean, data.schema, role="CLEAN")).overlap
    assert overlap.matched_by == before.matched_by == "values"
    assert overlap.data_rows.tolist() == before.data_rows.tolist()
    assert overlap.clean_rows.tolist() == before.clean_rows.tolist()


@pytest.mark.parametrize(
    "ids", [np.arange(10), np.arange(10) / 2, [["u"]] * 10, pd.date_range("2020", periods=10)]
)
def test_ids_of_another_type_in_clean_are_no_fault(ids):
    overlap, _ = compare_with(make_frame().iloc[:10].assign(customerID=ids))
    assert not len(overlap.data_rows)


def test_clean_with_every_id_but_other_cells_leaves_something_to_audit():
    frame = make_frame()
    changed = frame.assign(plain=frame["plain"].where(frame.index >= 20, 3.0))
    overlap, notices = compare_with(changed)
    assert overlap.data_rows.tolist() == list(range(20, N))
    assert "id-not-matched" in slugs(notices)


@pytest.mark.parametrize("role", ["TEST", "NEW"])
def test_other_files_may_lack_the_id_or_repeat_it(role):
    frame = make_frame()
    schema = read_data(frame, ReadOptions()).schema
    for other in (
        frame.drop(columns="customerID"),
        frame.assign(customerID="same"),
        frame.assign(customerID=[None] * N),
        frame.assign(customerID=np.arange(N) / 2),
    ):
        assert read_like(other, schema, role=role).n_rows == N
    named = read_data(frame, ReadOptions(id="customerID")).schema
    with pytest.raises(InputError, match=r"the id .* is missing"):
        read_like(frame.assign(customerID=[None] * N), named, role=role)


def test_new_rows_without_an_id_are_told(tmp_path):
    frame = make_frame()
    schema = read_data(frame, ReadOptions()).schema
    path = tmp_path / "new.csv"
    frame.assign(customerID=[None, *KEYS[1:]]).to_csv(path, index=False)
    [portion] = read_portions(path, schema)
    assert slugs(portion.notices) == ["id-missing"]
    assert portion.notices[0].is_warning
    assert read_ids(portion).to_pylist() == [None, *KEYS[1:]]


def test_a_frame_s_own_index_is_not_needed_for_an_id():
    table = pa.Table.from_pandas(make_frame().set_index("customerID"))
    data = read_data(table, ReadOptions())
    # An index with a name is a column like any other.
    assert data.schema.id == "customerID"
    unnamed = pa.Table.from_pandas(make_frame().drop(columns="customerID").iloc[::-1])
    assert read_data(unnamed, ReadOptions()).schema.id is None


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".csv", ".feather"])
def test_ids_with_zeros_in_front_stay_text_in_every_format(suffix, tmp_path):
    names = [f"{row:05d}" for row in range(N)]
    for column in ("customer_id", "key"):
        path = tmp_path / f"{column}{suffix}"
        write_table(pa.Table.from_pandas(make_frame(names, name=column)), path)
        data = read_data(path, ReadOptions(id=None if column == "customer_id" else column))
        assert read_ids(data).to_pylist() == names
        assert column not in kinds(data)


def test_zeros_in_front_name_things_and_measure_nothing():
    data = read_data(make_frame([f"{row:05d}" for row in range(N)], name="code"), ReadOptions())
    assert "code" in set_aside(data)
    data = read_data(make_frame([str(100 + row) for row in range(N)], name="code"), ReadOptions())
    assert kinds(data)["code"] == "numeric"
