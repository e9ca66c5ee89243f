"""Figures of what learned weights do to imbalance and to flipped labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docs.figures.numbers import count, share, table
from docs.figures.results import average, source, where

if TYPE_CHECKING:
    from collections.abc import Callable

    from docs.figures.results import Figure, Record, Results


def _percent(rows: list[Record], key: str) -> str:
    return f"{100 * average(rows, key):.1f} %"


def imbalance(results: Results) -> str:
    """Test errors and the rare class's share of all weight, by how rare it is."""
    trials = results["paper_claims"]["imbalance"]
    rows = [
        [
            f"{ratio} : 1",
            _percent(mine, "error_plain"),
            _percent(mine, "error_reweighted"),
            _percent(mine, "share_of_rows"),
            _percent(mine, "share_of_weight"),
        ]
        for ratio in dict.fromkeys(trial["ratio"] for trial in trials)
        if (mine := where(trials, ratio=ratio))
    ]
    header = ["9s to 4s", "error, plain", "error, reweighted", "4s of all rows", "4s of all weight"]
    return table(header, rows)


def flips(results: Results) -> str:
    """Accuracies, and what weights the wrong labels got, by kind of flip."""
    trials = results["paper_claims"]["flips"]
    rows = [
        [
            kind,
            share(average(mine, "accuracy_plain")),
            share(average(mine, "accuracy_reweighted")),
            share(average(mine, "accuracy_on_true_labels")),
            _percent(mine, "zero_wrong"),
            _percent(mine, "zero_right"),
            _percent(mine, "share_of_weight_wrong"),
        ]
        for kind in dict.fromkeys(trial["kind"] for trial in trials)
        if (mine := where(trials, kind=kind))
    ]
    header = [
        "flips",
        "accuracy, plain",
        "reweighted",
        "plain on true labels",
        "passes without weight, wrong labels",
        "right labels",
        "wrong labels' share of all weight",
    ]
    return table(header, rows)


def _mean(part: str, key: str, **chosen: object) -> Callable[[Results], str]:
    def write(results: Results) -> str:
        return _percent(where(results["paper_claims"][part], **chosen), key)

    return write


FIGURES: dict[str, Figure] = {
    "steering.claims.seeds": lambda results: count(
        len({trial["seed"] for trial in results["paper_claims"]["flips"]})
    ),
    "steering.imbalance.plain": _mean("imbalance", "error_plain", ratio=200),
    "steering.imbalance.reweighted": _mean("imbalance", "error_reweighted", ratio=200),
    "steering.imbalance.weight": _mean("imbalance", "share_of_weight", ratio=200),
    "steering.claims.source": source("paper_claims"),
}
TABLES: dict[str, Figure] = {"steering.imbalance": imbalance, "steering.flips": flips}
