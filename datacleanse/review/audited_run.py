"""A finished run and its DATA, opened for cleaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacleanse.data import ReadOptions
from datacleanse.errors import InputError
from datacleanse.pictures.find import data_asked, find_pictures
from datacleanse.pictures.unreadable import Unreadable

if TYPE_CHECKING:
    from datacleanse.pictures.interface import Listing
    from datacleanse.storage.manifest.inputs import DataSection
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
    return Audited(
        folder,
        manifest.run_id,
        _place(manifest.data, data, folder),
        _options(manifest.data, delimiter),
        manifest.data.sha256,
        manifest.data.rows,
        tuple(manifest.data.classes),
        manifest.pictures is not None,
    )


def listed(run: Audited) -> Listing | None:
    """The pictures of a run's DATA as it is now; None where its rows are those of a table.

    Raises:
        InputError: nothing is there, or it holds pictures in no usable way.
    """
    return find_pictures(run.source, data_asked(run.options)) if run.is_of_pictures else None


def _left_out(folder: RunFolder) -> list[Unreadable]:
    """The pictures of DATA that could not be read when it was audited."""
    rows = folder.read_unreadable().to_pylist()
    return [
        Unreadable(row["place"], row["id"], row["reason"])
        for row in rows
        if row["source"] == "data"
    ]


def _place(described: DataSection, data: str | None, folder: RunFolder) -> str:
    source = described.source if data is None else data
    if source.startswith("<"):
        raise InputError(
            f"The run in {folder.path} is of a table in memory ({source}).",
            slug="data-in-memory",
            hint="Write that table to a file and name it with --data.",
        )
    return source


def _options(described: DataSection, delimiter: str | None) -> ReadOptions:
    """How the audit read DATA."""
    reading = described.reading
    return ReadOptions(
        label=described.label,
        id=reading.id,
        drop=reading.drop,
        categorical=reading.categorical,
        numeric=reading.numeric,
        delimiter=reading.delimiter if delimiter is None else delimiter,
    )
