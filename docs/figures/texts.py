"""Figures of `benchmarks.detection.text`: wrong labels of texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docs.figures.numbers import count, share, signed, table
from docs.figures.results import average, source

if TYPE_CHECKING:
    from docs.figures.results import Figure, Record, Results

NAME = "text"
COLUMNS = {
    "ours-plain": "counts alone",
    "ours": "with `datacleanse[text]`",
    "tfidf-margin": "cleanlab, TF-IDF",
    "embedding-margin": "cleanlab, vectors",
    "best": "best of four",
}
"""What is shown of each cell, with its heading."""
NOISES = {"pair20": "pair 20 %", "uniform10": "uniform 10 %", "near15": "near the boundary 15 %"}


def cells(results: Results) -> str:
    """Average precision by set and kind of error, means over the draws, then of all cells."""
    every: list[Record] = results[NAME]["cells"]
    kinds = sorted({(each["table"], each["noise"]) for each in every})
    rows = []
    for name, noise in kinds:
        some = [each for each in every if (each["table"], each["noise"]) == (name, noise)]
        means = (share(average(some, column)) for column in COLUMNS)
        rows.append([f"{name}, {NOISES[noise]}", count(len(some)), *means])
    means = (share(average(every, column)) for column in COLUMNS)
    rows.append(["all", count(len(every)), *means])
    return table(["", "draws", *COLUMNS.values()], rows)


def lead(way: str, key: str) -> Figure:
    """How far ours lead the best of the four: the mean, or the least of a cell."""
    return lambda results: signed(results[NAME]["lead"][way][key])


def mixed(way: str) -> Figure:
    """The mean average precision on a table of numbers, or with its text."""
    return lambda results: share(average(results[NAME]["mixed"], way))


FIGURES: dict[str, Figure] = {
    "text.source": source(NAME),
    "text.lead.plain": lead("ours-plain", "mean"),
    "text.lead.plain.least": lead("ours-plain", "least"),
    "text.lead.model": lead("ours", "mean"),
    "text.lead.model.least": lead("ours", "least"),
    "text.mixed.numbers": mixed("numbers"),
    "text.mixed.both": mixed("numbers and text"),
}

TABLES: dict[str, Figure] = {"text.cells": cells}
