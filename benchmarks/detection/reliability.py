"""Do the report's probabilities, and what verified rows imply of them, agree with planted errors?

`python -m benchmarks.detection.reliability` plants errors of three kinds in data sets that
scikit-learn bundles, audits each with 200 verified rows, and compares, for every range of suspicion
that the report shows, the true share of wrong labels with the mean probability and with the implied
share.
"""

from __future__ import annotations

import tempfile
from itertools import pairwise, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_digits

import datacleanse as dc
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import write_result
from benchmarks.tables import flip_uniformly
from datacleanse.detection.reliability import EDGES
from datacleanse.storage.run_folder import RunFolder
from datacleanse_reports import read_view

if TYPE_CHECKING:
    from numpy.typing import NDArray

RESULT = RESULTS / "reliability.json"
N_CLEAN, SEEDS = 200, (0, 1)
SETS = {"digits": load_digits, "breast_cancer": load_breast_cancer}
KINDS = ("uniform 15 %", "pair 20 %", "none")


def main() -> None:
    """Audit, compare, record."""
    bins = []
    for name, kind, seed in product(SETS, KINDS, SEEDS):
        note(f"{name}, {kind}, seed {seed}")
        bins += [
            {"set": name, "kind": kind, "seed": seed, **each} for each in one(name, kind, seed)
        ]
    write_result(
        RESULT, {"provenance": provenance(), "n_clean": N_CLEAN, "bins": bins}, tables=("bins",)
    )
    header = ["errors", "ranges", "rows", "probability off by", "implied off by", "truth in range"]
    cells = []
    for kind in KINDS:
        mine = [each for each in bins if each["kind"] == kind]
        rows = np.array([each["rows"] for each in mine])
        off = [
            abs(np.array([each[k] - each["truth"] for each in mine]))
            for k in ("predicted", "implied")
        ]
        inside = [each["low"] <= each["truth"] <= each["high"] for each in mine]
        cells.append(
            [kind, str(len(mine)), f"{rows.sum():,}"]
            + [f"{np.average(each, weights=rows):.3f}" for each in off]
            + [f"{sum(inside)} of {len(inside)}"]
        )
    print(markdown_table(header, cells))


def one(name: str, kind: str, seed: int) -> list[dict[str, Any]]:
    """The ranges of one audit, each with its true share of wrong labels."""
    bunch = SETS[name]()
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(bunch.target))
    clean, data = order[:N_CLEAN], order[N_CLEAN:]
    given = planted(bunch.target[data], kind, seed)
    is_wrong = given != bunch.target[data]
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory) / "run"
        dc.audit(
            frame(bunch.data[data], given),
            val=frame(bunch.data[clean], bunch.target[clean]),
            label="label",
            out=place,
            seed=seed,
        )
        view = read_view(RunFolder(place), top=10)
        audit = RunFolder(place).read_audit().to_pandas()
    tested = audit["p_value"].notna().to_numpy()
    suspicion = audit["suspicion"].to_numpy()
    return [
        {
            "rows": each.rows,
            "calibration_rows": each.calibration_rows,
            "predicted": each.predicted,
            "implied": each.implied,
            "low": each.low,
            "high": each.high,
            "truth": float(is_wrong[here].mean()),
        }
        for each, here in zip(view.reliability, ranges(view, suspicion, tested), strict=True)
    ]


def ranges(
    view: Any,  # noqa: ANN401  # a ReportView
    suspicion: NDArray[np.float64],
    tested: NDArray[np.bool_],
) -> list[NDArray[np.bool_]]:
    """(N,) masks of the rows in each range: the report joins thin ones, in order."""
    parts = [
        tested & (suspicion >= low) & (suspicion < high)
        for low, high in pairwise((-np.inf, *EDGES, np.inf))
    ]
    joined, here = [], np.zeros(len(suspicion), dtype=np.bool_)
    sizes = iter([each.rows for each in view.reliability])
    wanted = next(sizes)
    for part in parts:
        here = here | part
        if here.sum() == wanted:
            joined.append(here)
            here, wanted = np.zeros(len(suspicion), dtype=np.bool_), next(sizes, -1)
    return joined


def planted(true: NDArray[np.int64], kind: str, seed: int) -> NDArray[np.int64]:
    """Labels with errors."""
    n_classes = int(true.max()) + 1
    if kind == "uniform 15 %":
        return flip_uniformly(true, n_classes, 0.15, seed=seed)
    if kind == "none":
        return true
    chosen = np.random.default_rng(seed).random(len(true)) < 0.2
    return np.where(chosen, (true + 1) % n_classes, true)


def frame(features: NDArray[np.float64], labels: NDArray[np.int64]) -> pd.DataFrame:
    """A table with named columns."""
    table = pd.DataFrame(features, columns=[f"x{i}" for i in range(features.shape[1])])
    return table.assign(label=labels)


if __name__ == "__main__":
    main()
