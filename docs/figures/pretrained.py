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
PEERS = ("logistic", "neighbours")

USUAL, ALONE = "usual features: ", "without mirror images: "


def by_cell(results: Results) -> str:
    """Average precision of the audit and of the best of four peers, cell by cell."""
    rows = []
    for cell in results[NAME]["cells"]:
        found = cell["precision"]
        ours, scratch = found[OURS], found.get(SCRATCH)
        peers = [_best_peer(cell, before) for before in ("", ALONE, USUAL)]
        rows.append(
            [
                f"{SETS[cell['set']]}, {KINDS[cell['kind']]}",
                bold(share(ours)),
                "" if scratch is None else share(scratch),
                *(text for best in peers for text in _compare(ours, best)),
                str(cell["features_read_by"]),
            ]
        )
    read = ("same features", "without mirror images", "usual features")
    peers_of = [text for each in read for text in (f"best of four, {each}", "lead")]
    return table(["", "audit", "from scratch", *peers_of, "features are read by"], rows)


def _best_peer(cell: Record, before: str) -> float | None:
    """The best of those whose names begin so; None where there is none."""
    starts = tuple(f"{before}{peer}, " for peer in PEERS)
    found = [value for name, value in cell["precision"].items() if name.startswith(starts)]
    return max(found, default=None)


def _compare(ours: float, peer: float | None) -> tuple[str, str]:
    """A peer's average precision, and the audit's lead."""
    return ("", "") if peer is None else (share(peer), signed(ours - peer))


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
