"""Exported ONNX files against `predict`, on up to 10,000 pictures of each set of images.

    python -m benchmarks.export.images --data DIR [--sets a,b]

Each set is audited briefly and exported; then both classify the same pictures, and black, white and
random ones beside them. `export_check.py` does the same for tables.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import torch

from benchmarks.images.against_peers import audited
from benchmarks.images.cells import SETS, ImageCell, Limits, draw
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import write_result
from benchmarks.tables import LABEL
from datacleanse.models.loading import load_predictor
from datacleanse.serving.export import export_run
from datacleanse.serving.export.samples import TOLERANCE
from datacleanse.serving.onnx_model import load_onnx
from datacleanse.settings import Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

RESULT = RESULTS / "export_images.json"
N_IMAGES, N_TRAIN, N_CLEAN, N_MADE = 10_000, 1_000, 200, 100
"""Pictures of a set: in all, to train on, clean ones; and random ones beside them."""


def main() -> None:
    """Run it for the sets; print one line each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", default=",".join(SETS), help="comma-separated")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = []
    for name in options.sets.split(","):
        found.append({"set": name, **check(options.data, name)})
        note(str(found[-1]))
        write_result(
            options.out, {**provenance(), "tolerance": TOLERANCE, "sets": found}, tables=()
        )
    header = ["set", "images", "other class", "largest difference"]
    rows = [
        [f["set"], str(f["images"]), str(f["other_class"]), f"{f['difference']:.1e}"] for f in found
    ]
    print(markdown_table(header, rows))


def check(folder: Path, name: str) -> dict[str, Any]:
    """Audit, export, compare."""
    there = pq.read_metadata(folder / name / "data.parquet").num_rows
    test = min(there, N_IMAGES) - N_TRAIN - N_CLEAN
    drawn = draw(folder, name, Limits(N_TRAIN, N_CLEAN, test), 0)
    cell = ImageCell(f"{name}/{LABEL}", LABEL, drawn, drawn.truth[:N_TRAIN], 0)
    images = with_made(drawn.images)
    with tempfile.TemporaryDirectory() as directory:
        run = audited(cell, Settings(epochs=2, fast=True, device="cpu"), Path(directory) / "run")
        export_run(run.path, "onnx", Path(directory) / "model.onnx")
        exported, own = load_onnx(Path(directory) / "model.onnx"), load_predictor(run.model_dir)
        expected, got = own.answer(images), exported.answer(images)
    return {
        "images": len(images),
        "size": images.shape[1:],
        "other_class": int((expected.argmax(axis=1) != got.argmax(axis=1)).sum()),
        "difference": float(np.abs(expected - got).max()),
    }


def with_made(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(n + 2 + `N_MADE`, C, H, W): black, white and random ones behind the others."""
    shape = images.shape[1:]
    flat = np.stack([np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8)])
    random = np.random.default_rng(0).integers(0, 256, (N_MADE, *shape), dtype=np.uint8)
    return np.concatenate([images, flat, random])


if __name__ == "__main__":
    main()
