"""A folder of pictures with a manifest in it, named ``metadata`` as on the Hugging Face hub."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from datacleanse.data.raw_table import peek, read_raw
from datacleanse.pictures.forms.class_folders import SPLITS
from datacleanse.pictures.forms.folders import Enclosure, find_folder
from datacleanse.pictures.forms.manifest import PATH_COLUMNS, make_listing, make_request
from datacleanse.records import Notice

if TYPE_CHECKING:
    from pathlib import Path

    from datacleanse.data import Source
    from datacleanse.pictures.interface import Asked, Listing

NAMES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
"""In the order in which they are looked for."""


@dataclass(frozen=True)
class Metadata:
    """A manifest that lies beside the pictures which it names."""

    name = "metadata beside the pictures"

    def find(self, source: Source, asked: Asked) -> Listing | None:
        """List the pictures that a folder's metadata names; None for any other source."""
        root = find_folder(source)
        manifest = None if root is None else _find_manifest(root, asked)
        if manifest is None:
            return None
        request = make_request(asked)
        if not set(peek(manifest, request).names).intersection(PATH_COLUMNS):
            return None
        found = make_listing(
            read_raw(manifest, request), asked, base=manifest.parent, form=self.name
        )
        if found is None:
            return None
        named = os.fspath(source)  # type: ignore[arg-type]  # a path, or there were no folder
        message = f"{named} is read by its {manifest.relative_to(root or manifest).as_posix()}."
        notices = (Notice("pictures-metadata", message), *found.notices)
        return replace(found, source=named, notices=notices)


def _find_manifest(root: Path, asked: Asked) -> Path | None:
    """The metadata file of a folder, or of the part of a set that is for this role."""
    parts = [name for name, role in SPLITS.items() if role == asked.role]
    enclosure = Enclosure(root)
    for folder in (root, *(root / part for part in parts)):
        for name in NAMES:
            file = folder / name
            if file.is_file() and not enclosure.is_left_by(str(file)):
                return file
    return None
