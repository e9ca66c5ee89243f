"""How well wrong labels are found: the product beside its peers, on the same rows.

    python -m benchmarks.detection.against_peers --data DIR [--protocol elsewhere|sampled]
        [--sets a,b] [--cells pair20,native] [--seeds N] [--clean 200] [--max-rows 3000]
        [--fdr .10] [--jobs 2] [--methods ours,forest-margin] [--cache DIR] [--beside FILE]
        [--out FILE]

Each cell is a table with one kind of label errors (`cells.py`). By the protocol "elsewhere" every
method gets the same noisy rows, and clean rows, with true labels, as further rows to train on. By
"sampled" the clean rows are rows of DATA that somebody verified: the product finds them there by an
id, and its peers get them with corrected labels. Only rows that nobody verified are scored; what is
stated of DATA as a whole is held against all of its rows.

Finished parts are kept in the cache (`cache.py`), so a run that was stopped goes on, and after a
change of the package only ``ours`` is run again; where the cache is gone, with ``--methods ours
--beside benchmarks/results/detection.json``. ``ours-unsteered`` is the product without the clean
rows, which all others have.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import torch

from benchmarks.detection import detectors
from benchmarks.detection.cache import CellCache
from benchmarks.detection.cell_options import cells_parser, chosen, named_cells
from benchmarks.detection.cells import PROTOCOLS, CellName, Limits, make_cell
from benchmarks.detection.measures import measure, measure_ranges
from benchmarks.detection.report import collect, markdown
from benchmarks.record import RESULTS, note
from benchmarks.results_files import read_result, write_result
from datacleanse.training.recorder import Dynamics

if TYPE_CHECKING:
    from benchmarks.detection.cells import Cell
    from benchmarks.detection.detectors import Verdict

RESULT_OF = {
    "elsewhere": RESULTS / "detection.json",
    "sampled": RESULTS / "detection_sampled.json",
}
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Task:
    """What is run on one cell."""

    data: Path
    cache: Path
    name: CellName
    limits: Limits
    fdr: float
    kept_as: dict[str, str]
    """Methods that apply to the cell, with their names in the cache."""

    def missing(self) -> list[str]:
        """Methods that are not finished."""
        place = CellCache(self.cache, self.name, self.limits)
        return [m for m, kept in self.kept_as.items() if place.measures(kept) is None]


class Runner:
    """Runs methods on one cell; what several need is made once and kept."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._place = CellCache(task.cache, task.name, task.limits)

    @cached_property
    def _cell(self) -> Cell:
        return make_cell(self._task.data, self._task.name, self._task.limits)

    def run(self, method: str) -> None:
        """Run a method and keep what it found."""
        if not self._place.has("cell"):
            self._place.write_cell(self._cell)
        verdict, cell = self._verdict(method), self._cell
        measures = measure(verdict.take(cell.is_scored), cell.is_wrong[cell.is_scored])
        measures |= measure_ranges(verdict, cell.is_wrong, cell.given)
        self._place.finish(self._task.kept_as[method], verdict, measures)

    def _verdict(self, method: str) -> Verdict:
        if method == detectors.OURS:
            return detectors.by_audit(self._cell, self._task.fdr)
        if method == detectors.UNSTEERED:
            return detectors.by_audit(self._cell, self._task.fdr, has_clean=False)
        if method in detectors.CURVES:
            return detectors.by_curve(method, self._cell, *self._plain())
        if method in detectors.ALONE:
            return detectors.ALONE[method](self._cell)
        model, _, score = method.partition("-")
        return detectors.by_cleanlab(score, self._cell, self._out_of_fold(model))

    def _out_of_fold(self, model: str) -> detectors.OutOfFold:
        if not self._place.has(model):
            found = detectors.cross_validated(model, self._cell)
            self._place.write(model, {**vars(found), "labels": self._cell.labels})
        kept = self._place.read(model)
        return detectors.OutOfFold(kept["u"], kept["fold"], float(kept["seconds"]))

    def _plain(self) -> tuple[Dynamics, float]:
        if not self._place.has("plain"):
            dynamics, seconds = detectors.train_plainly(self._cell)
            # The last example is a copy that the training loop asks for.
            arrays = {name: values[:-1] for name, values in vars(dynamics).items()}
            self._place.write("plain", {**arrays, "seconds": seconds})
        kept = self._place.read("plain")
        seconds = float(kept.pop("seconds"))
        return Dynamics(**kept), seconds


def run_task(task: Task) -> tuple[CellName, float]:
    """Run what is missing; the seconds that it took."""
    started = perf_counter()
    runner = Runner(task)
    for method in task.missing():
        try:
            runner.run(method)
        except Exception as error:
            error.add_note(f"in {task.name}, {method}")
            raise
    return task.name, perf_counter() - started


def run_all(tasks: list[Task], n_jobs: int) -> None:
    """Run what is missing, in processes of one thread each."""
    open_tasks = [task for task in tasks if task.missing()]
    note(f"{len(open_tasks)} of {len(tasks)} cells to run")
    # Read by the libraries of new processes when they are loaded.
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    pool = ProcessPoolExecutor(
        n_jobs,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=torch.set_num_threads,
        initargs=(1,),
    )
    with pool:
        futures = [pool.submit(run_task, task) for task in open_tasks]
        try:
            for number, future in enumerate(as_completed(futures), start=1):
                name, seconds = future.result()
                note(f"{number} of {len(futures)}: {name}, {seconds:.0f} s")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def make_tasks(options: argparse.Namespace) -> list[Task]:
    """One task a cell, in the order of running.

    Raises:
        SystemExit: a table, a kind of error or a method is unknown.
    """
    methods = chosen(options.methods, detectors.METHODS, "methods")
    alone = {detectors.UNSTEERED, "knn-shapley"}
    if find_spec("cleanlab") is None and any("-" in m for m in methods - alone):
        raise SystemExit("cleanlab is not installed: pip install -e '.[bench]' -c constraints.txt")
    of_engine = f"{detectors.engine_digest()}-q{options.fdr:g}"
    ours = {name: f"{name}-{of_engine}" for name in (detectors.OURS, detectors.UNSTEERED)}
    return [
        Task(
            data=options.data,
            cache=options.cache,
            name=name,
            limits=Limits(options.clean, options.max_rows, protocol=options.protocol),
            fdr=options.fdr,
            kept_as={
                method: ours.get(method, method)
                for method in detectors.METHODS
                if method in methods and detectors.applies(method, name.table, name.noise)
            },
        )
        for name in named_cells(options)
    ]


def main() -> None:
    """Measure, write, print."""
    parser = cells_parser(__doc__, seeds=3)
    parser.add_argument("--protocol", choices=PROTOCOLS, default="elsewhere")
    parser.add_argument("--clean", type=int, default=200, help="clean rows a cell")
    parser.add_argument("--max-rows", type=int, default=3000, help="noisy rows a cell at most")
    parser.add_argument("--fdr", type=float, default=0.10, help="of the audit")
    parser.add_argument("--jobs", type=int, default=2, help="cells at a time")
    parser.add_argument("--methods", help=f"comma-separated, of {', '.join(detectors.METHODS)}")
    parser.add_argument("--cache", type=Path, default=Path("runs/detection"))
    parser.add_argument("--beside", type=Path, help="earlier result, for all other methods")
    options = parser.parse_args()
    tasks = make_tasks(options)
    run_all(tasks, options.jobs)
    places = {t.name: (CellCache(t.cache, t.name, t.limits), t.kept_as) for t in tasks}
    earlier = options.beside and read_result(options.beside)
    result = collect(places, fdr=options.fdr, limits=tasks[0].limits, earlier=earlier)
    write_result(options.out or RESULT_OF[options.protocol], result, tables=("cells",))
    print(markdown(result))


if __name__ == "__main__":
    main()
