"""Whether the exported model does harm: accuracy on true labels beside other ways to train.

    python -m benchmarks.model.final_model --data DIR [--sets a,b] [--cells pair20,native]
        [--seeds N]

The cells of the detection benchmark (`cells.py`), and the same network, schedule and rows for
every way. Tested on rows that are in neither part, with true labels.

- plain: all rows as they are labelled, the clean ones too (the audit's own control)
- ours: the model that the audit exports
- l2rw: Ren et al. 2018 as published: all clean rows steer, none is trained on, a fresh trusted
  gradient each step, no share of it in the update
- lilaw: the rule of arXiv 2509.20786 with all clean rows
- pruned: cleanlab's flags by five-fold cross-validation left out, then plain
- oracle: plain training on true labels
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import datacleanse as dc
from benchmarks.cost.cross_validation import fit_plainly
from benchmarks.detection import detectors
from benchmarks.detection.cell_options import cells_parser, named_cells
from benchmarks.detection.cells import Limits, make_cell
from benchmarks.kept import Kept
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import write_result
from benchmarks.tables import LABEL
from datacleanse.data import read_like
from datacleanse.models.encoding import encode
from datacleanse.models.inference import compute_logits
from datacleanse.models.tabular import build_network
from datacleanse.settings import Meta, Settings
from datacleanse.training.examples import Examples
from datacleanse.training.loop import train
from datacleanse.training.rules import make_rule
from datacleanse.training.rules.l2rw import L2RW
from datacleanse.training.schedule import choose_schedule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.detection.cells import Cell
    from datacleanse.training.rules import Rule

RESULT = RESULTS / "model.json"
WAYS = ("plain", "ours", "l2rw", "lilaw", "pruned", "oracle")


class Fitted:
    """Networks trained on one cell's rows, and their accuracy on the held-back ones."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._encoding, self._x, self._labels = detectors.tensors(cell)
        self._n, self._n_classes = len(cell.given), len(cell.drawn.classes)
        schema = cell.drawn.rows.train.schema
        held_back = read_like(cell.drawn.held_back.drop_columns([LABEL]), schema, role="NEW")
        self._test = torch.from_numpy(encode(held_back, self._encoding))

    def plainly(self, used: NDArray[np.int64], labels: NDArray[np.int64]) -> float:
        """Plain training on some rows with these labels, (K,) each."""
        seed = self._cell.name.seed
        network = build_network(self._encoding, self._n_classes, seed=seed)
        schedule = choose_schedule(Settings(), len(used))
        fit_plainly(network, self._x[used], torch.from_numpy(labels), schedule, seed=seed)
        return self._accuracy(network)

    def by_rule(self, rule: Rule) -> float:
        """Training by a rule on the noisy rows; all clean rows steer, with a fresh gradient."""
        seed = self._cell.name.seed
        network = build_network(self._encoding, self._n_classes, seed=seed)
        schedule = replace(choose_schedule(Settings(), self._n), meta=Meta(every=1))
        examples = Examples(
            inputs=self._x,
            labels=self._labels,
            n_data=self._n,
            training_rows=torch.arange(self._n),
            steering_rows=torch.arange(self._n, len(self._x)),
            n_classes=self._n_classes,
        )
        train(network, rule, examples, schedule, seed=seed)
        return self._accuracy(network)

    def _accuracy(self, network: torch.nn.Module) -> float:
        predicted = compute_logits(network, self._test).argmax(dim=1).numpy()
        return float(np.mean(predicted == self._cell.drawn.held_back_truth))


def measure(cell: Cell) -> dict[str, float]:
    """Accuracy of every way."""
    fitted, n = Fitted(cell), len(cell.given)
    everything = np.arange(len(cell.labels))
    true = np.concatenate([cell.truth, cell.clean_labels])
    pruned = detectors.by_cleanlab("margin", cell, detectors.cross_validated("network", cell))
    assert pruned.flagged is not None
    kept = np.flatnonzero(~np.append(pruned.flagged, np.zeros(len(true) - n, dtype=np.bool_)))
    return {
        **_audited(cell),
        "l2rw": fitted.by_rule(L2RW(trusted_share=0.0)),
        "lilaw": fitted.by_rule(make_rule("lilaw", seed=cell.name.seed)),
        "pruned": fitted.plainly(kept, cell.labels[kept]),
        "oracle": fitted.plainly(everything, true),
        "test_rows": len(cell.drawn.held_back_truth),
    }


def _audited(cell: Cell) -> dict[str, float]:
    """Both models of the audit, called as its users call it, on all held-back rows."""
    held_back = cell.drawn.held_back
    names = np.array(cell.drawn.classes)[np.unique(cell.given)]
    # A class that no given label names cannot be tested on, and counts as missed.
    is_known = np.isin(np.array(held_back.column(LABEL).to_pylist(), dtype=str), names)
    result = dc.audit(
        cell.noisy_table(),
        val=cell.clean_table(),
        test=held_back.filter(is_known),
        label=LABEL,
        seed=cell.name.seed,
        device="cpu",
    )
    test = result.manifest["metrics"]["test"]
    share = float(is_known.mean())
    return {
        "plain": share * test["control"]["accuracy"],
        "ours": share * test["reweighted"]["accuracy"],
    }


def main() -> None:
    """Measure, write, print."""
    parser = cells_parser(__doc__, seeds=1, out=RESULT)
    parser.add_argument("--max-rows", type=int, default=3000, help="noisy rows a cell at most")
    options = parser.parse_args()
    torch.set_num_threads(1)
    limits, kept = Limits(noisy=options.max_rows), Kept(Path("runs") / "model.jsonl")
    trials = []
    for name in named_cells(options):
        key = f"{detectors.engine_digest()} {limits} {name}"
        if kept.find(key) is None:
            kept.add(key, measure(make_cell(options.data, name, limits)))
            note(f"{name}")
        trials.append({**vars(name), **(kept.find(key) or {})})
    write_result(
        options.out,
        {"provenance": provenance(), "trials": trials, **summary(trials)},
        tables=("trials",),
    )
    print(report(trials))


def summary(trials: list[dict[str, Any]]) -> dict[str, Any]:
    """How far from plain training to true labels, and the cells where ours is worse than plain."""
    gains = {way: [t[way] - t["plain"] for t in trials] for way in WAYS}
    possible = float(np.mean(gains["oracle"]))
    share = {
        way: float(np.mean(gain)) / possible if possible else 0.0 for way, gain in gains.items()
    }
    worse = [
        {**t, "standard_errors": (t["plain"] - t["ours"]) / error}
        for t in trials
        if (error := (t["plain"] * (1 - t["plain"]) / t["test_rows"]) ** 0.5)
        and t["plain"] - t["ours"] > 2 * error
    ]
    return {"share_of_the_way": share, "worse_than_plain": worse}


def report(trials: list[dict[str, Any]]) -> str:
    """Mean accuracy by kind of error, and the share of the way from plain training to truth."""
    kinds = sorted({t["noise"].partition("_")[0] for t in trials})
    rows = [
        [kind, str(len(mine)), *(f"{np.mean([t[way] for t in mine]):.3f}" for way in WAYS)]
        for kind in kinds
        if (mine := [t for t in trials if t["noise"].partition("_")[0] == kind])
    ]
    rows.append(
        ["all", str(len(trials)), *(f"{np.mean([t[way] for t in trials]):.3f}" for way in WAYS)]
    )
    found = summary(trials)
    rows.append(["of the way", "", *(f"{found['share_of_the_way'][way]:.0%}" for way in WAYS)])
    worse = ", ".join(f"{t['table']}/{t['noise']}/{t['seed']}" for t in found["worse_than_plain"])
    said = f"\n\nWorse than plain by more than two standard errors: {worse or 'none'}."
    return markdown_table(["errors", "cells", *WAYS], rows) + said


if __name__ == "__main__":
    main()
