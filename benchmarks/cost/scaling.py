"""Time and memory a row, from ten thousand to a million rows.

`python -m benchmarks.cost.scaling` audits made tables of 20 mixed columns (Parquet), whole process
with defaults, and compares the time a row with the smallest table's, and the peak memory with that
of an interpreter that has imported torch plus four times the encoded float32 matrix.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.cost.made_table import write_made
from benchmarks.cost.processes import run_measured
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import write_result
from datacleanse.storage.run_folder import RunFolder

RESULT = RESULTS / "scaling.json"
BYTES = 4
"""Of a float32."""

DATE_PARTS = 7
MIB = 2**20


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    arguments = parser.parse_args()
    base = run_measured([sys.executable, "-c", "import torch"]).peak_bytes
    sizes = [measure(n, base) for n in arguments.rows]
    first = sizes[0]["microseconds_a_row"]
    for size in sizes:
        size["time_a_row_over_first"] = size["microseconds_a_row"] / first
    write_result(
        RESULT, {"provenance": provenance(), "interpreter_bytes": base, "sizes": sizes}, tables=()
    )
    header = ["rows", "seconds", "µs a row", "over the first", "peak MiB", "allowed MiB"]
    print(markdown_table(header, [_row(size) for size in sizes]))


def measure(n_rows: int, base: int) -> dict[str, Any]:
    """Audit one table."""
    with tempfile.TemporaryDirectory() as directory:
        data, clean = write_made(Path(directory), n_rows, suffix=".parquet", seed=0)
        run = Path(directory) / "run"
        audit = [sys.executable, "-m", "datacleanse", "audit", str(data), "--val", str(clean)]
        measured = run_measured([*audit, "--out", str(run), "--quiet"])
        manifest = RunFolder(run).manifest()
    columns = manifest.schema.columns
    width = sum(DATE_PARTS if column.kind == "datetime" else 1 for column in columns)
    matrix = n_rows * width * BYTES
    note(f"{n_rows} rows: {measured.seconds:.0f} s, {measured.peak_bytes / MIB:.0f} MiB")
    return {
        "rows": n_rows,
        "seconds": measured.seconds,
        "cpu_seconds": measured.cpu_seconds,
        "microseconds_a_row": 1e6 * measured.seconds / n_rows,
        "peak_bytes": measured.peak_bytes,
        "encoded_bytes": matrix,
        "allowed_bytes": base + 4 * matrix,
        "epochs": manifest.training.epochs,
        "batch_size": manifest.training.batch_size,
        "timings": manifest.timings,
    }


def _row(size: dict[str, Any]) -> list[str]:
    return [
        f"{size['rows']:,}",
        f"{size['seconds']:.0f}",
        f"{size['microseconds_a_row']:.0f}",
        f"{size['time_a_row_over_first']:.2f}",
        f"{size['peak_bytes'] / MIB:.0f}",
        f"{size['allowed_bytes'] / MIB:.0f}",
    ]


if __name__ == "__main__":
    main()
