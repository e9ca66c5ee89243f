"""How much of a trusted gradient is needed on images; `meta_gradient` asks the same of tables.

    python -m benchmarks.steering.images --data DIR [--seeds N] [--epochs 10 30]

``DIR/mnist/data.parquet`` holds the digits: ``image``, PNG bytes, and ``label``. Pillow decodes
them; it is no dependency of the package. A small residual network is trained on a few of them, with
errors planted in two manners: a wrong class at random, and each digit taken for the next one. It is
trained briefly, and as long as the package trains on so many rows by default. Measures are those of
`meta_gradient`. Finished trainings are kept beside the result until all are done, so a run that was
stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import io
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import torch
from PIL import Image

from benchmarks.images.networks import resnet
from benchmarks.kept import Kept
from benchmarks.record import RESULTS, note, provenance
from benchmarks.results_files import write_result
from benchmarks.steering.planted import SHARE, Bench
from benchmarks.steering.tables import ALL, REFERENCE, measure, report
from benchmarks.tables import LABEL, flip_uniformly
from datacleanse.auditing.layout import lay_out, lay_out_fold
from datacleanse.auditing.plan import Plan, split_clean
from datacleanse.demo import flip_labels
from datacleanse.settings import Meta, Schedule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

RESULT = RESULTS / "meta_images.json"
N_DATA, N_CLEAN, N_TEST = 1_500, 200, 2_000
N_CLASSES = 10
WIDTH = 8
"""Channels of the first stage; each of the two others has twice as many."""
BATCH_SIZE, LR = 64, 2e-3
WAYS = {
    REFERENCE: Meta(ALL, 1, 0.0),
    "full, every 2": Meta(ALL, 2, 0.0),
    "full, every 4": Meta(ALL, 4, 0.0),
    "full, every 8": Meta(ALL, 8, 0.0),
    "64 rows, every 2": Meta(64, 2, 0.0),
    "32 rows, each step": Meta(32, 1, 0.0),
    "16 rows, each step": Meta(16, 1, 0.0),
}
LENGTHS = {
    10: tuple(WAYS),
    30: tuple(way for way in WAYS if way not in {"full, every 8", "64 rows, every 2"}),
}
"""Epochs, and the ways that are measured over so many: the long ones take most of the time."""

SETTINGS = {
    "images": N_DATA,
    "clean": N_CLEAN,
    "test": N_TEST,
    "width": WIDTH,
    "batch_size": BATCH_SIZE,
    "lr": LR,
}


@dataclass(frozen=True, eq=False)
class Digits:
    """Images with their true classes: DATA's, then CLEAN's, then those to test on."""

    inputs: torch.Tensor
    """(N, 1, 28, 28) float32 in [0, 1]."""
    labels: NDArray[np.int64]
    """(N,)."""


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the folder mnist")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--epochs", type=int, nargs="+", default=list(LENGTHS), choices=LENGTHS)
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    torch.set_num_threads(1)
    kept = Kept(options.out.with_suffix(".partial.jsonl"))
    trials: list[dict[str, Any]] = []
    for epochs in options.epochs:
        for seed in range(options.seeds):
            for cell in _cells(draw_digits(options.data, seed), epochs, seed):
                trials += _measure_missing(cell, LENGTHS[epochs], kept)
    write_result(
        options.out,
        {"provenance": provenance(), "settings": SETTINGS, "trials": trials},
        tables=("trials",),
    )
    kept.remove()
    for epochs in options.epochs:
        mine = [trial for trial in trials if trial["epochs"] == epochs]
        print(f"\n{epochs} epochs\n\n{report(mine, LENGTHS[epochs])}")


def draw_digits(folder: Path, seed: int) -> Digits:
    """Draw and decode as many images as are needed, without stratification."""
    table = pq.read_table(folder / "mnist" / "data.parquet", columns=["image", LABEL])
    order = np.random.default_rng(seed).permutation(table.num_rows)
    drawn = table.take(order[: N_DATA + N_CLEAN + N_TEST])
    pixels = [np.asarray(Image.open(io.BytesIO(png))) for png in drawn["image"].to_pylist()]
    inputs = torch.from_numpy(np.stack(pixels)[:, None]).float() / 255
    return Digits(inputs, np.array(drawn[LABEL].to_pylist()).astype(np.int64))


@dataclass(frozen=True, eq=False)
class Cell:
    """Digits with errors planted in one manner."""

    name: dict[str, Any]
    bench: Bench


def _cells(digits: Digits, epochs: int, seed: int) -> Iterator[Cell]:
    true = digits.labels[:N_DATA]
    following = (np.arange(N_CLASSES) + 1) % N_CLASSES
    noisy = {
        "uniform": flip_uniformly(true, N_CLASSES, SHARE, seed=seed),
        "one-sided": flip_labels(true, following, SHARE, seed=seed),
    }
    for noise, labels in noisy.items():
        name = {"set": "mnist", "epochs": epochs, "noise": noise, "seed": seed}
        yield Cell(name, _bench(digits, labels, Schedule(epochs, BATCH_SIZE, LR), seed=seed))


def _bench(digits: Digits, labels: NDArray[np.int64], schedule: Schedule, *, seed: int) -> Bench:
    """The residual network on DATA's digits with these labels, and on CLEAN's."""
    n = N_DATA + N_CLEAN
    plan = _plan(labels, digits.labels[N_DATA:n], seed=seed)
    cpu = torch.device("cpu")
    laid_out = lay_out(digits.inputs[:n], plan, n_classes=N_CLASSES, device=cpu)
    widths = (WIDTH, 2 * WIDTH, 4 * WIDTH)
    return Bench(
        plan=plan,
        examples=lay_out_fold(laid_out, plan, plan.split),
        schedule=schedule,
        build=partial(resnet, widths, n_channels=1, n_classes=N_CLASSES, seed=seed),
        test_inputs=digits.inputs[n:],
        test_labels=digits.labels[n:],
        is_wrong=labels != digits.labels[:N_DATA],
        seed=seed,
    )


def _plan(labels: NDArray[np.int64], clean: NDArray[np.int64], *, seed: int) -> Plan:
    """The part of every image; none of DATA is in CLEAN, for no two images are the same."""
    split = split_clean(clean, seed=seed)
    trained = np.ones(N_DATA + N_CLEAN, dtype=np.bool_)
    trained[N_DATA + split.drawn_steering] = False
    nothing = np.empty(0, dtype=np.int64)
    return Plan((split,), np.concatenate([labels, clean]), trained, np.full(N_DATA, -1), nothing)


def _measure_missing(cell: Cell, ways: tuple[str, ...], kept: Kept) -> list[dict[str, Any]]:
    """Every way's trial; those that an earlier run kept are not made again."""
    keys = {way: f"{SETTINGS} {cell.name} {way}" for way in ways}
    missing = {way: WAYS[way] for way in ways if kept.find(keys[way]) is None}
    if missing:
        for trial in measure(cell.bench, missing):
            kept.add(keys[trial["way"]], {**cell.name, **trial})
        note(f"{cell.name}")
    return [trial for key in keys.values() if (trial := kept.find(key)) is not None]


if __name__ == "__main__":
    main()
