"""Fabricates run folders: a small one full of hostile text, and a large one for size and speed."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datacleanse.auditing.audit_table import write_audit
from datacleanse.detection.methods import METHODS_ALONE
from datacleanse.storage import ledger
from datacleanse.storage.run_claims import begin_folder
from datacleanse.storage.run_folder import RunFolder
from datacleanse.storage.schemas import AUDIT_SCHEMA
from datacleanse_reports import read_view
from datacleanse_reports.records import ReportView
from tests.reports import beside

HOSTILE = (
    "<script>console.error('ran')</script>",
    "</script><script>console.error('ran')</script>",
    '" onmouseover="console.error(1)" x="',
    "'; --",
    "=cmd|'/c calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "-4.1",
    "line one\nline two",
    "right\u202eto left\u200f",
    "👩‍👩‍👧 family",
    "{{ 7 * 7 }} {% raw %}",
    "[red]markup[/red] [bold",
    "`code` | pipe *star* ![x](http://x)",
    "nul\x00bell\x07esc\x1b[31m",
    "&lt;amp&amp;",
    "",
)

MANIFEST: dict[str, Any] = {
    "schema_version": 3,
    "run_id": "20260101-000000-abcd",
    "status": "finished",
    "command": ["audit", "data people.csv", "--val", "clean.csv", "--label", "label"],
    "created_at": "2026-01-01T00:00:00+00:00",
    "finished_at": "2026-01-01T00:00:12+00:00",
    "settings": {
        "rule": "l2rw",
        "model": "auto",
        "epochs": None,
        "batch_size": None,
        "lr": None,
        "meta_batch": None,
        "meta_every": None,
        "meta_average": 0.0,
        "weights": None,
        "features": None,
        "fast": False,
        "hold_back": 0.0,
        "repeats": 0,
        "fdr": 0.1,
        "top": 500,
        "device": "auto",
        "seed": 0,
    },
    "versions": {
        "datacleanse": "0.1.0",
        "python": "3.11.7",
        "torch": "2.9.0",
        "numpy": "2.1.0",
        "pandas": "2.2.3",
        "pyarrow": "18.0.0",
        "scikit-learn": "1.6.0",
        "pillow": "11.0.0",
    },
    "identity": {},
    "resumed_at": [],
    "stopped_at": None,
    "device": {"name": "cpu", "threads": 2, "rows": "on the device"},
    "data": {
        "source": "data people.csv",
        "sha256": "d" * 64,
        "rows": 0,
        "columns": 6,
        "label": "label",
        "id": "person",
        "classes": {},
        "reading": {
            "label": None,
            "id": "person",
            "drop": [],
            "categorical": [],
            "numeric": [],
            "delimiter": None,
            "image_size": None,
            "max_unreadable": 0.05,
        },
    },
    "clean": {
        "source": "clean.csv",
        "sha256": "c" * 64,
        "rows": 200,
        "classes": {"yes": 120, "no": 80},
        "steering_rows": 100,
        "reviewed_rows": 0,
        "calibration_rows": 100,
        "held_back_rows": 0,
    },
    "test": {"source": "test.csv", "sha256": "e" * 64, "rows": 100},
    "reviewed": None,
    "pictures": None,
    "schema": {
        "columns": [
            {"name": "age", "kind": "numeric", "width": 1},
            {"name": "col 2", "kind": "categorical", "width": 1},
            {"name": "col 3", "kind": "categorical", "width": 1},
            {"name": "vector", "kind": "embedding", "width": 64},
        ],
        "set_aside": [
            {"name": "person", "kind": "identifier", "reason": "the id column"},
            {"name": "note", "kind": "text", "reason": "free text, 20 words a cell on average"},
        ],
    },
    "overlap": {"rows": 3, "verified": 2, "matched_by": "id"},
    "training": {
        "rule": "l2rw",
        "epochs": 5,
        "batch_size": 64,
        "lr": 0.001,
        "steering": {"batch": 128, "every": 2, "average": 0.0},
        "training_rows": 57,
        "parameters": 12345,
        "network": "A multilayer perceptron with two hidden layers of 128.",
        "skipped_steps": 1,
        "route": {"name": "closed-form", "reason": "The network is a multilayer perceptron."},
        "folds": 2,
        "curves": {
            "reweighted": {
                "loss": [0.7, 0.6, 0.5, 0.45, 0.4],
                "clean_loss": [0.7, 0.5, 0.4, 0.3, 0.25],
            },
            "control": {
                "loss": [0.7, 0.5, 0.4, 0.3, 0.2],
                "clean_loss": [0.7, 0.6, 0.5, 0.45, 0.5],
            },
            "final": {
                "loss": [0.7, 0.6, 0.5, 0.4, 0.35],
                "clean_loss": [0.7, 0.5, 0.3, 0.2, None],
            },
        },
    },
    "timings": {
        "read": 0.1,
        "encode": 0.2,
        "control": 3.0,
        "reweighted": 7.5,
        "score": 0.3,
        "total": 11.1,
    },
    "metrics": {
        "test": {
            "rows": 100,
            "reweighted": {
                "accuracy": 0.91,
                "balanced_accuracy": 0.9,
                "log_loss": 0.25,
                "calibration_error": 0.05,
            },
            "control": {
                "accuracy": 0.88,
                "balanced_accuracy": 0.87,
                "log_loss": 0.31,
                "calibration_error": 0.04,
            },
            "by_class": {},
        },
        "held_back": None,
    },
    "flags": {
        "fdr": 0.1,
        "flagged": 0,
        "basis": "controlled",
        "calibration_rows": 100,
        "smallest_p_value": 0.0099,
        "null_share": 0.8,
        "estimated_wrong": 9.5,
        "rows_needed": None,
    },
    "noise": {
        "basis": "estimates",
        "rate": {},
        "by_given_label": {},
        "confusions": [],
        "matrix_trust": [0.9, 0.8],
    },
    "budget": [],
    "methods": {
        "suspicion": "Bayes' rule with a noise matrix learned from the clean set.",
        "mislabel_probability": "Mean of the suspicion and the local false-discovery rate.",
        "p_value": "Conformal, against 100 calibration rows.",
        "flagged": "Benjamini–Hochberg at 0.10 with Storey's estimate.",
        "suggested_label": "Likeliest true class by the same posterior.",
    },
    "model_files": {},
    "health": {
        "findings": [
            {
                "kind": "leaking-columns",
                "message": "Column '<b>age</b>' alone tells the label.",
                "advice": "Leave it out (--drop).",
                "method": "A tree of this column alone.",
                "certainty": "judged",
                "is_warning": True,
                "columns": ["<b>age</b>"],
                "n_rows": 0,
                "first_rows": [],
            },
            {
                "kind": "copies",
                "message": "4 rows repeat each other in 2 groups (4 exactly).",
                "advice": "",
                "method": "Rows compared in every column that is read.",
                "certainty": "exact",
                "is_warning": False,
                "columns": [],
                "n_rows": 24,
                "first_rows": [0, 1, 2, 3],
            },
        ],
        "skipped": {"drift": "there are neither CLEAN nor TEST."},
    },
    "notices": [
        {"slug": "label-chosen", "message": "The label column is 'label'.", "is_warning": False},
        {
            "slug": "clean-small",
            "message": "CLEAN has only 200 rows <b>&</b> few of class 'no'.",
            "is_warning": True,
        },
    ],
}


def write_json(file: Path, manifest: dict[str, Any]) -> None:
    """Write `run.json` as it is said to be, right or wrong."""
    file.write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")


@dataclass
class Fabricated:
    """What a fabricated run holds; change fields before `write`."""

    n_rows: int = 60
    n_epochs: int = 5
    n_columns: int = 4
    classes: tuple[str, ...] = ("yes", "no", *HOSTILE[:3])
    cells: tuple[str, ...] = HOSTILE
    flagged: int = 8
    with_p_values: bool = True
    stored: int | None = None
    with_companions: bool = True
    with_pictures: bool = False
    has_clean: bool = True
    knows_rows: bool = True
    """Whether rows that are not trained on are verified, and listed as they once were."""
    manifest: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(MANIFEST))
    schema: pa.Schema = AUDIT_SCHEMA
    """Of the audit table."""

    def write(self, path: Path) -> RunFolder:
        """Write the folder with the engine's own functions."""
        with begin_folder(path, force=False) as folder:
            self._fill(folder)
        return folder

    def _fill(self, folder: RunFolder) -> None:
        generator = np.random.default_rng(7)
        audit = self._audit(generator)
        for epoch in range(self.n_epochs):
            ledger.write_epoch(folder.epoch_file(epoch), epoch, self._epoch(generator, audit))
        write_audit(
            folder.audit_file,
            lambda rows: {name: column[rows] for name, column in audit.items()},
            folder.epoch_files(),
            self.n_rows,
            self.schema,
        )
        order = np.argsort(audit["rank"].to_numpy())[: self.stored]
        pq.write_table(self._originals(audit, order), folder.suspects_file)
        n_clean = self.manifest["clean"]["rows"] if self.has_clean else 0
        beside.write_calibration(folder, n_rows=n_clean)
        if self.with_companions:
            self._write_companions(folder, audit, order)
        self._describe(audit)
        if not self.has_clean:
            self._forget_clean()
        write_json(folder.manifest_file, self.manifest)

    def _write_companions(self, folder: RunFolder, audit: dict[str, pa.Array], order: Any) -> None:
        rows = [int(row) for row in order]
        beside.write_likelihoods(folder, pa.table(audit).take(pa.array(rows)), self.classes)
        if self.has_clean:
            beside.write_neighbours(folder, rows, self.classes)
            beside.write_clean_rows(folder, folder.read_suspects())
        beside.write_telling(folder, rows, [f"col {i}" for i in range(2, self.n_columns)])
        beside.write_conflicts(folder, self.classes, n_rows=self.n_rows)
        if self.with_pictures:
            beside.write_thumbnails(folder, rows)

    def _audit(self, generator: np.random.Generator) -> dict[str, pa.Array]:
        n = self.n_rows
        suspicion = np.round(generator.permutation(n) / n, 4)
        rank = n - np.argsort(np.argsort(suspicion))
        given = np.arange(n) % len(self.classes)
        suggested = np.where(rank <= n // 2, (given + 1) % len(self.classes), -1)
        in_training = np.arange(n) % 20 != 3
        names = np.array([*self.classes, None], dtype=object)
        weight = np.where(in_training, np.round(2 * (1 - suspicion), 3), np.nan)

        def numbers(values: Any) -> pa.Array:
            return pa.array(np.asarray(values, dtype=np.float64), from_pandas=True)

        return {
            "row": pa.array(np.arange(n)),
            "id": pa.array([f"{self.cells[i % len(self.cells)]}{i}" for i in range(n)]),
            "given_label": pa.array(names[given].tolist(), type=pa.string()),
            "suggested_label": pa.array(names[suggested].tolist(), type=pa.string()),
            "suspicion": numbers(suspicion),
            "rank": pa.array(rank),
            "mislabel_probability": numbers(np.round(suspicion**4, 4)),
            "p_value": numbers(
                np.round((1 + rank) / (n + 1), 4) if self.with_p_values else np.full(n, np.nan)
            ),
            "flagged": pa.array(rank <= self.flagged),
            "mean_weight": numbers(weight),
            "zero_weight_share": numbers(np.where(in_training, np.round(suspicion, 1), np.nan)),
            "mean_influence": numbers(np.where(in_training, 0.5 - suspicion, np.nan)),
            "mean_margin": numbers(np.round(4 - 8 * suspicion, 3)),
            "mean_loss": numbers(np.round(3 * suspicion, 3)),
            "flag_stability": numbers(np.full(n, np.nan)),
            "control_margin": numbers(np.round(5 - 7 * suspicion, 3)),
            "in_training": pa.array(in_training),
            "verified_label": pa.array(
                [
                    None if t or not self.knows_rows else self.classes[i % 2]
                    for i, t in enumerate(in_training)
                ],
                type=pa.string(),
            ),
            "false_at_most": pa.nulls(n, pa.int64()),
            "verdict": pa.array(
                [
                    "fine" if s < 0 else ("likely wrong", "ambiguous", "unlike the rest")[i % 3]
                    for i, s in enumerate(np.where(suggested >= 0, 1, -1))
                ]
            ),
            "unlike_p_value": numbers(np.round((1 + np.arange(n)) / (n + 1), 4)),
            "copy_group": pa.array([i // 2 if i < 4 else None for i in range(n)], pa.int64()),
            "final_weight": pa.array([1.0] * n),
            "row_sha256": pa.array([f"{i:064x}" for i in range(n)]),
        }

    def _epoch(
        self, generator: np.random.Generator, audit: dict[str, pa.Array]
    ) -> ledger.EpochRecord:
        suspicion = audit["suspicion"].to_numpy()
        drawn = np.maximum(0, generator.normal(1 - 2 * suspicion, 0.5)).round(3)
        weight = np.where(audit["in_training"].to_numpy(zero_copy_only=False), drawn, np.nan)
        filler = np.zeros(self.n_rows, dtype=np.float32)
        return ledger.EpochRecord(weight.astype(np.float32), filler, filler, filler)

    def _originals(self, audit: dict[str, pa.Array], order: Any) -> pa.Table:
        cells = self.cells
        n_cells = len(cells)
        named: list[tuple[str, pa.Array]] = [
            ("row", audit["row"].take(pa.array(order))),
            ("person", audit["id"].take(pa.array(order))),
            ("rank", pa.array([f"{i} of the user's" for i in order])),
            ("age", pa.array([None if i % 7 == 0 else float(i) for i in order])),
            ("label", audit["given_label"].take(pa.array(order))),
        ]
        for column in range(self.n_columns):
            # The first two share a name, which Parquet allows.
            name = "=cmd()<b>" if column < 2 else f"col {column}"
            values = [cells[(int(i) + 3 * column) % n_cells] for i in order]
            named.append((name, pa.array(values)))
        return pa.Table.from_arrays([a for _, a in named], names=[n for n, _ in named])

    def _describe(self, audit: dict[str, pa.Array]) -> None:
        data = self.manifest["data"]
        data["rows"] = self.n_rows
        counts = audit["given_label"].value_counts().to_pylist()
        data["classes"] = dict.fromkeys(self.classes, 0)
        data["classes"] |= {pair["values"]: pair["counts"] for pair in counts}
        self.manifest["flags"]["flagged"] = self.flagged
        expected = self.manifest["flags"]["estimated_wrong"]
        self.manifest["flags"]["estimated_wrong"] = min(expected, self.n_rows)
        for name, rows in self.manifest["overlap"].items():
            if name != "matched_by":
                self.manifest["overlap"][name] = min(rows, self.n_rows)
        if not self.flagged:
            self.manifest["flags"]["basis"] = "none"
        self._estimate(audit)

    def _forget_clean(self) -> None:
        manifest = self.manifest
        command = [word for word in manifest["command"] if word not in {"--val", "clean.csv"}]
        manifest |= {"clean": None, "budget": [], "command": command}
        manifest["settings"]["rule"] = None
        manifest["training"] |= {"rule": "none steered", "folds": 1, "route": None}
        curves = manifest["training"]["curves"]
        plain = {"loss": curves["control"]["loss"], "clean_loss": [None] * self.n_epochs}
        manifest["training"]["curves"] = dict.fromkeys(curves, plain)
        manifest["overlap"] |= {"rows": 0, "verified": 0}
        manifest["flags"] |= {
            "calibration_rows": 0,
            "smallest_p_value": None,
            "null_share": None,
            "estimated_wrong": None,
        }
        manifest["noise"] = {
            "basis": "none",
            "rate": None,
            "by_given_label": {},
            "confusions": [],
            "matrix_trust": [],
        }
        measured = manifest["metrics"]["test"]
        manifest["metrics"]["test"] = measured | {"reweighted": measured["control"]}
        manifest["methods"] = dict(METHODS_ALONE)
        manifest["notices"] = [manifest["notices"][0]]

    def _estimate(self, audit: dict[str, pa.Array]) -> None:
        """Noise, confusions and budget, by and large as the engine would find them."""
        probability = audit["mislabel_probability"].to_numpy()
        by_rank = probability[np.argsort(audit["rank"].to_numpy())]
        given = np.array(audit["given_label"].to_pylist(), dtype=object)
        noise = self.manifest["noise"]
        noise["rate"] = _share(probability)
        # One label that CLEAN alone knows.
        names = (*self.classes, "only in CLEAN")
        noise["by_given_label"] = {name: _share(probability[given == name]) for name in names}
        # The errors of a class are all of the next one.
        following = (*self.classes[1:], self.classes[0])
        noise["confusions"] = [
            {
                "given": name,
                "true": other,
                "rows": noise["by_given_label"][name]["rows"]
                * noise["by_given_label"][name]["share"],
                "share": noise["by_given_label"][name]["share"],
            }
            for name, other in zip(self.classes, following, strict=True)
        ]
        self.manifest["budget"] = [
            _share(by_rank[:rows]) for rows in (10, 20, 50, 100, 200) if rows <= self.n_rows
        ]


def _share(probability: Any) -> dict[str, Any]:
    if not len(probability):
        return {"rows": 0, "share": 0.0, "low": 0.0, "high": 1.0}
    # Rounded, since the last digits of a sum are not the same everywhere.
    share = round(float(probability.mean()), 6)
    low, high = round(max(0.0, share - 0.05), 6), round(min(1.0, share + 0.1), 6)
    return {"rows": len(probability), "share": share, "low": low, "high": high}


@pytest.fixture
def fabricated(request: pytest.FixtureRequest) -> Fabricated:
    """A small run full of hostile text, not written yet; of classes, or of what a test asks for."""
    kind: type[Fabricated] = getattr(request, "param", Fabricated)
    return kind()


@pytest.fixture
def hostile_run(fabricated: Fabricated, tmp_path: Path) -> RunFolder:
    """The small run, written."""
    return fabricated.write(tmp_path / "people")


@pytest.fixture
def unverified(fabricated: Fabricated) -> Fabricated:
    """The small run as of an audit without verified rows, not written yet."""
    fabricated.flagged, fabricated.with_p_values, fabricated.has_clean = 0, False, False
    return fabricated


@pytest.fixture
def unverified_run(unverified: Fabricated, tmp_path: Path) -> RunFolder:
    """That run, written."""
    return unverified.write(tmp_path / "people")


@pytest.fixture
def doubted_run(fabricated: Fabricated, tmp_path: Path) -> RunFolder:
    """The small run where nobody seems to have checked a source of the clean set."""
    fabricated.manifest["notices"].append(
        {
            "slug": "clean-unchecked",
            "message": "All 50 labels that sample.csv verifies agree.",
            "is_warning": True,
            "column": None,
            "cells": None,
            "option": None,
        }
    )
    return fabricated.write(tmp_path / "people")


@pytest.fixture
def view(hostile_run: RunFolder) -> ReportView:
    """Its 25 first suspects."""
    return read_view(hostile_run, top=25)


@pytest.fixture
def pictures(hostile_run: RunFolder) -> ReportView:
    """The run as of a manifest: its second column says where each picture lies."""
    with pq.ParquetFile(hostile_run.suspects_file) as file:
        table = file.read()
    names = ["row", "file_name", *table.column_names[2:]]
    paths = [f"a b/{row}.v1.jpg" for row in table.column(0).to_pylist()]
    table = table.set_column(1, "person", [paths]).rename_columns(names)
    pq.write_table(table, hostile_run.suspects_file)
    return read_view(hostile_run, top=25)
