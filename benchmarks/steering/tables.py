"""How much of a trusted gradient is needed: detection and accuracy against cost.

    python -m benchmarks.steering.tables --data DIR [--sets a,b] [--seeds N]

For each way of obtaining the gradient on the trusted rows (rows in it, steps that it serves,
running average), the reweighted network is trained on tables with planted errors, everything else
at its default. Measured: average precision of the planted errors by the audit's suspicion and by
the margin under the reweighted network alone, accuracy of that network on true labels of other
rows, processor seconds of its training over those of plain training.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from statistics import mean
from typing import TYPE_CHECKING, Any

from benchmarks.record import markdown_table
from benchmarks.steering.planted import Bench, paired, study
from datacleanse.settings import Meta
from datacleanse.training.rules import make_rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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
MEASURES = ("suspicion_ap", "margin_ap", "accuracy")


def main() -> None:
    """Measure, write, print."""
    trials = study(partial(measure, ways=WAYS), name="meta_gradient", about=__doc__.splitlines()[0])
    print(report(trials, list(WAYS)))


def measure(bench: Bench, ways: Mapping[str, Meta]) -> Iterator[dict[str, Any]]:
    """Train plainly once, then once in every way."""
    control = bench.run(make_rule("uniform", seed=bench.seed))
    for way, meta in ways.items():
        ran = bench.run(make_rule("l2rw", seed=bench.seed), meta)
        yield {"way": way, "meta": asdict(meta), **bench.measures(ran, control)}


def report(trials: list[dict[str, Any]], ways: Sequence[str]) -> str:
    """Means over cells, with each measure's difference from the first way's and its s.e."""
    header = ["trusted gradient", "suspicion AP", "±", "margin AP", "±", "accuracy", "±", "cost"]
    costs = [f"{mean(t['cost'] for t in trials if t['way'] == way):.2f}" for way in ways]
    rows = paired(trials, ways, MEASURES)
    return markdown_table(header, [[*row, cost] for row, cost in zip(rows, costs, strict=True)])


if __name__ == "__main__":
    main()
