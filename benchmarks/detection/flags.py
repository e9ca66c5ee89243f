"""Whether lists of flags keep their promise, by number of clean rows and level.

    python -m benchmarks.detection.flags --data DIR [--sets a,b] [--cells pair20,native] [--seeds N]
        [--clean 100,200,500] [--levels .05,.10,.20]

The cells of the detection benchmark (`cells.py`), audited once for each number of clean rows; the
lists at all levels follow from the same p-values and probabilities.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchmarks.detection import detectors
from benchmarks.detection.cell_options import cells_parser, named_cells
from benchmarks.detection.cells import Limits, make_cell
from benchmarks.kept import Kept
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import write_result
from datacleanse.detection import flags
from datacleanse.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.detection.cells import Cell
    from benchmarks.detection.detectors import Verdict

RESULT = RESULTS / "flags.json"


def lists(verdict: Verdict, cell: Cell, levels: list[float]) -> Iterator[dict[str, Any]]:
    """What each level's list holds."""
    assert verdict.p_value is not None
    assert verdict.probability is not None
    pi0 = flags.estimate_null_share(verdict.p_value)
    for level in levels:
        flagged = flags.select_by_benjamini_hochberg(verdict.p_value, level / pi0)
        is_controlled = bool(flagged.any())
        if not is_controlled:
            flagged = flags.find_longest_list(verdict.probability, level)
        yield {
            "level": level,
            "is_controlled": is_controlled,
            "flagged": int(flagged.sum()),
            "false": int((flagged & ~cell.is_wrong).sum()),
            "wrong": int(cell.is_wrong.sum()),
        }


def main() -> None:
    """Measure, write, print."""
    parser = cells_parser(__doc__, seeds=1, out=RESULT)
    parser.add_argument("--clean", default="100,200,500", help="numbers of clean rows")
    parser.add_argument("--levels", default=".05,.10,.20", help="shares of false alarms")
    options = parser.parse_args()
    torch.set_num_threads(1)
    levels = [float(level) for level in options.levels.split(",")]
    kept, found = Kept(Path("runs") / "flags.jsonl"), []
    for name in named_cells(options):
        for n_clean in map(int, options.clean.split(",")):
            key = f"{detectors.engine_digest()} {levels} {n_clean} {name}"
            if kept.find(key) is None:
                cell = make_cell(options.data, name, Limits(clean=n_clean))
                verdict = detectors.by_audit(cell, Settings.fdr)
                kept.add(key, {"lists": list(lists(verdict, cell, levels))})
                note(f"{name}, {n_clean} clean rows")
            of_cell = {**vars(name), "clean": n_clean}
            found += [{**of_cell, **each} for each in (kept.find(key) or {})["lists"]]
    write_result(options.out, {"provenance": provenance(), "lists": found}, tables=("lists",))
    print(report(found))


def report(found: list[dict[str, Any]]) -> str:
    """By number of clean rows and level: false share on the mean and pooled, recall."""
    rows = []
    for n_clean in sorted({each["clean"] for each in found}):
        for level in sorted({each["level"] for each in found}):
            mine = [e for e in found if e["clean"] == n_clean and e["level"] == level]
            flagged, false, wrong = (
                np.array([e[key] for e in mine], dtype=float)
                for key in ("flagged", "false", "wrong")
            )
            # An empty list holds no false alarm.
            share = false / np.maximum(flagged, 1)
            rows.append(
                [
                    str(n_clean),
                    f"{level:.2f}",
                    str(len(mine)),
                    f"{np.mean([e['is_controlled'] for e in mine]):.0%}",
                    f"{share.mean():.3f}",
                    f"{false.sum() / max(flagged.sum(), 1):.3f}",
                    f"{((flagged - false) / wrong).mean():.3f}",
                ]
            )
    header = ["clean rows", "level", "cells", "controlled", "false, mean", "pooled", "recall"]
    return markdown_table(header, rows)


if __name__ == "__main__":
    main()
