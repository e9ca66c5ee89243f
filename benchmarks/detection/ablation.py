"""What each part of the suspicion brings, on the cells of the detection benchmark.

    python -m benchmarks.detection.ablation --data DIR [--sets a,b] [--cells pair20]
        [--seeds N] [--jobs N]

Each cell is audited once; what the trainings showed is then scored anew with a part changed ("trees
alone" grows them again). The lead is over the best of six peers as `results/detection.json` has it:
run `detection` first.
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
import torch
from sklearn.metrics import average_precision_score

import datacleanse as dc
from benchmarks.detection.against_peers import RESULT_OF
from benchmarks.detection.cell_options import cells_parser, named_cells
from benchmarks.detection.cells import CellName, Limits, make_cell
from benchmarks.detection.detectors import engine_digest
from benchmarks.kept import Kept
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import read_result, write_result
from benchmarks.tables import LABEL
from datacleanse.auditing import judge
from datacleanse.detection import posterior
from datacleanse.detection.assessment import assess
from datacleanse.detection.second_opinion import kernel_ridge
from datacleanse.detection.second_opinion.background import Adviser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from datacleanse.detection.evidence import Assessment, Evidence
    from datacleanse.detection.second_opinion.background import Opinion
    from datacleanse.detection.second_opinion.question import Question

RESULT = RESULTS / "ablation.json"
AP, BRIER = "average_precision", "brier"


class _CapturedError(Exception):
    """The evidence is at hand; the rest of the audit is not needed."""


@dataclass
class Seen:
    """What passes through an audit."""

    question: Question | None = None
    evidence: Evidence | None = None


def _same(evidence: Evidence, question: Question) -> Evidence:
    del question
    return evidence


def _without_second(evidence: Evidence, question: Question) -> Evidence:
    del question
    return replace(evidence, second=None)


def _without_reweighting(evidence: Evidence, question: Question) -> Evidence:
    del question
    return replace(evidence, folds=tuple(replace(f, opinion=None) for f in evidence.folds))


def _trees_alone(evidence: Evidence, question: Question) -> Evidence:
    with mock.patch.object(kernel_ridge, "score_without_own_labels", return_value=[]):
        return replace(evidence, second=question.answer())


def _constant(name: str, value: float) -> Any:  # noqa: ANN401  # a patch
    return mock.patch.object(posterior, name, value)


VARIANTS: dict[str, tuple[Callable[[Evidence, Question], Evidence], Any]] = {
    "as it is": (_same, nullcontext()),
    "trees alone as second opinion": (_trees_alone, nullcontext()),
    "no second opinion": (_without_second, nullcontext()),
    "no reweighted networks": (_without_reweighting, nullcontext()),
    "one vote each for S, u and r": (_same, _constant("SECOND_VOTE", 1 / 3)),
    "never T": (_same, _constant("BURDEN", np.inf)),
    "always T": (_same, _constant("BURDEN", -np.inf)),
    "no burden on T": (_same, _constant("BURDEN", 0.0)),
    "a burden of 3": (_same, _constant("BURDEN", 3.0)),
    "a burden of 8": (_same, _constant("BURDEN", 8.0)),
    "power 1": (_same, _constant("SHARPNESS", 1.0)),
    "power 2": (_same, _constant("SHARPNESS", 2.0)),
}


@dataclass(frozen=True)
class Task:
    """One cell."""

    data: Path
    name: CellName
    limits: Limits

    def __call__(self) -> dict[str, dict[str, float]]:
        """Measures of each variant."""
        torch.set_num_threads(1)
        cell = make_cell(self.data, self.name, self.limits)
        with _captured() as seen:
            dc.audit(
                cell.noisy_table(),
                val=cell.clean_table(),
                label=LABEL,
                seed=self.name.seed,
                device="cpu",
            )
        assert seen.evidence is not None
        assert seen.question is not None
        found = {}
        for variant, (change, patch) in VARIANTS.items():
            with patch:
                suspicion = assess(change(seen.evidence, seen.question), fdr=0.1).suspicion
            found[variant] = {
                AP: float(average_precision_score(cell.is_wrong, suspicion)),
                BRIER: float(np.mean((np.clip(suspicion, 0, 1) - cell.is_wrong) ** 2)),
            }
        return found


@contextmanager
def _captured() -> Iterator[Seen]:
    """Keep what the audit in the block asked and found, and end it there."""
    seen, form = Seen(), Adviser.ask

    def ask(adviser: Adviser, question: Question, place: Path) -> list[Opinion]:
        seen.question = question
        return form(adviser, question, place)

    def stop(evidence: Evidence, *, fdr: float) -> Assessment:
        del fdr
        seen.evidence = evidence
        raise _CapturedError

    with (
        mock.patch.object(Adviser, "ask", ask),
        mock.patch.object(judge, "assess", stop),
        suppress(_CapturedError),
    ):
        yield seen


def main() -> None:
    """Measure, write, print."""
    parser = cells_parser(__doc__, seeds=1, out=RESULT)
    parser.add_argument("--jobs", type=int, default=2, help="cells at a time")
    parser.add_argument("--cache", type=Path, default=Path("runs/ablation.jsonl"))
    options = parser.parse_args()
    names = named_cells(options)
    kept, engine = Kept(options.cache), engine_digest()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, mp_context=context) as pool:
        begun = {
            pool.submit(Task(options.data, name, Limits())): name
            for name in names
            if kept.find(f"{engine} {name}") is None
        }
        for future in as_completed(begun):
            kept.add(f"{engine} {begun[future]}", future.result())
            note(str(begun[future]))
    best = _best_of_six()
    cells = [{**vars(n), "kind": n.kind, "measures": kept.find(f"{engine} {n}")} for n in names]
    rows = summary(cells, best)
    write_result(
        options.out,
        {"provenance": provenance(), "summary": rows, "cells": cells},
        tables=("cells",),
    )
    print(report(rows))


def _best_of_six() -> dict[tuple[str, str, int], float]:
    peers = read_result(RESULT_OF["elsewhere"])
    return {(c["table"], c["noise"], c["seed"]): c["best_of_six"][AP] for c in peers["cells"]}


def summary(cells: list[Any], best: dict[tuple[str, str, int], float]) -> list[dict[str, Any]]:
    """Lead by kind of error, share of cells not far behind, and Brier score, of each variant."""
    kinds = sorted({cell["kind"] for cell in cells})
    found = []
    for variant in VARIANTS:
        lead = np.array(
            [c["measures"][variant][AP] - best[c["table"], c["noise"], c["seed"]] for c in cells]
        )
        by_kind = {k: float(lead[[c["kind"] == k for c in cells]].mean()) for k in kinds}
        brier = float(np.mean([c["measures"][variant][BRIER] for c in cells]))
        found.append(
            {
                "variant": variant,
                "lead": float(lead.mean()),
                **by_kind,
                "within .02": float(np.mean(lead > -0.02)),
                "worst": float(lead.min()),
                "brier": brier,
            }
        )
    return found


def report(rows: list[dict[str, Any]]) -> str:
    """As a table."""
    header = list(rows[0])
    signed = set(header) - {"variant", "within .02", "brier"}
    cells = [
        [
            f"{row[k]:+.3f}" if k in signed else row[k] if k == "variant" else f"{row[k]:.3f}"
            for k in header
        ]
        for row in rows
    ]
    return markdown_table(header, cells)


if __name__ == "__main__":
    main()
