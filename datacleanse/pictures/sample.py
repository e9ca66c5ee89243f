"""Pictures to verify by hand: a manifest of some of them, or a table with their bytes."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from datacleanse.data.interface import SpelledRows
from datacleanse.data.spelled_rows import join_rows
from datacleanse.errors import SettingsError
from datacleanse.pictures.forms.encoded import IMAGE
from datacleanse.pictures.forms.metadata import NAMES as METADATA
from datacleanse.pictures.signatures import PictureError
from datacleanse.pictures.stores import FileStore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from datacleanse.pictures.interface import Blob, Listing

_FOR_BYTES = (".parquet", ".feather", ".arrow")


def check_sample_target(listing: Listing, target: Path) -> None:
    """Refuse to draw encoded pictures into a file of text, and to write over DATA's own manifest.

    Raises:
        SettingsError: the file's ending is that of text, or it names DATA's pictures.
    """
    is_inside = target.resolve().is_relative_to(Path(listing.source).resolve())
    if is_inside and target.name in METADATA and target.exists():
        raise SettingsError(
            f"{target} is a part of {listing.source}, which is read.",
            slug="output-is-input",
            hint="Choose another name with -o.",
        )
    if listing.path is None and target.suffix.lower() not in _FOR_BYTES:
        raise SettingsError(
            f"{target} cannot hold the pictures that {listing.source} holds as bytes.",
            slug="format-no-bytes",
            hint=f"Draw them into a Parquet file: -o {target.with_suffix('.parquet')}",
        )


def tabulate_sample(listing: Listing, rows: NDArray[np.int64], target: Path) -> pa.Table:
    """Some of the pictures, as a table that can be given as CLEAN from where it is written.

    Args:
        listing: of DATA.
        rows: (K,) ascending.
        target: file that the table is to be written to; paths below its folder start from there,
            others are absolute.
    """
    table = listing.table.take(pa.array(rows))
    store = listing.store
    if listing.path is None or not isinstance(store, FileStore):
        blobs = [_read_bytes(blob) for _, blob in store.iterate_blobs(rows)]
        return table.append_column(IMAGE, pa.array(blobs, pa.large_binary()))
    folder = os.path.abspath(target.parent)  # noqa: PTH100 - links are not to be resolved
    paths = [_make_path_from(folder, store.paths[row]) for row in rows.tolist()]
    place = table.schema.get_field_index(listing.path)
    return table.set_column(place, listing.path, pa.array(paths, pa.string()))


def spell_sample(listing: Listing, rows: NDArray[np.int64], target: Path) -> SpelledRows:
    """The same as `tabulate_sample`, with cells as the manifest spells them where it is text."""
    table = tabulate_sample(listing, rows, target)
    if listing.origin is None or listing.path is None:
        return SpelledRows(table, "typed")
    spelled = join_rows(list(listing.origin.read(rows)))
    paths = table.column(listing.path)
    if spelled.notation == "json":
        texts = [None if path is None else json.dumps(path) for path in paths.to_pylist()]
        paths = pa.chunked_array([pa.array(texts, pa.string())])
    else:
        paths = paths.fill_null("")
    place = spelled.table.schema.get_field_index(listing.path)
    return replace(spelled, table=spelled.table.set_column(place, listing.path, paths))


def _read_bytes(blob: Blob) -> bytes | None:
    try:
        return blob()
    except PictureError:
        return None


def _make_path_from(folder: str, path: str | PictureError) -> str | None:
    """A path as a manifest in ``folder`` has to write it."""
    if isinstance(path, PictureError):
        return None
    # Names that are no UTF-8 cannot stand in a table as they are.
    path = os.fsencode(os.path.abspath(path)).decode("utf-8", "backslashreplace")  # noqa: PTH100
    below = os.path.join(folder, "")  # noqa: PTH118
    return path[len(below) :].replace(os.sep, "/") if path.startswith(below) else path
