"""How far a ranking could come if all labels but a row's own were known to be right.

`python -m benchmarks.detection.ceiling --data DIR` audits each cell, and asks the second opinion's
trees and regression twice: once with the labels as given, once with the true label of every row.
A row is always judged without its own label. What the second answer ranks is what these models
could tell of the given labels if no error misled them: what is missing above it, the columns do not
tell, or other models would have to read them.

Errors of one class into another are better ranked than that, since the noise matrix knows where
they go; so cells with even errors and with errors near a boundary are the ones to look at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import average_precision_score

from benchmarks.detection.cell_options import cells_parser, named_cells
from benchmarks.detection.cells import Limits, make_cell
from benchmarks.detection.detectors import by_audit, tensors
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import earlier_records, write_result
from datacleanse.detection.second_opinion import tables

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.detection.cells import Cell

RESULT = RESULTS / "ceiling.json"
WAYS = ("ours", "opinion", "opinion_of_true_labels")
FDR = 0.10


def main() -> None:
    """Measure, print and write, cell by cell, so that a run that was stopped goes on."""
    parser = cells_parser(__doc__ or "", seeds=1, out=RESULT)
    parser.add_argument("--rows", type=int, default=3000, help="noisy rows a cell, at most")
    options = parser.parse_args()
    cells = earlier_records(options.out, "cells")
    done = {(each["table"], each["noise"], each["seed"]) for each in cells}
    for name in named_cells(options):
        if (name.table, name.noise, name.seed) in done:
            continue
        cells.append(measure(make_cell(options.data, name, Limits(noisy=options.rows))))
        found = {"provenance": provenance(), "rows": options.rows, "means": average(cells)}
        write_result(options.out, {**found, "cells": cells}, tables=("cells",))
    rows = [
        [kind, str(mean["cells"]), *(f"{mean[way]:.3f}" for way in WAYS)]
        for kind, mean in average(cells).items()
    ]
    print(markdown_table(["errors", "cells", *WAYS], rows))


def measure(cell: Cell) -> dict[str, Any]:
    """The average precision of the audit, and of the opinion with given and with true labels."""
    n, seed = len(cell.given), cell.name.seed
    encoding, matrix, labels = tensors(cell)
    truth = labels.numpy().copy()
    truth[:n] = cell.truth

    def ask(known: NDArray[np.int64]) -> float:
        opinion = tables.ask(
            matrix.numpy(),
            known,
            np.ones(len(known), dtype=np.bool_),
            n_numbers=len(encoding.numeric),
            n_classes=len(cell.drawn.classes),
            seed=seed,
        )
        return _score(cell, 1.0 - opinion[np.arange(n), cell.given])

    precision = (_score(cell, by_audit(cell, FDR).suspicion), ask(labels.numpy()), ask(truth))
    found = dict(zip(WAYS, precision, strict=True))
    note(f"{cell.name}: {found}")
    return {"table": cell.name.table, "noise": cell.name.noise, "seed": seed, **found}


def _score(cell: Cell, suspicion: NDArray[np.floating[Any]]) -> float:
    """Average precision among the rows that nobody verified, in [0, 1]."""
    scored = cell.is_scored
    return round(float(average_precision_score(cell.is_wrong[scored], suspicion[scored])), 4)


def average(cells: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Mean of each way by kind of error, and of all."""
    kinds = [each["noise"].partition("_")[0] for each in cells]
    means = {}
    for kind in (*sorted(set(kinds)), "all"):
        of_kind = [e for e, k in zip(cells, kinds, strict=True) if kind in (k, "all")]
        means[kind] = {way: round(float(np.mean([e[way] for e in of_kind])), 4) for way in WAYS}
        means[kind]["cells"] = len(of_kind)
    return means


if __name__ == "__main__":
    main()
