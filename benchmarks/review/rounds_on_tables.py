"""Whether rates and flags stay true in the round after a review, on tables of many kinds.

    python -m benchmarks.review.rounds_on_tables --data DIR [--sets a,b] [--cells pair20,uniform30]
        [--reviewed 100] [--max-rows 3000]

The clean rows were drawn from the table, as `datacleanse verify` does. The table is audited, the
first rows of the ranking are reviewed by one who knows the truth, `apply` writes the cleaned table,
and that is audited with the same clean rows and `--decisions`. The list of flags is judged on rows
that nobody has looked at, the range of the noise rate on all rows.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

import datacleanse as dc
from benchmarks.detection.cell_options import cells_parser, named_cells
from benchmarks.detection.cells import ID, Limits, make_cell
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import write_result
from benchmarks.review.rounds import review
from benchmarks.tables import LABEL

if TYPE_CHECKING:
    from benchmarks.detection.cells import Cell
    from datacleanse.auditing.result import AuditResult

RESULT = RESULTS / "rounds_on_tables.json"
ROUNDS = ("first", "second")
MEASURES = ("flagged", "false", "false_share", "recall", "rate_holds")


def main() -> None:
    """Measure, print, keep."""
    parser = cells_parser(__doc__ or "", seeds=1, out=RESULT)
    parser.add_argument("--reviewed", type=int, default=100)
    parser.add_argument("--max-rows", type=int, default=3000, help="noisy rows a cell, at most")
    options = parser.parse_args()
    limits = Limits(noisy=options.max_rows, protocol="sampled")
    cells: list[dict[str, Any]] = []
    for name in named_cells(options):
        with tempfile.TemporaryDirectory() as folder:
            cells += audit_twice(make_cell(options.data, name, limits), options.reviewed, folder)
        note(f"{name}: {cells[-1]}")
    result = {"provenance": provenance(), "reviewed": options.reviewed, "means": means(cells)}
    write_result(options.out, {**result, "cells": cells}, tables=("cells",))
    rows = [
        [name, *(f"{found:.3f}" for found in mean.values())] for name, mean in means(cells).items()
    ]
    print(markdown_table(["round", *means(cells)["first"]], rows))


def audit_twice(cell: Cell, n_reviewed: int, folder: str) -> list[dict[str, Any]]:
    """What both rounds flag and state, a row each."""
    place = Path(folder)
    data, clean = place / "data.parquet", place / "clean.parquet"
    pq.write_table(cell.noisy_table(), data)
    pq.write_table(cell.clean_table(), clean)
    truth = {str(row): cell.drawn.classes[code] for row, code in enumerate(cell.truth)}
    settings: dict[str, Any] = {"label": LABEL, "id": ID, "seed": cell.name.seed, "device": "cpu"}
    first = dc.audit(data, val=clean, out=place / "first", **settings)
    unverified = first.table[~first.table["id"].isin(_list_ids(clean))]
    top = unverified.sort_values("rank").head(n_reviewed)
    review(first, top, truth)  # type: ignore[arg-type]
    cleaned = dc.apply(place / "first", out=place / "cleaned.parquet").cleaned
    second = dc.audit(
        cleaned, val=clean, decisions=place / "first", out=place / "second", **settings
    )
    seen = _list_ids(clean), _list_ids(clean) | set(top["id"])
    name = {"table": cell.name.table, "noise": cell.name.noise, "seed": cell.name.seed}
    return [
        {**name, "round": which, **judge(result, known, truth)}
        for which, result, known in zip(ROUNDS, (first, second), seen, strict=True)
    ]


def judge(result: AuditResult, known: set[str], truth: dict[str, str]) -> dict[str, float | int]:
    """The list of flags among rows whose id is not known, and the range of the rate of all."""
    table = result.table
    is_wrong = (table["given_label"].astype(str) != table["id"].map(truth)).to_numpy()
    is_new = ~table["id"].isin(known).to_numpy()
    listed = table["flagged"].to_numpy() & is_new
    rate = result.manifest["noise"]["rate"]
    n_false = int((listed & ~is_wrong).sum())
    return {
        "flagged": int(listed.sum()),
        "false": n_false,
        "false_share": round(n_false / max(int(listed.sum()), 1), 4),
        "recall": round(float(listed[is_wrong & is_new].mean()), 4),
        "rate_holds": int(rate["low"] <= is_wrong.mean() <= rate["high"]),
    }


def means(cells: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """By round, means over the cells; ``pooled`` is the false share of all lists together."""
    found = {}
    for which in ROUNDS:
        mine = pd.DataFrame([cell for cell in cells if cell["round"] == which])
        found[which] = {
            **{name: round(float(np.nanmean(mine[name])), 4) for name in MEASURES},
            "pooled": round(float(mine["false"].sum() / max(mine["flagged"].sum(), 1)), 4),
            "cells": len(mine),
        }
    return found


def _list_ids(clean: Path) -> set[str]:
    return set(pq.read_table(clean, columns=[ID]).column(0).to_pylist())


if __name__ == "__main__":
    main()
