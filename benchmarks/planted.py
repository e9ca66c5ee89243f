"""Cells of the studies of a training setting: a table with planted errors, trained and scored.

Five tables, 2,000 rows of DATA, 200 clean rows, a fifth of the labels flipped, uniformly or
one-sidedly. A way of training is judged by the average precision of the planted errors and by the
accuracy of its network on true labels of other rows, always in pairs with a reference.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev
from time import process_time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sklearn.metrics import average_precision_score

from benchmarks.common import (
    LABEL,
    available_tables,
    flip_uniformly,
    load_table,
    note,
    provenance,
    write_json,
)
from datacleanse import train
from datacleanse.config import Meta, Settings
from datacleanse.data import ReadOptions, compare, read_data, read_like
from datacleanse.encode import encode
from datacleanse.examples import learn_encoding, make_examples, make_plan
from datacleanse.noise import one_sided_flips
from datacleanse.schedule import schedule_for
from datacleanse.score import Evidence, Fold, assess
from datacleanse.trainings import build_network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from datacleanse.dynamics import Dynamics
    from datacleanse.records import Dataset
    from datacleanse.rules import Rule

RESULTS = Path(__file__).parent / "results"
SETS = ("dry_bean", "pendigits", "spambase", "student_dropout", "telco_churn")
N_DATA, N_CLEAN, N_TEST = 2_000, 200, 3_000
SHARE = 0.2


@dataclass(frozen=True, eq=False)
class Cell:
    """One table with errors planted in one manner."""

    name: dict[str, Any]
    data: Dataset
    clean: Dataset
    test: Dataset
    is_wrong: NDArray[np.bool_]


def cells(folder: Path, name: str, seed: int) -> Iterator[Cell]:
    """Uniform and one-sided errors in one draw of a table."""
    table = load_table(folder, name)
    order = np.random.default_rng(seed).permutation(table.num_rows)
    data = read_data(table.take(order[:N_DATA]), ReadOptions(label=LABEL))
    clean = read_like(table.take(order[N_DATA : N_DATA + N_CLEAN]), data.schema, role="CLEAN")
    rest = order[N_DATA + N_CLEAN :][:N_TEST]
    test = read_like(table.take(rest), data.schema, role="NEW")
    n_classes = len(data.schema.classes)
    # The most frequent class is taken for the next one.
    most = np.argsort(-np.bincount(data.labels, minlength=n_classes), kind="stable")
    mistaken_for = np.arange(n_classes)
    mistaken_for[most[0]] = most[1]
    share = min(0.5, SHARE * len(data.labels) / np.count_nonzero(data.labels == most[0]))
    noisy = {
        "uniform": flip_uniformly(data.labels, n_classes, SHARE, seed=seed),
        "one-sided": one_sided_flips(data.labels, mistaken_for, share, seed=seed),
    }
    for noise, labels in noisy.items():
        described = {"table": name, "noise": noise, "seed": seed}
        yield Cell(described, replace(data, labels=labels), clean, test, labels != data.labels)


@dataclass(frozen=True)
class Ran:
    """One training."""

    dynamics: Dynamics
    accuracy: float
    """On true labels of other rows."""
    seconds: float
    """Of the processor."""


class Bench:
    """A cell ready to be trained on, however often."""

    def __init__(self, cell: Cell, seed: int) -> None:
        self.cell, self._seed = cell, seed
        overlap = compare(cell.data, cell.clean).overlap
        self._plan = make_plan(cell.data, cell.clean, overlap, seed=seed)
        self._encoding = learn_encoding(cell.data, self._plan)
        self._examples = make_examples(
            cell.data, cell.clean, self._plan, self._encoding, device=torch.device("cpu")
        )
        self._tested = torch.from_numpy(encode(cell.test, self._encoding))
        self._schedule = schedule_for(Settings(), len(self._examples.trained))

    def run(self, rule: Rule, meta: Meta | None = None) -> Ran:
        """Train the default network by a rule; everything else at its default."""
        network = build_network(self._encoding, self._examples.n_classes, seed=self._seed)
        schedule = replace(self._schedule, meta=meta or Meta())
        started = process_time()
        outcome = train.train(network, rule, self._examples, schedule, seed=self._seed)
        seconds = process_time() - started
        predicted = train.logits_of(network, self._tested).argmax(dim=1).numpy()
        accuracy = float(np.mean(predicted == self.cell.test.labels))
        return Ran(outcome.dynamics, accuracy, seconds)

    def measures(self, ran: Ran, control: Ran) -> dict[str, float]:
        """Average precision by the posterior of both networks and by the margin; accuracies."""
        plan = self._plan
        n, split = plan.n_data, plan.split
        evidence = Evidence(
            control=control.dynamics,
            folds=(Fold(ran.dynamics, n + split.meta, n + split.calibration),),
            is_steered=True,
            trees=None,
            labels=plan.labels,
            n_data=plan.n_data,
            trained=plan.trained,
            verified=plan.verified,
        )
        margin = ran.dynamics.margin[: plan.n_data]
        return {
            "suspicion_ap": self._ap(assess(evidence, fdr=Settings.fdr).suspicion),
            "margin_ap": self._ap(-margin),
            "accuracy": ran.accuracy,
            "plain_accuracy": control.accuracy,
            "cost": ran.seconds / control.seconds,
        }

    def _ap(self, score: NDArray[Any]) -> float:
        return float(average_precision_score(self.cell.is_wrong, score))


def study(
    measure: Callable[[Bench, int], Iterator[dict[str, Any]]], *, name: str, about: str
) -> list[dict[str, Any]]:
    """Measure every cell that the command line asks for, and write ``results/name.json``."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--data", type=Path, required=True, help="folder with one folder a set")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS / f"{name}.json")
    options = parser.parse_args()
    torch.set_num_threads(1)
    trials: list[dict[str, Any]] = []
    for table in available_tables(options.data, options.sets):
        for seed in range(options.seeds):
            for cell in cells(options.data, table, seed):
                trials += [{**cell.name, **trial} for trial in measure(Bench(cell, seed), seed)]
                note(f"{cell.name}")
    write_json(options.out, {"provenance": provenance(), "trials": trials})
    return trials


def paired(
    trials: list[dict[str, Any]], ways: Sequence[str], names: Sequence[str]
) -> list[list[str]]:
    """A row a way: each measure's mean, and its difference from the first way's with its s.e."""
    by_way = {way: [t for t in trials if t["way"] == way] for way in ways}
    rows = []
    for way, mine in by_way.items():
        row = [way]
        for name in names:
            gaps = [a[name] - b[name] for a, b in zip(mine, by_way[ways[0]], strict=True)]
            error = stdev(gaps) / math.sqrt(len(gaps)) if len(gaps) > 1 else math.nan
            row += [f"{mean(t[name] for t in mine):.3f}", f"{mean(gaps):+.3f} ± {error:.3f}"]
        rows.append(row)
    return rows
