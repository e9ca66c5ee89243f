"""Finished parts of the detection benchmark on disk, so that a run that was stopped goes on.

One folder a cell, `<protocol>-c<clean>-n<noisy>-t<test>/<table>/<noise>/<seed>/`; N rows to audit,
m' clean ones, M trained on (`Cell.labels`), C classes of the whole table:

- `cell.npz`: ``given``, ``truth``, ``is_wrong`` (N,); ``clean_labels`` (m',); ``classes`` (C,)
  names that all codes point into; ``is_scored`` (N,); ``noisy_rows`` (N,), ``clean_rows`` (m',),
  ``test_rows`` (T,) positions in the table's file; ``test_labels`` (T,)
- `<model>.npz` (logistic, boosted, forest, network): ``u`` (M, C) float32 out-of-fold
  probabilities; ``labels`` (M,) that were trained on; ``fold`` (M,); ``seconds``
- `plain.npz`: means over the epochs of plain training: ``margin``, ``loss`` (M,),
  ``probability`` (M, C); ``seconds``
- `<method>.npz`: ``suspicion`` (N,) and, where the method has them, the other fields of a `Verdict`
- `<method>.json`: its measures; written last, so it says that the method is done
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.detection.detectors import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.detection.cells import Cell, CellName, Limits


class CellCache:
    """The folder of one cell."""

    def __init__(self, cache: Path, name: CellName, limits: Limits) -> None:
        of_limits = f"{limits.protocol}-c{limits.clean}-n{limits.noisy}-t{limits.test}"
        self.folder = cache / of_limits / name.table / name.noise / str(name.seed)

    def write_cell(self, cell: Cell) -> None:
        """Write `cell.npz`."""
        noisy, clean, test = cell.drawn.positions
        arrays = {
            "given": cell.given,
            "truth": cell.truth,
            "is_wrong": cell.is_wrong,
            "is_scored": cell.is_scored,
            "clean_labels": cell.clean_labels,
            "classes": np.array(cell.drawn.classes),
            "noisy_rows": noisy,
            "clean_rows": clean[cell.kept],
            "test_rows": test,
            "test_labels": cell.drawn.held_back_truth,
        }
        self.write("cell", arrays)

    def has(self, name: str) -> bool:
        """Whether `<name>.npz` is there, whole."""
        return (self.folder / f"{name}.npz").is_file()

    def read(self, name: str) -> dict[str, Any]:
        """The arrays of `<name>.npz`."""
        with np.load(self.folder / f"{name}.npz") as arrays:
            return dict(arrays)

    def write(self, name: str, arrays: Mapping[str, Any]) -> None:
        """Write `<name>.npz`; it appears whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        aside = self.folder / f"{name}.part.npz"
        np.savez_compressed(aside, **arrays)
        aside.replace(self.folder / f"{name}.npz")

    def measures(self, method: str) -> dict[str, Any] | None:
        """What was measured of a finished method."""
        path = self.folder / f"{method}.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None

    def verdict(self, method: str) -> Verdict:
        """What a finished method made of the rows."""
        return Verdict(**self.read(method))

    def finish(self, method: str, verdict: Verdict, measures: dict[str, Any]) -> None:
        """Keep a method's verdict and measures."""
        arrays = {key: value for key, value in asdict(verdict).items() if value is not None}
        self.write(method, arrays)
        aside = self.folder / f"{method}.part.json"
        aside.write_text(json.dumps(measures), encoding="utf-8")
        aside.replace(self.folder / f"{method}.json")
