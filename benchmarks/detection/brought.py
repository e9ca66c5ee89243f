"""What probabilities that the user brings are worth to an audit.

`python -m benchmarks.detection.brought --data DIR` audits each cell three times: as it is, with the
probabilities of a random forest's five-fold cross-validation, and with those of the same forest on
the rows that it learned, which are worth nothing. The clean rows are rows of the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

from benchmarks.detection.cell_options import cells_parser, named_cells
from benchmarks.detection.cells import Limits, make_cell
from benchmarks.detection.detectors import run_audit
from benchmarks.detection.peers import in_sample, out_of_fold
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import earlier_records, write_result

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.detection.cells import Cell

RESULT = RESULTS / "brought.json"
MODEL = "forest"
WAYS = ("none", "out_of_fold", "in_sample")
FDR = 0.10
NOTICED = "probabilities-in-sample"
"""The notice by which an audit says that it left probabilities out."""


def main() -> None:
    """Measure, print and write, cell by cell, so that a run that was stopped goes on."""
    parser = cells_parser(__doc__ or "", seeds=1, out=RESULT)
    parser.add_argument("--rows", type=int, default=3000, help="noisy rows a cell, at most")
    options = parser.parse_args()
    limits = Limits(noisy=options.rows, protocol="sampled")
    cells = earlier_records(options.out, "cells")
    done = {(each["table"], each["noise"], each["seed"]) for each in cells}
    for name in named_cells(options):
        if (name.table, name.noise, name.seed) in done:
            continue
        cells.append(compare(make_cell(options.data, name, limits)))
        known = {"provenance": provenance(), "model": MODEL, "rows": options.rows}
        write_result(options.out, {**known, **summarise(cells), "cells": cells}, tables=("cells",))
    means = [f"{np.mean([cell[way] for cell in cells]):.3f}" for way in WAYS]
    print(markdown_table(["cells", *WAYS], [[str(len(cells)), *means]]))


def summarise(cells: list[dict[str, Any]]) -> dict[str, Any]:
    """What each kind adds on the mean and at worst, and in which share of cells it is noticed."""
    found: dict[str, Any] = {"n_cells": len(cells)}
    for way in WAYS[1:]:
        gains = [each[way] - each["none"] for each in cells]
        found[way] = {
            "mean": round(float(np.mean(gains)), 4),
            "least": round(min(gains), 4),
            "noticed": round(float(np.mean([each[f"noticed_{way}"] for each in cells])), 3),
        }
    return found


def compare(cell: Cell) -> dict[str, Any]:
    """The average precision of the three audits on the rows that nobody verified."""
    n = len(cell.given)
    told = {
        "none": None,
        "out_of_fold": out_of_fold(MODEL, cell)[:n],
        "in_sample": in_sample(MODEL, cell)[:n],
    }
    found: dict[str, Any] = {}
    for way in WAYS:
        found[way], is_noticed = _measure(cell, told[way])
        if way != "none":
            found[f"noticed_{way}"] = is_noticed
    note(f"{cell.name}: {found}")
    return {"table": cell.name.table, "noise": cell.name.noise, "seed": cell.name.seed, **found}


def _measure(cell: Cell, probabilities: NDArray[np.float64] | None) -> tuple[float, bool]:
    """The average precision, and whether the audit said that it left the probabilities out."""
    # By name: of some classes no row has the label.
    told = (
        None if probabilities is None else pd.DataFrame(probabilities, columns=cell.drawn.classes)
    )
    result = run_audit(cell, FDR, probabilities=told)
    scored = cell.is_scored
    suspicion = result.table["suspicion"].to_numpy()
    found = average_precision_score(cell.is_wrong[scored], suspicion[scored])
    is_noticed = any(each["slug"] == NOTICED for each in result.manifest["notices"])
    return round(float(found), 4), is_noticed


if __name__ == "__main__":
    main()
