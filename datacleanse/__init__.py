"""Find the wrong labels in a table: learned example reweighting with an audit trail.

The public names are loaded when they are first used, so that importing the package is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from datacleanse.errors import DatacleanseError, InputError, RunFolderError, SettingsError
from datacleanse.version import __version__

if TYPE_CHECKING:
    from datacleanse.classifier import ReweightedClassifier
    from datacleanse.config import Meta, Settings
    from datacleanse.influence import Route
    from datacleanse.loaded import LoadedClassifier, load
    from datacleanse.own_dataset import audit_dataset
    from datacleanse.predictor import Predictor, load_predictor
    from datacleanse.result import AuditResult, audit
    from datacleanse.reweighting import Reweighted, Reweighter, reweight

__all__ = [
    "AuditResult",
    "DatacleanseError",
    "InputError",
    "LoadedClassifier",
    "Meta",
    "Predictor",
    "Reweighted",
    "ReweightedClassifier",
    "Reweighter",
    "Route",
    "RunFolderError",
    "Settings",
    "SettingsError",
    "__version__",
    "audit",
    "audit_dataset",
    "load",
    "load_predictor",
    "reweight",
]

_LAZY = {
    "AuditResult": "datacleanse.result",
    "LoadedClassifier": "datacleanse.loaded",
    "Meta": "datacleanse.config",
    "Predictor": "datacleanse.predictor",
    "Reweighted": "datacleanse.reweighting",
    "ReweightedClassifier": "datacleanse.classifier",
    "Reweighter": "datacleanse.reweighting",
    "Route": "datacleanse.influence",
    "Settings": "datacleanse.config",
    "audit": "datacleanse.result",
    "audit_dataset": "datacleanse.own_dataset",
    "load": "datacleanse.loaded",
    "load_predictor": "datacleanse.predictor",
    "reweight": "datacleanse.reweighting",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module 'datacleanse' has no attribute {name!r}")
    value: object = getattr(import_module(_LAZY[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
