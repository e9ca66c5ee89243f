"""Figures of `benchmarks.detection.regression`: how well wrong numbers are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docs.figures.numbers import percent, ratio, share, signed, table
from docs.figures.results import average, source, where

if TYPE_CHECKING:
    from docs.figures.results import Figure, Results

NAME = "regression"

ERRORS = {
    "anew": "drawn anew",
    "shift": "3 deviations off",
    "times10": "times ten",
    "swap": "swapped",
    "blur": "noise of 2 deviations",
}


def sums(key: str) -> Figure:
    """A sum over all cells, as a share."""
    return lambda results: share(results[NAME]["sums"][key])


def gain(key: str) -> Figure:
    """The same with its sign."""
    return lambda results: signed(results[NAME]["sums"][key])


def rate_holds(results: Results) -> str:
    """In how many cells the interval holds the true rate."""
    return percent(results[NAME]["sums"]["rate_holds"])


def rmse_gain(results: Results) -> str:
    """How much less the model errs than plain training, on the mean."""
    return percent(results[NAME]["sums"]["rmse_gain"])


def cell_table(results: Results) -> str:
    """Average precision of ours and of the best of cleanlab's four scores, by table and error."""
    cells = [{**cell, "best": max(cell["cleanlab"].values())} for cell in results[NAME]["cells"]]
    rows = []
    for name in dict.fromkeys(cell["table"] for cell in cells):
        mine = [where(cells, table=name, error=error) for error in ERRORS]
        rows.append(
            [
                name,
                *(
                    f"{share(average(each, 'average_precision'))} / {share(average(each, 'best'))}"
                    for each in mine
                ),
            ]
        )
    return table(["table", *ERRORS.values()], rows)


def worst_rmse(results: Results) -> str:
    """By how many standard errors the model is worse than plain training where it is worst."""
    return ratio(-results[NAME]["sums"]["least_rmse_gain_in_errors"], 1)


FIGURES: dict[str, Figure] = {
    "regression.source": source(NAME),
    "regression.ours": sums("average_precision"),
    "regression.cleanlab": sums("cleanlab"),
    "regression.least_gain": gain("least_gain"),
    "regression.false_share": sums("false_share"),
    "regression.rate_holds": rate_holds,
    "regression.rmse_gain": rmse_gain,
    "regression.worst_rmse": worst_rmse,
}

TABLES: dict[str, Figure] = {"regression.cells": cell_table}
