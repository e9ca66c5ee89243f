"""Figures of `benchmarks.detection.brought`: probabilities that a user hands over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docs.figures.numbers import count, percent, signed
from docs.figures.results import source

if TYPE_CHECKING:
    from docs.figures.results import Figure

NAME = "brought"


def gain(way: str, key: str) -> Figure:
    """What one kind of probabilities adds to average precision: the mean, or the least."""
    return lambda results: signed(results[NAME][way][key])


def noticed(way: str) -> Figure:
    """In which share of the cells the audit left them out."""
    return lambda results: percent(results[NAME][way]["noticed"])


FIGURES: dict[str, Figure] = {
    "brought.source": source(NAME),
    "brought.cells": lambda results: count(results[NAME]["n_cells"]),
    "brought.out_of_fold.mean": gain("out_of_fold", "mean"),
    "brought.out_of_fold.least": gain("out_of_fold", "least"),
    "brought.out_of_fold.noticed": noticed("out_of_fold"),
    "brought.in_sample.mean": gain("in_sample", "mean"),
    "brought.in_sample.noticed": noticed("in_sample"),
}
TABLES: dict[str, Figure] = {}
