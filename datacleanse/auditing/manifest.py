"""`run.json`: all that is needed to repeat the run, and what came of it."""

from __future__ import annotations

import math
import platform
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from datacleanse.auditing.picture_files import describe_pictures
from datacleanse.detection.methods import METHODS
from datacleanse.detection.noise_rates import budget, confusions, noise_by_class, noise_rate
from datacleanse.models.metrics import measure_classes, measure_classification
from datacleanse.storage.run_folder import SCHEMA_VERSION
from datacleanse.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from datacleanse.auditing.plan import Plan
    from datacleanse.auditing.reading import Inputs
    from datacleanse.detection.evidence import Assessment
    from datacleanse.models.metrics import Tested, Tests
    from datacleanse.records import Dataset, Notice
    from datacleanse.review.next_round import Reviewed
    from datacleanse.settings import Schedule, Settings
    from datacleanse.training.loop import Outcome
    from datacleanse.training.trainer import Trained, Trainings

Json = dict[str, Any]
"""Plain values that JSON can hold; no NaN."""

LIBRARIES = ("torch", "numpy", "pandas", "pyarrow", "scikit-learn", "pillow")


@dataclass
class Stopwatch:
    """Seconds spent in each part of the run."""

    seconds: dict[str, float]
    """What was measured before."""
    _last: float = field(default_factory=perf_counter)

    def lap(self, name: str) -> None:
        """The time since the last lap was spent on ``name``."""
        now = perf_counter()
        self.seconds[name] = round(now - self._last, 3)
        self._last = now

    def stop(self) -> dict[str, float]:
        """All laps and the total."""
        return {**self.seconds, "total": round(sum(self.seconds.values()), 3)}


def now() -> str:
    """This moment, ISO 8601, UTC, in seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def opening(run_id: str, command: Iterable[str], settings: Settings) -> Json:
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


def describe_inputs(inputs: Inputs, plan: Plan, told: Iterable[Notice] = ()) -> Json:
    """Where the rows came from, the part they play, and all notices; ``told``: while training."""
    data, clean, overlap = inputs.data, inputs.clean, inputs.comparison.overlap
    sets = [data, clean] if inputs.test is None else [data, clean, inputs.test]
    notices = [notice for each in sets for notice in each.notices]
    notices += [*inputs.comparison.notices, *told]
    return {
        "data": {
            **_file(inputs, "data", data),
            "columns": data.table.num_columns,
            "label": data.schema.label,
            "id": data.schema.id,
            "classes": _class_counts(data),
            "reading": asdict(inputs.options),
        },
        "clean": {
            **_file(inputs, "clean", clean),
            "classes": _class_counts(clean),
            "meta_rows": len(plan.split.steering),
            "reviewed_rows": len(plan.reviewed),
            "calibration_rows": len(plan.split.calibration),
            "held_back_rows": len(plan.held_back),
        },
        "test": None if inputs.test is None else _file(inputs, "test", inputs.test),
        "reviewed": None if inputs.reviewed is None else _reviewed(inputs.reviewed),
        "schema": {
            "columns": [asdict(column) for column in data.schema.columns],
            "set_aside": [asdict(column) for column in data.schema.set_aside],
        },
        "overlap": {
            "rows": len(overlap.data_rows),
            "verified": int((plan.verified >= 0).sum()),
            "matched_by": overlap.matched_by,
        },
        **describe_pictures(inputs.gallery),
        "notices": [asdict(notice) for notice in dict.fromkeys(notices)],
    }


def describe_training(networks: Trainings) -> Json:
    """Rows, and the learning curves of the trainings that were compared."""
    reweighted, control = networks.reweighted, networks.control
    return {
        "training": {
            "training_rows": reweighted.n_trained,
            "skipped_steps": reweighted.outcome.skipped_steps,
            "route": _route(reweighted.outcome),
            "folds": len(networks.opinions),
            "curves": {
                "reweighted": _curves(reweighted.outcome),
                "control": _curves(control.outcome),
            },
        },
    }


def describe_final(found: Json, schedule: Schedule, final: Trained, *, network: str) -> Json:
    """What `describe_training` found, with network, described already, and final schedule."""
    training = found["training"]
    return {
        "training": {
            **asdict(replace(schedule, batch_size=final.batch_size)),
            "parameters": sum(p.numel() for p in final.network.parameters()),
            "network": network,
            **training,
            "curves": {**training["curves"], "final": _curves(final.outcome)},
        },
    }


def describe_assessment(assessment: Assessment, data: Dataset, fdr: float) -> Json:
    """What the flags promise, the noise found, how far to read, and what the columns rest on."""
    n_calibration = int(np.count_nonzero(~np.isnan(assessment.calibration_score)))
    has_p_values = not np.isnan(assessment.p_value).all()
    names = data.schema.classes
    return {
        "flags": {
            "fdr": fdr,
            "flagged": int(assessment.flagged.sum()),
            "basis": assessment.basis,
            "calibration_rows": n_calibration,
            "smallest_p_value": 1.0 / (n_calibration + 1) if has_p_values else None,
            "null_share": assessment.null_share,
            "estimated_wrong": float(assessment.probability.sum()),
            "rows_needed": assessment.rows_needed,
        },
        "noise": {
            "rate": asdict(noise_rate(assessment)),
            "by_given_label": {
                name: asdict(share)
                for name, share in zip(
                    names, noise_by_class(assessment, data.labels, len(names)), strict=True
                )
            },
            "confusions": [
                {**asdict(pair), "given": names[pair.given], "true": names[pair.true]}
                for pair in confusions(assessment)
            ],
            "matrix_trust": [model.trust for model in assessment.noise],
        },
        "budget": [asdict(share) for share in budget(assessment)],
        "methods": dict(METHODS),
    }


def compare_models(reweighted: Tests, control: Tests, classes: tuple[str, ...]) -> Json:
    """Metrics of both networks on rows with true labels, by what these are."""
    found: Json = dict.fromkeys(reweighted)
    for name, tested in reweighted.items():
        if tested is not None and (other := control[name]) is not None:
            found[name] = _compared({"reweighted": tested, "control": other}, classes)
    return found


def _compared(models: Mapping[str, Tested], classes: tuple[str, ...]) -> Json:
    labels = models["control"].labels
    by_class = {role: measure_classes(each.probability, labels) for role, each in models.items()}
    return {
        "rows": len(labels),
        **{role: measure_classification(each.probability, labels) for role, each in models.items()},
        "by_class": {
            name: {
                "rows": int((labels == code).sum()),
                **{role: figures[code] for role, figures in by_class.items()},
            }
            for code, name in enumerate(classes)
        },
    }


def _file(inputs: Inputs, role: str, data: Dataset) -> Json:
    return {"source": data.source, "sha256": inputs.sha256[role], "rows": data.n_rows}


def _reviewed(reviewed: Reviewed) -> Json:
    """The part of the clean set that decisions of earlier rounds made."""
    return {
        "sources": list(reviewed.files),
        "sha256": reviewed.sha256,
        "rows": len(reviewed.rows),
        "kept": reviewed.kept,
        "relabelled": len(reviewed.rows) - reviewed.kept,
        "left_out": len(reviewed.left_out),
    }


def _class_counts(data: Dataset) -> dict[str, int]:
    """Rows of each class, by the file's own spelling."""
    counts = np.bincount(data.labels, minlength=len(data.given_labels))
    return {name: int(count) for name, count in zip(data.given_labels, counts, strict=True)}


def _route(outcome: Outcome) -> Json | None:
    """How influences were computed, and why so; None where the rule needs none."""
    return None if outcome.route is None else asdict(outcome.route)


def _curves(outcome: Outcome) -> dict[str, list[float | None]]:
    """Losses by epoch."""
    return {
        "loss": [_number(value) for value in outcome.loss],
        "clean_loss": [_number(value) for value in outcome.trusted_loss],
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
