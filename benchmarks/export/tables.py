"""Exported ONNX files against `predict`, on 10,000 rows of every table, spoiled ones included.

    python -m benchmarks.export.tables --data DIR

Each table is audited briefly and exported; then both classify the same rows: drawn from the table,
with missing, unseen and extreme cells put in.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

import datacleanse as dc
from benchmarks.record import markdown_table, note, provenance
from benchmarks.results_files import earlier_records, write_result
from benchmarks.tables import LABEL, TABLES, available_tables, load_table
from datacleanse.data import read_like
from datacleanse.serving.export import export_run
from datacleanse.serving.export.samples import TOLERANCE, make_rows
from datacleanse.serving.onnx_model import load_onnx
from datacleanse.serving.raw_columns import read_raw_columns

if TYPE_CHECKING:
    from datacleanse.models.predictor import Predictor
    from datacleanse.records import Dataset

N_ROWS = 10_000
N_TRAIN, N_CLEAN = 3000, 200
SPOILED = 0.1
"""Share of the cells that are replaced by missing, unseen or extreme ones."""


def main() -> None:
    """Run it for all tables; print one line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/export_check.json"))
    options = parser.parse_args()
    by_name = {each["table"]: each for each in earlier_records(options.out, "tables")}
    for name in available_tables(options.data, options.sets):
        by_name[name] = {"table": name, **check(load_table(options.data, name))}
        note(f"{name}: {by_name[name]}")
        found = [by_name[each] for each in TABLES if each in by_name]
        write_result(
            options.out,
            {**provenance(), "tolerance": TOLERANCE, "tables": found},
            tables=("tables",),
        )
    header = ["table", "rows", "other class", "largest difference"]
    rows = [
        [f["table"], str(f["rows"]), str(f["other_class"]), f"{f['difference']:.1e}"] for f in found
    ]
    print(markdown_table(header, rows))


def check(table: pa.Table) -> dict[str, Any]:
    """Audit, export, compare."""
    rng = np.random.default_rng(0)
    order = rng.permutation(table.num_rows)
    clean = np.sort(order[:N_CLEAN])
    noisy = np.sort(order[N_CLEAN : N_CLEAN + N_TRAIN])
    # Every class must be there for CLEAN's to be known.
    names = table.column(LABEL).to_pylist()
    known = {names[row] for row in noisy}
    clean = np.array([row for row in clean if names[row] in known])
    with tempfile.TemporaryDirectory() as folder:
        result = dc.audit(
            table.take(noisy),
            val=table.take(clean),
            label=LABEL,
            epochs=2,
            fast=True,
            out=Path(folder) / "run",
        )
        export_run(result.folder.path, "onnx", Path(folder) / "model.onnx")
        exported, model = load_onnx(Path(folder) / "model.onnx"), result.model
        rows = spoiled(table.take(rng.integers(0, table.num_rows, N_ROWS)), model, rng)
        expected, got = model.answer(rows), exported.answer(rows)
    return {
        "rows": rows.n_rows,
        "columns": len(model.schema.columns),
        "other_class": int((expected.argmax(axis=1) != got.argmax(axis=1)).sum()),
        "difference": float(np.abs(expected - got).max()),
    }


def spoiled(table: pa.Table, model: Predictor, rng: np.random.Generator) -> Dataset:
    """The rows, with made cells in some places."""
    schema, n = model.schema, table.num_rows
    made = make_rows(schema, model.encoding, n=n, seed=1)
    features = [column.name for column in schema.columns]
    usual, odd = (
        read_raw_columns(read_like(each, schema, role="NEW"))
        for each in (table.select(features), made)
    )
    mixed = {}
    for column in schema.columns:
        where = rng.random((n, 1) if column.kind == "embedding" else n) < SPOILED
        cells = np.where(where, odd[column.name], usual[column.name])
        if column.kind == "datetime":
            cells = cells.view("datetime64[us]")
        mixed[column.name] = list(cells) if column.kind == "embedding" else cells
    return read_like(pa.table(mixed), schema, role="NEW")


if __name__ == "__main__":
    main()
