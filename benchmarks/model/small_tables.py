"""Batch size on small tables: what the reweighted network makes of few steps.

`python -m benchmarks.model.small_tables --data DIR` audits 300 and 1,000 rows with a fifth of the
labels flipped uniformly, 100 clean rows, 30 epochs, and tests both networks on 1,000 other rows.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.metrics import average_precision_score

import datacleanse as dc
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import write_result
from benchmarks.tables import LABEL, flip_uniformly, load_table

RESULT = RESULTS / "small_tables.json"
SETS = ("telco_churn", "segment", "spambase")
ROWS, BATCHES = (300, 1000), (32, 64, 128)
N_CLEAN, N_TEST, SHARE = 100, 1000, 0.2
MEASURES = ("average_precision", "reweighted", "plain", "seconds")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with one folder a set")
    folder = parser.parse_args().data
    cells = [measure(folder, s, n, batch) for s in SETS for n in ROWS for batch in BATCHES]
    write_result(RESULT, {"provenance": provenance(), "cells": cells}, tables=("cells",))
    means = pd.DataFrame(cells).groupby(["rows", "batch"])[list(MEASURES)].mean()
    rows = [[str(n), str(b), *(f"{v:.3f}" for v in means.loc[n, b])] for n, b in means.index]
    print(markdown_table(["rows", "batch", *MEASURES], rows))


def measure(folder: Path, name: str, n_rows: int, batch: int) -> dict[str, Any]:
    """One audit."""
    table = load_table(folder, name)
    order = np.random.default_rng(0).permutation(table.num_rows)
    cuts = np.cumsum([n_rows, N_CLEAN, N_TEST])
    data, clean, test = (table.take(part) for part in np.split(order[: cuts[-1]], cuts[:-1]))
    names, truth = np.unique(data.column(LABEL).to_pylist(), return_inverse=True)
    noisy = flip_uniformly(truth, len(names), SHARE, seed=0)
    data = data.set_column(data.column_names.index(LABEL), LABEL, pa.array(names[noisy]))
    result = dc.audit(data, val=clean, test=test, label=LABEL, batch_size=batch, epochs=30)
    metrics = result.manifest["metrics"]["test"]
    note(f"{name}, {n_rows} rows, batch {batch}")
    return {
        "table": name,
        "rows": n_rows,
        "batch": batch,
        "average_precision": float(
            average_precision_score(noisy != truth, result.table["suspicion"])
        ),
        "reweighted": metrics["reweighted"]["accuracy"],
        "plain": metrics["control"]["accuracy"],
        "seconds": result.manifest["timings"]["total"],
    }


if __name__ == "__main__":
    main()
