"""Figures of the engine and the network: trusted gradients, rules, cost of a step, schedules."""

from __future__ import annotations

import math
from functools import partial
from statistics import mean, median, stdev
from typing import TYPE_CHECKING

from docs.figures.numbers import (
    EMPTY,
    bold,
    count,
    points,
    ratio,
    share,
    signed_points,
    table,
    with_error,
)
from docs.figures.results import average, where

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docs.figures.results import Figure, Record, Results

MEASURES = {"suspicion_ap": "suspicion AP", "margin_ap": "margin AP", "accuracy": "accuracy"}
DEFAULT_OF_IMAGES = "32 rows, every 4"
CHOSEN = ("chosen", "random forest", "boosted trees")


def paired(trials: Sequence[Record], *, with_cost: bool) -> list[list[str]]:
    """A row a way: the mean of each measure, and its paired difference from the first way's."""
    ways = list(dict.fromkeys(trial["way"] for trial in trials))
    first, rows = where(trials, way=ways[0]), []
    for way in ways:
        mine = where(trials, way=way)
        row = [way]
        for key in MEASURES:
            gaps = [a[key] - b[key] for a, b in zip(mine, first, strict=True)]
            error = stdev(gaps) / math.sqrt(len(gaps))
            row += [share(average(mine, key)), with_error(mean(gaps), error)]
        rows.append([*row, ratio(average(mine, "cost"))] if with_cost else row)
    return rows


def _paired_header(first: str, *, with_cost: bool) -> list[str]:
    header = [first]
    for said in MEASURES.values():
        header += [said, "±"]
    return [*header, "cost"] if with_cost else header


def meta_gradient(results: Results) -> str:
    """Trusted gradients on tables."""
    rows = paired(results["meta_gradient"]["trials"], with_cost=True)
    return table(_paired_header("trusted gradient", with_cost=True), rows)


def meta_images(results: Results) -> str:
    """Trusted gradients on MNIST digits, long trainings first."""
    trials: list[Record] = results["meta_images"]["trials"]
    rows = []
    for epochs in sorted({trial["epochs"] for trial in trials}, reverse=True):
        lines = paired(where(trials, epochs=epochs), with_cost=True)
        rows += [[count(epochs), *line] for line in lines]
    return table(["epochs", *_paired_header("trusted gradient", with_cost=True)], rows, left=2)


def hybrid(results: Results) -> str:
    """Other weights and rules against the default."""
    rows = paired(results["hybrid"]["trials"], with_cost=False)
    return table(_paired_header("weights", with_cost=False), rows)


def meta_posterior(results: Results) -> str:
    """Trusted gradients on images, judged by the suspicion."""
    trials: list[Record] = results["meta_posterior"]["trials"]
    names = {
        "mnist:pair20": "MNIST, pair 20 %",
        "flowers:uniform30": "flowers, uniform 30 %",
        "cifar10n_a:worse_label": 'CIFAR-10N, "worse"',
    }
    rows = []
    for way in dict.fromkeys(trial["way"] for trial in trials):
        mine = where(trials, way=way)
        cells = [share(average(where(mine, cell=cell), "suspicion")) for cell in names]
        keys = ("suspicion", "without second opinion", "margin")
        cells += [share(average(mine, key)) for key in keys]
        is_default = way == DEFAULT_OF_IMAGES
        rows.append([bold(way, is_default), *cells, ratio(average(mine, "cost"))])
    header = ["trusted gradient", *names.values(), "mean", "without second opinion"]
    return table([*header, "margin alone", "cost"], rows)


def step_cost(results: Results) -> str:
    """Time and memory of an epoch by each route, over plain training."""
    rows = []
    for case in results["step_cost"]["cases"]:
        plain, peaks = case["seconds"]["plain"], case["peak_mib"]
        for route, mine in case["seconds"].items():
            over = median(a / b for a, b in zip(mine, plain, strict=True))
            memory = [count(peaks[route]), ratio(peaks[route] / peaks["plain"])]
            rows.append([case["case"], route, f"{ratio(median(mine))} s", ratio(over), *memory])
    header = ["", "route", "time", "over plain", "peak memory, MiB", "over plain"]
    return table(header, rows, left=2)


def _on_gpu(results: Results, part: str, *, unit: str) -> str:
    found = results["gpu"]["parts"][part]
    plain, peaks = found["seconds"]["plain"], found["peak_mib"]
    rows = []
    for route, mine in found["seconds"].items():
        over = median(a / b for a, b in zip(mine, plain, strict=True))
        speed = count(found["rows"] / median(mine))
        rows.append([route, speed, ratio(over), count(peaks[route])])
    return table(
        [f"route, batch {found['batch']}", f"{unit}/s", "time over plain", "peak MiB"], rows
    )


def gpu_cifar(results: Results) -> str:
    """The paper's CIFAR-10 setting."""
    cells: list[Record] = results["gpu"]["parts"]["cifar"]["cells"]
    rules = {"uniform": "plain", "random": "random weights", "l2rw": "learned weights"}
    rows = [
        [
            noise,
            *(share(average(where(cells, noise=noise, rule=rule), "accuracy")) for rule in rules),
        ]
        for noise in dict.fromkeys(cell["noise"] for cell in cells)
    ]
    return table(["flips", *rules.values()], rows)


def stage(results: Results, name: str) -> str:
    """One stage of the choice of network and schedule."""
    summary = results["network_choice"]["stages"][name]["summary"]
    levels = list(summary[0]["accuracy"])
    rows = []
    for entry in summary:
        lead = signed_points(entry["lead"])
        if entry["lead_error"] is not None:
            lead += f" ± {points(entry['lead_error'])}"
        precision = entry["average_precision"]
        figures = [points(entry["accuracy"][level]) for level in levels]
        figures += [points(entry["mean"]), lead]
        figures.append(EMPTY if precision is None else points(precision))
        rows.append([entry["name"], *figures, ratio(entry["time_ratio"])])
    header = ["", *(level.replace("%", " %") for level in levels), "mean", "lead ± s.e."]
    return table([*header, "errors found (AP)", "time ratio"], rows)


def by_table(results: Results) -> str:
    """Accuracy of the chosen network, forest and boosted trees on each table."""
    cells: list[Record] = results["network_choice"]["stages"]["confirm"]["cells"]
    levels = sorted({cell["noise"] for cell in cells})
    rows = []
    for name in dict.fromkeys(cell["table"] for cell in cells):
        mine = where(cells, table=name)
        figures = [
            points(average(where(mine, name=contestant, noise=level), "accuracy"))
            for contestant in CHOSEN
            for level in levels
        ]
        rows.append([name, *figures])
    header = [f"{name} {level:.0%}".replace("%", " %") for name in CHOSEN for level in levels]
    return table(["", *header], rows)


FIGURES: dict[str, Figure] = {}

TABLES: dict[str, Figure] = {
    "engine.meta_gradient": meta_gradient,
    "engine.meta_images": meta_images,
    "engine.meta_posterior": meta_posterior,
    "engine.rules": hybrid,
    "engine.step_cost": step_cost,
    "engine.gpu.images": partial(_on_gpu, part="images", unit="images"),
    "engine.gpu.table": partial(_on_gpu, part="table", unit="rows"),
    "engine.gpu.cifar": gpu_cifar,
    "network.confirm": partial(stage, name="confirm"),
    "network.by_table": by_table,
    "network.screen": partial(stage, name="screen"),
    "network.combine": partial(stage, name="combine"),
    "network.20000": partial(stage, name="20,000 rows"),
    "network.60000": partial(stage, name="60,000 rows"),
    "network.200000": partial(stage, name="200,000 rows"),
}
