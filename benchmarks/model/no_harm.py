"""Whether the exported model is ever worse than plain training, where clean rows were sampled.

    python -m benchmarks.model.no_harm --data DIR [--sets a,b] [--cells pair20,uniform30]
        [--seeds N]

The cells of the detection benchmark by the protocol "sampled", tested on rows with true labels that
are in neither part. Beside both models stands plain training on true labels: where that has a lower
balanced accuracy than plain training on wrong ones, so may a model that is nearer to it.

A model counts as worse where it lies more than two standard errors below plain training. These are
of the difference on the same test rows, of which only shares are known, taken as independent halves
(accuracy), and of the mean recall of the classes (balanced accuracy). Log-loss is counted wherever
it is higher at all.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

import datacleanse as dc
from benchmarks.detection.cell_options import cells_parser, named_cells
from benchmarks.detection.cells import ID, Limits, make_cell
from benchmarks.kept import Kept
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import write_result
from benchmarks.tables import LABEL

if TYPE_CHECKING:
    from benchmarks.detection.cells import Cell

RESULT = RESULTS / "no_harm.json"
MEASURES = ("accuracy", "balanced_accuracy", "log_loss")
WAYS = ("plain", "ours", "oracle")
ERRORS = 2.0
"""Standard errors by which a model must lie below plain training to count as worse."""


def main() -> None:
    """Measure, print, keep."""
    parser = cells_parser(__doc__ or "", seeds=1, out=RESULT)
    options = parser.parse_args()
    limits = Limits(protocol="sampled")
    kept = Kept(options.out.with_suffix(".unfinished"))
    cells = []
    for name in named_cells(options):
        found = kept.find(str(name))
        if found is None:
            found = compare(make_cell(options.data, name, limits))
            kept.add(str(name), found)
            note(f"{name}: {found}")
        cells.append({"table": name.table, "noise": name.noise, "seed": name.seed, **found})
    result = {"provenance": provenance(), "errors": ERRORS, **summarise(cells)}
    write_result(options.out, {**result, "cells": cells}, tables=("cells",))
    rows = [[key, str(found)] for key, found in summarise(cells).items()]
    print(markdown_table(["", "found"], rows))
    kept.remove()


def compare(cell: Cell) -> dict[str, float | int]:
    """Measures of all ways on one cell's test rows, and standard errors of the differences."""
    test = _test_table(cell)
    settings: dict[str, Any] = {
        "label": LABEL,
        "id": ID,
        "test": test,
        "seed": cell.name.seed,
        "device": "cpu",
    }
    found = dc.audit(cell.noisy_table(), val=cell.clean_table(), **settings)
    noisy = found.manifest["metrics"]["test"]
    at = cell.noisy_table().column_names.index(LABEL)
    true = cell.noisy_table().set_column(at, LABEL, _name(cell, cell.truth))
    oracle = dc.audit(true, **settings).manifest["metrics"]["test"]
    by_way = {"plain": noisy["control"], "ours": noisy["reweighted"], "oracle": oracle["control"]}
    n = test.num_rows
    variances = [
        each["accuracy"] * (1 - each["accuracy"]) / n for each in (by_way["plain"], by_way["ours"])
    ]
    recalls = [(each["rows"], each["reweighted"]["recall"]) for each in noisy["by_class"].values()]
    return {
        "test_rows": n,
        **{f"{way}_{name}": round(by_way[way][name], 4) for way in WAYS for name in MEASURES},
        "accuracy_error": round(math.sqrt(sum(variances) / 2), 4),
        "balanced_accuracy_error": round(
            math.sqrt(sum(r * (1 - r) / max(rows, 1) for rows, r in recalls)) / len(recalls), 4
        ),
    }


def summarise(cells: list[dict[str, Any]]) -> dict[str, Any]:
    """Cells in which the model is worse, by measure, and how far it goes toward true labels."""
    found: dict[str, Any] = {}
    for name in ("accuracy", "balanced_accuracy"):
        worse = [
            cell
            for cell in cells
            if cell[f"ours_{name}"] - cell[f"plain_{name}"] < -ERRORS * cell[f"{name}_error"]
        ]
        found[f"worse_{name}"] = [
            f"{cell['table']}/{cell['noise']}/{cell['seed']}" for cell in worse
        ]
        found[f"worse_{name}_though_oracle_is_not"] = [
            f"{cell['table']}/{cell['noise']}/{cell['seed']}"
            for cell in worse
            if cell[f"oracle_{name}"] >= cell[f"plain_{name}"]
        ]
    gains = [
        np.mean([cell[f"{way}_accuracy"] - cell["plain_accuracy"] for cell in cells])
        for way in ("ours", "oracle")
    ]
    found["share_of_the_way"] = round(float(gains[0] / gains[1]), 3)
    found["higher_log_loss"] = [
        f"{cell['table']}/{cell['noise']}/{cell['seed']}"
        for cell in cells
        if cell["ours_log_loss"] > cell["plain_log_loss"]
    ]
    found["log_loss_gain"] = round(
        float(np.mean([cell["plain_log_loss"] - cell["ours_log_loss"] for cell in cells])), 4
    )
    return found


def _test_table(cell: Cell) -> pa.Table:
    """Held-back rows with true labels, those of classes that no given label names left out."""
    codes = cell.drawn.held_back_truth
    at = cell.drawn.held_back.column_names.index(LABEL)
    table = cell.drawn.held_back.set_column(at, LABEL, _name(cell, codes))
    numbers = pa.array([f"t{row}" for row in range(len(codes))])
    is_known = np.isin(codes, np.unique(cell.given))
    return table.append_column(ID, numbers).filter(pa.array(is_known))


def _name(cell: Cell, codes: Any) -> pa.Array:  # noqa: ANN401  # (n,) int64
    return pa.array(np.array(cell.drawn.classes, dtype=object)[codes], pa.string())


if __name__ == "__main__":
    main()
