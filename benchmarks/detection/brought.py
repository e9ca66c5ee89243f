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
from benchmarks.detection.detectors import by_audit
from benchmarks.detection.peers import in_sample, out_of_fold
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import write_result

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.detection.cells import Cell

RESULT = RESULTS / "brought.json"
MODEL = "forest"
WAYS = ("none", "out_of_fold", "in_sample")
FDR = 0.10


def main() -> None:
    """Measure, print and write."""
    parser = cells_parser(__doc__ or "", seeds=1, out=RESULT)
    parser.add_argument("--rows", type=int, default=3000, help="noisy rows a cell, at most")
    options = parser.parse_args()
    limits = Limits(noisy=options.rows, protocol="sampled")
    cells = [compare(make_cell(options.data, name, limits)) for name in named_cells(options)]
    result = {"provenance": provenance(), "model": MODEL, "rows": options.rows, "cells": cells}
    write_result(options.out, result, tables=("cells",))
    means = [f"{np.mean([cell[way] for cell in cells]):.3f}" for way in WAYS]
    print(markdown_table(["cells", *WAYS], [[str(len(cells)), *means]]))


def compare(cell: Cell) -> dict[str, Any]:
    """The average precision of the three audits on the rows that nobody verified."""
    n = len(cell.given)
    told = {
        "none": None,
        "out_of_fold": out_of_fold(MODEL, cell)[:n],
        "in_sample": in_sample(MODEL, cell)[:n],
    }
    found = {way: _measure(cell, told[way]) for way in WAYS}
    note(f"{cell.name}: {found}")
    return {"table": cell.name.table, "noise": cell.name.noise, "seed": cell.name.seed, **found}


def _measure(cell: Cell, probabilities: NDArray[np.float64] | None) -> float:
    # By name: of some classes no row has the label.
    told = (
        None if probabilities is None else pd.DataFrame(probabilities, columns=cell.drawn.classes)
    )
    verdict = by_audit(cell, FDR, probabilities=told)
    scored = cell.is_scored
    found = average_precision_score(cell.is_wrong[scored], verdict.suspicion[scored])
    return round(float(found), 4)


if __name__ == "__main__":
    main()
