"""How well wrong labels of images are found: the product beside its peers, on the same images.

    python -m benchmarks.images.against_peers --data DIR [--sets a,b] [--cells pair20] [--seeds N]
        [--max-rows N] [--clean N] [--test N] [--epochs N] [--minutes N] [--device cuda] [--jobs N]
        [--cache FILE] [--out FILE]

Each cell is a set with one kind of label errors (`image_cells.py`). Every method gets the same
noisy images, and the clean ones, with true labels, as further images to train on; only the noisy
ones are scored. All networks are the package's own, trained as long. Finished parts are kept in the
cache, so a run that was stopped goes on; delete its lines when the package changes. Cells beside
each other (`--jobs`) share a GPU, so that their seconds say little.

| method | is |
|---|---|
| `ours` | the audit with defaults |
| `ours, no second opinion` | the same networks without the patches' opinion |
| `cleanlab margin`, `cleanlab confidence` | its scores on five-fold probabilities of the network |
| `aum`, `loss` | mean margin, mean loss over the epochs of plain training (the audit's control) |
| `knn pixels`, `knn network` | share of other labels among the nearest by pixels, or by what the \
last layer of the control reads |
| `patches` | 1 - probability of the given label by the second opinion alone |
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import torch

from benchmarks.cost.cross_validation import N_FOLDS, fit_plainly
from benchmarks.detection.detectors import Verdict
from benchmarks.detection.measures import measure
from benchmarks.images.cells import (
    EXTRA,
    SETS,
    ImageCell,
    Limits,
    cell_kinds,
    make_cell,
)
from benchmarks.kept import Kept
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import write_result
from benchmarks.tables import LABEL
from datacleanse.auditing import judge
from datacleanse.auditing.conduct import Conduct
from datacleanse.auditing.reading import Inputs, Request
from datacleanse.auditing.recipe import carry_out
from datacleanse.auditing.tasks.images import plan_images
from datacleanse.auditing.tasks.planning import plan_task
from datacleanse.data import compare_labels
from datacleanse.detection.assessment import assess
from datacleanse.detection.nearest_clean import compute_penultimate
from datacleanse.detection.second_opinion.background import Adviser
from datacleanse.models.inference import compute_logits
from datacleanse.pictures.joined import Joined
from datacleanse.records import Dataset, PictureInputs, Schema
from datacleanse.settings import Settings
from datacleanse.thread_limit import use_one_thread
from datacleanse.training.placement import Gathered
from datacleanse.training.side_by_side import Learning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from datacleanse.auditing.tasks.images import ImageTask
    from datacleanse.detection.evidence import Assessment, Evidence
    from datacleanse.storage.run_folder import RunFolder
    from datacleanse.training.trainer import Trainings

RESULT = RESULTS / "images.json"
NEIGHBOURS = 10
OURS = "ours"
PEERS = ("cleanlab margin", "cleanlab confidence", "aum", "loss", "knn pixels", "knn network")
METHODS = (OURS, *PEERS, "patches", "ours, no second opinion")


@dataclass
class Seen:
    """What passes through an audit: its parts serve the peers too."""

    evidence: list[Evidence] = field(default_factory=list)
    trainings: list[Trainings] = field(default_factory=list)


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with one folder a set")
    parser.add_argument("--sets", default=",".join(SETS), help="names of sets, comma-separated")
    parser.add_argument("--cells", help="kinds of error, comma-separated")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--max-rows", type=int, default=1000, help="noisy images a cell")
    parser.add_argument("--clean", type=int, default=200, help="clean images a cell")
    parser.add_argument("--test", type=int, default=500, help="images to test accuracy on")
    parser.add_argument("--epochs", type=int, help="of every training; default: the package's")
    parser.add_argument("--minutes", type=float, help="begin no further cell after so many")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--jobs", type=int, default=1, help="cells at a time")
    parser.add_argument("--cache", type=Path, default=Path("runs/images.jsonl"))
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    torch.set_num_threads(1)
    kept, limits = Kept(options.cache), Limits(options.max_rows, options.clean, options.test)
    tasks = {
        f"{limits} {options.epochs} {name} {kind} {seed}": Task(
            options.data,
            name,
            kind,
            limits,
            Settings(epochs=options.epochs, seed=seed, device=options.device),
        )
        for seed in range(options.seeds)
        for name in options.sets.split(",")
        for kind in _kinds(name, options.cells)
    }
    _run_missing(tasks, kept, options.jobs, options.minutes)
    found, missing = [], []
    for key, task in tasks.items():
        trial = kept.find(key)
        place = {"set": task.name, "kind": task.kind, "seed": task.settings.seed}
        if trial is None:
            missing.append(place)
        else:
            found.append({**place, **trial})
    sizes = {"limits": vars(limits), "pixels": {name: SETS[name][1] for name in SETS}}
    write_result(
        options.out,
        {"provenance": provenance(), **sizes, "cells": found, "missing": missing},
        tables=("cells",),
    )
    print(report(found))
    if missing:
        raise SystemExit(f"Time is up; the same command goes on with {len(missing)} cells.")


def _kinds(name: str, wanted: str | None) -> tuple[str, ...]:
    """Kinds of error of a set, in the order given."""
    known = cell_kinds(name)
    if wanted is None:
        return known
    return tuple(kind for kind in wanted.split(",") if kind in known or kind in EXTRA)


def _run_missing(tasks: dict[str, Task], kept: Kept, n_jobs: int, minutes: float | None) -> None:
    """Run what no earlier run kept, each cell in a process of its own."""
    started = perf_counter()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n_jobs, mp_context=context, max_tasks_per_child=1) as pool:
        begun = {
            pool.submit(task, started, minutes): key
            for key, task in tasks.items()
            if kept.find(key) is None
        }
        for future in as_completed(begun):
            trial = future.result()
            if trial is not None:
                key = begun[future]
                kept.add(key, trial)
                note(f"{key}: " + ", ".join(f"{m} {_ap(trial, m):.3f}" for m in METHODS))


@dataclass(frozen=True)
class Task:
    """One cell to be run."""

    data: Path
    name: str
    kind: str
    limits: Limits
    settings: Settings

    def __call__(self, started: float, minutes: float | None) -> dict[str, Any] | None:
        """All measures; None where time was up before it began."""
        if minutes is not None and perf_counter() - started > 60 * minutes:
            return None
        torch.set_num_threads(1)
        seed = self.settings.seed
        return run_cell(
            make_cell(self.data, self.name, self.kind, self.limits, seed=seed), self.settings
        )


def run_cell(cell: ImageCell, settings: Settings) -> dict[str, Any]:
    """Every method's measures on one cell, and what was trained."""
    started = process_time()
    with tempfile.TemporaryDirectory() as directory, observed() as seen:
        folder = audited(cell, settings, Path(directory) / "run")
        manifest, table = folder.manifest(), folder.read_audit()
    verdicts = {
        OURS: Verdict(
            suspicion=table["suspicion"].to_numpy(),
            flagged=table["flagged"].to_numpy(),
            probability=table["mislabel_probability"].to_numpy(),
            seconds=process_time() - started,
        ),
        **_by_parts(cell, seen.evidence[0], seen.trainings[0], settings.fdr),
        **_by_cleanlab(cell, plan_images(_request(settings), inputs_of(cell))),
    }
    training, test = manifest.training, manifest.metrics.test
    assert test is not None
    return {
        "measures": {m: dict(measure(v, cell.is_wrong)) for m, v in verdicts.items()},
        "accuracy": {
            "reweighted": test.reweighted.accuracy,
            "control": test.control.accuracy,
        },
        "wrong": int(cell.is_wrong.sum()),
        "size": list(cell.images.shape[1:]),
        "network": training.network,
        "epochs": training.epochs,
        "batch_size": training.batch_size,
        "timings": manifest.timings,
    }


def _by_parts(
    cell: ImageCell, evidence: Evidence, trainings: Trainings, fdr: float
) -> dict[str, Verdict]:
    """Rankings by parts of the audit: plain training, its features, the second opinion."""
    n, rows = cell.n_noisy, np.arange(cell.n_noisy)
    network = trainings.control.network
    device = next(network.parameters()).device
    images = Gathered(Joined(cell.images[:n], cell.images[n:]), device)
    features = compute_penultimate(network, images, torch.arange(len(cell.labels))).cpu().numpy()
    pixels = cell.images.reshape(len(cell.labels), -1).astype(np.float32)
    assert evidence.second is not None
    alone = assess(replace(evidence, second=None), fdr=fdr).suspicion
    return {
        "ours, no second opinion": Verdict(alone),
        "patches": Verdict(1 - evidence.second[rows, cell.given].astype(np.float64)),
        "aum": Verdict(-evidence.control.margin[:n].astype(np.float64)),
        "loss": Verdict(evidence.control.loss[:n].astype(np.float64)),
        "knn pixels": Verdict(neighbours_disagree(pixels, cell.labels)[:n]),
        "knn network": Verdict(neighbours_disagree(features, cell.labels)[:n]),
    }


@contextmanager
def observed() -> Iterator[Seen]:
    """Keep the evidence and the trainings of the audits within the block."""
    seen = Seen()
    original, finish = judge.assess, Learning.finish

    def assessed(evidence: Evidence, *, fdr: float) -> Assessment:
        seen.evidence.append(evidence)
        return original(evidence, fdr=fdr)

    def finished(learning: Learning) -> Trainings:
        seen.trainings.append(finish(learning))
        return seen.trainings[-1]

    judge.assess, Learning.finish = assessed, finished  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        judge.assess, Learning.finish = original, finish  # type: ignore[method-assign]


def out_of_fold(cell: ImageCell, task: ImageTask) -> NDArray[np.float64]:
    """(N + m, C) probabilities of networks that have not seen the image, one network a fold."""
    lesson, device = task.lesson, task.device
    network = lesson.build().to(device)
    x, y = (torch.from_numpy(each).to(device) for each in (cell.images, cell.labels))
    fold = torch.from_numpy(np.random.default_rng(cell.seed).permutation(len(y)) % N_FOLDS)
    fold = fold.to(device)
    start = {name: values.clone() for name, values in network.state_dict().items()}
    logits = torch.empty(len(y), len(cell.drawn.classes), device=device)
    for k in range(N_FOLDS):
        network.load_state_dict(start)
        torch.manual_seed(cell.seed + k)
        fit_plainly(network, x[fold != k], y[fold != k], lesson.schedule, seed=k)
        logits[fold == k] = compute_logits(network, x[fold == k], at_once=256)
    return torch.softmax(logits.double(), dim=1).cpu().numpy()


CLEANLAB = {"margin": "normalized_margin", "confidence": "self_confidence"}


def _by_cleanlab(cell: ImageCell, task: ImageTask) -> dict[str, Verdict]:
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    started = process_time()
    mine = out_of_fold(cell, task)[: cell.n_noisy]
    flagged = np.asarray(find_label_issues(cell.given, mine, n_jobs=1), dtype=np.bool_)
    doubt = 1 - mine[np.arange(cell.n_noisy), cell.given]
    seconds = process_time() - started
    return {
        f"cleanlab {name}": Verdict(
            1 - get_label_quality_scores(cell.given, mine, method=method),
            flagged,
            doubt,
            seconds=seconds,
        )
        for name, method in CLEANLAB.items()
    }


def neighbours_disagree(
    features: NDArray[np.float32], labels: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(M,) share of other labels among the nearest others by cosine, nearer ones first in ties."""
    centred = features - features.mean(axis=0)
    unit = centred / (np.linalg.norm(centred, axis=1, keepdims=True) + 1e-12)
    likeness = unit @ unit.T
    np.fill_diagonal(likeness, -np.inf)
    nearest = np.argpartition(-likeness, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    is_other = labels[nearest] != labels[:, None]
    closeness = np.take_along_axis(likeness, nearest, axis=1)
    result: NDArray[np.float64] = is_other.mean(axis=1) + 1e-3 * (is_other * closeness).mean(axis=1)
    return result


def audited(cell: ImageCell, settings: Settings, place: Path) -> RunFolder:
    """The product's run on a cell."""
    inputs = inputs_of(cell)
    with use_one_thread():
        return carry_out(
            plan_task(_request(settings), inputs),
            inputs,
            Conduct(place),
            adviser=Adviser(),
        )


def _request(settings: Settings) -> Request:
    return Request("", ("",), settings=settings)


def inputs_of(cell: ImageCell) -> Inputs:
    """The cell as reading would hand it to the engine."""
    classes, n, n_seen = cell.drawn.classes, cell.n_noisy, len(cell.labels)
    schema = Schema(LABEL, None, classes, (), ())
    parts = {"data": cell.given, "clean": cell.labels[n:], "test": cell.drawn.test_truth}

    def dataset(role: str) -> Dataset:
        codes = parts[role]
        table = pa.table({LABEL: np.array(classes, dtype=object)[codes]})
        return Dataset(f"<{role}>", table, schema, codes, classes, ())

    data, clean, test = map(dataset, parts)
    images = cell.drawn.images
    pictures = PictureInputs(images[:n], images[n:n_seen], images[n_seen:])
    sha256 = dict.fromkeys(parts, "")
    return Inputs(data, clean, test, compare_labels(data, clean), sha256, 0.0, pictures=pictures)


def _ap(trial: dict[str, Any], method: str) -> float:
    return float(trial["measures"][method]["average_precision"])


def report(found: list[dict[str, Any]]) -> str:
    """Average precision of each method in each cell, and on the mean."""
    rows = [
        [f"{trial['set']} {trial['kind']}", *(f"{_ap(trial, m):.3f}" for m in METHODS)]
        for trial in found
    ]
    means = [np.mean([_ap(trial, m) for trial in found]) for m in METHODS]
    rows.append(["**mean**", *(f"{mean:.3f}" for mean in means)])
    return markdown_table(["", *METHODS], rows)


if __name__ == "__main__":
    main()
