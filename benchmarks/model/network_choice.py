"""Which network and schedule serve tables best: accuracy on true labels under label noise.

    python -m benchmarks.model.network_choice --data DIR [--sets a,b] [--seeds N] [--quick]

Stages: `screen` changes one factor at a time on eight tables; `combine` puts what helped together;
`confirm` compares the finalists with the reference and with scikit-learn's forest and boosted trees
on all tables; the last ones compare epochs and batch sizes on larger tables. Finished trainings are
kept beside the result until all are done, so a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

import torch

from benchmarks.detection.peers import PEERS, train_and_test_peer
from benchmarks.kept import Kept
from benchmarks.model.network_candidates import (
    COMBINATIONS,
    FINALISTS,
    LARGE,
    ONE_FACTOR,
    Candidate,
    Trial,
    resolved,
    train_and_test,
)
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import write_result
from benchmarks.tables import available_tables, draw_rows, flip_uniformly, load_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from benchmarks.tables import Rows

RESULT = RESULTS / "network_choice.json"
SCREENED = (
    "cifar10n_feats_a",
    "diabetes130",
    "electricity",
    "hypothyroid",
    "kr_vs_kp",
    "leaf_flavia",
    "student_dropout",
    "wine_quality",
)
LARGE_TABLES = ("bank_marketing", "diabetes130", "electricity", "skin_segmentation")
MAX_TRAIN = 3_000
MAX_TEST = 5_000
QUICK_TRAIN = 500


@dataclass(frozen=True)
class Stage:
    """A grid of trainings: every contestant on every table, noise level and seed."""

    name: str
    tables: tuple[str, ...]
    contestants: tuple[Candidate | str, ...]
    """Our networks, and peers by name. The first is what the others are measured against."""
    noise: tuple[float, ...]
    seeds: int
    max_train: int

    def size(self) -> int:
        """Number of trainings."""
        return len(self.tables) * len(self.noise) * self.seeds * len(self.contestants)


@dataclass(frozen=True)
class Cell:
    """One training."""

    stage: str
    table: str
    noise: float
    seed: int
    name: str
    rows: int
    accuracy: float
    seconds: float
    """Processor time of the training."""
    average_precision: float | None = None
    """See `Trial`."""


def stages(tables: list[str], *, seeds: int, quick: bool) -> Iterator[Stage]:
    """The whole measurement."""
    max_train = QUICK_TRAIN if quick else MAX_TRAIN
    screened = tuple(name for name in tables if name in SCREENED)
    large = tuple(name for name in tables if name in LARGE_TABLES)
    confirmed = (*FINALISTS, *PEERS)
    yield Stage("screen", screened, ONE_FACTOR, (0.0, 0.3), 1, max_train)
    yield Stage("combine", screened, COMBINATIONS, (0.0, 0.3), 1, max_train)
    yield Stage("confirm", tuple(tables), confirmed, (0.0, 0.1, 0.3), seeds, max_train)
    for n_rows, candidates in LARGE.items():
        enough = tuple(name for name in large if n_rows <= 60_000 or name == "skin_segmentation")
        n_train = QUICK_TRAIN if quick else n_rows
        yield Stage(f"{n_rows:,} rows", enough, candidates, (0.0, 0.3), 1, n_train)


def run_stage(stage: Stage, folder: Path, kept: Kept) -> list[Cell]:
    """Make all trainings of a stage; contestants take turns, so that times compare."""
    cells: list[Cell] = []
    for table in stage.tables:
        for seed in range(stage.seeds):
            cells += _run_table(stage, table, seed, folder, kept)
            note(f"{stage.name}: {table}, seed {seed}; {len(cells)} of {stage.size()} trainings")
    return cells


def _run_table(stage: Stage, table: str, seed: int, folder: Path, kept: Kept) -> list[Cell]:
    rows = draw_rows(
        load_table(folder, table), max_train=stage.max_train, max_test=MAX_TEST, seed=seed
    )
    n_classes = len(rows.train.schema.classes)
    cells = []
    for noise in stage.noise:
        labels = flip_uniformly(rows.train.labels, n_classes, noise, seed=seed)
        for contestant in stage.contestants:
            settings = resolved(contestant, rows.train.n_rows)
            key = f"{table} {rows.train.n_rows} {noise} {seed} {stage.name} {settings!r}"
            found = kept.find(key)
            if found is not None:
                cell = Cell(**found)
            else:
                name = settings if isinstance(settings, str) else settings.name
                trial = _try(settings, rows, labels, seed)
                n = rows.train.n_rows
                cell = Cell(stage.name, table, noise, seed, name, n, **asdict(trial))
                kept.add(key, asdict(cell))
            cells.append(cell)
    return cells


def _try(contestant: Candidate | str, rows: Rows, labels: NDArray[np.int64], seed: int) -> Trial:
    if isinstance(contestant, str):
        return train_and_test_peer(contestant, rows, labels, seed=seed)
    return train_and_test(contestant, rows, labels, seed=seed)


def summarise(cells: list[Cell]) -> list[dict[str, Any]]:
    """Means over tables and seeds, one entry a contestant, the first being the reference."""
    reference = _by_table(cells, cells[0].name)
    summary = []
    for name in dict.fromkeys(cell.name for cell in cells):
        own = [cell for cell in cells if cell.name == name]
        by_table = _by_table(cells, name)
        leads = [by_table[table] - reference[table] for table in by_table]
        levels = sorted({cell.noise for cell in own})
        seconds = sum(cell.seconds for cell in own)
        summary.append(
            {
                "name": name,
                "accuracy": {
                    f"{noise:.0%}": round(mean(c.accuracy for c in own if c.noise == noise), 4)
                    for noise in levels
                },
                "average_precision": _mean_precision(own),
                "mean": round(mean(cell.accuracy for cell in own), 4),
                "lead": round(mean(leads), 4),
                "lead_error": round(stdev(leads) / len(leads) ** 0.5, 4)
                if len(leads) > 1
                else None,
                "time_ratio": round(
                    seconds / sum(c.seconds for c in cells if c.name == cells[0].name), 2
                ),
                "microseconds_per_row": round(1e6 * seconds / sum(c.rows for c in own), 1),
            }
        )
    return summary


def _mean_precision(cells: Iterable[Cell]) -> float | None:
    values = [c.average_precision for c in cells if c.average_precision is not None]
    return round(mean(values), 4) if values else None


def _by_table(cells: Iterable[Cell], name: str) -> dict[str, float]:
    found: dict[str, list[float]] = defaultdict(list)
    for cell in cells:
        if cell.name == name:
            found[cell.table].append(cell.accuracy)
    return {table: mean(values) for table, values in found.items()}


def summary_table(summary: list[dict[str, Any]]) -> str:
    """One stage for people."""
    levels = list(summary[0]["accuracy"])
    header = ["", *levels, "mean", "lead ± s.e.", "errors found (AP)", "time ratio"]
    rows = []
    for entry in summary:
        found = entry["average_precision"]
        error = "" if entry["lead_error"] is None else f" ± {100 * entry['lead_error']:.1f}"
        rows.append(
            [
                entry["name"],
                *(f"{100 * entry['accuracy'][level]:.1f}" for level in levels),
                f"{100 * entry['mean']:.1f}",
                f"{100 * entry['lead']:+.1f}{error}",
                "" if found is None else f"{100 * found:.1f}",
                f"{entry['time_ratio']:.2f}",
            ]
        )
    return markdown_table(header, rows)


def by_table(cells: list[Cell], names: tuple[str, ...]) -> str:
    """Accuracy in per cent of each name on each table, a noise level after the other."""
    levels = sorted({cell.noise for cell in cells})
    found: dict[tuple[str, float, str], list[float]] = defaultdict(list)
    for cell in cells:
        found[cell.table, cell.noise, cell.name].append(100 * cell.accuracy)
    header = ["", *(f"{name} {noise:.0%}" for name in names for noise in levels)]
    rows = [
        [table, *(f"{mean(found[table, noise, name]):.1f}" for name in names for noise in levels)]
        for table in dict.fromkeys(cell.table for cell in cells)
    ]
    return markdown_table(header, rows)


def measure(folder: Path, wanted: list[Stage], kept: Kept) -> dict[str, Any]:
    """Run the stages, print their tables, and return the result."""
    result: dict[str, Any] = {**provenance(), "stages": {}}
    for stage in wanted:
        if not stage.tables:
            continue
        cells = run_stage(stage, folder, kept)
        summary = summarise(cells)
        print(f"\n## {stage.name}\n\n{summary_table(summary)}", flush=True)
        if stage.name == "confirm":
            print(f"\n{by_table(cells, ('chosen', *PEERS))}", flush=True)
        ours = [c for c in stage.contestants if isinstance(c, Candidate)]
        result["stages"][stage.name] = {
            "tables": stage.tables,
            "seeds": stage.seeds,
            "max_train": stage.max_train,
            "max_test": MAX_TEST,
            "candidates": [asdict(candidate) for candidate in ours],
            "summary": summary,
            "cells": [
                {
                    "table": c.table,
                    "rows": c.rows,
                    "noise": c.noise,
                    "seed": c.seed,
                    "name": c.name,
                    "accuracy": round(c.accuracy, 4),
                    "seconds": round(c.seconds, 3),
                }
                for c in cells
            ],
        }
    return result


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with one folder a set")
    parser.add_argument("--sets", help="names, comma-separated; all that are there by default")
    parser.add_argument("--seeds", type=int, default=2, help="of the stage `confirm`")
    parser.add_argument("--stages", help="names, separated by semicolons; all by default")
    parser.add_argument("--quick", action="store_true", help="500 rows: does it run at all?")
    parser.add_argument("--out", type=Path, default=RESULT, help="the JSON file")
    options = parser.parse_args()
    torch.set_num_threads(1)  # processor time is then comparable between candidates
    tables = available_tables(options.data, options.sets)
    wanted = list(stages(tables, seeds=options.seeds, quick=options.quick))
    if options.stages:
        wanted = [stage for stage in wanted if stage.name in options.stages.split(";")]
    kept = Kept(options.out.with_suffix(".partial.jsonl"))
    result = measure(options.data, wanted, kept)
    write_result(options.out, result, tables=("cells",))
    if not options.stages:
        kept.remove()


if __name__ == "__main__":
    main()
