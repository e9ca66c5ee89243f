"""The Parquet files of a run are refused by the column, cell and value that no run writes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datacleanse.errors import RunFolderError
from datacleanse.storage.run_folder import RunFolder
from datacleanse.storage.schemas import (
    AUDIT_SCHEMA,
    CALIBRATION_SCHEMA,
    CONFLICTS_SCHEMA,
)

N = 6
CLASSES = {"a": 3, "b": 3}
"""Rows by given label, as `run.json` has them."""


def audit():
    """A table as an audit writes it."""
    columns = {each.name: pa.nulls(N, each.type) for each in AUDIT_SCHEMA}
    columns |= {
        "row": pa.array(range(N)),
        "rank": pa.array([3, 1, 2, 6, 5, 4]),
        "given_label": pa.array(["a", "b"] * 3),
        "suspicion": pa.array(np.linspace(0, 1, N)),
        "mislabel_probability": pa.array(np.linspace(0, 1, N)),
        "flagged": pa.array([True, False] * 3),
        "in_training": pa.array([True] * N),
    }
    return pa.table(columns, schema=AUDIT_SCHEMA)


def with_cells(name, cells):
    table = audit()
    return table.set_column(table.schema.get_field_index(name), name, [cells])


def folder_with(tmp_path, table):
    folder = RunFolder(tmp_path)
    pq.write_table(table, folder.audit_file)
    return folder


def refusal(read):
    with pytest.raises(RunFolderError) as caught:
        read()
    assert caught.value.slug == "run-damaged"
    assert "copy the run again" in caught.value.hint
    assert "\n" not in caught.value.message
    return caught.value.message


def test_a_table_is_read_as_it_was_written(tmp_path):
    folder = folder_with(tmp_path, audit())
    assert folder.read_audit(CLASSES).equals(audit())
    assert folder.read_flagged(CLASSES)["row"].to_pylist() == [0, 2, 4]
    assert list(folder.read_ranks()) == [3, 1, 2, 6, 5, 4]
    parts = list(folder.read_audit_groups(["rank", "id"], CLASSES))
    assert [part.column_names for part in parts] == [["rank", "id"]]


def test_numbers_and_texts_of_other_widths_are_taken(tmp_path):
    table = with_cells("rank", pa.array([3, 1, 2, 6, 5, 4], pa.int16()))
    at = table.schema.get_field_index("given_label")
    table = table.set_column(at, "given_label", [pa.array(["a", "b"] * 3, pa.large_string())])
    read = folder_with(tmp_path, table).read_audit(CLASSES)
    assert read.schema.equals(AUDIT_SCHEMA)


def test_a_column_of_later_versions_may_be_missing(tmp_path):
    folder = folder_with(tmp_path, audit().drop_columns(["row_sha256"]))
    assert folder.read_audit(CLASSES)["row_sha256"].null_count == N


TEXTS = pa.StringArray.from_buffers(
    N, pa.py_buffer(np.arange(N + 1, dtype=np.int32)), pa.py_buffer(b"\xff" * N)
)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (pa.table({"a": [1, 2, 3]}), "it has no column 'row'"),
        (audit().append_column("row", pa.array(range(N))), "it has more than one column 'row'"),
        (audit().slice(0, 4), "it has 4 rows, where run.json says 6"),
        (with_cells("rank", pa.array(["x"] * N)), "'rank' is of type string, where int64 was"),
        (with_cells("rank", pa.array([1, 2, 3, 4, 5, 5])), "'rank' does not hold each number"),
        (with_cells("rank", pa.array([0, 2, 3, 4, 5, 6])), "cell 0 of its column 'rank' is 0,"),
        (
            with_cells("rank", pa.array([1, None, 3, 4, 5, 6])),
            "cell 1 of its column 'rank' is null",
        ),
        (with_cells("row", pa.array([1, 0, 2, 3, 4, 5])), "'row' does not hold each number from 0"),
        (
            with_cells("mislabel_probability", pa.array([0.5] * 5 + [1.5])),
            "cell 5 of its column 'mislabel_probability' is 1.5, where a number up to 1 was",
        ),
        (
            with_cells("mislabel_probability", pa.array([0.5] * 5 + [-1.0])),
            "cell 5 of its column 'mislabel_probability' is -1.0, where a number from 0 on was",
        ),
        (
            with_cells("suspicion", pa.array([float("nan")] * N)),
            "'suspicion' is nan, where a finit",
        ),
        (with_cells("given_label", TEXTS), "Invalid UTF8"),
        (
            with_cells("given_label", pa.array(["a", "b", "c"] * 2)),
            "'given_label' holds 'c', which is none of the classes that run.json names",
        ),
        (
            with_cells("suggested_label", pa.array(["a", None, "A"] * 2)),
            "'suggested_label' holds 'A', which is none of the classes",
        ),
        (
            with_cells("verified_label", pa.array(["a", None, "x"] * 2)),
            "'verified_label' holds 'x', which is none of the classes",
        ),
        (
            with_cells("given_label", pa.array(["a"] * 4 + ["b"] * 2)),
            "'given_label' holds 'a' 4 times, where run.json says 3",
        ),
        (with_cells("flagged", pa.array([1] * N)), "'flagged' is of type int64, where bool was"),
    ],
)
def test_what_no_audit_writes_is_refused(table, said, tmp_path):
    folder = folder_with(tmp_path, table)
    message = refusal(lambda: folder.read_audit(CLASSES))
    assert message.startswith(f"{folder.audit_file} is damaged: ")
    assert said in message


@pytest.mark.parametrize("read", ["read_audit_columns", "read_audit_groups", "read_flagged"])
def test_labels_of_another_run_are_refused_by_every_reader(read, tmp_path):
    table = with_cells("given_label", pa.array(["a", "c"] * 3))
    folder = folder_with(tmp_path, table)
    names = [] if read == "read_flagged" else [["given_label", "row"]]
    said = "'given_label' holds 'c', which is none of the classes"
    assert said in refusal(lambda: list(getattr(folder, read)(*names, CLASSES)))


def test_labels_are_held_to_the_classes_as_codes_too(tmp_path):
    folder = folder_with(tmp_path, audit())
    read = folder.read_audit_columns(["given_label"], CLASSES, coded=["given_label"])
    assert pa.types.is_dictionary(read.schema.field(0).type)
    said = "'given_label' holds 'b', which is none"
    assert said in refusal(
        lambda: folder.read_audit_columns(["given_label"], {"a": N}, coded=["given_label"])
    )


def test_a_missing_file_and_one_that_is_none_are_told(tmp_path):
    folder = RunFolder(tmp_path)
    assert refusal(folder.read_audit) == f"{folder.audit_file} is missing."
    folder.audit_file.write_bytes(b"no Parquet")
    assert "is damaged: Parquet magic bytes not found" in refusal(folder.read_audit)
    folder.audit_file.unlink()
    folder.audit_file.mkdir()
    assert "is missing." in refusal(folder.read_audit)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["x", "y"], "its first column is string, where the rows' numbers were expected"),
        ([0, 6], "cell 1 of its column 'row' is 6, where a number below 6 was expected"),
        ([-1, 0], "cell 0 of its column 'row' is -1, where a number from 0 on was expected"),
        ([2, 2], "its column 'number' holds a number twice"),
    ],
)
def test_suspects_are_rows_of_data(rows, said, tmp_path):
    folder = RunFolder(tmp_path)
    pq.write_table(pa.table({"number": rows, "own": [b"\xff", b""]}), folder.suspects_file)
    assert said in refusal(lambda: folder.read_suspects(N))


def test_what_is_kept_beside_is_held_to_the_rows_of_both_files(tmp_path):
    folder = RunFolder(tmp_path)
    assert folder.read_neighbours(N, 9) is None
    near = {"row": [5], "place": [1], "clean_row": [9], "label": ["a"], "distance": [0.5]}
    pq.write_table(pa.table(near), folder.neighbours_file)
    assert folder.read_neighbours(N, 10).num_rows == 1
    assert "'clean_row' is 9, where a number below 9" in refusal(
        lambda: folder.read_neighbours(N, 9)
    )
    pq.write_table(CALIBRATION_SCHEMA.empty_table(), folder.calibration_file)
    assert folder.read_calibration(0).num_rows == 0
    assert "has 0 rows, where run.json says 9" in refusal(lambda: folder.read_calibration(9))


@pytest.mark.parametrize("told", [{}, {"groups": "x", "rows": "1"}, {"groups": "-1", "rows": "1"}])
def test_conflicts_tell_how_many_there_are(told, tmp_path):
    folder = RunFolder(tmp_path)
    table = CONFLICTS_SCHEMA.empty_table()
    pq.write_table(table.replace_schema_metadata(told), folder.conflicts_file)
    assert "for groups, where a whole number was" in refusal(folder.read_conflicts)
    pq.write_table(
        table.replace_schema_metadata({"groups": "0", "rows": "0"}), folder.conflicts_file
    )
    assert folder.read_conflicts(N).num_rows == 0
