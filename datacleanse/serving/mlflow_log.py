"""A finished run in MLflow: settings, figures and files, where ``MLFLOW_TRACKING_URI`` says."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from datacleanse.errors import OutputError
from datacleanse.models.optional_packages import check_installed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse.storage.manifest.numbers import AnyManifest
    from datacleanse.storage.run_folder import RunFolder

Json = dict[str, Any]

_FORBIDDEN = re.compile(r"[^\w\-. /]")
"""What MLflow takes in no name."""


def check_mlflow() -> None:
    """Refuse, before work is done for it, where MLflow is missing or its store does not answer.

    Raises:
        SettingsError: it is not installed.
        OutputError: the store cannot be used.
    """
    check_installed("mlflow", extra="mlflow", what="--mlflow")
    import mlflow

    with _name_fault():
        mlflow.MlflowClient().search_experiments(max_results=1)


def log_run(folder: RunFolder) -> str:
    """Log a finished run to the experiment that MLflow's environment names; return MLflow's id.

    Raises:
        RunFolderError: it is no finished run.
        OutputError: MLflow's store cannot be used.
    """
    import mlflow

    manifest = folder.any_manifest()
    with _name_fault(), mlflow.start_run(run_name=folder.path.name) as run:
        mlflow.log_params(_collect_params(manifest))
        mlflow.log_metrics(dict(_collect_figures(manifest)))
        mlflow.set_tags(_collect_tags(manifest))
        mlflow.log_artifact(str(folder.manifest_file))
        for directory in (folder.model_dir, folder.reports_dir):
            mlflow.log_artifacts(str(directory), directory.name)
        return str(run.info.run_id)


def _collect_params(manifest: AnyManifest) -> Json:
    """The settings, with what was chosen where they leave the choice open."""
    training = manifest.training
    chosen = {"epochs": training.epochs, "batch_size": training.batch_size, "lr": training.lr}
    return {**asdict(manifest.settings), **chosen}


def _collect_tags(manifest: AnyManifest) -> dict[str, str]:
    files = {"data": manifest.data, "clean": manifest.clean, "test": manifest.test}
    return {
        "datacleanse.run_id": manifest.run_id,
        "datacleanse.version": manifest.versions.datacleanse,
        **{
            f"datacleanse.{role}.sha256": file.sha256
            for role, file in files.items()
            if file is not None
        },
    }


def _collect_figures(manifest: AnyManifest) -> Iterator[tuple[str, float]]:
    """Every number of the manifest's metrics, and what was found of the data."""
    if manifest.noise.rate is not None:
        yield "noise_rate", manifest.noise.rate.share
    yield "flagged", manifest.flags.flagged
    yield "seconds", manifest.seconds
    yield from _flatten_numbers(asdict(manifest.metrics), ())


def _flatten_numbers(value: object, path: tuple[str, ...]) -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flatten_numbers(item, (*path, str(key)))
    elif isinstance(value, int | float):
        yield _FORBIDDEN.sub("_", "_".join(path)), float(value)


@contextmanager
def _name_fault() -> Iterator[None]:
    """Turn what MLflow raises within the block into an error that a person can mend."""
    import mlflow

    try:
        yield
    except (mlflow.exceptions.MlflowException, ImportError, OSError) as error:
        said = " ".join(str(error).split()).rstrip(".")[:300]
        raise OutputError(
            f"MLflow cannot be used at {mlflow.get_tracking_uri()}: {said}.",
            slug="mlflow-unusable",
            hint="Set MLFLOW_TRACKING_URI to a server (http://...), or to a folder (file:mlruns) "
            "with MLFLOW_ALLOW_FILE_STORE=true.",
        ) from error
