"""Figures of how far audits reach: cores, wide data, rows beyond memory, forecasts, ceilings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docs.figures.costs import MIB
from docs.figures.detection import KINDS
from docs.figures.numbers import count, ratio, share, span, table
from docs.figures.results import source

if TYPE_CHECKING:
    from docs.figures.results import Figure, Record, Results

WIDE = {
    "embeddings": "3,000 rows, a list column of 1,280 numbers",
    "texts": "5,000 texts of 40 words",
    "classes": "600 classes of 3 rows",
    "scoring": "scoring alone, 3,000 rows of 77 classes",
}


def busy_table(results: Results) -> str:
    """Cores at work while networks are trained, by number of rows."""
    rows = [[count(s["rows"]), ratio(s["busy"])] for s in results["busy_cores"]["sizes"]]
    return table(["rows", "cores busy, of 2"], rows, left=0)


def wide_table(results: Results) -> str:
    """Seconds of audits that are wide, of many classes, or of texts."""
    least = results["many_features"]["least"]
    return table(["", "seconds"], [[said, ratio(least[key], 1)] for key, said in WIDE.items()])


def large_table(results: Results) -> str:
    """Time and memory of an audit of more pictures than its memory holds."""
    rows = [[count(size["rows"]), *_cost(size)] for size in results["large_pictures"]["sizes"]]
    return table(["pictures", "seconds", "MiB", "MiB without files"], rows, left=0)


def large_tables(results: Results) -> str:
    """The same of tables, and the time a row over that of the first."""
    rows = [
        [count(size["rows"]), *_cost(size), ratio(size["time_a_row_over_first"])]
        for size in results["large_tables"]["sizes"]
    ]
    header = ["rows", "seconds", "MiB", "MiB without files", "time a row, over the first"]
    return table(header, rows, left=0)


def _cost(size: Record) -> list[str]:
    """Seconds, and MiB with files and without."""
    keys = ("all_processes_bytes", "without_files_bytes")
    return [count(size["seconds"]), *(count(size[key] / MIB) for key in keys)]


def forecast(key: str) -> Figure:
    """The least and the most that was told, over what it then was."""

    def said(results: Results) -> str:
        cases: list[Record] = results["forecast"]["cases"]
        return span(ratio(v) for v in (min(c[key] for c in cases), max(c[key] for c in cases)))

    return said


def ceiling_table(results: Results) -> str:
    """Average precision with labels as given, and with the true label of all other rows."""
    means = results["ceiling"]["means"]
    ways = {
        "ours": "audit",
        "opinion": "second opinion alone",
        "opinion_of_true_labels": "the same, all other labels true",
    }
    rows = [
        [said, count(means[kind]["cells"]), *(share(means[kind][way]) for way in ways)]
        for kind, said in KINDS.items()
    ]
    return table(["errors", "cells", *ways.values()], rows)


FIGURES: dict[str, Figure] = {
    "busy.source": source("busy_cores"),
    "wide.source": source("many_features"),
    "large.pictures.source": source("large_pictures"),
    "large.tables.source": source("large_tables"),
    "forecast.source": source("forecast"),
    "forecast.near": lambda r: count(r["forecast"]["near"]),
    "forecast.count": lambda r: count(r["forecast"]["count"]),
    "forecast.time": forecast("time_ratio"),
    "forecast.memory": forecast("memory_ratio"),
    "ceiling.source": source("ceiling"),
}

TABLES: dict[str, Figure] = {
    "busy.by_rows": busy_table,
    "wide.by_kind": wide_table,
    "large.pictures.by_rows": large_table,
    "large.tables.by_rows": large_tables,
    "ceiling.by_kind": ceiling_table,
}
