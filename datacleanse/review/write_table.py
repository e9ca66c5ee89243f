"""Cleaned tables: DATA's file with only the changes made, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.fs as pafs

from datacleanse.data import check_target, find_narrow_columns, hash_rows, read_like
from datacleanse.data.interface import Request
from datacleanse.data.raw_table import read_raw
from datacleanse.data.readers import find_reader
from datacleanse.data.rewriting import Rewriting, make_inseparable_error, read_edited, rewrite
from datacleanse.data.sources import Location, is_same_file, split_suffix, would_be_shard
from datacleanse.data.spelled_rows import digest_cells, find_row_source
from datacleanse.data.write import TEXT_SUFFIXES
from datacleanse.errors import DatacleanseError, SettingsError
from datacleanse.review.write_changes import (
    COMPRESSION_SUFFIXES,
    CleanedFiles,
    make_edits,
    name_files,
    write_diff_around,
)
from datacleanse.storage.atomic_files import check_free, check_place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from datacleanse.data.interface import SpelledRows
    from datacleanse.errors import InputError
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
            task = Rewriting(
                self.location,
                data.table,
                data.schema.label,
                delimiter,
                edits,
                cleaning.run.options.missing,
            )
            wanted = make_edits(cleaning.changes).labels
            check = _ReadBack(data, task, wanted, self.files.cleaned)
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
    task: Rewriting
    """What was to be written."""
    labels: Mapping[int, str]
    """The new labels by row, as programs write them."""
    path: Path
    """What the file is to be called."""

    def __call__(self, written: Path) -> None:
        """Refuse a file that, read back, is not DATA with the changes made.

        Raises:
            InputError: it is not.
        """
        location = self._locate(written)
        has_own_format = location.suffix == self.task.location.suffix
        if self.task.location.suffix in TEXT_SUFFIXES and not has_own_format:
            self._compare_cells(location)
        else:
            self._compare_values(location)

    def _compare_cells(self, location: Location) -> None:
        """See that every cell of another format is spelled as the source spells it."""
        names = self.data.table.column_names
        try:
            after = digest_cells(self._read_spelled(location), names)
        except DatacleanseError as error:
            raise self._make_failure(error) from error
        if after != digest_cells(read_edited(self.task), names):
            raise make_inseparable_error(self.data.source, "read back, cells differ")

    def _read_spelled(self, location: Location) -> Iterator[SpelledRows]:
        spelled = find_reader(location).read_spelled(
            location, request=Request(), columns=self.data.table.column_names
        )
        if spelled is not None:
            return spelled
        return find_row_source(None, read_raw(location, Request()).table).read()

    def _compare_values(self, location: Location) -> None:
        data, edits, after = self.data, self.task.edits, self._read(location)
        stays = np.ones(data.n_rows, dtype=bool)
        stays[list(edits.dropped)] = False
        if not _has_labels(after, data, self.labels, stays):
            raise make_inseparable_error(
                data.source, "read back, labels differ from what was asked for"
            )
        narrow = find_narrow_columns(data, after)
        expected_rows = hash_rows(data, narrow=narrow)[stays]
        if not np.array_equal(hash_rows(after, narrow=narrow), expected_rows):
            raise make_inseparable_error(data.source, "read back, rows differ from what was read")

    def _locate(self, written: Path) -> Location:
        suffix, compression = split_suffix(self.path.name)
        filesystem, place = pafs.LocalFileSystem(), str(written.absolute())
        return Location(str(self.path), filesystem, (place,), None, suffix, compression)

    def _read(self, location: Location) -> Dataset:
        is_same = location.suffix == self.task.location.suffix
        delimiter = self.task.delimiter if is_same else None
        try:
            # Pictures in a table have columns that the schema, which is of features, does not name.
            return read_like(
                location,
                self.data.schema,
                # Numbers are read as labels, which those of NEW need not be.
                role="NEW" if self.data.numbers is None else "CLEAN",
                delimiter=delimiter,
                ignore_extra=True,
            )
        except DatacleanseError as error:
            raise self._make_failure(error) from error

    def _make_failure(self, error: DatacleanseError) -> InputError:
        why = f"read back, it fails ({error.message})"
        return make_inseparable_error(self.data.source, why)


def _has_labels(
    after: Dataset, data: Dataset, labels: Mapping[int, str], stays: NDArray[np.bool_]
) -> bool:
    """Whether the rows that stay have the labels that were asked for."""
    if data.numbers is None:
        expected = data.labels.copy()
        codes = {name: code for code, name in enumerate(data.given_labels)}
        for row, label in labels.items():
            expected[row] = codes.get(label, -1)
        return np.array_equal(after.labels, expected[stays])
    wanted = data.targets.copy()
    wanted[list(labels)] = [float(label) for label in labels.values()]
    # A column of narrower numbers holds the nearest ones.
    narrow = NARROW.get(data.schema.label_type or "", np.float64)
    return np.array_equal(after.targets.astype(narrow), wanted[stays].astype(narrow))


NARROW = {"float": np.float32, "halffloat": np.float16}
"""Types of numbers that hold fewer digits, by Arrow's name of the label column's."""
