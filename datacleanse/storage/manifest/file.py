"""`run.json` read and written: the only place that knows it as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from datacleanse.errors import RunFolderError
from datacleanse.storage.atomic_files import write_aside
from datacleanse.storage.damage import make_damage_error
from datacleanse.storage.manifest.consistency import check_consistency
from datacleanse.storage.manifest.numbers import AnyManifest, NumberManifest
from datacleanse.storage.manifest.versions import SCHEMA_VERSION, upgrade
from datacleanse.storage.manifest.whole import Manifest, Opening, Status
from datacleanse.storage.typed_json import (
    Number,
    UnexpectedValueError,
    from_json,
    parse_json,
    to_json,
)

if TYPE_CHECKING:
    from pathlib import Path

    from _typeshed import DataclassInstance

_Known = TypeVar("_Known", bound="DataclassInstance")

TASK = "regression"
"""What ``task`` says in `run.json` of an audit of numbers."""

REMOVED = "removed"
"""Status of a run that was being replaced when the program was killed; nothing else is kept."""


@dataclass(frozen=True)
class _Version:
    """What is read of any `run.json`, of later versions too."""

    schema_version: Number


@dataclass(frozen=True)
class _State:
    """What is read of any `run.json` that this program can read."""

    status: Status | Literal["removed"]


def write_manifest(file: Path, manifest: Opening) -> None:
    """Write `run.json` whole: what is known of a run when it begins or stops, or all of it."""
    _write(file, to_json(manifest))


def write_removed(file: Path) -> None:
    """Write a `run.json` that says that its run is being removed."""
    _write(file, {"schema_version": SCHEMA_VERSION, "status": REMOVED})


def read_manifest(file: Path) -> Manifest:
    """Read `run.json` of a finished run.

    Raises:
        RunFolderError: no run, a damaged one, one of a later version, or an unfinished one.
    """
    found = _read(file)
    if found["status"] != "finished":
        raise RunFolderError(
            f"The run in {file.parent} is not finished (its status is {found['status']!a}).",
            slug="run-unfinished",
            hint="Repeat the audit with --resume to finish it, or with --force to start anew.",
        )
    if found.get("task") == TASK:
        raise RunFolderError(
            f"The run in {file.parent} audited numbers (--task regression); this works on runs of "
            "classes alone so far.",
            slug="run-of-numbers",
            hint="Read its reports, and take what you need from audit.parquet and suspects.csv.",
        )
    manifest = _check(Manifest, found, file)
    try:
        check_consistency(manifest)
    except UnexpectedValueError as error:
        raise make_damage_error(file, error) from error
    return manifest


def is_of_numbers(file: Path) -> bool:
    """Whether `run.json` is that of a finished audit of numbers.

    Raises:
        RunFolderError: no run, a damaged one, or one of a later version.
    """
    found = _read(file)
    return bool(found["status"] == "finished" and found.get("task") == TASK)


def read_number_manifest(file: Path) -> NumberManifest:
    """Read `run.json` of a finished audit of numbers.

    Raises:
        RunFolderError: no run, a damaged one, one of classes, or an unfinished one.
    """
    found = _read(file)
    if found["status"] != "finished" or found.get("task") != TASK:
        raise RunFolderError(
            f"The run in {file.parent} is no finished audit of numbers.",
            slug="run-of-classes",
            hint="Give a run of --task regression.",
        )
    return _check(NumberManifest, found, file)


def read_any_manifest(file: Path) -> AnyManifest:
    """Read `run.json` of a finished run, be its labels classes or numbers.

    Raises:
        RunFolderError: no run, a damaged one, one of a later version, or an unfinished one.
    """
    return read_number_manifest(file) if is_of_numbers(file) else read_manifest(file)


def read_opening(file: Path) -> Opening | None:
    """Read what any `run.json` holds; None where there is none, or its run was being removed.

    Raises:
        RunFolderError: a damaged run, or one of a later version.
    """
    if not _is_there(file):
        return None
    found = _read(file)
    return None if found["status"] == REMOVED else _check(Opening, found, file)


def read_status(file: Path) -> str:
    """The status that `run.json` gives, whatever else is in it.

    Raises:
        RunFolderError: no run, a damaged one, or one of a later version.
    """
    return str(_read(file)["status"])


def _write(file: Path, plain: dict[str, Any]) -> None:
    with write_aside(file) as aside:
        text = json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False)
        aside.write_text(text + "\n", encoding="utf-8")


def _is_there(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError as error:
        raise RunFolderError(
            f"{file} cannot be read: {error.strerror or error}.",
            slug="run-unreadable",
            hint="Allow reading there, or name another run folder.",
        ) from error


def _read(file: Path) -> dict[str, Any]:
    """The plain values in the present version, their types unchecked but for the status."""
    if not _is_there(file):
        raise RunFolderError(
            f"{file.parent} holds no run: there is no {file.name} in it.",
            slug="run-missing",
            hint="Give the folder that `datacleanse audit` wrote, e.g. runs/NAME.",
        )
    try:
        found = parse_json(file.read_bytes())
        version = from_json(_Version, found).schema_version
    except OSError as error:
        raise make_damage_error(file, f"it cannot be read ({error.strerror or error})") from error
    except UnexpectedValueError as error:
        raise make_damage_error(file, error) from error
    if version > SCHEMA_VERSION:
        raise RunFolderError(
            f"{file.parent} has format {version}; this program reads up to {SCHEMA_VERSION}.",
            slug="run-newer",
            hint="Update datacleanse: pip install -U datacleanse.",
        )
    plain = upgrade(found)
    _check(_State, plain, file)
    return plain


def _check(kind: type[_Known], found: dict[str, Any], file: Path) -> _Known:
    try:
        return from_json(kind, found)
    except UnexpectedValueError as error:
        raise make_damage_error(file, error) from error
