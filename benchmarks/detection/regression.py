"""Audits of numbers: planted errors found, beside cleanlab's scores of regression.

`python -m benchmarks.detection.regression --data DIR` takes a numeric column of a table for the
label, plants 10 % of wrong numbers of one kind, and audits 3,000 rows beside 200 verified ones that
were drawn from them (the sampled protocol of `cells`). cleanlab is given the same labels, the
verified rows' true ones among them, and predictions of a forest and of boosted trees made in five
folds. Ranking and flags are measured on the rows that nobody verified, models on 2,500 others.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.metrics import average_precision_score

from benchmarks.detection.cells import ID, seed_of
from benchmarks.kept import Kept
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import write_result
from datacleanse.auditing.conduct import Conduct
from datacleanse.auditing.reading import Request
from datacleanse.auditing.run import run_audit
from datacleanse.data import ReadOptions, hold_source
from datacleanse.data.number_labels import count_decimals
from datacleanse.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RESULT = RESULTS / "regression.json"

TARGETS: dict[str, tuple[str, tuple[str, ...]]] = {
    "wine_quality": ("alcohol", ()),
    "electricity": ("nswprice", ()),
    "dry_bean": ("Perimeter", ()),
    "bank_marketing": ("balance", ("duration",)),
    "telco_churn": ("TotalCharges", ("tenure", "customerID")),
}
"""By table: the column that is the label, and columns that are left out."""

ALL = ",".join(TARGETS)

N_NOISY, N_CLEAN, N_TEST = 3000, 200, 2500
SHARE = 0.1
"""Of wrong numbers."""


@dataclass(frozen=True, eq=False)
class Cell:
    """Rows with wrong numbers, beside true ones."""

    noisy: pa.Table
    clean: pa.Table
    test: pa.Table
    label: str
    given: Floats
    truth: Floats
    clean_at: NDArray[np.int64]

    @property
    def is_wrong(self) -> NDArray[np.bool_]:
        """(N,)."""
        return self.given != self.truth

    @property
    def is_scored(self) -> NDArray[np.bool_]:
        """(N,) rows that nobody verified."""
        scored: NDArray[np.bool_] = ~np.isin(np.arange(len(self.given)), self.clean_at)
        return scored


def draw_anew(truth: Floats, at: NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """Numbers of the column, drawn at random."""
    return rng.choice(truth, len(at))


def shift(truth: Floats, at: NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """Three standard deviations of the column more or less."""
    return truth[at] + rng.choice([-3.0, 3.0], len(at)) * truth.std()


def multiply(truth: Floats, at: NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """Ten times as much."""
    del rng
    return 10 * truth[at]


def swap(truth: Floats, at: NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """The numbers of each other."""
    order = rng.permutation(len(at))
    swapped = np.empty(len(at))
    swapped[order] = truth[at][np.roll(order, 1)]
    return swapped


def blur(truth: Floats, at: NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """The numbers with noise of two standard deviations of the column."""
    return truth[at] + rng.normal(0.0, 2.0, len(at)) * truth.std()


ERRORS: dict[str, Callable[[Floats, NDArray[np.int64], np.random.Generator], Floats]] = {
    "anew": draw_anew,
    "shift": shift,
    "times10": multiply,
    "swap": swap,
    "blur": blur,
}


def make_cell(folder: Path, table: str, error: str, seed: int) -> Cell:
    """Draw the rows, and plant the errors. They are written with the column's decimals."""
    label, dropped = TARGETS[table]
    whole = pq.read_table(folder / table / "data.parquet").drop_columns(list(dropped))
    whole = whole.filter(whole[label].is_valid())
    rng = np.random.default_rng(seed_of(table, seed))
    n = N_NOISY + N_CLEAN
    order = rng.permutation(whole.num_rows)
    audited, test = whole.take(order[:n]), whole.take(order[n : n + N_TEST])
    clean_at = np.sort(rng.choice(n, N_CLEAN, replace=False))
    truth = audited[label].to_numpy().astype(np.float64)
    rng = np.random.default_rng(seed_of(error, seed))
    at = rng.choice(n, round(SHARE * n), replace=False)
    given = truth.copy()
    given[at] = ERRORS[error](truth, at, rng)
    decimals = count_decimals(truth)
    if decimals is not None:
        given[at] = np.round(given[at], decimals)
    numbered = audited.append_column(ID, pa.array([f"r{row}" for row in range(n)]))
    place = numbered.column_names.index(label)
    return Cell(
        numbered.set_column(place, label, pa.array(given)),
        numbered.set_column(place, label, pa.array(truth)).take(clean_at),
        test.append_column(ID, pa.array([f"t{row}" for row in range(test.num_rows)])),
        label,
        given,
        truth,
        clean_at,
    )


def audit_cell(cell: Cell, seed: int) -> dict[str, Any]:
    """What an audit finds, and how good its model is."""
    request = Request(
        hold_source(cell.noisy),
        (hold_source(cell.clean),),
        hold_source(cell.test),
        ReadOptions(label=cell.label, id=ID, task="regression"),
        Settings(seed=seed),
    )
    with tempfile.TemporaryDirectory() as place:
        folder = run_audit(request, Conduct(Path(place) / "run"))
        table, manifest = folder.read_audit(), folder.number_manifest()
    scored, wrong = cell.is_scored, cell.is_wrong
    flagged = table["flagged"].to_numpy()
    rate, measured = manifest.noise.rate, manifest.metrics.test
    assert measured is not None
    return {
        "average_precision": _rank(wrong[scored], -table["rank"].to_numpy()[scored]),
        "flagged": int(flagged.sum()),
        "false_share": float((~wrong[flagged]).mean()) if flagged.any() else 0.0,
        "recall": float(flagged[wrong & scored].mean()),
        "rate": rate.share,
        "rate_low": rate.low,
        "rate_high": rate.high,
        "rate_true": float(wrong.mean()),
        "rmse": measured.reweighted.rmse,
        "rmse_control": measured.control.rmse,
        "rmse_difference_error": measured.rmse_difference_error,
        "r2": measured.reweighted.r2,
        "seconds": manifest.timings["total"],
    }


def score_with_cleanlab(cell: Cell) -> dict[str, float]:
    """Average precision of cleanlab's scores, by model and method."""
    from cleanlab.regression.rank import get_label_quality_scores
    from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
    from sklearn.model_selection import KFold, cross_val_predict

    features = cell.noisy.drop_columns([cell.label, ID]).to_pandas()
    matrix = np.nan_to_num(_one_hot(features), nan=-1.0)
    labels = cell.given.copy()
    labels[cell.clean_at] = cell.truth[cell.clean_at]
    scored, wrong = cell.is_scored, cell.is_wrong
    found = {}
    for name, model in (
        ("forest", RandomForestRegressor(random_state=0)),
        ("boosted", HistGradientBoostingRegressor(random_state=0)),
    ):
        folds = KFold(5, shuffle=True, random_state=0)
        predicted = cross_val_predict(model, matrix, labels, cv=folds)
        for method in ("outre", "residual"):
            quality = get_label_quality_scores(labels, predicted, method=method)
            found[f"{name} {method}"] = _rank(wrong[scored], -quality[scored])
    return found


def _one_hot(features: Any) -> Floats:  # noqa: ANN401  # a pandas frame
    import pandas as pd

    matrix: Floats = pd.get_dummies(features).to_numpy(dtype=np.float64)
    return matrix


def _rank(wrong: NDArray[np.bool_], score: Floats) -> float:
    return float(average_precision_score(wrong, score))


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with one folder a table")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--tables", default=ALL)
    arguments = parser.parse_args()
    kept = Kept(RESULT.with_suffix(".part.jsonl"))
    cells = []
    for seed in range(arguments.seeds):
        for table in arguments.tables.split(","):
            for error in ERRORS:
                key = f"{table}/{error}/{seed}"
                found = kept.find(key)
                if found is None:
                    cell = make_cell(arguments.data, table, error, seed)
                    found = audit_cell(cell, seed)
                    found["cleanlab"] = score_with_cleanlab(cell)
                    kept.add(key, found)
                    note(f"{key}: {found}")
                cells.append({"table": table, "error": error, "seed": seed, **found})
    if arguments.tables != ALL:
        # Kept until all are measured, so that tables can be measured side by side.
        return
    result = {"provenance": provenance(), "cells": cells, "sums": sum_up(cells)}
    write_result(RESULT, result, tables=("cells",))
    kept.remove()
    print(markdown_table(["cell", "ours", "cleanlab", "false share"], list(map(_row, cells))))
    print(result["sums"])


def sum_up(cells: list[dict[str, Any]]) -> dict[str, float]:
    """Means over the cells, and the worst of them."""
    gains = [each["average_precision"] - max(each["cleanlab"].values()) for each in cells]
    better = [each["rmse_control"] - each["rmse"] for each in cells]
    errors = [max(each["rmse_difference_error"], 1e-12) for each in cells]
    relative = [gain / each["rmse_control"] for gain, each in zip(better, cells, strict=True)]
    return {
        "average_precision": float(np.mean([each["average_precision"] for each in cells])),
        "cleanlab": float(np.mean([max(each["cleanlab"].values()) for each in cells])),
        "gain": float(np.mean(gains)),
        "least_gain": float(np.min(gains)),
        "false_share": float(np.mean([each["false_share"] for each in cells])),
        "rate_holds": float(
            np.mean([c["rate_low"] <= c["rate_true"] <= c["rate_high"] for c in cells])
        ),
        "rmse_gain": float(np.mean(relative)),
        "least_rmse_gain_in_errors": float(
            np.min([gain / error for gain, error in zip(better, errors, strict=True)])
        ),
    }


def _row(cell: dict[str, Any]) -> list[str]:
    best = max(cell["cleanlab"].values())
    return [
        f"{cell['table']} {cell['error']}",
        f"{cell['average_precision']:.3f}",
        f"{best:.3f}",
        f"{cell['false_share']:.3f}",
    ]


if __name__ == "__main__":
    main()
