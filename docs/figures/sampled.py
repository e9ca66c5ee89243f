"""Figures of audits whose clean rows are rows of DATA, beside those whose clean rows are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docs.figures.detection import KINDS, OURS
from docs.figures.detection import NAME as ELSEWHERE
from docs.figures.numbers import count, percent, ratio, share, table
from docs.figures.results import average, source

if TYPE_CHECKING:
    from collections.abc import Callable

    from docs.figures.results import Figure, Record, Results

NAME = "detection_sampled"

MEASURES: dict[str, tuple[str, Callable[[float], str]]] = {
    "average_precision": ("average precision", share),
    "brier": ("Brier score of `mislabel_probability`", share),
    "probability_ratio": ("sum of the probability / wrong labels", ratio),
    "false_share": ("false share of the flags", share),
    "recall": ("recall of the flags", share),
}
"""What both kinds of clean rows are measured by."""

RANGES: dict[str, tuple[str, Callable[[float], str]]] = {
    "rate_holds": ("the interval of the noise rate holds the truth", percent),
    "rate_half_width": ("its half-width", share),
    "class_holds": ("the intervals by given label hold it", percent),
    "class_half_width": ("their half-width", share),
    "budget_holds": ("the intervals of the budget hold it", percent),
}
"""What is measured of confidence intervals."""


def _select(results: Results, name: str, kind: str) -> list[Record]:
    """Our measures in the cells of a kind that both results have."""
    cells: dict[str, dict[tuple[str, str, int], Record]] = {
        each: {(c["table"], c["noise"], c["seed"]): c for c in results[each]["cells"]}
        for each in (NAME, ELSEWHERE)
    }
    both = [key for key in cells[NAME] if key in cells[ELSEWHERE]]
    wanted = [cells[name][key] for key in both]
    return [c["methods"][OURS] for c in wanted if kind in {"all", c["kind"]}]


def _kinds(results: Results) -> list[str]:
    return [kind for kind in KINDS if _select(results, NAME, kind)]


def mean_of(key: str, said: Callable[[float], str], *, name: str = NAME) -> Figure:
    """A mean over all cells."""
    return lambda results: said(average(_select(results, name, "all"), key))


def pooled_false_share(name: str) -> Figure:
    """False flags of all lists over all flags."""

    def said(results: Results) -> str:
        lists = _select(results, name, "all")
        false = sum(each["false_share"] * each["flagged"] for each in lists)
        return share(false / max(1, sum(each["flagged"] for each in lists)))

    return said


def beside_elsewhere(results: Results) -> str:
    """Clean rows from elsewhere and pairs in the same cells, by kind of error."""
    kinds = _kinds(results)
    rows = [["cells", "", *(count(len(_select(results, NAME, kind))) for kind in kinds)]]
    for key, (said, shown) in MEASURES.items():
        for name, heading in ((ELSEWHERE, "elsewhere"), (NAME, "pairs")):
            figures = [shown(average(_select(results, name, kind), key)) for kind in kinds]
            rows.append([said, heading, *figures])
    for key, (said, shown) in RANGES.items():
        figures = [shown(average(_select(results, NAME, kind), key)) for kind in kinds]
        rows.append([said, "pairs", *figures])
    return table(["", "clean rows", *(KINDS[kind] for kind in kinds)], rows, left=2)


FIGURES: dict[str, Figure] = {
    "sampled.cells": lambda r: count(len(_select(r, NAME, "all"))),
    "sampled.source": source(NAME),
    "sampled.rate_holds": mean_of("rate_holds", percent),
    "sampled.rate_half_width": mean_of("rate_half_width", share),
    "sampled.class_holds": mean_of("class_holds", percent),
    "sampled.false_share.pooled": pooled_false_share(NAME),
    "sampled.false_share.pooled.elsewhere": pooled_false_share(ELSEWHERE),
}

TABLES: dict[str, Figure] = {"sampled.beside_elsewhere": beside_elsewhere}
