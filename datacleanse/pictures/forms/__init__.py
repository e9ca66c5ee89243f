"""The forms of labelled pictures. One a file; this registry is the only place that names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.pictures.forms.class_folders import ClassFolders
from datacleanse.pictures.forms.encoded import EncodedColumn
from datacleanse.pictures.forms.manifest import PathTable
from datacleanse.pictures.forms.metadata import Metadata

if TYPE_CHECKING:
    from datacleanse.pictures.interface import PictureForm

FORMS: tuple[PictureForm, ...] = (Metadata(), ClassFolders(), EncodedColumn(), PathTable())
"""In the order in which they are tried: a folder with a metadata file is no class folders."""
