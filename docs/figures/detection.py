"""Figures of `benchmarks.detection.against_peers`: how well wrong labels in tables are found."""

from __future__ import annotations

from statistics import mean
from typing import TYPE_CHECKING

from docs.figures.numbers import bold, count, percent, ratio, share, signed, span, table, with_error
from docs.figures.results import average, source, where

if TYPE_CHECKING:
    from docs.figures.results import Figure, Record, Results

NAME = "detection"
AP = "average_precision"
OURS = "ours"
KINDS = {
    "background20": "background",
    "feature15": "feature",
    "native": "native",
    "pair20": "pair",
    "uniform05": "uniform 5 %",
    "uniform30": "uniform 30 %",
    "all": "all",
}
"""Kinds of error, with their headings."""

METHODS = {
    "aum": "AUM of our network",
    "loss": "mean loss of our network",
    "network-margin": "cleanlab, our network in five folds",
    "forest-margin": "cleanlab, forest",
    "boosted-confidence": "cleanlab, boosted trees",
    "logistic-margin": "cleanlab, logistic regression",
    "knn-shapley": "KNN-Shapley",
    "random": "random order",
}
"""Peers in the table, each cleanlab model with its better score."""

CLEANLAB = ("logistic", "boosted", "forest", "network")


def _means(results: Results, method: str, kind: str = "all") -> Record:
    found: Record = results[NAME]["means"][kind][method]
    return found


def ours(key: str, kind: str = "all") -> Figure:
    """A mean of ours, as a share."""
    return lambda results: share(_means(results, OURS, kind)[key])


def expected_over_found(kind: str) -> Figure:
    """The sum of our probabilities over the number of errors that there are."""
    return lambda results: ratio(_means(results, OURS, kind)["probability_ratio"])


def peer(method: str, key: str = AP) -> Figure:
    """A mean of a peer, as a share."""
    return lambda results: share(_means(results, method)[key])


def cleanlab(key: str) -> Figure:
    """The range of a measure over cleanlab's models, the default list or either score."""

    def said(results: Results) -> str:
        scores = ("margin", "confidence") if key == AP else ("margin",)
        values = [_means(results, f"{m}-{s}")[key] for m in CLEANLAB for s in scores]
        return span(share(value) for value in sorted(values))

    return said


def best_of_six(results: Results) -> str:
    """The mean of the best of six peers, chosen in each cell with the truth at hand."""
    return share(results[NAME]["oracle"]["all"])


def _leads(results: Results) -> list[Record]:
    return [
        {**cell, "lead": cell["methods"][OURS][AP] - cell["best_of_six"][AP]}
        for cell in results[NAME]["cells"]
    ]


def lead_by_seed(results: Results) -> str:
    """The mean lead of each seed."""
    leads = _leads(results)
    seeds = sorted({cell["seed"] for cell in leads})
    return ", ".join(share(average(where(leads, seed=seed), "lead")) for seed in seeds)


def lead_by_table(results: Results) -> str:
    """The lead as a mean over tables, with its standard error."""
    lead = results[NAME]["lead"][OURS]
    return with_error(lead["mean_of_tables"], lead["standard_error_of_tables"])


def worst_cell(results: Results) -> str:
    """The name of the cell that is furthest behind."""
    table_name, noise, seed = results[NAME]["lead"][OURS]["worst_cell"].split("/")
    return f"{table_name}, {KINDS.get(noise, noise)}, seed {seed}"


def pooled_false_share(results: Results) -> str:
    """False flags of all lists over all flags."""
    lists = [cell["methods"][OURS] for cell in results[NAME]["cells"]]
    false = sum(each["false_share"] * each["flagged"] for each in lists)
    return share(false / sum(each["flagged"] for each in lists))


def empty_lists(results: Results) -> str:
    """The share of cells in which nothing is flagged."""
    return percent(mean(not c["methods"][OURS]["flagged"] for c in results[NAME]["cells"]))


def by_kind(results: Results) -> str:
    """Average precision of each method on each kind of error."""
    found = results[NAME]
    rows = [["**datacleanse**", *(share(found["means"][k][OURS][AP]) for k in KINDS)]]
    rows[0][-1] = bold(rows[0][-1])
    rows.append(["best of six", *(share(found["oracle"][kind]) for kind in KINDS)])
    rows += [
        [heading, *(share(found["means"][kind][method][AP]) for kind in KINDS)]
        for method, heading in METHODS.items()
    ]
    return table(["", *KINDS.values()], rows)


def summary(results: Results) -> str:
    """The table of the front page."""
    header = ["", "average precision", "false share of the flags", "recall of the flags"]
    means = results[NAME]["means"]["all"]
    mine = [share(means[OURS][key]) for key in (AP, "false_share", "recall")]
    fdr = share(results[NAME]["fdr"], 2)
    rows = [
        ["**datacleanse**", bold(mine[0]), f"{bold(mine[1])} (asked for: {fdr})", mine[2]],
        ["the best of six cleanlab set-ups, by an oracle", best_of_six(results), "", ""],
        ["AUM", share(means["aum"][AP]), "", ""],
    ]
    for method in ("forest-margin", "boosted-confidence"):
        its = means[method]
        figures = [share(its[key]) for key in (AP, "false_share", "recall")]
        rows.append([METHODS[method], *figures])
    return table(header, rows)


def budget(results: Results) -> str:
    """Expected and found share of wrong rows among the first of the ranking."""
    lines = results[NAME]["budget"]
    wanted = {"expected": "expected", "found": "found", "off_by": "off by, in a single cell"}
    rows = [[said, *(share(line[key]) for line in lines)] for key, said in wanted.items()]
    return table(["first rows", *(count(line["rows"]) for line in lines)], rows)


def flags_by_kind(results: Results) -> str:
    """False share and recall of the lists of flags, by kind of error."""
    means = results[NAME]["means"]
    named = {OURS: "**datacleanse**"}
    named |= {m: METHODS[m] for m in ("network-margin", "forest-margin", "logistic-margin")}
    named["boosted-margin"] = METHODS["boosted-confidence"]

    def pair(kind: str, method: str) -> str:
        its = means[kind][method]
        return f"{share(its['false_share'])} / {share(its['recall'])}"

    rows = [[said, *(pair(kind, method) for kind in KINDS)] for method, said in named.items()]
    return table(["false share / recall", *KINDS.values()], rows)


FIGURES: dict[str, Figure] = {
    "detection.cells": lambda r: count(len(r[NAME]["cells"])),
    "detection.source": source(NAME),
    "detection.ap.ours": ours(AP),
    "detection.ap.cleanlab": cleanlab(AP),
    "detection.ap.aum": peer("aum"),
    "detection.ap.loss": peer("loss"),
    "detection.ap.knn_shapley": peer("knn-shapley"),
    "detection.lead": lambda r: share(r[NAME]["lead"][OURS]["mean"]),
    "detection.lead.by_seed": lead_by_seed,
    "detection.lead.by_table": lead_by_table,
    "detection.lead.behind": lambda r: percent(r[NAME]["lead"][OURS]["share_behind"]),
    "detection.lead.worst": lambda r: signed(r[NAME]["lead"][OURS]["worst"]),
    "detection.lead.worst_cell": worst_cell,
    "detection.false_share.ours": ours("false_share"),
    "detection.false_share.pooled": pooled_false_share,
    "detection.false_share.cleanlab": cleanlab("false_share"),
    "detection.recall.ours": ours("recall"),
    "detection.recall.cleanlab": cleanlab("recall"),
    "detection.empty": empty_lists,
    "detection.brier.ours": ours("brier"),
    "detection.brier.cleanlab": cleanlab("brier"),
    **{f"detection.ratio.{k}": expected_over_found(k) for k in ("all", "native", "feature15")},
    "detection.ratio.uniform05": expected_over_found("uniform05"),
}

TABLES: dict[str, Figure] = {
    "detection.summary": summary,
    "detection.by_kind": by_kind,
    "detection.flags_by_kind": flags_by_kind,
    "detection.budget": budget,
}
