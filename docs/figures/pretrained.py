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


USUAL = "usual features: "


def by_cell(results: Results) -> str:
    """Average precision of the audit and of the best of four peers, cell by cell."""
    rows = []
    for cell in results[NAME]["cells"]:
        found = cell["precision"]
        ours, scratch = found[OURS], found.get(SCRATCH)
        peers = _best_peer(cell, is_usual=False), _best_peer(cell, is_usual=True)
        rows.append(
            [
                f"{SETS[cell['set']]}, {KINDS[cell['kind']]}",
                bold(share(ours)),
                "" if scratch is None else share(scratch),
                *(text for best in peers for text in (share(best), signed(ours - best))),
                str(cell["features_read_by"]),
            ]
        )
    peers_of = ["best of four, same features", "lead", "best of four, usual features", "lead"]
    return table(["", "audit", "from scratch", *peers_of, "features are read by"], rows)


def _best_peer(cell: Record, *, is_usual: bool) -> float:
    return max(
        value
        for name, value in cell["precision"].items()
        if name not in (OURS, SCRATCH) and name.startswith(USUAL) == is_usual
    )


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
