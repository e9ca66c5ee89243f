"""Small pictures of single rows, for reports, with notes on the quality of the originals."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.pictures.decode_one import decode, silence_decoding
from datacleanse.pictures.quality import SIDE, find_usual, measure_sharpness, note_quality
from datacleanse.pictures.signatures import PictureError
from datacleanse.pictures.threads import map_in_threads
from datacleanse.storage.suspect_schemas import THUMBNAILS_SCHEMA

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

    from datacleanse.pictures.interface import Blob
    from datacleanse.pictures.quality import Usual
    from datacleanse.pictures.read import PictureSet

LARGEST = 128
"""Pixels of the longer side; smaller pictures keep their size."""

_LOSSLESS = 48
"""Longest side of pictures that are kept as PNG: JPEG would show its blocks when they are enlarged,
and saves nothing."""
_JPEG_QUALITY = 80
_SAMPLE = 256


@dataclass(frozen=True)
class _Thumbnail:
    image: bytes
    note: str | None


def measure_usual(pictures: PictureSet) -> Usual:
    """Measure what DATA's pictures are like; sharpness by up to 256 spread over them."""
    n = len(pictures.places)
    rows = np.unique(np.linspace(0, n - 1, min(n, _SAMPLE)).astype(np.int64))

    def measure(item: tuple[int, Blob]) -> float:
        try:
            image = decode(item[1](), (SIDE, SIDE), keeps_ratio=True).image
            return measure_sharpness(np.asarray(image.convert("L")))
        except PictureError:
            return np.nan

    with silence_decoding():
        found = np.array(
            list(map_in_threads(measure, pictures.store.iterate_blobs(pictures.places[rows])))
        )
    return find_usual(pictures.sizes, found[np.isfinite(found)])


def make_thumbnails(
    pictures: PictureSet, source: str, rows: NDArray[np.int64], common: Usual
) -> pa.Table:
    """Make thumbnails of some rows, with the columns of `THUMBNAILS_COLUMNS`.

    A picture that can no longer be read, since its file was moved meanwhile, has none.

    Args:
        pictures: they are taken of.
        source: what the column of that name says.
        rows: (K,) ascending.
        common: sizes that are usual in DATA.
    """
    row_of = {int(place): int(row) for row, place in zip(rows, pictures.places[rows], strict=True)}

    def make(item: tuple[int, Blob]) -> tuple[int, _Thumbnail | None]:
        row = row_of[item[0]]
        return row, _make_thumbnail(item[1], pictures.sizes[row], common)

    with silence_decoding():
        found = list(map_in_threads(make, pictures.store.iterate_blobs(pictures.places[rows])))
    there = [(row, thumbnail) for row, thumbnail in found if thumbnail is not None]
    columns = {
        "source": [source] * len(there),
        "row": [row for row, _ in there],
        "image": [thumbnail.image for _, thumbnail in there],
        "note": [thumbnail.note for _, thumbnail in there],
    }
    return pa.table(columns, schema=THUMBNAILS_SCHEMA)


def _make_thumbnail(blob: Blob, size: NDArray[np.int32], common: Usual) -> _Thumbnail | None:
    try:
        image = decode(blob(), (SIDE, SIDE), keeps_ratio=True).image
    except PictureError:
        return None
    notes = note_quality(np.asarray(image.convert("L")), size, common)
    return _Thumbnail(_encode(image), ", ".join(notes) or None)


def _encode(image: Image.Image) -> bytes:
    if max(image.size) > LARGEST:
        image.thumbnail((LARGEST, LARGEST))
    return encode_for_browser(image, quality=_JPEG_QUALITY)[1]


def encode_for_browser(image: Image.Image, *, quality: int = 90) -> tuple[str, bytes]:
    """A picture in a form that every browser shows: its type, and its bytes."""
    sink = io.BytesIO()
    if max(image.size) <= _LOSSLESS:
        image.save(sink, "PNG", optimize=True)
        return "image/png", sink.getvalue()
    image.save(sink, "JPEG", quality=quality, optimize=True)
    return "image/jpeg", sink.getvalue()
