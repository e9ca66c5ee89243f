"""How much of a trusted gradient images need, judged by what an audit makes of it.

    python -m benchmarks.steering.images_posterior --data DIR
        [--cells mnist:pair20 flowers:uniform30 ...] [--seeds N] [--max-rows N] [--clean N]
        [--epochs N] [--cache FILE] [--out FILE]

`meta_images` judges the reweighted network alone. An audit pools it with plain training and the
second opinion; what a cheaper gradient costs there is asked here, with the package's own network
for images, on cells of `image_cells.py`. It is also asked which layers' parameters influences have
to be measured by: the package measures by the head (`ResidualNetwork.list_measured`). Cost is
processor time over plain training of the same network on the same images, in the package's loop;
one fold of the clean images.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sklearn.metrics import average_precision_score

from benchmarks.images.against_peers import inputs_of
from benchmarks.images.cells import ImageCell, Limits, make_cell
from benchmarks.kept import Kept
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import write_result
from datacleanse.auditing.layout import lay_out_fold
from datacleanse.auditing.reading import Request
from datacleanse.auditing.tasks.images import plan_images
from datacleanse.detection.assessment import assess
from datacleanse.detection.evidence import Evidence, Fold
from datacleanse.models.residual import ResidualNetwork
from datacleanse.settings import Meta, Settings
from datacleanse.training.loop import train
from datacleanse.training.rules import make_rule

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import nn

    from datacleanse.auditing.tasks.images import ImageTask
    from datacleanse.training.examples import Examples
    from datacleanse.training.recorder import Dynamics

RESULT = RESULTS / "meta_posterior.json"
CELLS = ("mnist:pair20", "flowers:uniform30", "cifar10n_a:worse_label")


@dataclass(frozen=True)
class Way:
    """A trusted gradient, and what is made of it."""

    meta: Meta
    find_layers: Callable[[ResidualNetwork], Sequence[nn.Module]]
    """By which layers influences are measured."""


def all_layers(network: ResidualNetwork) -> Sequence[nn.Module]:
    """The whole network."""
    return [network]


WAYS = {
    "full, fresh each step, all layers": Way(Meta(10_000, 1, 0.0), all_layers),
    "32 rows, every 4, all layers": Way(Meta(32, 4, 0.0), all_layers),
    "32 rows, every 4, head": Way(Meta(32, 4, 0.0), ResidualNetwork.list_measured),
}


@dataclass(frozen=True, eq=False)
class Bench:
    """A cell with plain training and the second opinion, which all ways share."""

    cell: ImageCell
    task: ImageTask
    examples: Examples
    second: NDArray[np.float32]
    control: Dynamics
    seconds: float
    """Processor time of plain training."""

    def trial(self, way: Way) -> dict[str, float]:
        """Train by the rule, judge, compare with plain training's time."""
        plan, lesson = self.task.plan, self.task.lesson
        fold, schedule = plan.folds[0], replace(lesson.schedule, meta=way.meta)
        network = lesson.build()
        assert isinstance(network, ResidualNetwork)
        network.list_measured = lambda: list(way.find_layers(network))  # type: ignore[method-assign]
        started = process_time()
        examples = lay_out_fold(self.examples, plan, fold)
        rule = make_rule("l2rw", seed=lesson.seed)
        own = train(network, rule, examples, schedule, seed=lesson.seed).dynamics
        cost = (process_time() - started) / self.seconds
        own_fold = Fold(
            own.probability, plan.clean_at[fold.drawn_steering], plan.clean_at[fold.calibration]
        )
        evidence = Evidence(
            reweighted=own,
            control=self.control,
            folds=(own_fold,),
            is_steered=True,
            second=self.second,
            labels=plan.labels,
            n_data=plan.n_data,
            is_trained=plan.is_trained,
            truth=plan.truth,
            clean_at=plan.clean_at,
        )
        without = replace(evidence, second=None)
        return {
            "suspicion": self._ap(assess(evidence, fdr=0.1).suspicion),
            "without second opinion": self._ap(assess(without, fdr=0.1).suspicion),
            "margin": self._ap(-own.margin[: plan.n_data]),
            "cost": cost,
        }

    def _ap(self, score: NDArray[np.floating]) -> float:
        return float(average_precision_score(self.cell.is_wrong, score))


def make_bench(cell: ImageCell, settings: Settings) -> Bench:
    """Train plainly, ask for the second opinion."""
    inputs = inputs_of(cell)
    task = plan_images(Request("", ("",), settings=settings), inputs)
    examples, lesson = task.make_examples(inputs), task.lesson
    second = task.pose_question(examples, task.plan, settings.seed).answer()
    started = process_time()
    plain = train(
        lesson.build(),
        make_rule("uniform", seed=lesson.seed),
        examples,
        lesson.schedule,
        seed=lesson.seed,
    )
    seconds = process_time() - started
    return Bench(cell, task, examples, second, plain.dynamics, seconds)


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with one folder a set")
    parser.add_argument("--cells", nargs="+", default=list(CELLS), help="SET:KIND")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--max-rows", type=int, default=600, help="noisy images a cell")
    parser.add_argument("--clean", type=int, default=150, help="clean images a cell")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--cache", type=Path, default=Path("runs/meta_posterior.jsonl"))
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    torch.set_num_threads(1)
    kept, limits = Kept(options.cache), Limits(options.max_rows, options.clean)
    settings = Settings(epochs=options.epochs, device="cpu")
    trials: list[dict[str, Any]] = []
    for named, seed in product(options.cells, range(options.seeds)):
        name, _, kind = named.partition(":")
        keys = {way: f"{limits} {options.epochs} {named} {seed} {way}" for way in WAYS}
        missing = [way for way in WAYS if kept.find(keys[way]) is None]
        if missing:
            cell = make_cell(options.data, name, kind, limits, seed=seed)
            bench = make_bench(cell, replace(settings, seed=seed))
            for way in missing:
                kept.add(keys[way], bench.trial(WAYS[way]))
                note(f"{named}, {seed}, {way}: {kept.find(keys[way])}")
        drawn = {"cell": named, "seed": seed}
        trials += [{**drawn, "way": way, **(kept.find(keys[way]) or {})} for way in WAYS]
    sizes = {"limits": vars(limits), "epochs": options.epochs}
    write_result(
        options.out, {"provenance": provenance(), **sizes, "trials": trials}, tables=("trials",)
    )
    print(report(trials))


def report(trials: list[dict[str, Any]]) -> str:
    """Means over the cells, with the suspicion of each."""
    cells = list(dict.fromkeys(trial["cell"] for trial in trials))
    rows = []
    for way in WAYS:
        mine = [trial for trial in trials if trial["way"] == way]
        means = [
            float(np.mean([trial[what] for trial in mine]))
            for what in ("suspicion", "without second opinion", "margin", "cost")
        ]
        own = [
            f"{np.mean([trial['suspicion'] for trial in mine if trial['cell'] == cell]):.3f}"
            for cell in cells
        ]
        rows.append([way, *own, *(f"{mean:.3f}" for mean in means[:3]), f"{means[3]:.2f}"])
    header = ["trusted gradient", *cells, "mean", "without second opinion", "margin", "cost"]
    return markdown_table(header, rows)


if __name__ == "__main__":
    main()
