"""How much of a trusted gradient is needed: detection and accuracy against cost.

    python -m benchmarks.meta_gradient --data DIR [--sets a,b] [--seeds N]

For each way of obtaining the gradient on the trusted rows (rows in it, steps that it serves,
running average), the reweighted network is trained on tables with planted errors, everything else
at its default. Measured: average precision of the planted errors by the audit's suspicion and by
the margin under the reweighted network alone, accuracy of that network on true labels of other
rows, processor seconds of its training over those of plain training.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import asdict, dataclass, replace
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
    markdown_table,
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
from datacleanse.rules import make_rule
from datacleanse.schedule import schedule_for
from datacleanse.score import Evidence, assess
from datacleanse.trainings import build_network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from datacleanse.config import RuleName, Schedule
    from datacleanse.dynamics import Dynamics
    from datacleanse.examples import Plan
    from datacleanse.records import Dataset
    from datacleanse.train import Examples

RESULT = Path(__file__).parent / "results" / "meta_gradient.json"
SETS = ("dry_bean", "pendigits", "spambase", "student_dropout", "telco_churn")
N_DATA, N_CLEAN, N_TEST = 2_000, 200, 3_000
SHARE = 0.2
ALL = 10_000
"""More rows than there are: every trusted row."""

REFERENCE = "full, fresh each step"
WAYS = {
    REFERENCE: Meta(ALL, 1, 0.0),
    "full, every 2": Meta(ALL, 2, 0.0),
    "full, every 4": Meta(ALL, 4, 0.0),
    "full, every 8": Meta(ALL, 8, 0.0),
    "full, every 16": Meta(ALL, 16, 0.0),
    "32 rows, each step": Meta(32, 1, 0.0),
    "32 rows, each step, average 0.8": Meta(32, 1, 0.8),
    "32 rows, every 4": Meta(32, 4, 0.0),
    "32 rows, every 4, average 0.5": Meta(32, 4, 0.5),
    "full, every 4, average 0.5": Meta(ALL, 4, 0.5),
}
MEASURES = ("suspicion_ap", "margin_ap", "accuracy", "cost")


@dataclass(frozen=True, eq=False)
class Problem:
    """Rows with errors planted in one manner, and the training that they are given."""

    name: dict[str, Any]
    plan: Plan
    examples: Examples
    is_wrong: NDArray[np.bool_]
    """(N,) the planted errors."""
    schedule: Schedule
    """Its trusted gradient is replaced by each way's."""
    build: Callable[[], nn.Module]
    """A fresh network, the same at each call."""
    test_inputs: Tensor
    test_labels: NDArray[np.int64]
    """True classes of rows that were not trained on."""
    seed: int


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with one folder a set")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    torch.set_num_threads(1)
    trials: list[dict[str, Any]] = []
    for table in available_tables(options.data, options.sets):
        for seed in range(options.seeds):
            for problem in _problems(options.data, table, seed):
                trials += measure(problem, WAYS)
    write_json(options.out, {"provenance": provenance(), "trials": trials})
    print(report(trials, WAYS))


def _problems(folder: Path, name: str, seed: int) -> Iterator[Problem]:
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
        yield _problem(described, data, labels, clean, test, seed=seed)


def _problem(
    name: dict[str, Any],
    data: Dataset,
    labels: NDArray[np.int64],
    clean: Dataset,
    test: Dataset,
    *,
    seed: int,
) -> Problem:
    noisy = replace(data, labels=labels)
    plan = make_plan(noisy, clean, compare(noisy, clean).overlap, seed=seed)
    encoding = learn_encoding(noisy, plan)
    examples = make_examples(noisy, clean, plan, encoding, device=torch.device("cpu"))
    return Problem(
        name=name,
        plan=plan,
        examples=examples,
        is_wrong=labels != data.labels,
        schedule=schedule_for(Settings(), len(examples.trained)),
        build=lambda: build_network(encoding, examples.n_classes, seed=seed),
        test_inputs=torch.from_numpy(encode(test, encoding)),
        test_labels=test.labels,
        seed=seed,
    )


def measure(problem: Problem, ways: Mapping[str, Meta]) -> Iterator[dict[str, Any]]:
    """Train plainly once, then once in every way."""
    control, plain_accuracy, plain_seconds = _run(problem, "uniform", Meta())
    for way, meta in ways.items():
        dynamics, accuracy, seconds = _run(problem, "l2rw", meta)
        yield {
            **problem.name,
            "way": way,
            "meta": asdict(meta),
            "suspicion_ap": _suspicion_ap(problem, dynamics, control),
            "margin_ap": _ap(problem.is_wrong, -dynamics.margin[: problem.plan.n_data]),
            "accuracy": accuracy,
            "plain_accuracy": plain_accuracy,
            "cost": seconds / plain_seconds,
        }
    note(f"{problem.name}")


def _run(problem: Problem, rule: RuleName, meta: Meta) -> tuple[Dynamics, float, float]:
    """Dynamics, accuracy on the test rows, processor seconds of one training."""
    network = problem.build()
    started = process_time()
    outcome = train.train(
        network,
        make_rule(rule, seed=problem.seed),
        problem.examples,
        replace(problem.schedule, meta=meta),
        seed=problem.seed,
    )
    seconds = process_time() - started
    predicted = train.logits_of(network, problem.test_inputs).argmax(dim=1).numpy()
    return outcome.dynamics, float(np.mean(predicted == problem.test_labels)), seconds


def _suspicion_ap(problem: Problem, reweighted: Dynamics, control: Dynamics) -> float:
    plan = problem.plan
    evidence = Evidence(
        reweighted=reweighted,
        control=control,
        labels=plan.labels,
        n_data=plan.n_data,
        trained=plan.trained,
        verified=plan.verified,
    )
    return _ap(problem.is_wrong, assess(evidence, fdr=Settings.fdr).suspicion)


def _ap(is_wrong: NDArray[np.bool_], score: NDArray[Any]) -> float:
    return float(average_precision_score(is_wrong, score))


def report(trials: list[dict[str, Any]], ways: Iterable[str]) -> str:
    """Means over cells, with each measure's paired difference from `REFERENCE` and its s.e."""
    header = ["trusted gradient", "suspicion AP", "±", "margin AP", "±", "accuracy", "±", "cost"]
    by_way = {way: [t for t in trials if t["way"] == way] for way in ways}
    rows = []
    for way, mine in by_way.items():
        cells = [way]
        for name in MEASURES[:3]:
            gaps = [a[name] - b[name] for a, b in zip(mine, by_way[REFERENCE], strict=True)]
            error = stdev(gaps) / math.sqrt(len(gaps)) if len(gaps) > 1 else math.nan
            cells += [f"{mean(t[name] for t in mine):.3f}", f"{mean(gaps):+.3f} ± {error:.3f}"]
        rows.append([*cells, f"{mean(t['cost'] for t in mine):.2f}"])
    return markdown_table(header, rows)


if __name__ == "__main__":
    main()
