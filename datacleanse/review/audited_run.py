"""A finished run and its DATA, opened for cleaning."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike, fspath
from typing import TYPE_CHECKING

from datacleanse.data import ReadOptions
from datacleanse.data.any_number import find_labels
from datacleanse.data.sources import Location, locate
from datacleanse.errors import InputError
from datacleanse.pictures.find import ask_for_data, find_pictures
from datacleanse.pictures.unreadable import Unreadable

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from datacleanse.data import Source
    from datacleanse.pictures.interface import Listing
    from datacleanse.storage.manifest.inputs import DataSection
    from datacleanse.storage.manifest.numbers import AnyManifest, NumberDataSection
    from datacleanse.storage.run_folder import Classes, RunFolder


@dataclass(frozen=True)
class AuditedRun:
    """What a run says of its DATA, and where that is now."""

    folder: RunFolder
    run_id: str
    source: str
    """Path, glob, folder or address of DATA now; of a table in memory ``<DataFrame>``."""
    in_memory: Source | None
    """DATA itself where it is a table in memory."""
    options: ReadOptions
    """How the audit read DATA."""
    sha256: str
    """Of DATA when it was audited (hex)."""
    n_rows: int
    """Rows of DATA when it was audited."""
    classes: Classes | None
    """Rows by label, as DATA spelled it, when it was audited; None: labels are numbers."""
    labels: Container[str]
    """Those that a row may get."""
    has_clean: bool
    """Whether verified rows were given."""
    listing: Listing | None
    """DATA's pictures, unreadable ones too; None where DATA is a table of features."""
    location: Location | None
    """Where DATA's table lies; None where only a listing says which files are its pictures."""
    clean: tuple[str, ...]
    """CLEAN's sources, as they were named; those that were in memory are not among them."""
    seeks_id: bool = True
    """Whether a column that names rows was to be taken for the id where none was named."""

    @property
    def readable(self) -> Source:
        """What DATA is read from now."""
        return self.source if self.in_memory is None else self.in_memory


def open_audited_run(
    folder: RunFolder, *, data: Source | None = None, delimiter: str | None = None
) -> AuditedRun:
    """Read what a finished run is about, and find its DATA.

    Args:
        folder: of the run.
        data: where DATA lies now, or DATA itself, a table in memory; None: where it was.
        delimiter: of a CSV; None: as in the audit.

    Raises:
        RunFolderError: the run is missing, unfinished or damaged.
        InputError: DATA is not there, holds pictures in no usable way, or was a table in memory
            and no file is given.
    """
    manifest = folder.any_manifest()
    in_memory: Source | None = None
    if data is None or isinstance(data, str | PathLike):
        source = _find_source(manifest.data, None if data is None else fspath(data), folder)
    else:
        source, in_memory = manifest.data.source, data
    options = _make_options(manifest.data, delimiter)
    with _say_where_to_look(is_given=data is not None):
        is_of_pictures = manifest.pictures is not None
        place = source if in_memory is None else in_memory
        listing = find_pictures(place, ask_for_data(options)) if is_of_pictures else None
        is_of_files = listing is not None and listing.path is not None
        location = None if is_of_files or in_memory is not None else locate(source)
    return AuditedRun(
        folder=folder,
        run_id=manifest.run_id,
        source=source,
        in_memory=in_memory,
        options=options,
        sha256=manifest.data.sha256,
        n_rows=manifest.data.rows,
        classes=manifest.classes,
        labels=find_labels(manifest),
        has_clean=manifest.noise.rate is not None,
        listing=listing,
        location=location,
        clean=_list_clean(manifest),
        seeks_id=manifest.data.reading.seeks_id,
    )


def read_unreadable_pictures(folder: RunFolder) -> list[Unreadable]:
    """The pictures of DATA that could not be read when it was audited."""
    rows = folder.read_unreadable().to_pylist()
    return [
        Unreadable(row["place"], row["id"], row["reason"])
        for row in rows
        if row["source"] == "data"
    ]


def _find_source(
    described: DataSection | NumberDataSection, data: str | None, folder: RunFolder
) -> str:
    source = described.source if data is None else data
    if source.startswith("<"):
        raise InputError(
            f"The run in {folder.path} is of a table in memory ({source}).",
            slug="data-in-memory",
            hint="Write that table to a file and name it with --data.",
        )
    return source


def _list_clean(manifest: AnyManifest) -> tuple[str, ...]:
    clean = manifest.clean
    sources = () if clean is None else clean.sources or (clean.source,)
    return tuple(each for each in sources if not each.startswith("<"))


def _make_options(described: DataSection | NumberDataSection, delimiter: str | None) -> ReadOptions:
    """How the audit read DATA."""
    reading = described.reading
    return ReadOptions(
        label=described.label,
        id=reading.id,
        drop=reading.drop,
        categorical=reading.categorical,
        numeric=reading.numeric,
        text=reading.text,
        delimiter=reading.delimiter if delimiter is None else delimiter,
        dates=reading.dates,
        decimal=reading.decimal,
        missing=reading.missing,
        # Of a run that knew rows by their number, decisions do so too.
        seeks_id=described.id is not None,
        task=reading.task,
    )


@contextmanager
def _say_where_to_look(*, is_given: bool) -> Iterator[None]:
    """Say of DATA that is not where it was how to tell where it is."""
    try:
        yield
    except InputError as error:
        if error.slug != "file-missing" or is_given:
            raise
        raise InputError(
            f"The audited table {error.message}",
            slug=error.slug,
            hint="Say where it is now with --data, or go to the folder where the audit was run.",
        ) from error
