"""Find the wrong labels in a table: learned example reweighting with an audit trail.

The public names are loaded when they are first used, so that importing the package is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from datacleanse.errors import (
    DatacleanseError,
    DataWarning,
    InputError,
    RunFolderError,
    SettingsError,
)
from datacleanse.version import __version__

if TYPE_CHECKING:
    from datacleanse.auditing.classifier import ReweightedClassifier
    from datacleanse.auditing.forecast import Forecast
    from datacleanse.auditing.from_python import audit, plan_audit
    from datacleanse.auditing.own_dataset import audit_dataset
    from datacleanse.auditing.regression.number_result import NumberResult
    from datacleanse.auditing.result import AuditResult
    from datacleanse.models.loading import load_predictor
    from datacleanse.models.predictor import Predictor
    from datacleanse.progress import Progress
    from datacleanse.review.apply import CleaningResult, apply
    from datacleanse.serving.explanation import Explanation, NumberExplanation, explain
    from datacleanse.serving.load import load
    from datacleanse.serving.loaded_model import LoadedClassifier, LoadedRegressor
    from datacleanse.settings import Meta, Settings
    from datacleanse.training.influence import Route
    from datacleanse.training.reweighter import Reweighted, Reweighter, reweight

__all__ = [
    "AuditResult",
    "CleaningResult",
    "DataWarning",
    "DatacleanseError",
    "Explanation",
    "Forecast",
    "InputError",
    "LoadedClassifier",
    "LoadedRegressor",
    "Meta",
    "NumberExplanation",
    "NumberResult",
    "Predictor",
    "Progress",
    "Reweighted",
    "ReweightedClassifier",
    "Reweighter",
    "Route",
    "RunFolderError",
    "Settings",
    "SettingsError",
    "__version__",
    "apply",
    "audit",
    "audit_dataset",
    "explain",
    "load",
    "load_predictor",
    "plan_audit",
    "reweight",
]

_LAZY = {
    "AuditResult": "datacleanse.auditing.result",
    "CleaningResult": "datacleanse.review.apply",
    "Explanation": "datacleanse.serving.explanation",
    "Forecast": "datacleanse.auditing.forecast",
    "LoadedClassifier": "datacleanse.serving.loaded_model",
    "LoadedRegressor": "datacleanse.serving.loaded_model",
    "Meta": "datacleanse.settings",
    "NumberExplanation": "datacleanse.serving.explanation",
    "NumberResult": "datacleanse.auditing.regression.number_result",
    "Predictor": "datacleanse.models.predictor",
    "Progress": "datacleanse.progress",
    "Reweighted": "datacleanse.training.reweighter",
    "ReweightedClassifier": "datacleanse.auditing.classifier",
    "Reweighter": "datacleanse.training.reweighter",
    "Route": "datacleanse.training.influence",
    "Settings": "datacleanse.settings",
    "apply": "datacleanse.review.apply",
    "audit": "datacleanse.auditing.from_python",
    "audit_dataset": "datacleanse.auditing.own_dataset",
    "explain": "datacleanse.serving.explanation",
    "load": "datacleanse.serving.load",
    "load_predictor": "datacleanse.models.loading",
    "plan_audit": "datacleanse.auditing.from_python",
    "reweight": "datacleanse.training.reweighter",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module 'datacleanse' has no attribute {name!r}")
    value: object = getattr(import_module(_LAZY[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
