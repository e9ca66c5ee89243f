"""`run.json`: all that is needed to repeat the run, and what came of it."""

from __future__ import annotations

import math
import platform
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from datacleanse.runfolder import SCHEMA_VERSION
from datacleanse.score import METHODS
from datacleanse.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

    from datacleanse.config import Settings
    from datacleanse.records import Dataset, Notice, Schema
    from datacleanse.score import Assessment
    from datacleanse.train import Outcome

LIBRARIES = ("torch", "numpy", "pandas", "pyarrow", "scikit-learn")


@dataclass
class Stopwatch:
    """Seconds spent in each part of the run."""

    seconds: dict[str, float] = field(default_factory=dict)
    _started: float = field(default_factory=perf_counter)
    _last: float = field(default_factory=perf_counter)

    def lap(self, name: str) -> None:
        """The time since the last lap was spent on ``name``."""
        now = perf_counter()
        self.seconds[name] = round(now - self._last, 3)
        self._last = now

    def stop(self) -> dict[str, float]:
        """All laps and the total."""
        return {**self.seconds, "total": round(perf_counter() - self._started, 3)}


def now() -> str:
    """This moment, ISO 8601, UTC, in seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def opening(run_id: str, command: Iterable[str], settings: Settings) -> dict[str, Any]:
    """What is known before the run starts."""
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": run_id,
        "status": "running",
        "command": list(command),
        "created_at": now(),
        "settings": asdict(settings),
        "versions": {
            "datacleanse": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in LIBRARIES},
        },
    }


def describe_data(data: Dataset, sha256: str) -> dict[str, Any]:
    """DATA's fingerprint."""
    return {
        **describe_file(data, sha256),
        "columns": data.table.num_columns,
        "label": data.schema.label,
        "id": data.schema.id,
        "classes": class_counts(data),
    }


def describe_file(data: Dataset, sha256: str) -> dict[str, Any]:
    """Where rows came from."""
    return {"source": data.source, "sha256": sha256, "rows": data.n_rows}


def class_counts(data: Dataset) -> dict[str, int]:
    """Rows of each class, by the file's own spelling."""
    counts = np.bincount(data.labels, minlength=len(data.given_labels))
    return {name: int(count) for name, count in zip(data.given_labels, counts, strict=True)}


def describe_schema(schema: Schema) -> dict[str, Any]:
    """Columns read and columns set aside."""
    return {
        "columns": [asdict(column) for column in schema.columns],
        "set_aside": [asdict(column) for column in schema.set_aside],
    }


def describe_notices(notices: Iterable[Notice]) -> list[dict[str, Any]]:
    """Everything that was said, once each, in order."""
    return [asdict(notice) for notice in dict.fromkeys(notices)]


def curves(outcome: Outcome) -> dict[str, list[float | None]]:
    """Losses by epoch."""
    return {
        "loss": [_number(value) for value in outcome.loss],
        "clean_loss": [_number(value) for value in outcome.trusted_loss],
    }


def describe_flags(assessment: Assessment, fdr: float) -> dict[str, Any]:
    """What the flags promise, and what they rest on."""
    n_calibration = int(np.count_nonzero(~np.isnan(assessment.calibration_score)))
    has_p_values = not np.isnan(assessment.p_value).all()
    wrong = assessment.probability.sum()
    return {
        "fdr": fdr,
        "flagged": int(assessment.flagged.sum()),
        "calibration_rows": n_calibration,
        "smallest_p_value": 1.0 / (n_calibration + 1) if has_p_values else None,
        "null_share": assessment.null_share,
        "estimated_wrong": _number(float(wrong)),
        "rows_needed": assessment.rows_needed,
    }


def describe_methods() -> dict[str, str]:
    """What each column of the audit table rests on."""
    return dict(METHODS)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
