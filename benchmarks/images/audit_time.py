"""Time of an audit of 5,000 images of 32x32 pixels over plain training of the same network.

    python -m benchmarks.images.audit_time --data DIR [--epochs N] [--out FILE]

``DIR/cifar10n_a/data.parquet`` holds the images; 200 of them are clean. Plain training is the
audit's own control, in the same process under the same load: all that an audit adds is in the ratio
(two reweighted trainings, the final one, the second opinion, scoring, writing). Wall time; this
opinion is formed on another core meanwhile. Fewer epochs than the default leave the trainings'
ratios as they are and make those of the rest look larger.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch

from benchmarks.images.against_peers import audited
from benchmarks.images.cells import Limits, make_cell
from benchmarks.record import RESULTS, markdown_table, provenance
from benchmarks.results_files import write_result
from datacleanse.settings import Settings
from datacleanse.storage.typed_json import to_json

RESULT = RESULTS / "image_time.json"
N_IMAGES, N_CLEAN = 5_000, 200


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with cifar10n_a")
    parser.add_argument("--epochs", type=int, help="of every training; default: the package's")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    torch.set_num_threads(1)
    limits = Limits(N_IMAGES, N_CLEAN, test=100)
    cell = make_cell(options.data, "cifar10n_a", "worse_label", limits, seed=0)
    settings = Settings(epochs=options.epochs, device="cpu")
    with tempfile.TemporaryDirectory() as directory:
        manifest = audited(cell, settings, Path(directory) / "run").manifest()
    timings, training = manifest.timings, to_json(manifest.training)
    used = {key: training[key] for key in ("epochs", "batch_size", "steering", "network")}
    write_result(options.out, {"provenance": provenance(), **used, "seconds": timings}, tables=())
    plain = timings["control"]
    rows = [[name, f"{value:.1f}", f"{value / plain:.2f}"] for name, value in timings.items()]
    print(markdown_table(["part", "seconds", "over plain training"], rows))


if __name__ == "__main__":
    main()
