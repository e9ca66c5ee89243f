"""The detection benchmark's cells put together: means by kind of error, and the lead."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from statistics import mean, median, stdev
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.detection.detectors import BEST_OF, METHODS, MODELS, OURS, engine_digest
from benchmarks.detection.measures import budget, recall_at_false_share
from benchmarks.record import markdown_table, provenance
from benchmarks.results_files import with_earlier

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.detection.cache import CellCache
    from benchmarks.detection.cells import CellName, Limits

ORACLE = "best of six, an oracle"
BEHIND = 0.02
"""Average precision by which a method may lie behind the best of six without being counted."""

AP = "average_precision"
MEASURES = {
    "auroc": "AUROC",
    "precision_at_count": "precision at the true count",
    "false_share": "false share of the flags",
    "recall": "recall of the flags",
    "recall_at_our_false_share": "recall, cut at our false share",
    "brier": "Brier",
    "probability_ratio": "sum of P(wrong) / wrong",
    "seconds": "seconds",
}
"""Measures of the table of all methods, with their headings."""

PROMISES = {
    "brier": "Brier",
    "probability_ratio": "sum of P(wrong) / wrong",
    "rate_holds": "range of the rate holds the truth",
    "rate_half_width": "half-width",
    "class_holds": "ranges by class hold it",
    "class_half_width": "half-width",
    "budget_holds": "ranges of the budget hold it",
    "false_share": "false share of the flags, mean",
    "pooled_false_share": "pooled",
    "recall": "recall",
    "empty_share": "empty lists",
}
"""What ours states of its own work, by kind of errors, with headings."""

Json = dict[str, Any]


def collect(
    places: dict[CellName, tuple[CellCache, dict[str, str]]],
    *,
    fdr: float,
    limits: Limits,
    earlier: Json | None = None,
) -> Json:
    """Everything that was measured, with means.

    Args:
        places: each cell's part of the cache, and the names of its methods there.
        fdr: of the audit.
        limits: of the cells.
        earlier: another result, for the methods that are not in ``places``.

    Raises:
        SystemExit: ``earlier`` is of other cells.
    """
    cells = [_cell(name, *place) for name, place in places.items()]
    if earlier is not None:
        cells = _beside(cells, earlier)
    methods = [m for m in METHODS if any(m in cell["methods"] for cell in cells)]
    kinds = list(dict.fromkeys(cell["kind"] for cell in sorted(cells, key=lambda c: c["kind"])))
    means = {
        kind: {m: _means(cells, m, kind) for m in methods if _scores(cells, m, AP, kind)}
        for kind in [*kinds, "all"]
    }
    record = provenance()
    record["versions"]["cleanlab"] = _cleanlab_version()
    if earlier is not None:
        record = with_earlier(record, earlier["provenance"])
    return {
        "provenance": record | {"engine": engine_digest()},
        "limits": asdict(limits),
        "fdr": fdr,
        "means": means,
        "oracle": {k: _oracle_mean(cells, k) for k in means} if _has_oracle(cells) else None,
        "lead": {m: lead(cells, m) for m in methods} if _has_oracle(cells) else None,
        "budget": _budget_means(cells),
        "cells": cells,
    }


def lead(cells: list[Json], method: str) -> Json | None:
    """Average precision of a method less the best of six peers', over the cells it covers."""
    there = [c for c in cells if method in c["methods"]]
    leads = [c["methods"][method][AP] - c["best_of_six"][AP] for c in there]
    if not leads:
        return None
    by_table: dict[str, list[float]] = {}
    for cell, value in zip(there, leads, strict=True):
        by_table.setdefault(cell["table"], []).append(value)
    of_tables = [mean(values) for values in by_table.values()]
    worst = int(np.argmin(leads))
    return {
        "cells": len(leads),
        "mean": mean(leads),
        "median": median(leads),
        "mean_of_tables": mean(of_tables),
        "standard_error_of_tables": stdev(of_tables) / len(of_tables) ** 0.5
        if len(of_tables) > 1
        else None,
        "share_behind": mean(value < -BEHIND for value in leads),
        "worst": leads[worst],
        "worst_cell": "/".join(str(there[worst][key]) for key in ("table", "noise", "seed")),
    }


def _budget_means(cells: list[Json]) -> list[Json]:
    """Expected and realised share of wrong rows among our first ones, means over the cells."""
    by_count: dict[int, list[Json]] = {}
    for cell in cells:
        for line in cell.get("budget", []):
            by_count.setdefault(line["rows"], []).append(line)
    return [
        {
            "rows": count,
            "cells": len(lines),
            "expected": mean(line["expected"] for line in lines),
            "found": mean(line["found"] for line in lines),
            "off_by": mean(abs(line["expected"] - line["found"]) for line in lines),
            "holds": mean(_holds(line) for line in lines),
        }
        for count, lines in sorted(by_count.items())
    ]


def _holds(line: Json) -> bool:
    return bool(line["low"] <= line["found"] <= line["high"])


def markdown(result: Json) -> str:
    """The tables that the command prints."""
    parts = [_precision_table(result), _flags_table(result), _measure_table(result)]
    if OURS in result["means"]["all"]:
        parts.append(_promise_table(result))
    if result["budget"]:
        parts.append(_budget_table(result["budget"]))
    ours = result["lead"] and result["lead"].get(OURS)
    if ours:
        error = ours["standard_error_of_tables"]
        parts.insert(
            1,
            f"Lead of ours over the best of six, {ours['cells']} cells: mean {ours['mean']:+.3f}, "
            f"median {ours['median']:+.3f}; by table {ours['mean_of_tables']:+.3f}"
            + (f" ± {error:.3f}" if error is not None else "")
            + f"; more than {BEHIND} behind in {ours['share_behind']:.1%}; worst "
            f"{ours['worst']:+.3f} ({ours['worst_cell']}).",
        )
    return "\n\n".join(parts)


def _cell(name: CellName, place: CellCache, kept_as: dict[str, str]) -> Json:
    methods = {method: place.measures(kept) or {} for method, kept in kept_as.items()}
    kept = place.read("cell")
    is_scored, of_all = kept["is_scored"], kept["is_wrong"]
    is_wrong = of_all[is_scored]
    # A list without a row has no false share to cut others at.
    if methods.get(OURS, {}).get("flagged"):
        share = methods[OURS]["false_share"]
        methods[OURS]["recall_at_our_false_share"] = methods[OURS]["recall"]
        for method, measures in methods.items():
            if method.partition("-")[0] in MODELS:
                score = place.verdict(kept_as[method]).suspicion[is_scored]
                measures["recall_at_our_false_share"] = recall_at_false_share(
                    score, is_wrong, share
                )
    ours = {}
    if OURS in methods:
        lines = budget(place.verdict(kept_as[OURS]), of_all)
        methods[OURS]["budget_holds"] = mean(_holds(line) for line in lines)
        ours = {"budget": lines}
    best = max((m for m in BEST_OF if m in methods), key=lambda m: methods[m][AP], default=None)
    is_full = all(m in methods for m in BEST_OF)
    return {
        "table": name.table,
        "noise": name.noise,
        "kind": name.kind,
        "seed": name.seed,
        "rows": len(is_wrong),
        "wrong": int(is_wrong.sum()),
        "best_of_six": {"method": best, AP: methods[best][AP]} if best and is_full else None,
        "methods": methods,
        **ours,
    }


def _beside(cells: list[Json], earlier: Json) -> list[Json]:
    """The cells with the methods of an earlier result, which do not depend on the package.

    Recall cut at our false share does, and without their rankings cannot be taken again.
    """
    known = {(c["table"], c["noise"], c["seed"]): c for c in earlier["cells"]}
    found = []
    for cell in cells:
        name = cell["table"], cell["noise"], cell["seed"]
        before = known.get(name)
        if before is None or (before["rows"], before["wrong"]) != (cell["rows"], cell["wrong"]):
            raise SystemExit(f"The earlier result has no such rows for {'/'.join(map(str, name))}.")
        others = {
            method: {k: v for k, v in its.items() if k != "recall_at_our_false_share"}
            for method, its in before["methods"].items()
        }
        methods = others | cell["methods"]
        methods = {method: methods[method] for method in METHODS if method in methods}
        best = cell["best_of_six"] or before["best_of_six"]
        found.append(cell | {"methods": methods, "best_of_six": best})
    return found


def _has_oracle(cells: list[Json]) -> bool:
    return all(cell["best_of_six"] for cell in cells)


def _scores(cells: Iterable[Json], method: str, key: str, kind: str) -> list[float]:
    """One measure of a method in all cells of a kind that have it."""
    return [
        cell["methods"][method][key]
        for cell in cells
        if kind in {"all", cell["kind"]} and key in cell["methods"].get(method, {})
    ]


def _means(cells: list[Json], method: str, kind: str) -> dict[str, float]:
    keys = dict.fromkeys((AP, *MEASURES, *PROMISES))
    found = {key: _scores(cells, method, key, kind) for key in keys}
    means: dict[str, float] = {key: mean(values) for key, values in found.items() if values}
    flagged = _scores(cells, method, "flagged", kind)
    if flagged:
        false = np.dot(flagged, found["false_share"])
        means["pooled_false_share"] = float(false / max(1, sum(flagged)))
        means["empty_share"] = mean(count == 0 for count in flagged)
    return means | {"cells": len(found[AP])}


def _oracle_mean(cells: list[Json], kind: str) -> float:
    return mean(c["best_of_six"][AP] for c in cells if kind in {"all", c["kind"]})


def _precision_table(result: Json) -> str:
    means, kinds = result["means"], list(result["means"])
    leads = result["lead"] or {}
    header = ["average precision", *kinds, "worst", f"more than {BEHIND} behind"]
    rows = []
    if result["oracle"]:
        rows.append([ORACLE, *(_shown(result["oracle"][kind]) for kind in kinds), "", ""])
    n_cells = len(result["cells"])
    for method in means["all"]:
        of_kinds = [means[kind].get(method, {}).get(AP) for kind in kinds]
        if means["all"][method]["cells"] < n_cells:
            of_kinds[-1] = None  # its mean is not over the same cells as the others'
        its = leads.get(method)
        compared = [f"{its['worst']:+.3f}", f"{its['share_behind']:.0%}"] if its else ["", ""]
        rows.append([method, *(_shown(v) for v in of_kinds), *compared])
    return markdown_table(header, rows)


def _measure_table(result: Json) -> str:
    means = result["means"]["all"]
    rows = [
        [method, *(_shown(its.get(key), _digits(key)) for key in MEASURES)]
        for method, its in means.items()
    ]
    return markdown_table(["means over its cells", *MEASURES.values()], rows)


def _flags_table(result: Json) -> str:
    """False share and recall of each list by kind of error; cells without a flag count as 0, 0."""
    kinds, rows = list(result["means"]), []
    for method, overall in result["means"]["all"].items():
        # Both scores of cleanlab stand beside the same list.
        if "recall" not in overall or method.endswith("-confidence"):
            continue
        its = [result["means"][kind][method] for kind in kinds]
        pairs = [f"{m['false_share']:.3f} / {m['recall']:.3f}" for m in its]
        rows.append([method.removesuffix("-margin"), *pairs])
    return markdown_table(["flags: false share / recall", *kinds], rows)


def _promise_table(result: Json) -> str:
    """What ours states of its own work beside the truth, by kind of errors."""
    means = {kind: its[OURS] for kind, its in result["means"].items() if OURS in its}
    rows = [
        [kind, str(its["cells"]), *(_shown(its.get(key)) for key in PROMISES)]
        for kind, its in means.items()
    ]
    return markdown_table(["ours", "cells", *PROMISES.values()], rows)


def _budget_table(lines: list[Json]) -> str:
    header = ["our first rows", "cells", "expected wrong", "found wrong", "off by, in a cell"]
    header.append("range holds it")
    shares = ("expected", "found", "off_by", "holds")
    return markdown_table(
        header,
        [[*(str(x[k]) for k in ("rows", "cells")), *(_shown(x[k]) for k in shares)] for x in lines],
    )


def _digits(key: str) -> int:
    return 1 if key == "seconds" else 3


def _shown(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _cleanlab_version() -> str | None:
    try:
        return version("cleanlab")
    except PackageNotFoundError:
        return None
