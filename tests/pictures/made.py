"""Pictures made for tests: sharp patterns that tell classes and rows apart."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from datacleanse.errors import InputError
from datacleanse.pictures.find import find_pictures
from datacleanse.pictures.interface import Asked

CLASSES = ("cat", "dog")
DATA = Asked("DATA")
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 40, 230)}


def scene(seed, *, size=(32, 24), colour="red"):
    """An RGB picture of a few rectangles in tones of a colour, on noise; by its seed."""
    rng = np.random.default_rng(seed)
    width, height = size
    values = rng.integers(60, 120, (height, width, 3)).astype(np.float64)
    for _ in range(6):
        top, left = rng.integers(0, height - 4), rng.integers(0, width - 4)
        tone = np.array(COLOURS[colour]) * rng.uniform(0.3, 1.0)
        values[top : top + rng.integers(4, height), left : left + rng.integers(4, width)] = tone
    return Image.fromarray(values.astype(np.uint8))


def encoded(image, kind="PNG", **options):
    """The bytes of an image file."""
    sink = io.BytesIO()
    image.save(sink, kind, **options)
    return sink.getvalue()


def picture(seed, **options):
    """The bytes of a PNG of `scene`."""
    return encoded(scene(seed, **options))


def class_folders(root: Path, classes, n, *, first=0, size=(32, 24)):
    """``root/<class>/NNN.png``, ``n`` of each; seeds count up from ``first``."""
    seed = first
    for name, colour in zip(classes, COLOURS, strict=False):
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        for _ in range(n):
            (folder / f"{seed:03d}.png").write_bytes(picture(seed, colour=colour, size=size))
            seed += 1
    return root


def refused(source, asked=DATA):
    """The error that finding these pictures ends in."""
    with pytest.raises(InputError) as caught:
        find_pictures(source, asked)
    return caught.value
