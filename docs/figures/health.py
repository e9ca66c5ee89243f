"""Figures of `benchmarks.health`: what is found beside labels, and what is told of plain tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docs.figures.numbers import percent, ratio, share, table
from docs.figures.results import source

if TYPE_CHECKING:
    from docs.figures.results import Figure, Results

NAME = "health"

PLANTED = {
    "leak, given": "a column that is the given label",
    "leak, true": "a column that is the true label, a tenth of the given ones wrong",
    "leak, true with jitter": "the same with jitter",
    "copies, jitter 0.001": "near copies of 1 % of the rows, jitter of .001 standard deviations",
    "copies, jitter 0.01": "the same, .01",
    "outliers, as they are": "20 rows of another table, as they are",
    "outliers, matched": "the same, each column with this table's mean and spread",
    "test rows": "a twentieth of TEST's rows copied into DATA",
}
BESIDE = {
    "outliers, as they are": "those of them that equal no row of the table",
    "test rows": "the same, told as more than DATA's own rows repeat",
}
KINDS = ("classes", "numbers")


def recall_table(results: Results) -> str:
    """Recall of each thing planted, where labels are classes and where they are numbers."""
    rows = []
    for what, words in PLANTED.items():
        rows.append([words, *(share(results[NAME][kind]["recall"][what], 2) for kind in KINDS)])
        if what in BESIDE:
            beside = (results[NAME][kind]["recall beside natural"][what] for kind in KINDS)
            rows.append([BESIDE[what], *(share(each, 2) for each in beside)])
    return table(["planted", *(f"labels are {kind}" for kind in KINDS)], rows)


def told(kind: str, *, is_counted: bool) -> Figure:
    """Findings a table as it is: those that are counted, or the others."""

    def said(results: Results) -> str:
        found = results[NAME][kind]
        counted = found["of them counted"]
        return ratio(counted if is_counted else found["findings"] - counted)

    return said


def time_share(results: Results) -> str:
    """The largest share of the rest of an audit that looking takes."""
    return percent(max(each["share of the rest"] for each in results[NAME]["audits"]))


FIGURES: dict[str, Figure] = {
    "health.source": source(NAME),
    "health.counted": told("classes", is_counted=True),
    "health.judged": told("classes", is_counted=False),
    "health.numbers_counted": told("numbers", is_counted=True),
    "health.numbers_judged": told("numbers", is_counted=False),
    "health.time": time_share,
}

TABLES: dict[str, Figure] = {"health.recall": recall_table}
