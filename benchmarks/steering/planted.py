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

from benchmarks.record import RESULTS, note, provenance
from benchmarks.results_files import write_result
from benchmarks.tables import LABEL, available_tables, flip_uniformly, load_table
from datacleanse.auditing.layout import encode_examples, lay_out_fold
from datacleanse.auditing.plan import make_plan
from datacleanse.auditing.prepared import learn_encoding
from datacleanse.data import ReadOptions, compare, read_data, read_like
from datacleanse.demo import flip_labels
from datacleanse.detection.assessment import assess
from datacleanse.detection.evidence import Evidence, Fold
from datacleanse.models.encoding import encode
from datacleanse.models.tabular import build_network
from datacleanse.settings import Meta, Settings
from datacleanse.training import loop
from datacleanse.training.schedule import choose_schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from datacleanse.auditing.plan import Plan
    from datacleanse.records import Dataset
    from datacleanse.settings import Schedule
    from datacleanse.training.examples import Examples
    from datacleanse.training.recorder import Dynamics
    from datacleanse.training.rules import Rule

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
        "one-sided": flip_labels(data.labels, mistaken_for, share, seed=seed),
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


@dataclass(frozen=True, eq=False)
class Bench:
    """Examples with planted errors, ready to be trained on, however often."""

    plan: Plan
    examples: Examples
    schedule: Schedule
    build: Callable[[], nn.Module]
    """A fresh network, the same at each call."""
    test_inputs: Tensor
    test_labels: NDArray[np.int64]
    """True classes of rows that are not trained on."""
    is_wrong: NDArray[np.bool_]
    """(N,) the planted errors."""
    seed: int

    def run(self, rule: Rule, meta: Meta | None = None) -> Ran:
        """Train a fresh network by a rule; without ``meta``, with the package's default."""
        network = self.build()
        schedule = replace(self.schedule, meta=meta or Meta())
        started = process_time()
        outcome = loop.train(network, rule, self.examples, schedule, seed=self.seed)
        seconds = process_time() - started
        predicted = loop.compute_logits(network, self.test_inputs).argmax(dim=1).numpy()
        return Ran(outcome.dynamics, float(np.mean(predicted == self.test_labels)), seconds)

    def measures(self, ran: Ran, control: Ran) -> dict[str, float]:
        """Average precision by the posterior of both networks and by the margin; accuracies."""
        plan = self.plan
        n, split = plan.n_data, plan.split
        evidence = Evidence(
            reweighted=ran.dynamics,
            control=control.dynamics,
            folds=(
                Fold(
                    ran.dynamics.probability,
                    plan.clean_at[split.drawn_steering],
                    plan.clean_at[split.calibration],
                ),
            ),
            is_steered=True,
            second=None,
            labels=plan.labels,
            n_data=n,
            is_trained=plan.is_trained,
            truth=plan.truth,
            clean_at=plan.clean_at,
        )
        return {
            "suspicion_ap": self._ap(assess(evidence, fdr=Settings.fdr).suspicion),
            "margin_ap": self._ap(-ran.dynamics.margin[:n]),
            "accuracy": ran.accuracy,
            "plain_accuracy": control.accuracy,
            "cost": ran.seconds / control.seconds,
        }

    def _ap(self, score: NDArray[Any]) -> float:
        return float(average_precision_score(self.is_wrong, score))


def bench_of(cell: Cell, *, seed: int) -> Bench:
    """The default network on a table, everything at its default."""
    overlap = compare(cell.data, cell.clean).overlap
    plan = make_plan(cell.data, cell.clean, overlap, seed=seed)
    encoding = learn_encoding(cell.data, plan)
    laid_out = encode_examples(cell.data, cell.clean, plan, encoding, device=torch.device("cpu"))
    examples = lay_out_fold(laid_out, plan, plan.split)
    return Bench(
        plan=plan,
        examples=examples,
        schedule=choose_schedule(Settings(), len(examples.training_rows)),
        build=lambda: build_network(encoding, examples.n_classes, seed=seed),
        test_inputs=torch.from_numpy(encode(cell.test, encoding)),
        test_labels=cell.test.labels,
        is_wrong=cell.is_wrong,
        seed=seed,
    )


def study(
    measure: Callable[[Bench], Iterator[dict[str, Any]]], *, name: str, about: str
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
                bench = bench_of(cell, seed=seed)
                trials += [{**cell.name, **trial} for trial in measure(bench)]
                note(f"{cell.name}")
    write_result(options.out, {"provenance": provenance(), "trials": trials}, tables=("trials",))
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
