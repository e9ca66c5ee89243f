"""Boosted trees on noisy labels: plain, with our weights, and without what we or cleanlab flag.

    python -m benchmarks.model.weights --data DIR

Accuracy on true labels of rows that nobody trained on. All trainings have the same rows of DATA and
the same clean ones; those keep weight 1 and are never dropped.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

import datacleanse as dc
from benchmarks.detection.cells import CellName, Limits, make_cell
from benchmarks.detection.detectors import by_cleanlab, cross_validated
from benchmarks.record import markdown_table, note, provenance
from benchmarks.results_files import earlier_records, write_result
from benchmarks.tables import LABEL, available_tables
from datacleanse.data import read_like
from datacleanse.models.encoding import encode, fit_encoding
from datacleanse.serving.export import export_run

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.detection.cells import Cell

CELLS = {
    "jira_defects_dev": ("native",),
    "szz_jit_dev": ("native",),
    "cifar10n_feats_a": ("native", "native_worse"),
    "bank_marketing": ("uniform30", "background20"),
    "telco_churn": ("uniform30", "background20"),
    "dry_bean": ("uniform30", "pair20"),
    "pendigits": ("uniform30", "pair20"),
    "spambase": ("uniform30", "background20"),
}
"""Tables, each with its kinds of label errors (`benchmarks/README.md`)."""

WAYS = ("plain", "weights", "squared", "keep", "cleanlab")


def main() -> None:
    """Run all cells; print a table of accuracies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/weights.json"))
    options = parser.parse_args()
    by_name = {each["cell"]: each for each in earlier_records(options.out, "cells")}
    there = [n for n in available_tables(options.data, options.sets) if n in CELLS]
    for seed in range(options.seeds):
        for name in there:
            for noise in CELLS[name]:
                cell = make_cell(options.data, CellName(seed, name, noise), Limits())
                by_name[str(cell.name)] = {"cell": str(cell.name), **compare(cell)}
                note(str(by_name[str(cell.name)]))
                write_result(
                    options.out,
                    {**provenance(), "cells": list(by_name.values())},
                    tables=("cells",),
                )
    found = list(by_name.values())
    means = {way: float(np.mean([each[way] for each in found])) for way in WAYS}
    header = [
        "table/errors/seed",
        "wrong",
        "plain",
        "our weights",
        "their squares",
        "our flags dropped",
        "cleanlab's",
    ]
    rows = [
        [each["cell"], f"{each['wrong']:.0%}", *(f"{each[way]:.4f}" for way in WAYS)]
        for each in [
            *found,
            {"cell": "mean", "wrong": np.mean([e["wrong"] for e in found]), **means},
        ]
    ]
    print(markdown_table(header, rows))


def compare(cell: Cell) -> dict[str, Any]:
    """Accuracy of each way on the held-back rows."""
    n, m = len(cell.given), len(cell.clean_labels)
    weight, keep = ours(cell)
    issues = by_cleanlab("margin", cell, cross_validated("boosted", cell)).flagged
    assert issues is not None
    ones = np.ones(n + m)
    ways = {
        "plain": ones,
        "weights": np.concatenate([weight, np.ones(m)]),
        "squared": np.concatenate([weight**2, np.ones(m)]),
        "keep": np.concatenate([keep.astype(float), np.ones(m)]),
        "cleanlab": np.concatenate([(~issues).astype(float), np.ones(m)]),
    }
    train, test = matrices(cell)
    return {
        "wrong": float(cell.is_wrong.mean()),
        "dropped": int((~keep).sum()),
        "dropped_by_cleanlab": int(issues.sum()),
        **{
            name: accuracy(train, cell.labels, each, test, cell.drawn.held_back_truth)
            for name, each in ways.items()
        },
    }


def ours(cell: Cell) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Weight and keep flag of the N rows, as `export --format weights` writes them."""
    with tempfile.TemporaryDirectory() as folder:
        dc.audit(cell.noisy_table(), val=cell.clean_table(), label=LABEL, out=Path(folder) / "run")
        export_run(Path(folder) / "run", "weights", Path(folder) / "weights.csv")
        table = pd.read_csv(Path(folder) / "weights.csv")
    return table["weight"].to_numpy(), table["keep"].to_numpy()


def matrices(cell: Cell) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(N + m', F) to train on and (T, F) held back; monotone in the numbers, NaN where missing."""
    data, clean = cell.drawn.rows.train, cell.drawn.rows.test
    encoding = fit_encoding(data, np.arange(data.n_rows))
    held_back = read_like(cell.drawn.held_back, data.schema, role="NEW")
    train = np.concatenate([encode(data, encoding), encode(clean, encoding)[cell.kept]])
    return train, encode(held_back, encoding)


def accuracy(
    train: NDArray[np.float32],
    labels: NDArray[np.int64],
    weight: NDArray[np.float64],
    test: NDArray[np.float32],
    truth: NDArray[np.int64],
) -> float:
    """Of boosted trees, on true labels; rows of weight 0 are left out."""
    used = weight > 0
    trees = HistGradientBoostingClassifier(max_iter=100, random_state=0)
    trees.fit(train[used], labels[used], sample_weight=weight[used])
    return float((trees.predict(test) == truth).mean())


if __name__ == "__main__":
    main()
