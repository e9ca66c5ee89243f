"""Figures of audits of images."""

from __future__ import annotations

from statistics import mean
from typing import TYPE_CHECKING

from docs.figures.numbers import bold, count, ratio, share, span, table
from docs.figures.results import average, source, where

if TYPE_CHECKING:
    from collections.abc import Callable

    from docs.figures.results import Figure, Record, Results

METHODS = {
    "ours": "**datacleanse**",
    "cleanlab margin": "cleanlab, margin",
    "cleanlab confidence": "cleanlab, confidence",
    "aum": "AUM",
    "loss": "loss",
    "knn pixels": "knn pixels",
    "knn network": "knn network",
    "patches": "patches alone",
    "ours, no second opinion": "ours without patches",
}
PEERS = ("cleanlab margin", "cleanlab confidence", "aum", "loss", "knn pixels", "knn network")
SETS = {"mnist": "MNIST", "flowers": "flowers", "cifar10n_a": "CIFAR-10N"}
KINDS = {
    "uniform05": "uniform 5 %",
    "uniform30": "uniform 30 %",
    "pair20": "pair 20 %",
    "background20": "background 20 %",
    "feature15": "feature 15 %",
    "worse_label": '"worse"',
    "aggre_label": "aggregate",
    "random_label1": "random 1",
    "random_label2": "random 2",
    "random_label3": "random 3",
}
AP = "average_precision"


def _cells(results: Results) -> list[Record]:
    cells: list[Record] = results["images"]["cells"]
    return cells


def _mean(results: Results, method: str, key: str = AP) -> float:
    return average((cell["measures"][method] for cell in _cells(results)), key)


def precision(method: str) -> Figure:
    """The mean average precision of a method."""
    return lambda results: share(_mean(results, method))


def best_peer(results: Results) -> str:
    """The mean average precision of the best peer."""
    return share(max(_mean(results, method) for method in PEERS))


def lead(results: Results) -> str:
    """The lead over the best peer, on the mean."""
    return share(_mean(results, "ours") - max(_mean(results, method) for method in PEERS))


def by_cell(results: Results) -> str:
    """Average precision in each cell."""
    rows = []
    for cell in _cells(results):
        figures = [share(cell["measures"][method][AP]) for method in METHODS]
        rows.append([f"{SETS[cell['set']]}, {KINDS[cell['kind']]}", *figures])
    means = [share(_mean(results, method)) for method in METHODS]
    rows.append(["mean", bold(means[0]), *means[1:]])
    return table(["", *METHODS.values()], rows)


def on_gpu(results: Results) -> str:
    """Two larger cells, audited on a GPU."""
    rows = []
    for cell in results["images_gpu"]["cells"]:
        measures, accuracy = cell["measures"], cell["accuracy"]
        best = max(PEERS, key=lambda method: measures[method][AP])
        models = f"{share(accuracy['reweighted'])} / {share(accuracy['control'])}"
        peer = f"{share(measures[best][AP])} ({METHODS[best]})"
        ours, patches = (share(measures[method][AP]) for method in ("ours", "patches"))
        said = {
            "worse_label": 'people\'s own labels, "worse"',
            "background40": "40 % into one class",
        }
        rows.append([said[cell["kind"]], ours, peer, patches, models])
    header = ["labels", "ours", "best peer", "patches alone", "accuracy, exported / plain"]
    return table(header, rows)


def gap(method: str, than: str, **wanted: str) -> Figure:
    """How far one method is ahead of another in one cell."""

    def said(results: Results) -> str:
        (cell,) = where(_cells(results), **wanted)
        return share(cell["measures"][method][AP] - cell["measures"][than][AP])

    return said


def cost(choose: Callable[[list[float]], float]) -> Figure:
    """Processor time of an audit over that of five-fold cross-validation and a fit."""

    def said(results: Results) -> str:
        ours, folds = (
            [cell["measures"][method]["seconds"] for cell in _cells(results)]
            for method in ("ours", "cleanlab margin")
        )
        # Five folds train on four times the rows in all; a fit on all rows is a fourth of that.
        ratios = [mine / (1.25 * theirs) for mine, theirs in zip(ours, folds, strict=True)]
        return ratio(choose(ratios))

    return said


def gpu_list(kind: str, method: str, key: str) -> Figure:
    """The length or the false share of a list of flags in a cell on a GPU."""

    def said(results: Results) -> str:
        (cell,) = where(results["images_gpu"]["cells"], kind=kind)
        value = cell["measures"][method][key]
        return count(value) if key == "flagged" else share(value)

    return said


def accuracy(model: str) -> Figure:
    """The mean accuracy of a model on true labels."""
    return lambda results: share(average((c["accuracy"] for c in _cells(results)), model))


def largest_false_share(results: Results) -> str:
    """The largest false share of a list of flags."""
    return share(max(cell["measures"]["ours"]["false_share"] for cell in _cells(results)))


def gpu_seconds(part: str) -> Figure:
    """The least and the most seconds of a part of an audit in the cells on a GPU."""

    def said(results: Results) -> str:
        found = sorted(cell["timings"][part] for cell in results["images_gpu"]["cells"])
        return span(count(seconds) for seconds in found)

    return said


def rest_over_plain(results: Results) -> str:
    """Time of scores and files over that of plain training."""
    seconds = results["image_time"]["seconds"]
    return ratio((seconds["score"] + seconds["write"]) / seconds["control"])


def time_over_plain(key: str) -> Figure:
    """A part of an audit's time over that of plain training."""

    def said(results: Results) -> str:
        seconds = results["image_time"]["seconds"]
        return ratio(seconds[key] / seconds["control"], 1 if key == "total" else 2)

    return said


FIGURES: dict[str, Figure] = {
    "images.source": source("images"),
    "images.cells": lambda r: count(len(_cells(r))),
    "images.ap.ours": precision("ours"),
    "images.ap.best_peer": best_peer,
    "images.ap.aum": precision("aum"),
    "images.ap.loss": precision("loss"),
    "images.ap.knn_pixels": precision("knn pixels"),
    "images.ap.patches": precision("patches"),
    "images.ap.without_patches": precision("ours, no second opinion"),
    "images.lead": lead,
    "images.false_share": lambda r: share(_mean(r, "ours", "false_share")),
    "images.false_share.largest": largest_false_share,
    "images.accuracy.plain": accuracy("control"),
    "images.accuracy.exported": accuracy("reweighted"),
    "images.recall": lambda r: share(_mean(r, "ours", "recall")),
    "images.false_share.cleanlab": lambda r: share(_mean(r, "cleanlab margin", "false_share")),
    "images.gap.flowers": gap("aum", "ours", set="flowers", kind="pair20"),
    "images.gap.aggregate": gap("cleanlab confidence", "ours", kind="aggre_label"),
    "images.gap.worse": gap("ours", "aum", kind="worse_label"),
    "images.gap.patches": gap("patches", "ours", kind="random_label3"),
    "images.seconds": lambda r: count(_mean(r, "ours", "seconds")),
    "images.cost": cost(mean),
    "images.cost.least": cost(min),
    "images.cost.most": cost(max),
    **{
        f"images.gpu.{kind}.{short}.{key}": gpu_list(kind, method, key)
        for kind in ("worse_label", "background40")
        for short, method in (("ours", "ours"), ("cleanlab", "cleanlab margin"))
        for key in ("flagged", "false_share")
    },
    "images.time.seconds": lambda r: count(r["image_time"]["seconds"]["total"]),
    "images.time.plain": lambda r: ratio(r["image_time"]["seconds"]["control"], 1),
    "images.time.over_plain": time_over_plain("total"),
    "images.time.reweighted": time_over_plain("reweighted"),
    "images.time.swapped": time_over_plain("swapped"),
    "images.time.rest": rest_over_plain,
    "images.time.source": source("image_time"),
    "images.gpu.source": source("images_gpu"),
    "images.gpu.seconds": gpu_seconds("total"),
    "images.gpu.seconds.plain": gpu_seconds("control"),
    "images.time.final": time_over_plain("final"),
}

TABLES: dict[str, Figure] = {"images.by_cell": by_cell, "images.gpu": on_gpu}
