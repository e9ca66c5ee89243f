"""Prediction: time against scikit-learn's forest on the same rows, and memory at a million rows.

    python -m benchmarks.cost.predict

Processor seconds on one thread, by turns, medians. The forest gets its matrix ready-made; ours gets
the table and encodes it. Memory is that of a process which does what `datacleanse predict` does.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import process_time
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq

from benchmarks.cost.made_table import made_table, write_made
from benchmarks.record import markdown_table, note, provenance
from benchmarks.results_files import write_result
from benchmarks.tables import LABEL
from datacleanse.data import read_portions, write_tables

if TYPE_CHECKING:
    from collections.abc import Callable

N_TRAIN = 20_000
N_TIMED = 100_000
REPEATS = 3
PAGE = 4096


def main() -> None:
    """Both measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", choices=("seconds", "memory"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/predict.json"))
    parser.add_argument("--child", nargs=3, metavar=("RUN", "FILE", "OUT"))
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(*map(Path, options.child))))
        return
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        run = audited(folder)
        out, times, memory = options.out, {}, []
        if options.out.is_file():
            before = json.loads(out.read_text(encoding="utf-8"))
            times, memory = before["seconds"], before["memory"]
        if options.only != "memory":
            times = timed(run)
            note(str(times))
        if options.only != "seconds":
            memory = [grown(run, file) for file in long_files(folder, options.rows)]
    write_result(out, {**provenance(), "seconds": times, "memory": memory}, tables=())
    print(markdown_table(["", "µs a row"], [[k, f"{v * 1e6:.1f}"] for k, v in times.items()]))
    header = ["rows", "file", "after first portion, MiB", "growth, MiB", "rows a second"]
    print(
        markdown_table(
            header,
            [
                [
                    f"{each['rows']:,}",
                    each["file"],
                    f"{each['first']:.0f}",
                    f"{each['growth']:.0f}",
                    f"{each['rows'] / each['seconds']:,.0f}",
                ]
                for each in memory
            ],
        )
    )


def audited(folder: Path) -> Path:
    """A run on the made table."""
    import datacleanse as dc

    data, clean = write_made(folder, N_TRAIN, suffix=".parquet", seed=0)
    dc.audit(data, val=clean, epochs=2, fast=True, out=folder / "run")
    return folder / "run"


def timed(run: Path) -> dict[str, float]:
    """Processor seconds a row."""
    import torch
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.preprocessing import OrdinalEncoder

    import datacleanse as dc
    from datacleanse.serving.export import export_run

    torch.set_num_threads(1)
    train = made_table(N_TRAIN, seed=0).to_pandas()
    new = made_table(N_TIMED, seed=5).drop_columns([LABEL])
    texts = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    encoder = make_column_transformer(
        (texts, make_column_selector(dtype_include=["object", "string"])),
        ("passthrough", make_column_selector(dtype_include=["number", "bool"])),
    )
    matrix = encoder.fit_transform(train.drop(columns=[LABEL]))
    forest = RandomForestClassifier(n_jobs=1, random_state=0).fit(matrix, train[LABEL])
    frame = new.to_pandas()
    ready = encoder.transform(frame)
    model = dc.load(run)
    exported, _ = export_run(run, "onnx", run.parent / "model.onnx")
    onnx = dc.load(exported)
    ways: dict[str, Callable[[], object]] = {
        "ours, from a pandas frame": lambda: model.predict_proba(frame),
        "ours, from an Arrow table": lambda: model.predict_proba(new),
        "ONNX file, from an Arrow table": lambda: onnx.predict_proba(new),
        "forest of 100 trees, matrix ready-made": lambda: forest.predict_proba(ready),
        "forest of 100 trees, from a pandas frame": lambda: forest.predict_proba(
            encoder.transform(frame)
        ),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(REPEATS):
        for name, way in ways.items():
            started = process_time()
            way()
            seconds[name].append((process_time() - started) / N_TIMED)
    return {name: median(each) for name, each in seconds.items()}


def long_files(folder: Path, n_rows: int) -> list[Path]:
    """The same rows as CSV and as Parquet with one row group."""
    table = made_table(n_rows, seed=9)
    csv, parquet = folder / "new.csv", folder / "new.parquet"
    pyarrow.csv.write_csv(table, csv)
    pq.write_table(table, parquet, row_group_size=n_rows)
    return [csv, parquet]


def grown(run: Path, file: Path) -> dict[str, Any]:
    """What a process of its own says of its memory."""
    command = [sys.executable, "-m", "benchmarks.cost.predict", "--child", str(run), str(file)]
    out = file.with_name(f"out{file.suffix}")
    # As the program sets it before Arrow is loaded.
    environment = {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system"}
    done = subprocess.run(
        [*command, str(out)], capture_output=True, text=True, check=True, env=environment
    )
    found: dict[str, Any] = {"file": file.suffix, **json.loads(done.stdout)}
    note(str(found))
    return found


def child(run: Path, file: Path, out: Path) -> dict[str, float]:
    """Predict as the command does, and look at the resident memory after every portion."""
    from datacleanse.serving.open_model import open_model
    from datacleanse.serving.predictions import predict_rows
    from datacleanse_cli.memory import return_freed_memory

    return_freed_memory()
    model = open_model(run)
    sizes: list[float] = []

    def tables() -> Any:  # noqa: ANN401  # a generator
        for portion in read_portions(str(file), model.schema):
            yield predict_rows(model, portion, proba=True)
            sizes.append(_resident())

    started = process_time()
    rows = write_tables(tables(), out)
    return {
        "rows": rows,
        "portions": len(sizes),
        "first": sizes[0],
        "growth": float(np.max(sizes)) - sizes[0],
        "seconds": process_time() - started,
    }


def _resident() -> float:
    """MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * PAGE / 2**20


if __name__ == "__main__":
    main()
