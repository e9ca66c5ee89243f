"""What is known of pictures without a library for them: nothing heavy is loaded by a table."""

from __future__ import annotations

SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif"),
    *(".png", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif"),
)
"""Endings of names, in lower case, by which pictures are known."""


class PictureError(Exception):
    """One picture cannot be read; the text is why, as the end of a sentence about it."""
