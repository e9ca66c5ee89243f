"""`run.json` read and written: the only place that knows it as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from datacleanse.errors import RunFolderError
from datacleanse.storage.atomic_files import write_aside
from datacleanse.storage.manifest.versions import SCHEMA_VERSION, upgrade
from datacleanse.storage.manifest.whole import Manifest, Opening
from datacleanse.storage.typed_json import UnexpectedValueError, from_json, to_json

if TYPE_CHECKING:
    from pathlib import Path

_Known = TypeVar("_Known", bound=Opening)

REMOVED = "removed"
"""Status of a run that was being replaced when the program was killed; nothing else is kept."""


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
            f"The run in {file.parent} is not finished (its status is {found['status']!r}).",
            slug="run-unfinished",
            hint="Repeat the audit with --resume to finish it, or with --force to start anew.",
        )
    return _check(Manifest, found, file)


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
        found = json.loads(file.read_text(encoding="utf-8"), parse_constant=_refuse)
        version = _read_version(found)
    except (OSError, ValueError, RecursionError) as error:
        raise _make_damage_error(file, error) from error
    if version > SCHEMA_VERSION:
        raise RunFolderError(
            f"{file.parent} has format {version}; this program reads up to {SCHEMA_VERSION}.",
            slug="run-newer",
            hint="Update datacleanse: pip install -U datacleanse.",
        )
    plain = upgrade(found)
    status = plain.get("status")
    if not isinstance(status, str):
        said = f"status is {json.dumps(status)}, where a text was expected"
        raise _make_damage_error(file, UnexpectedValueError(said))
    return plain


def _read_version(found: object) -> int:
    if not isinstance(found, dict):
        raise UnexpectedValueError("it holds no JSON object")
    version = found.get("schema_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise UnexpectedValueError(
            f"schema_version is {json.dumps(version)}, where a whole number from 1 on was expected"
        )
    return version


def _refuse(constant: str) -> None:
    raise UnexpectedValueError(f"it holds {constant}, which is no JSON")


def _check(kind: type[_Known], found: dict[str, Any], file: Path) -> _Known:
    try:
        return from_json(kind, found)
    except UnexpectedValueError as error:
        raise _make_damage_error(file, error) from error


def _make_damage_error(file: Path, error: Exception) -> RunFolderError:
    # A reader of JSON says in several words what is wrong, and where; the system, too.
    said = str(error) or type(error).__name__
    return RunFolderError(
        f"{file} is damaged: {said}.",
        slug="run-damaged",
        hint="Repeat the audit with --force.",
    )
