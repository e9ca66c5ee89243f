"""Audits of real tables with a fifth of the labels flipped one-sidedly.

`python -m benchmarks.detection.one_sided --data DIR` plants errors that all go the same way: 20 %
of the rows, drawn from the most frequent class, get the label of the next most frequent one. The
whole table is audited with defaults; 200 rows with true labels, drawn at random, are the clean set.
Precision among the first 100 and 500 rows of the ranking, average precision, and the flags.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from sklearn.metrics import average_precision_score, roc_auc_score

import datacleanse as dc
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import write_result
from benchmarks.tables import LABEL, load_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

RESULT = RESULTS / "one_sided.json"
SETS = ("bank_marketing", "telco_churn", "student_dropout")
SHARE = 0.2
N_CLEAN = 200
COUNTS = (100, 500)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with one folder a set")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    cells = [
        measure(arguments.data, name, seed) for name in SETS for seed in range(arguments.seeds)
    ]
    write_result(
        RESULT, {"provenance": provenance(), "share": SHARE, "cells": cells}, tables=("cells",)
    )
    print(markdown_table(["table", *MEASURES], [_row(cells, name) for name in SETS]))


MEASURES = (
    "rows",
    "precision_at_100",
    "precision_at_500",
    "average_precision",
    "auroc",
    "flagged",
    "false_share",
    "recall",
    "suggestion_accuracy",
    "seconds",
)


def measure(folder: Path, name: str, seed: int) -> dict[str, Any]:
    """Plant errors, audit, compare with the truth."""
    table = load_table(folder, name)
    order = np.random.default_rng(seed).permutation(table.num_rows)
    clean, data = table.take(order[:N_CLEAN]), table.take(order[N_CLEAN:])
    truth = np.array(data.column(LABEL).to_pylist(), dtype=object)
    noisy = flip_one_way(truth, seed=seed)
    at = data.column_names.index(LABEL)
    data = data.set_column(at, LABEL, pa.array(noisy))
    result = dc.audit(data, val=clean, label=LABEL, seed=seed)
    wrong = noisy != truth
    flagged = result.table["flagged"].to_numpy()
    rank = result.table["rank"].to_numpy()
    suggested = result.table["suggested_label"].to_numpy(dtype=object)
    cell = {
        "table": name,
        "seed": seed,
        "rows": len(truth),
        **{f"precision_at_{k}": float(wrong[rank <= k].mean()) for k in COUNTS},
        "average_precision": float(average_precision_score(wrong, -rank)),
        "auroc": float(roc_auc_score(wrong, -rank)),
        "flagged": int(flagged.sum()),
        "false_share": float((~wrong[flagged]).mean()) if flagged.any() else 0.0,
        "recall": float(flagged[wrong].mean()),
        "suggestion_accuracy": float((suggested[wrong] == truth[wrong]).mean()),
        "estimated_wrong": result.manifest["flags"]["estimated_wrong"],
        "planted": int(wrong.sum()),
        "seconds": result.manifest["timings"]["total"],
    }
    note(f"{name}, seed {seed}: {cell['precision_at_100']:.2f}, {cell['precision_at_500']:.2f}")
    return cell


def flip_one_way(truth: NDArray[np.object_], *, seed: int) -> NDArray[np.object_]:
    """Give `SHARE` of all rows, drawn from the most frequent class, the next class's label."""
    names, counts = np.unique(truth.astype(str), return_counts=True)
    first, second = names[np.argsort(-counts, kind="stable")[:2]]
    rows = np.flatnonzero(truth == first)
    chosen = np.random.default_rng(seed).choice(rows, round(SHARE * len(truth)), replace=False)
    noisy = truth.copy()
    noisy[chosen] = second
    return noisy


def _row(cells: list[dict[str, Any]], name: str) -> list[str]:
    mine = [cell for cell in cells if cell["table"] == name]
    means = {measure: float(np.mean([cell[measure] for cell in mine])) for measure in MEASURES}
    return [name, *(f"{means[m]:.0f}" if means[m] > 2 else f"{means[m]:.3f}" for m in MEASURES)]


if __name__ == "__main__":
    main()
