"""Cleaned pictures: a manifest, or a tree of class folders; never the originals."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.data import check_target, write_table
from datacleanse.data.rewriting.cells import apply_edits
from datacleanse.data.sources import split_suffix
from datacleanse.errors import InputError, SettingsError
from datacleanse.pictures.forms.class_folders import ClassFolders
from datacleanse.pictures.sample import tabulate_sample
from datacleanse.pictures.stores import FileStore
from datacleanse.review.write_changes import (
    CleanedFiles,
    check_free,
    name_files,
    write_diff_around,
)
from datacleanse.storage.atomic_files import check_place, write_folder_aside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse.data.rewriting import Edits
    from datacleanse.pictures.interface import Listing
    from datacleanse.review.cleaning_plan import Cleaning


@dataclass(frozen=True)
class PictureOutput:
    """A manifest of the cleaned pictures, or a folder of them; see `CleanedOutput`."""

    files: CleanedFiles
    listing: Listing
    """DATA's pictures, which lie in files."""
    link: bool = False
    """Whether a folder is filled with symbolic links instead of copies."""

    def check(self, *, force: bool) -> None:
        """Refuse a place that is taken; a folder is never replaced, nor laid among the pictures."""
        path, source = self.files.cleaned, Path(self.listing.source)
        if not is_tree(path):
            check_target(path, source=self.listing.source)
        check_place(self.files.diff)
        check_free(path, force=force, can_replace=not is_tree(path))
        if is_tree(path) and source.is_dir() and path.resolve().is_relative_to(source.resolve()):
            raise SettingsError(
                f"{path} would lie among the pictures of {self.listing.source}, which are read.",
                slug="output-is-input",
                hint="Choose a place outside that folder with -o.",
            )

    def write(self, cleaning: Cleaning, *, raw: bool = False) -> None:
        """Write pictures and list of changes; a label that cannot name a folder is refused."""
        path = self.files.cleaned
        with write_diff_around(cleaning, self.files.diff, raw=raw) as edits:
            if is_tree(path):
                write_tree(self.listing, edits, path, link=self.link)
            else:
                write_manifest(self.listing, edits, path)


def choose_picture_files(out: Path | None) -> CleanedFiles:
    """Choose the places to write to: a manifest, or a folder where the name has no ending."""
    return name_files(Path("cleaned.csv") if out is None else out)


def is_tree(path: Path) -> bool:
    """Whether a folder of class folders is asked for, not a manifest."""
    return not split_suffix(path.name)[0]


def write_manifest(listing: Listing, edits: Edits, path: Path) -> None:
    """Write a table of the pictures that stay, with their new labels."""
    rows = np.arange(len(listing.store))
    table = tabulate_sample(listing, rows, path)
    write_table(apply_edits(table, edits, label=listing.label or ""), path)


def write_tree(listing: Listing, edits: Edits, place: Path, *, link: bool) -> None:
    """Write class folders of copies or links of the pictures that stay.

    Raises:
        InputError: a label cannot name a folder.
        OutputError: the system does not let it be written.
    """
    with write_folder_aside(place) as aside:
        taken: set[Path] = set()
        for row, original, label, name in _list_entries(listing, edits):
            target = aside / label / name
            if target in taken:
                target = target.with_name(f"{target.stem}-{row}{target.suffix}")
            taken.add(target)
            target.parent.mkdir(parents=True, exist_ok=True)
            if link:
                target.symlink_to(original.absolute())
            else:
                shutil.copy2(original, target)


def _list_entries(listing: Listing, edits: Edits) -> Iterator[tuple[int, Path, str, PurePosixPath]]:
    """Row, original, new label and name below the label's folder of the pictures that stay."""
    store = listing.store
    assert isinstance(store, FileStore)
    assert listing.label is not None
    labels = listing.table.column(listing.label).to_pylist()
    names = listing.table.column(listing.path).to_pylist()
    is_by_class = listing.form == ClassFolders.name
    for row, original in enumerate(store.paths):
        if row in edits.dropped or not isinstance(original, str) or not Path(original).is_file():
            continue
        label = str(edits.labels.get(row, labels[row]))
        _check_folder(label, row)
        parts = PurePosixPath(names[row]).parts
        # Below a class folder pictures may lie deeper; elsewhere paths say nothing of the class.
        yield row, Path(original), label, PurePosixPath(*(parts[1:] if is_by_class else parts[-1:]))


def _check_folder(label: str, row: int) -> None:
    if label in ("", ".", "..") or "/" in label or os.sep in label or "\0" in label:
        raise InputError(
            f"The label {label!r} of row {row} cannot name a folder.",
            slug="label-no-folder",
            hint="Write a manifest instead, e.g. -o cleaned.csv.",
        )
