"""A finished run and its DATA, opened for cleaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datacleanse.data import ReadOptions
from datacleanse.errors import InputError, RunFolderError
from datacleanse.pictures.find import ask_for_data, find_pictures
from datacleanse.pictures.unreadable import Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacleanse.pictures.interface import Listing
    from datacleanse.storage.run_folder import RunFolder


@dataclass(frozen=True)
class Audited:
    """What a run says of its DATA, and where that is now."""

    folder: RunFolder
    run_id: str
    source: str
    """Path, glob, folder or address."""
    options: ReadOptions
    sha256: str
    """When it was audited."""
    n_rows: int
    classes: tuple[str, ...]
    """As DATA spelled them."""
    is_of_pictures: bool


def audited(folder: RunFolder, *, data: str | None = None, delimiter: str | None = None) -> Audited:
    """What a finished run is about.

    Args:
        folder: of the run.
        data: where DATA lies now; None: where it was.
        delimiter: of a CSV; None: as in the audit.

    Raises:
        RunFolderError: the run is missing, unfinished or damaged.
        InputError: DATA was a table in memory, and no file is given.
    """
    manifest = folder.manifest()
    try:
        described = manifest["data"]
        return Audited(
            folder,
            manifest["run_id"],
            _place(described, data, folder),
            _options(described, delimiter),
            described["sha256"],
            described["rows"],
            tuple(described["classes"]),
            manifest.get("pictures") is not None,
        )
    except (KeyError, TypeError) as error:
        raise RunFolderError(
            f"{folder.manifest_file} is damaged (it lacks {error}).",
            slug="run-damaged",
            hint="Repeat the audit.",
        ) from error


def listed(run: Audited) -> Listing | None:
    """The pictures of a run's DATA as it is now; None where its rows are those of a table.

    Raises:
        InputError: nothing is there, or it holds pictures in no usable way.
    """
    return find_pictures(run.source, ask_for_data(run.options)) if run.is_of_pictures else None


def _left_out(folder: RunFolder) -> list[Unreadable]:
    """The pictures of DATA that could not be read when it was audited."""
    rows = folder.read_unreadable().to_pylist()
    return [
        Unreadable(row["place"], row["id"], row["reason"])
        for row in rows
        if row["source"] == "data"
    ]


def _place(described: Mapping[str, Any], data: str | None, folder: RunFolder) -> str:
    source: str = described["source"] if data is None else data
    if source.startswith("<"):
        raise InputError(
            f"The run in {folder.path} is of a table in memory ({source}).",
            slug="data-in-memory",
            hint="Write that table to a file and name it with --data.",
        )
    return source


def _options(described: Mapping[str, Any], delimiter: str | None) -> ReadOptions:
    """How the audit read DATA."""
    reading = described.get("reading", {})
    return ReadOptions(
        label=described["label"],
        id=reading.get("id", described["id"]),
        drop=tuple(reading.get("drop", ())),
        categorical=tuple(reading.get("categorical", ())),
        numeric=tuple(reading.get("numeric", ())),
        delimiter=reading.get("delimiter") if delimiter is None else delimiter,
    )
