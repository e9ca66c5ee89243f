"""Figures of audits of tables beyond the ranking: flags, final model, parts, one-sided errors."""

from __future__ import annotations

from statistics import mean
from typing import TYPE_CHECKING

from docs.figures.detection import KINDS
from docs.figures.detection import NAME as DETECTION
from docs.figures.numbers import bold, count, percent, ratio, share, signed, span, table
from docs.figures.results import average, source, where

if TYPE_CHECKING:
    from collections.abc import Callable

    from docs.figures.results import Figure, Record, Results

WAYS = {
    "plain": "plain",
    "ours": "**exported**",
    "l2rw": "L2RW as published",
    "lilaw": "LiLAW",
    "pruned": "cleanlab's flags left out",
    "oracle": "true labels",
}
"""Ways to a final model, with their headings."""

STUDY = ("telco_churn", "segment", "spambase", "wine_quality", "electricity")
"""The tables of the study that the aim for the final model comes from."""


def _trials(results: Results, kind: str = "all") -> list[Record]:
    trials: list[Record] = results["model"]["trials"]
    return [t for t in trials if kind in {"all", t["noise"].partition("_")[0]}]


def accuracy(way: str, kind: str = "all") -> Figure:
    """The mean accuracy of a way to a final model."""
    return lambda results: share(average(_trials(results, kind), way))


def way_gone(results: Results) -> str:
    """How far the exported model goes from plain training to true labels."""
    return percent(results["model"]["share_of_the_way"]["ours"])


def way_gone_in_study(results: Results) -> str:
    """The same on the five tables of the study, native errors aside."""
    mine = [t for t in _trials(results) if t["table"] in STUDY]
    plain, ours, oracle = (average(mine, way) for way in ("plain", "ours", "oracle"))
    return percent((ours - plain) / (oracle - plain))


def worst_errors(results: Results) -> str:
    """The most standard errors by which the exported model is behind plain training."""
    found = [
        (t["plain"] - t["ours"]) / (t["plain"] * (1 - t["plain"]) / t["test_rows"]) ** 0.5
        for t in _trials(results)
        if t["plain"] < 1
    ]
    return ratio(max(found), 1)


def model_table(results: Results) -> str:
    """Accuracy of each way to a final model on each kind of error."""
    rows = [
        [said, *(share(average(_trials(results, kind), way)) for way in WAYS)]
        for kind, said in KINDS.items()
    ]
    gone = results["model"]["share_of_the_way"]
    rows.append(["of the way from plain to true labels", *(percent(gone[way]) for way in WAYS)])
    for row in rows:
        row[2] = bold(row[2])
    return table(["errors", *WAYS.values()], rows)


def method_table(results: Results) -> str:
    """The one table of results on the method's page: every part of an audit, by kind of error."""
    means, oracle = results[DETECTION]["means"], results[DETECTION]["oracle"]
    measures = {
        "average precision of the ranking": "average_precision",
        "false share of the flags": "false_share",
        "recall of the flags": "recall",
        "Brier score of `mislabel_probability`": "brier",
    }
    rows = [
        [said, *(share(means[k]["ours"][key]) for k in KINDS)] for said, key in measures.items()
    ]
    rows.insert(1, ["best of six peers", *(share(oracle[kind]) for kind in KINDS)])
    ratios = [ratio(means[kind]["ours"]["probability_ratio"]) for kind in KINDS]
    rows.append(["sum of the probability / wrong labels", *ratios])
    for way, said in {"ours": "exported model", "plain": "plain training"}.items():
        cells = [share(average(_trials(results, kind), way)) for kind in KINDS]
        rows.append([f"accuracy, {said}", *cells])
    true = [share(average(_trials(results, kind), "oracle")) for kind in KINDS]
    rows.append(["accuracy, trained on true labels", *true])
    return table(["", *KINDS.values()], rows)


def flags_table(results: Results) -> str:
    """False share and recall of the lists, by number of clean rows and level."""
    lists: list[Record] = results["flags"]["lists"]
    rows = []
    for n_clean, level in sorted({(each["clean"], each["level"]) for each in lists}):
        mine = where(lists, clean=n_clean, level=level)
        # An empty list holds no false alarm.
        false = mean(each["false"] / max(each["flagged"], 1) for each in mine)
        pooled = sum(e["false"] for e in mine) / max(sum(e["flagged"] for e in mine), 1)
        recall = mean((each["flagged"] - each["false"]) / each["wrong"] for each in mine)
        controlled = percent(average(mine, "is_controlled"))
        figures = [share(each) for each in (false, pooled, recall)]
        rows.append([count(n_clean), share(level, 2), controlled, *figures])
    header = ["clean rows", "level", "controlled", "false share, mean", "pooled", "recall"]
    return table(header, rows, left=0)


def one_sided_table(results: Results) -> str:
    """Audits of three whole tables with one-sided errors, means over seeds."""
    return _one_sided_table(results["one_sided"]["cells"])


def one_sided_pairs_table(results: Results) -> str:
    """The same with clean rows that are rows of DATA."""
    return _one_sided_table(results["one_sided_sampled"]["cells"])


def _one_sided_table(cells: list[Record]) -> str:
    keys = ("precision_at_100", "precision_at_500", "average_precision", "auroc")
    rows = []
    for place in dict.fromkeys(cell["table"] for cell in cells):
        mine = where(cells, table=place)
        lists = ", ".join(share(each["false_share"], 2) for each in mine)
        figures = [share(average(mine, key)) for key in keys]
        suggested = percent(average(mine, "suggestion_accuracy"))
        rows.append([place, count(mine[0]["rows"]), *figures, lists, suggested])
    header = ["table", "rows", "precision, first 100", "first 500", "average precision", "AUROC"]
    return table([*header, "false share of the flags", "suggestions that are right"], rows)


def one_sided_false_shares(results: Results) -> str:
    """The least and the most false share of these lists."""
    return span(
        share(v, 2) for v in sorted(c["false_share"] for c in results["one_sided"]["cells"])
    )


def one_sided_pairs(key: str, said: Callable[[float], str] = share) -> Figure:
    """A mean over these tables with clean rows that are rows of DATA."""
    return lambda results: said(average(results["one_sided_sampled"]["cells"], key))


def ablation_table(results: Results) -> str:
    """What each part of the suspicion brings."""
    kinds = [kind for kind in KINDS if kind != "all"]
    rows = []
    for line in results["ablation"]["summary"]:
        figures = [signed(line[key]) for key in ("lead", *kinds)]
        figures += [percent(line["within .02"]), signed(line["worst"]), share(line["brier"])]
        rows.append([line["variant"], *figures])
    rows[0][:2] = [bold(text) for text in rows[0][:2]]
    header = ["", "all", *(KINDS[kind] for kind in kinds), "within .02", "worst", "Brier"]
    return table(header, rows)


def reliability_table(results: Results) -> str:
    """How far probabilities and what verified rows imply are from the truth."""
    bins: list[Record] = results["reliability"]["bins"]
    rows = []
    for kind in dict.fromkeys(each["kind"] for each in bins):
        mine = where(bins, kind=kind)
        n = sum(each["rows"] for each in mine)
        off = [
            sum(e["rows"] * abs(e[key] - e["truth"]) for e in mine) / n
            for key in ("predicted", "implied")
        ]
        inside = sum(each["low"] <= each["truth"] <= each["high"] for each in mine)
        within = f"{inside} of {len(mine)}"
        rows.append([kind, count(len(mine)), count(n), *(share(each) for each in off), within])
    header = ["errors", "ranges", "rows", "probability off by", "implied off by"]
    return table([*header, "truth within the range shown"], rows)


def second_round(key: str, said: Callable[[float], str]) -> Figure:
    """A mean over the tables' second rounds."""
    return lambda results: said(results["rounds_on_tables"]["means"]["second"][key])


def rounds_share(way: str, key: str) -> Figure:
    """A mean over the draws of a second round."""
    return lambda results: percent(average(where(results["rounds"]["rounds"], way=way), key))


def batches(rows: int, batch: int, key: str) -> Figure:
    """A mean over three small tables."""
    return lambda r: share(average(where(r["small_tables"]["cells"], rows=rows, batch=batch), key))


FIGURES: dict[str, Figure] = {
    "model.source": source("model"),
    "model.cells": lambda r: count(len(_trials(r))),
    "model.accuracy.ours": accuracy("ours"),
    "model.accuracy.plain": accuracy("plain"),
    "model.accuracy.pruned": accuracy("pruned"),
    "model.accuracy.oracle": accuracy("oracle"),
    "model.way": way_gone,
    "model.way.study": way_gone_in_study,
    "model.worse": lambda r: count(len(r["model"]["worse_than_plain"])),
    "model.worst_errors": worst_errors,
    "flags.source": source("flags"),
    "one_sided.source": source("one_sided"),
    "one_sided.false_shares": one_sided_false_shares,
    "one_sided.recall": lambda r: share(average(r["one_sided"]["cells"], "recall"), 2),
    "one_sided.pairs.source": source("one_sided_sampled"),
    "one_sided.pairs.false_share": one_sided_pairs("false_share"),
    "one_sided.pairs.recall": one_sided_pairs("recall"),
    **{
        f"one_sided.pairs.{key}": one_sided_pairs(key, percent)
        for key in ("rate_holds", "class_holds")
    },
    "ablation.source": source("ablation"),
    "reliability.source": source("reliability"),
    "rounds.decisions.false_share": rounds_share("decisions", "false_share"),
    "rounds.decisions.recall": rounds_share("decisions", "recall"),
    "rounds.as_sampled.false_share": rounds_share("as sampled", "false_share"),
    "rounds.tables.cells": lambda r: count(r["rounds_on_tables"]["means"]["second"]["cells"]),
    "rounds.tables.false_share": second_round("false_share", share),
    "rounds.tables.pooled": second_round("pooled", share),
    "rounds.tables.rate_holds": second_round("rate_holds", percent),
    "rounds.tables.source": source("rounds_on_tables"),
    **{
        f"small_tables.{rows}.{batch}.{short}": batches(rows, batch, key)
        for rows, batch in ((300, 64), (300, 128), (1000, 64), (1000, 128))
        for short, key in (("accuracy", "reweighted"), ("ap", "average_precision"))
    },
}

TABLES: dict[str, Figure] = {
    "model.by_kind": model_table,
    "method.results": method_table,
    "flags.by_level": flags_table,
    "one_sided.by_table": one_sided_table,
    "one_sided.pairs": one_sided_pairs_table,
    "ablation.by_part": ablation_table,
    "reliability.by_kind": reliability_table,
}
