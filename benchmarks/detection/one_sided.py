"""Audits of real tables with a fifth of the labels flipped one-sidedly.

`python -m benchmarks.detection.one_sided --data DIR` plants errors that all go the same way: 20 %
of the rows, drawn from the most frequent class, get the label of the next most frequent one. The
whole table is audited with defaults; 200 rows with true labels, drawn at random, are the clean set.
They come from elsewhere, or, with ``--protocol sampled``, stand in the table with the labels that
it gives them. Ranking, flags and probabilities are measured on the rows that nobody verified; the
ranges of the noise rates are held against all rows.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

import datacleanse as dc
from benchmarks.detection.cells import ID, PROTOCOLS
from benchmarks.detection.detectors import read_verdict
from benchmarks.detection.measures import measure, measure_ranges
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import write_result
from benchmarks.tables import LABEL, load_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.detection.cells import Protocol
    from datacleanse.auditing.result import AuditResult

RESULT_OF = {
    "elsewhere": RESULTS / "one_sided.json",
    "sampled": RESULTS / "one_sided_sampled.json",
}
SETS = ("bank_marketing", "telco_churn", "student_dropout")
SHARE = 0.2
N_CLEAN = 200
COUNTS = (100, 500)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with one folder a set")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--protocol", choices=PROTOCOLS, default="elsewhere")
    arguments = parser.parse_args()
    cells = [
        audit_table(arguments.data, name, seed, arguments.protocol)
        for seed in range(arguments.seeds)
        for name in SETS
    ]
    result = {"provenance": provenance(), "share": SHARE, "cells": cells}
    write_result(RESULT_OF[arguments.protocol], result, tables=("cells",))
    print(markdown_table(["table", *MEASURES], [_row(cells, name) for name in SETS]))


MEASURES = (
    "rows",
    "precision_at_100",
    "precision_at_500",
    "average_precision",
    "auroc",
    "brier",
    "probability_ratio",
    "rate_holds",
    "rate_half_width",
    "class_holds",
    "flagged",
    "false_share",
    "recall",
    "suggestion_accuracy",
    "seconds",
)


def audit_table(folder: Path, name: str, seed: int, protocol: Protocol) -> dict[str, Any]:
    """Plant errors, audit, compare with the truth."""
    table = load_table(folder, name)
    table = table.take(np.random.default_rng(seed).permutation(table.num_rows))
    table = table.append_column(ID, pa.array(range(table.num_rows)).cast(pa.string()))
    clean, is_sampled = table.slice(0, N_CLEAN), protocol == "sampled"
    if not is_sampled:
        table, clean = table.slice(N_CLEAN).drop_columns([ID]), clean.drop_columns([ID])
    truth = np.array(table.column(LABEL).to_pylist(), dtype=str).astype(object)
    noisy = flip_one_way(truth, seed=seed)
    at = table.column_names.index(LABEL)
    data = table.set_column(at, LABEL, pa.array(noisy))
    result = dc.audit(data, val=clean, label=LABEL, id=ID if is_sampled else None, seed=seed)
    is_scored = np.arange(len(truth)) >= (N_CLEAN if is_sampled else 0)
    cell = {
        "table": name,
        "seed": seed,
        "rows": len(truth),
        **compare(result, truth, noisy, is_scored),
        "planted": int((noisy != truth).sum()),
    }
    note(f"{name}, seed {seed}: {cell['precision_at_100']:.2f}, {cell['precision_at_500']:.2f}")
    return cell


def compare(
    result: AuditResult,
    truth: NDArray[np.object_],
    noisy: NDArray[np.object_],
    is_scored: NDArray[np.bool_],
) -> dict[str, Any]:
    """Measures of an audit.

    Args:
        result: of N rows.
        truth: (N,) names of the true classes.
        noisy: (N,) of the given ones.
        is_scored: (N,) rows that nobody verified.
    """
    wrong = noisy != truth
    classes, given = np.unique(noisy.astype(str), return_inverse=True)
    verdict = read_verdict(result, classes.tolist(), result.manifest["timings"]["total"])
    rank = result.table["rank"].to_numpy()
    suggested = result.table["suggested_label"].to_numpy(dtype=object)
    sought = wrong & is_scored
    return {
        **{f"precision_at_{k}": float(wrong[rank <= k].mean()) for k in COUNTS},
        **measure(verdict.take(is_scored), wrong[is_scored]),
        **measure_ranges(verdict, wrong, given),
        "suggestion_accuracy": float((suggested[sought] == truth[sought]).mean()),
        "estimated_wrong": result.manifest["flags"]["estimated_wrong"],
    }


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
