"""The ledger's files and the table made from them."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datacleanse.auditing import audit_table
from datacleanse.auditing.audit_table import write_audit
from datacleanse.errors import RunFolderError
from datacleanse.storage import ledger
from datacleanse.storage.ledger import EpochRecord, gather_weights, list_parts, write_epoch
from datacleanse.storage.schemas import AUDIT_COLUMNS, AUDIT_SCHEMA
from datacleanse.storage.table_column import SCHEMA_VERSION
from tests.tries import tries


def record(n: int, seed: int) -> EpochRecord:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(4, n)).astype(np.float32)
    values[0] = np.abs(values[0])
    values[0, ::5] = np.nan
    return EpochRecord(*values)


def audit_columns(rows: slice) -> dict[str, pa.Array]:
    n = rows.stop - rows.start
    columns = {field.name: pa.nulls(n, field.type) for field in AUDIT_SCHEMA}
    del columns["weight_by_epoch"]
    return columns | {"row": pa.array(np.arange(rows.start, rows.stop))}


def test_epoch_file_holds_what_was_recorded(tmp_path):
    path = tmp_path / "epoch-0003.parquet"
    expected = record(20, seed=0)
    write_epoch(path, 3, expected)
    table = pq.read_table(path)
    assert table.column("row").to_pylist() == list(range(20))
    assert set(table.column("epoch").to_pylist()) == {3}
    for name in ("weight", "influence", "loss", "margin"):
        np.testing.assert_array_equal(table.column(name).to_numpy(), getattr(expected, name))
    assert table.column("weight").null_count == 4


def test_every_column_is_documented_and_the_version_is_in_the_file(tmp_path):
    write_epoch(tmp_path / "e.parquet", 0, record(3, seed=0))
    schema = pq.read_schema(tmp_path / "e.parquet")
    assert json.loads(schema.metadata[b"datacleanse"]) == {
        "kind": "epoch",
        "schema_version": SCHEMA_VERSION,
    }
    assert all(field.metadata[b"doc"] for field in schema)


@settings(deadline=None, max_examples=tries(15))
@given(n=st.integers(1, 60), n_epochs=st.integers(1, 4), group=st.integers(1, 25))
def test_weights_by_epoch_are_gathered_over_any_number_of_row_groups(
    tmp_path_factory, n, n_epochs, group
):
    folder = tmp_path_factory.mktemp("ledger")
    records = [record(n, seed=e) for e in range(n_epochs)]
    paths = [folder / f"epoch-{e:04d}.parquet" for e in range(n_epochs)]
    with pytest.MonkeyPatch.context() as patch:
        for module in (ledger, audit_table):
            patch.setattr(module, "ROW_GROUP", group)
        for epoch, path in enumerate(paths):
            write_epoch(path, epoch, records[epoch])
        write_audit(folder / "audit.parquet", audit_columns, paths, n)
    table = pq.read_table(folder / "audit.parquet")
    assert table.schema.names == [each.name for each in AUDIT_COLUMNS]
    assert table.column("row").to_pylist() == list(range(n))
    weights = table.column("weight_by_epoch").to_pylist()
    for row in range(n):
        expected = [float(r.weight[row]) for r in records]
        assert weights[row] == [None if np.isnan(w) else w for w in expected]


def test_a_failed_write_leaves_neither_file_nor_remains(tmp_path):
    path = tmp_path / "epoch-0000.parquet"
    broken = EpochRecord(np.zeros(3, np.float32), *(np.zeros(2, np.float32),) * 3)
    with pytest.raises(pa.ArrowInvalid):
        write_epoch(path, 0, broken)
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_that_was_changed_is_refused_when_it_is_gathered(tmp_path):
    paths = [tmp_path / f"epoch-{e:04d}.parquet" for e in range(2)]
    for epoch, path in enumerate(paths):
        write_epoch(path, epoch, record(5, seed=epoch))
    assert [part.shape for part in gather_weights(paths, 5)] == [(2, 5)]
    whole = pq.read_table(paths[1])
    for table, said in (
        (whole.slice(0, 4), "it has 4 rows, where run.json says 5"),
        (
            whole.rename_columns(["row", "epoch", "w", *whole.column_names[3:]]),
            "no column 'we",
        ),
        (pq.read_table(paths[0]), "cell 0 of its column 'epoch' is 0, where 1 was expected"),
        (whole.take(pa.array([1, 0, 2, 3, 4])), "'row' does not hold each number from 0 to 4 once"),
        (whole.set_column(2, "weight", [pa.array([-1.0] * 5, pa.float32())]), "is -1.0, where"),
    ):
        pq.write_table(table, paths[1])
        with pytest.raises(RunFolderError) as caught:
            list(gather_weights(paths, 5))
        assert caught.value.message.startswith(f"{paths[1]} is damaged: ")
        assert said in caught.value.message
    pq.write_table(whole, paths[1], row_group_size=2)
    with pytest.raises(RunFolderError, match="grouped as those of no ledger"):
        list(gather_weights(paths, 5))


def test_parts_of_an_epoch_are_in_the_order_of_their_numbers(tmp_path):
    names = [f"part-{number:02d}.parquet" for number in (0, 9, 10, 11, 99, 100, 101, 110)]
    for name in reversed(names):
        (tmp_path / name).touch()
    assert [path.name for path in list_parts(tmp_path)] == names
