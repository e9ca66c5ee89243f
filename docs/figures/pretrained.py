"""Figures of pictures by a pretrained network, and of models where clean rows were drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docs.figures.images import KINDS, SETS
from docs.figures.numbers import bold, count, percent, share, signed, table
from docs.figures.results import source

if TYPE_CHECKING:
    from docs.figures.results import Figure, Record, Results

NAME, MODEL = "pretrained", "no_harm"
OURS, SCRATCH = "ours", "from scratch"


def by_cell(results: Results) -> str:
    """Average precision of the audit and of the best of four peers, cell by cell."""
    rows = []
    for cell in results[NAME]["cells"]:
        found = cell["precision"]
        best, scratch = _best_peer(cell), found.get(SCRATCH)
        rows.append(
            [
                f"{SETS[cell['set']]}, {KINDS[cell['kind']]}",
                bold(share(found[OURS])),
                "" if scratch is None else share(scratch),
                share(best),
                signed(found[OURS] - best),
                str(cell["features_read_by"]),
            ]
        )
    heads = ["", "audit", "from scratch", "best of four", "lead", "features are read by"]
    return table(heads, rows)


def _best_peer(cell: Record) -> float:
    found = cell["precision"]
    return max(value for name, value in found.items() if name not in (OURS, SCRATCH))


FIGURES: dict[str, Figure] = {
    "pretrained.source": source(NAME),
    "sampled.model.source": source(MODEL),
    "sampled.model.cells": lambda r: count(len(r[MODEL]["cells"])),
    "sampled.model.worse": lambda r: count(len(r[MODEL]["worse_accuracy"])),
    "sampled.model.worse_balanced": lambda r: count(len(r[MODEL]["worse_balanced_accuracy"])),
    "sampled.model.higher_loss": lambda r: count(len(r[MODEL]["higher_log_loss"])),
    "sampled.model.way": lambda r: percent(r[MODEL]["share_of_the_way"]),
}
TABLES: dict[str, Figure] = {"pretrained.by_cell": by_cell}
