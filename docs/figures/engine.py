"""Figures of the engine and the network: steering gradients, rules, cost of a step, schedules."""

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
    span,
    table,
    with_error,
)
from docs.figures.results import average, source, where

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from docs.figures.results import Figure, Record, Results

MEASURES = {"suspicion_ap": "suspicion AP", "margin_ap": "margin AP", "accuracy": "accuracy"}
DEFAULT_OF_IMAGES = "32 rows, every 4, head"
PLAIN = "plain_accuracy"
CHOSEN = ("chosen", "random forest", "boosted trees")
ROUTES = {"audited, all trusted rows at each step": "audited, all steering rows at each step"}
"""Names in the results that the pages say otherwise."""


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
    """Steering gradients on tables."""
    rows = paired(results["meta_gradient"]["trials"], with_cost=True)
    return table(_paired_header("steering gradient", with_cost=True), rows)


def meta_images(results: Results) -> str:
    """Steering gradients on MNIST digits, long trainings first."""
    trials: list[Record] = results["meta_images"]["trials"]
    rows = []
    for epochs in sorted({trial["epochs"] for trial in trials}, reverse=True):
        lines = paired(where(trials, epochs=epochs), with_cost=True)
        rows += [[count(epochs), *line] for line in lines]
    return table(["epochs", *_paired_header("steering gradient", with_cost=True)], rows, left=2)


def hybrid(results: Results) -> str:
    """Other weights and rules against the default."""
    rows = paired(results["hybrid"]["trials"], with_cost=False)
    return table(_paired_header("weights", with_cost=False), rows)


def meta_posterior(results: Results) -> str:
    """Steering gradients on images, judged by the suspicion."""
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
    header = ["steering gradient", *names.values(), "mean", "without second opinion"]
    return table([*header, "margin alone", "cost"], rows)


def step_cost(results: Results) -> str:
    """Time and memory of an epoch by each route, over plain training."""
    rows = []
    for case in results["step_cost"]["cases"]:
        plain, peaks = case["seconds"]["plain"], case["peak_mib"]
        for route, mine in case["seconds"].items():
            over = median(a / b for a, b in zip(mine, plain, strict=True))
            memory = [count(peaks[route]), ratio(peaks[route] / peaks["plain"])]
            said = ROUTES.get(route, route)
            rows.append([case["case"], said, f"{ratio(median(mine))} s", ratio(over), *memory])
    header = ["", "route", "time", "over plain", "peak memory, MiB", "over plain"]
    return table(header, rows, left=2)


def audited_over_plain(kind: str) -> Figure:
    """The least and the most time of an audited step over a plain one, in some of the cases."""

    def said(results: Results) -> str:
        cases = results["step_cost"]["cases"]
        ratios = [_over_plain(case["seconds"]) for case in cases if kind in case["case"]]
        found = [ratio(each) for each in sorted(ratios)]
        return span(found) if len(found) > 1 else found[0]

    return said


def on_gpu_over_plain(results: Results) -> str:
    """Time of an audited step over a plain one, on images and on a GPU."""
    return ratio(_over_plain(results["gpu"]["parts"]["images"]["seconds"]))


def _over_plain(seconds: Record) -> float:
    """The median, over rounds by turns, of the time of an audited step over a plain one."""
    rounds = zip(seconds["audited"], seconds["plain"], strict=True)
    return float(median(mine / plain for mine, plain in rounds))


def _on_gpu(results: Results, part: str, *, unit: str) -> str:
    found = results["gpu"]["parts"][part]
    plain, peaks = found["seconds"]["plain"], found["peak_mib"]
    rows = []
    for route, mine in found["seconds"].items():
        over = median(a / b for a, b in zip(mine, plain, strict=True))
        speed = count(found["rows"] / median(mine))
        memory = [count(peaks[route]), ratio(peaks[route] / peaks["plain"])]
        rows.append([ROUTES.get(route, route), speed, ratio(over), *memory])
    header = [f"route, batch {found['batch']}", f"{unit}/s", "time over plain", "peak MiB"]
    return table([*header, "over plain"], rows)


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


def against(result: str, key: str, ways: tuple[str, str], **wanted: object) -> Figure:
    """The paired difference of one way from another, with its standard error."""

    def said(results: Results) -> str:
        trials = where(results[result]["trials"], **wanted)
        pairs = zip(where(trials, way=ways[0]), where(trials, way=ways[1]), strict=True)
        gaps = [mine[key] - other[key] for mine, other in pairs]
        return with_error(mean(gaps), stdev(gaps) / math.sqrt(len(gaps)))

    return said


def plain_accuracy(result: str, **wanted: object) -> Figure:
    """The accuracy of plain training in these trials."""
    return lambda results: share(average(where(results[result]["trials"], **wanted), PLAIN))


def confirmed(name: str, level: float) -> Figure:
    """The mean accuracy of a contestant on all tables, in per cent."""
    return lambda results: points(_confirmed(results, name, level))


def behind(table_name: str, peer: str, level: float) -> Figure:
    """By how many points a peer is ahead of the chosen network on one table."""

    def said(results: Results) -> str:
        ahead, ours = (
            _confirmed(results, name, level, table=table_name) for name in (peer, CHOSEN[0])
        )
        return points(ahead - ours)

    return said


def lead_at(level: float, peer: str) -> Figure:
    """By how many points the chosen network is ahead of a peer on all tables."""
    return lambda r: points(_confirmed(r, CHOSEN[0], level) - _confirmed(r, peer, level))


def _confirmed(results: Results, name: str, level: float, **wanted: object) -> float:
    cells = results["network_choice"]["stages"]["confirm"]["cells"]
    return average(where(cells, name=name, noise=level, **wanted), "accuracy")


def of_stage(stage_name: str, name: str, key: str, show: Callable[[float], str]) -> Figure:
    """One figure of a contestant in a stage."""

    def said(results: Results) -> str:
        summary = results["network_choice"]["stages"][stage_name]["summary"]
        return show(where(summary, name=name)[0][key])

    return said


def lost_on(table_name: str, stage_name: str, ways: tuple[str, str]) -> Figure:
    """By how many points the second way is behind the first on a table with true labels."""

    def said(results: Results) -> str:
        cells = results["network_choice"]["stages"][stage_name]["cells"]
        first, second = (
            average(where(cells, table=table_name, noise=0.0, name=way), "accuracy") for way in ways
        )
        return points(first - second)

    return said


def chosen_lead(results: Results) -> str:
    """The lead of the chosen network over the reference, in points."""
    (entry,) = where(results["network_choice"]["stages"]["confirm"]["summary"], name=CHOSEN[0])
    return f"{points(entry['lead'])} ± {points(entry['lead_error'])}"


SMALL, FULL = "32 rows, each step", "full, every 2"
FOREST, BOOSTED = CHOSEN[1:]

FIGURES: dict[str, Figure] = {
    "engine.meta_gradient.four": against(
        "meta_gradient", "suspicion_ap", ("full, every 4", "full, fresh each step")
    ),
    "engine.meta_gradient.four.accuracy": against(
        "meta_gradient", "accuracy", ("full, every 4", "full, fresh each step")
    ),
    **{
        f"engine.meta_images.small.{epochs}.{key}": against(
            "meta_images", key, (SMALL, FULL), epochs=epochs
        )
        for epochs in (30, 10)
        for key in MEASURES
    },
    **{
        f"engine.meta_images.plain.{epochs}": plain_accuracy("meta_images", epochs=epochs)
        for epochs in (30, 10)
    },
    "engine.step_cost.tables": audited_over_plain("table"),
    "engine.step_cost.images": audited_over_plain("images"),
    "engine.step_cost.default": audited_over_plain("default network"),
    "engine.step_cost.small": audited_over_plain("2,000"),
    "engine.gpu.source": source("gpu"),
    "engine.gpu.images.audited": on_gpu_over_plain,
    "engine.rules.plain": plain_accuracy("hybrid"),
    **{
        f"engine.rules.lilaw.{noise}": against(
            "hybrid", "suspicion_ap", ("rule lilaw", "default"), noise=noise
        )
        for noise in ("uniform", "one-sided")
    },
    **{
        f"network.{short}.{level:.0%}".rstrip("%"): confirmed(name, level)
        for short, name in zip(("chosen", "forest", "boosted"), CHOSEN, strict=True)
        for level in (0.0, 0.1)
    },
    "network.lead.forest.30": lead_at(0.3, FOREST),
    "network.lead.boosted.30": lead_at(0.3, BOOSTED),
    **{
        f"network.forest.ahead.0.{name}": behind(name, FOREST, 0.0)
        for name in ("wine_quality", "leaf_flavia", "hypothyroid")
    },
    **{
        f"network.boosted.ahead.0.{name}": behind(name, BOOSTED, 0.0)
        for name in ("wine_quality", "leaf_flavia", "hypothyroid", "electricity")
    },
    **{
        f"network.forest.ahead.30.{name}": behind(name, FOREST, 0.3)
        for name in ("german_credit", "leaf_flavia", "student_dropout", "wine_quality", "pendigits")
    },
    "network.source": source("network_choice"),
    "network.electricity.20000": lost_on(
        "electricity", "20,000 rows", ("20 epochs, batch 256", "12 epochs, batch 512")
    ),
    "network.electricity.60000": lost_on(
        "electricity", "60,000 rows", ("12 epochs, batch 512", "8 epochs, batch 1024")
    ),
    "network.chosen.lead": chosen_lead,
    "network.chosen.time": of_stage("confirm", CHOSEN[0], "time_ratio", ratio),
    "network.chosen.ap": of_stage("confirm", CHOSEN[0], "average_precision", points),
    "network.reference.ap": of_stage("confirm", "reference", "average_precision", points),
    "network.microseconds.3000": of_stage("confirm", CHOSEN[0], "microseconds_per_row", count),
    "network.microseconds.20000": of_stage(
        "20,000 rows", "12 epochs, batch 512", "microseconds_per_row", count
    ),
    "network.microseconds.60000": of_stage(
        "60,000 rows", "8 epochs, batch 1024", "microseconds_per_row", count
    ),
    "network.microseconds.200000": of_stage(
        "200,000 rows", "8 epochs, batch 1024", "microseconds_per_row", count
    ),
}

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
