"""What the checks beside labels find of what is planted, and what they tell of tables as they are.

`python -m benchmarks.health --data DIR` draws rows from each table (3,000 + 200 verified + 600 of
TEST, a tenth of the labels wrong) and looks at them as an audit does, but for its trainings: what
these say of a label is taken from the truth, 0.9 for a wrong one and 0.02 for a right one. Planted
are, one after the other: a column that is the given label, the true one, or the true one with
jitter; near copies of 1 % of the rows; 20 rows of another table in place of rows, their values as
they are or with this table's mean and spread; a twentieth of TEST copied into DATA.

Rows of another table may equal rows of this one, which nothing can tell: recall is measured of the
others as well. So is what is told of TEST as a warning, beyond what DATA's own repetition explains.
Numbers are labels in the five tables of `benchmarks.detection.regression`, once for each of its
four kinds of errors.

With `--audits NAMES` these tables are audited as well, for the share of the time.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import mean
from time import process_time
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from benchmarks.detection.regression import ERRORS, TARGETS
from benchmarks.health_planting import (
    LEAK,
    LEAK_JITTER,
    Drawn,
    draw_classes,
    draw_numbers,
    make_leak,
    plant_all,
)
from benchmarks.record import RESULTS, note, provenance
from benchmarks.results_files import write_result
from benchmarks.tables import LABEL, available_tables, load_table
from datacleanse.data import ReadOptions, compare, read_data, read_like
from datacleanse.detection.health.look import Health, look_at
from datacleanse.errors import DatacleanseError

if TYPE_CHECKING:
    from numpy.typing import NDArray

RESULT = RESULTS / "health.json"
WRONG, RIGHT = 0.9, 0.02


def main() -> None:
    """Plant, look, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the tables")
    parser.add_argument("--tables", help="names, comma-separated; without it all")
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--audits", default="", help="tables that are audited for the time")
    arguments = parser.parse_args()
    folder, names = arguments.data, available_tables(arguments.data, arguments.tables)
    drawn = [(folder, names, name, seed, None) for name in names for seed in range(arguments.draws)]
    drawn += [
        (folder, names, name, seed, error)
        for name in names
        if name in TARGETS
        for seed, error in enumerate(ERRORS)
    ]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        every = [cell for found in pool.map(measure, *zip(*drawn, strict=True)) for cell in found]
    cells = [cell for cell in every if cell["error"] is None]
    numbers = [cell for cell in every if cell["error"] is not None]
    result: dict[str, Any] = {
        "provenance": provenance(),
        "classes": _sum_up(cells),
        "numbers": _sum_up(numbers),
        "audits": [_audit(folder, name) for name in filter(None, arguments.audits.split(","))],
        "cells": cells,
        "number_cells": numbers,
    }
    print(json.dumps({key: result[key] for key in ("classes", "numbers", "audits")}, indent=1))
    write_result(RESULT, result, tables=("cells", "number_cells"))


def measure(
    folder: Path, names: list[str], name: str, seed: int, error: str | None
) -> list[dict[str, Any]]:
    """One record for the table as it is and for each thing planted; of classes without an error."""
    if error is None:
        drawn = draw_classes(load_table(folder, name), seed)
    else:
        drawn = draw_numbers(folder, name, error, seed)
    rng = np.random.default_rng(seed + 1)
    cells = []
    for what, data, truth, planted in plant_all(folder, name, names, drawn, rng):
        started = process_time()
        try:
            health = look(data, truth, drawn)
        except DatacleanseError as refused:
            note(f"{name} {what}: {refused.message}")
            continue
        seconds = process_time() - started
        findings = health.section.findings
        cell = {
            "table": name,
            "error": error,
            "seed": seed,
            "planted": what,
            "recall": _recall(what, health, planted),
            "recall_beside_natural": _recall_beside_natural(what, health, data, planted),
            "findings": len(findings),
            "counted": sum(each.certainty == "exact" for each in findings),
            "kinds": " ".join(sorted({each.kind for each in findings})),
            "seconds": seconds,
        }
        note(f"{name} {error or ''} {seed} {what}: {cell['recall']} {cell['kinds']}")
        cells.append(cell)
    return cells


def look(data_table: pa.Table, truth: list[Any], drawn: Drawn) -> Health:
    """Look at the tables as an audit does that knows which labels are wrong."""
    task = "regression" if drawn.is_of_numbers else "auto"
    data = read_data(data_table, ReadOptions(label=LABEL, task=task))
    clean_table, test_table = drawn.clean, drawn.test
    if LEAK in data_table.column_names:
        is_text = pa.types.is_string(data_table.schema.field(LEAK).type)
        jitter, rng = 0.0 if is_text else LEAK_JITTER, np.random.default_rng(0)
        clean_table, test_table = (
            each.append_column(LEAK, make_leak(each, truth, jitter, rng))
            for each in (clean_table, test_table)
        )
    clean = read_like(clean_table, data.schema, role="CLEAN")
    test = read_like(test_table, data.schema, role="TEST")
    comparison = compare(data, clean)
    overlap = comparison.overlap
    is_single = overlap.clean_rows >= 0
    pair_rows = np.full(clean.n_rows, -1)
    pair_rows[overlap.clean_rows[is_single]] = overlap.data_rows[is_single]
    is_wrong = np.array(
        [str(a) != str(b) for a, b in zip(data_table[LABEL].to_pylist(), truth, strict=True)]
    )
    return look_at(
        data,
        clean,
        test,
        pair_rows=pair_rows,
        wrong=np.where(is_wrong, WRONG, RIGHT),
        class_shares=_share_classes([str(each) for each in data.schema.classes], truth),
        notices=(*data.notices, *comparison.notices),
    )


def _share_classes(classes: list[str], truth: list[Any]) -> NDArray[np.float64]:
    """(C,) of the true classes; of numbers, which have none, it is not read."""
    true = [classes.index(str(each)) if str(each) in classes else 0 for each in truth]
    return np.bincount(true, minlength=max(len(classes), 1)) / len(true)


def _recall(what: str, health: Health, planted: NDArray[np.int64]) -> float | None:
    found = health.section.findings
    if what == "nothing":
        return None
    if what.startswith("leak"):
        return float(any(LEAK in each.columns for each in found if each.kind == "leaking-columns"))
    if what.startswith("copies"):
        return float((health.copy_group[planted] >= 0).mean())
    if what.startswith("outliers"):
        return float(health.is_unlike[planted].mean())
    told = sum(each.n_rows for each in found if each.kind == "shared-rows")
    return min(1.0, told / len(planted))


def _recall_beside_natural(
    what: str, health: Health, data: pa.Table, planted: NDArray[np.int64]
) -> float | None:
    """Recall of strange rows that equal no row of the table; of rows of TEST by a warning."""
    if what == "test rows":
        warned = [f for f in health.section.findings if f.kind == "shared-rows" and f.is_warning]
        return min(1.0, sum(each.n_rows for each in warned) / len(planted))
    if not what.startswith("outliers"):
        return None
    columns = data.drop_columns([LABEL]).to_pydict().values()
    rows = list(zip(*columns, strict=True))
    strange = set(planted.tolist())
    own = {row for place, row in enumerate(rows) if place not in strange}
    told = [health.is_unlike[place] for place in planted if rows[place] not in own]
    return float(np.mean(told)) if told else None


def _sum_up(cells: list[dict[str, Any]]) -> dict[str, Any]:
    plain = [cell for cell in cells if cell["planted"] == "nothing"]
    kinds = sorted({kind for cell in plain for kind in cell["kinds"].split()})
    return {
        "tables": len(plain),
        "findings": mean(cell["findings"] for cell in plain),
        "of them counted": mean(cell["counted"] for cell in plain),
        "by kind": {kind: mean(kind in cell["kinds"].split() for cell in plain) for kind in kinds},
        "recall": _average(cells, "recall"),
        "recall beside natural": _average(cells, "recall_beside_natural"),
        "seconds": mean(cell["seconds"] for cell in cells),
    }


def _average(cells: list[dict[str, Any]], key: str) -> dict[str, float]:
    known = [cell for cell in cells if cell[key] is not None]
    return {
        what: mean(cell[key] for cell in known if cell["planted"] == what)
        for what in dict.fromkeys(cell["planted"] for cell in known)
    }


def _audit(folder: Path, name: str) -> dict[str, Any]:
    import datacleanse as dc

    drawn = draw_classes(load_table(folder, name), 0)
    with tempfile.TemporaryDirectory() as place:
        run = Path(place) / "run"
        dc.audit(drawn.data, val=drawn.clean, test=drawn.test, label=LABEL, out=run)
        manifest = json.loads((run / "run.json").read_text(encoding="utf-8"))
    seconds, total = manifest["timings"]["health"], manifest["timings"]["total"]
    kinds = [each["kind"] for each in manifest["health"]["findings"]]
    return {
        "table": name,
        "share of the rest": seconds / (total - seconds),
        "seconds": seconds,
        "total": total,
        "kinds": " ".join(kinds),
    }


if __name__ == "__main__":
    main()
