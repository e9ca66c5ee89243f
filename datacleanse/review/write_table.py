"""Cleaned tables: DATA's file with only the changes made, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.fs as pafs

from datacleanse.data import check_target, find_narrow_columns, hash_rows, read_like
from datacleanse.data.rewriting import Rewriting, make_inseparable_error, rewrite
from datacleanse.data.sources import Location, is_same_file, split_suffix, would_be_shard
from datacleanse.errors import DatacleanseError, SettingsError
from datacleanse.review.write_changes import (
    COMPRESSION_SUFFIXES,
    CleanedFiles,
    check_free,
    name_files,
    write_diff_around,
)
from datacleanse.storage.atomic_files import check_place

if TYPE_CHECKING:
    from datacleanse.data.rewriting import Edits
    from datacleanse.records import Dataset, Notice
    from datacleanse.review.cleaning_plan import Cleaning


@dataclass(frozen=True)
class TableOutput:
    """A cleaned table; see `CleanedOutput`."""

    files: CleanedFiles
    location: Location
    """Of DATA."""
    keeps_bytes: bool
    """Whether the table holds encoded pictures, which only its own format keeps as they are."""

    def check(self, *, force: bool) -> None:
        """Refuse a place that is taken, and a form that would not keep pictures' bytes."""
        location, files = self.location, self.files
        for path in (files.cleaned, files.diff):
            check_target(path, source=location.name)
            if isinstance(location.filesystem, pafs.LocalFileSystem):
                for shard in location.paths:
                    check_target(path, source=shard)
            check_place(path)
            check_free(path, force=force)
        if would_be_shard(location.name, files.cleaned):
            raise SettingsError(
                f"{files.cleaned} would become a part of {location.name}, which is read.",
                slug="output-is-input",
                hint="Choose a place outside that folder with -o.",
            )
        if is_same_file(str(files.cleaned), str(files.diff)):
            raise SettingsError(
                f"{files.diff} is the cleaned data itself.",
                slug="output-is-input",
                hint="Choose another name with -o.",
            )
        if self.keeps_bytes:
            _check_same_form(files.cleaned, location)

    def note_losses(self, cleaning: Cleaning) -> tuple[Notice, ...]:
        """Nothing: a table holds all of its rows."""
        del cleaning
        return ()

    def write(self, cleaning: Cleaning, *, raw: bool = False) -> None:
        """Write table and changes; the table is read back and compared before it stands there."""
        data, delimiter = cleaning.data, cleaning.run.options.delimiter
        with write_diff_around(cleaning, self.files.diff, raw=raw) as edits:
            task = Rewriting(self.location, data.table, data.schema.label, delimiter, edits)
            check = _ReadBack(data, self.location, delimiter, edits, self.files.cleaned)
            rewrite(task, self.files.cleaned, check=check)


def choose_table_files(location: Location, out: Path | None) -> CleanedFiles:
    """Choose the files to write; without a name or without an ending, those of DATA are taken.

    Args:
        location: where DATA lies.
        out: as asked for.
    """
    path = Path("cleaned") if out is None else out
    if not split_suffix(path.name)[0]:
        ending = location.suffix + COMPRESSION_SUFFIXES.get(location.compression or "", "")
        path = path.with_name(path.name + ending)
    return name_files(path)


def _check_same_form(cleaned: Path, location: Location) -> None:
    suffix, _ = split_suffix(cleaned.name)
    if suffix != location.suffix or location.root is not None:
        raise SettingsError(
            f"{cleaned} cannot hold the pictures that {location.name} holds as bytes.",
            slug="format-no-bytes",
            hint=f"Clean one {location.suffix} file into another: give it with --data, and -o "
            f"cleaned{location.suffix}.",
        )


@dataclass(frozen=True)
class _ReadBack:
    """Compares what was written with what was to be written."""

    data: Dataset
    """As it was read."""
    location: Location
    """Of DATA."""
    delimiter: str | None
    edits: Edits
    path: Path
    """What the file is to be called."""

    def __call__(self, written: Path) -> None:
        """Refuse a file that, read back, is not DATA with the changes made.

        Raises:
            InputError: it is not.
        """
        data, after = self.data, self._read(written)
        stays = np.ones(data.n_rows, dtype=bool)
        stays[list(self.edits.dropped)] = False
        expected = data.labels.copy()
        codes = {name: code for code, name in enumerate(data.given_labels)}
        for row, label in self.edits.labels.items():
            expected[row] = codes.get(label, -1)
        if not np.array_equal(after.labels, expected[stays]):
            raise make_inseparable_error(
                data.source, "read back, labels differ from what was asked for"
            )
        narrow = find_narrow_columns(data, after)
        expected_rows = hash_rows(data, narrow=narrow)[stays]
        if not np.array_equal(hash_rows(after, narrow=narrow), expected_rows):
            raise make_inseparable_error(data.source, "read back, rows differ from what was read")

    def _read(self, written: Path) -> Dataset:
        suffix, compression = split_suffix(self.path.name)
        place = Location(
            str(self.path),
            pafs.LocalFileSystem(),
            (str(written.absolute()),),
            None,
            suffix,
            compression,
        )
        delimiter = self.delimiter if suffix == self.location.suffix else None
        try:
            # Pictures in a table have columns that the schema, which is of features, does not name.
            return read_like(
                place, self.data.schema, role="NEW", delimiter=delimiter, ignore_extra=True
            )
        except DatacleanseError as error:
            why = f"read back, it fails ({error.message})"
            raise make_inseparable_error(self.data.source, why) from error
