"""Wrong labels of pictures found with the extra ``vision``, beside peers on the same features.

    python -m benchmarks.images.pretrained --data DIR [--sets a,b] [--cells pair20] [--seed N]
        [--max-rows N] [--clean N] [--test N] [--minutes N] [--cache FILE] [--out FILE]

Each cell is audited as files with no option given, the pictures as they are in the set: Parquet
with their bytes, and clean pictures from elsewhere. Where the labels say that a network from
scratch serves better, that is trained. `from scratch` is the same audit with `--model residual`, on
the sets named by `--scratch`.

Peers get features of the same network, and the clean pictures as further rows: five-fold
probabilities by logistic regression and by the ten nearest neighbours, on standardised features.
They are asked up to three times: on the features that the audit reads; on those of the pictures
alone, where it reads mirror images, too; and on those that are usual with this network, the means
of its last convolution's output.
Cleanlab's scores are written out: self-confidence is the probability of the given label, the
normalised margin what that is above the largest other one (Northcutt, Jiang, Chuang 2021,
"Confident Learning", arXiv 1911.00068).
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import datacleanse as dc
from benchmarks.detection.cells import seed_of
from benchmarks.images.cells import Limits, cell_kinds, make_cell
from benchmarks.kept import Kept
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import write_result
from benchmarks.tables import LABEL
from datacleanse.auditing import pretrained_features
from datacleanse.models.frozen_network import PictureFeatures
from datacleanse.models.vision_extra import NAME, WITH_HEAD, open_lite0

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from benchmarks.images.cells import ImageCell
    from datacleanse.auditing.result import AuditResult

RESULT = RESULTS / "pretrained.json"
OURS, SCRATCH = "ours", "from scratch"
USUAL, ALONE = "usual features: ", "without mirror images: "
"""Before the names of peers that read those."""

PEERS = {
    "logistic": partial(LogisticRegression, C=1e-3, max_iter=200),
    "neighbours": partial(KNeighborsClassifier, 10),
}
N_FOLDS = 5
SETS = ("cifar10n_a", "flowers", "mnist")


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with one folder a set")
    parser.add_argument("--sets", default=",".join(SETS), help="names of sets, comma-separated")
    parser.add_argument("--scratch", default="mnist", help="sets that are audited from scratch too")
    parser.add_argument("--cells", help="kinds of error, comma-separated")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--max-rows", type=int, default=3000, help="noisy pictures a cell")
    parser.add_argument("--clean", type=int, default=200, help="clean pictures a cell")
    parser.add_argument("--test", type=int, default=500, help="pictures to test accuracy on")
    parser.add_argument("--minutes", type=float, help="begin no further cell after so many")
    parser.add_argument("--cache", type=Path, default=Path("runs/pretrained.jsonl"))
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    torch.set_num_threads(1)
    limits = Limits(options.max_rows, options.clean, options.test)
    kept, started = Kept(options.cache), perf_counter()
    found, missing = [], []
    with seen_once(options.cache.parent):
        for name in options.sets.split(","):
            for kind in cell_kinds(name):
                if options.cells is not None and kind not in options.cells.split(","):
                    continue
                place = {"set": name, "kind": kind, "seed": options.seed}
                key = f"{limits} {place}"
                late = options.minutes and perf_counter() - started > 60 * options.minutes
                if kept.find(key) is None and not late:
                    cell = make_cell(options.data, name, kind, limits, seed=options.seed)
                    trial = run_cell(
                        cell, options.data / name, limits, has_scratch=name in options.scratch
                    )
                    kept.add(key, trial)
                    note(f"{key}: {trial}")
                trial = kept.find(key)
                (missing if trial is None else found).append(place | (trial or {}))
    write_result(
        options.out,
        {"provenance": provenance(), "limits": vars(limits), "cells": found, "missing": missing},
        tables=("cells",),
    )
    print(report(found))
    if missing:
        raise SystemExit(f"Time is up; the same command goes on with {len(missing)} cells.")


def run_cell(cell: ImageCell, folder: Path, limits: Limits, *, has_scratch: bool) -> dict[str, Any]:
    """The average precision of the audit and of the peers, and what the audit did."""
    tables = draw_originals(cell, folder, limits)
    own, seconds = audit(cell, tables, "auto")
    manifest = own.manifest
    precision = {OURS: measure(cell, own.table["suspicion"].to_numpy())}
    for before, features in _seen.items():
        told = ask_peers(cell, np.concatenate([features.data, features.clean]))
        precision |= {before + name: value for name, value in told.items()}
    if has_scratch:
        plain, _ = audit(cell, tables, "residual")
        precision[SCRATCH] = measure(cell, plain.table["suspicion"].to_numpy())
    return {
        "wrong": int(cell.is_wrong.sum()),
        "features_read_by": manifest["training"]["backbone"]["use"],
        "side": manifest["training"]["backbone"]["side"],
        "precision": precision,
        "flagged": int(own.table["flagged"].sum()),
        "false_share": false_share(cell, own),
        "accuracy": manifest["metrics"]["test"]["reweighted"]["accuracy"],
        "processor_seconds": seconds,
    }


def draw_originals(cell: ImageCell, folder: Path, limits: Limits) -> list[pa.Table]:
    """The pictures of a cell as their set holds them: DATA with the given labels, CLEAN, TEST."""
    whole = pq.read_table(folder / "data.parquet", columns=["image"])
    order = np.random.default_rng(seed_of(folder.name, cell.seed)).permutation(whole.num_rows)
    ends = np.cumsum([limits.clean, limits.noisy, limits.test])
    clean, noisy, test = np.split(order[: ends[-1]], ends[:-1])
    drawn, names = cell.drawn, np.array(cell.drawn.classes)
    labels = (cell.given, drawn.truth[cell.n_noisy :], drawn.test_truth)
    return [
        whole.take(rows).append_column(LABEL, pa.array(names[codes].astype(str)))
        for rows, codes in zip((noisy, clean, test), labels, strict=True)
    ]


def audit(cell: ImageCell, tables: list[pa.Table], model: str) -> tuple[AuditResult, float]:
    """The audit as files, and the processor time that it took."""
    started = process_time()
    with tempfile.TemporaryDirectory() as place:
        files = [Path(place) / f"{name}.parquet" for name in ("data", "clean", "test")]
        for table, file in zip(tables, files, strict=True):
            pq.write_table(table, file)
        data, clean, test = map(str, files)
        result = dc.audit(data, val=clean, test=test, label=LABEL, model=model, seed=cell.seed)
        return result, round(process_time() - started, 1)


_seen: dict[str, PictureFeatures] = {}
"""The features of the last audit's pictures, by what stands before the names of their peers."""


@contextmanager
def seen_once(folder: Path) -> Iterator[None]:
    """Let the network see the same pictures once, whatever labels they have; kept in a folder."""
    original = pretrained_features._compute

    def find(inputs: Any, network: Any, progress: Any) -> PictureFeatures:  # noqa: ANN401
        shown = (inputs.gallery.data, inputs.gallery.clean, inputs.gallery.test)
        key = hashlib.sha256(repr(network.backbone).encode())
        for each in shown:
            key.update(each.sha256.tobytes())
        file = folder / f"features-{key.hexdigest()[:16]}.npz"
        if not file.is_file():
            made = original(inputs, network, progress)
            file.parent.mkdir(parents=True, exist_ok=True)
            np.savez(file, data=made.data, clean=made.clean, test=made.test)
        with np.load(file) as parts:
            return PictureFeatures(network.backbone, **parts)

    def compute(inputs: Any, network: Any, progress: Any) -> PictureFeatures:  # noqa: ANN401
        side, device = network.backbone.side, torch.device("cpu")
        _seen.clear()
        for before, name in ((ALONE, NAME), (USUAL, WITH_HEAD)):
            if name != network.backbone.name:
                other = open_lite0(side, device, what="the benchmark", name=name)
                _seen[before] = find(inputs, other, progress)
        _seen[""] = find(inputs, network, progress)
        return _seen[""]

    pretrained_features._compute = compute
    try:
        yield
    finally:
        pretrained_features._compute = original


def ask_peers(cell: ImageCell, features: NDArray[np.float32]) -> dict[str, float]:
    """The average precision of cleanlab's two scores on each peer's probabilities."""
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=cell.seed)
    at, found = np.arange(cell.n_noisy), {}
    for name, make in PEERS.items():
        model = make_pipeline(StandardScaler(), make())
        told = cross_val_predict(model, features, cell.labels, cv=folds, method="predict_proba")
        told = told[: cell.n_noisy]
        own = told[at, cell.given].copy()
        told[at, cell.given] = -1
        found[f"{name}, self-confidence"] = measure(cell, 1 - own)
        found[f"{name}, margin"] = measure(cell, told.max(axis=1) - own)
    return found


def measure(cell: ImageCell, suspicion: NDArray[np.float64]) -> float:
    """Average precision on the noisy pictures."""
    return round(float(average_precision_score(cell.is_wrong, suspicion)), 4)


def false_share(cell: ImageCell, result: AuditResult) -> float | None:
    """Share of right labels among the flags; None without any."""
    flagged = result.table["flagged"].to_numpy()
    return round(float((~cell.is_wrong[flagged]).mean()), 4) if flagged.any() else None


def best_peer(trial: dict[str, Any], before: str = "") -> float | None:
    """The best average precision of the peers whose names begin so; None where there is none."""
    starts = tuple(f"{before}{name}, " for name in PEERS)
    found = [value for name, value in trial["precision"].items() if name.startswith(starts)]
    return max(found, default=None)


def report(found: list[dict[str, Any]]) -> str:
    """Average precision of the audit, from scratch, and of the best peer in each cell."""
    rows = []
    for trial in found:
        ours, scratch = trial["precision"][OURS], trial["precision"].get(SCRATCH)
        said = "" if scratch is None else f"{scratch:.3f}"
        peers = [best_peer(trial, before) for before in ("", ALONE, USUAL)]
        beside = [
            text
            for peer in peers
            for text in (("", "") if peer is None else (f"{peer:.3f}", f"{ours - peer:+.3f}"))
        ]
        place = f"{trial['set']} {trial['kind']}"
        rows.append([place, f"{ours:.3f}", said, *beside, trial["features_read_by"]])
    of_peers = ("same features", "without mirror images", "usual features")
    beside = [text for each in of_peers for text in (f"best peer, {each}", "lead")]
    return markdown_table(["", OURS, SCRATCH, *beside, "features read by"], rows)


if __name__ == "__main__":
    main()
