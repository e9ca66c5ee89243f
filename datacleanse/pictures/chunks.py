"""Some pictures decoded one after the other, in a thread or in a process of their own.

This and what it imports is all that such a process loads.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.pictures.decode_one import decode, has_colour, read_pixels
from datacleanse.pictures.signatures import PictureError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from datacleanse.pictures.interface import Blob


class ColourFoundError(Exception):
    """A picture has colours where all were taken to be grey."""


@dataclass(frozen=True)
class Target:
    """What pictures are decoded to.

    Attributes:
        shape: (C, S, S).
        must_be_grey: whether a picture with colours is an error.
    """

    shape: tuple[int, int, int]
    must_be_grey: bool


@dataclass(frozen=True)
class Chunk:
    """What came of K pictures, in order.

    Attributes:
        values: (K, C, S, S) pixels; zeros where a picture could not be read.
        sha256: (K, 32) of their encoded bytes.
        sizes: (K, 2) width and height of the originals.
        failures: place -> why it could not be read.
    """

    values: NDArray[np.uint8]
    sha256: NDArray[np.uint8]
    sizes: NDArray[np.int32]
    failures: dict[int, str] = field(default_factory=dict)


def decode_chunk(target: Target, blobs: Sequence[Blob]) -> Chunk:
    """Decode K pictures.

    Raises:
        ColourFoundError: one has colours and there must be none.
    """
    n = len(blobs)
    chunk = Chunk(
        np.zeros((n, *target.shape), np.uint8),
        np.zeros((n, 32), np.uint8),
        np.zeros((n, 2), np.int32),
    )
    for place, blob in enumerate(blobs):
        try:
            _decode(target, chunk, place, blob())
        except PictureError as error:
            chunk.failures[place] = str(error)
    return chunk


def _decode(target: Target, chunk: Chunk, place: int, blob: bytes) -> None:
    channels, height, width = target.shape
    found = decode(blob, (width, height))
    if target.must_be_grey and has_colour(found.image):
        raise ColourFoundError
    chunk.values[place] = read_pixels(found.image, channels)
    chunk.sha256[place] = np.frombuffer(hashlib.sha256(blob).digest(), np.uint8)
    chunk.sizes[place] = found.width, found.height
