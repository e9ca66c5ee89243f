"""What is known of pictures without a library for them: nothing heavy is loaded by a table."""

from __future__ import annotations

SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif"),
    *(".png", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif"),
)
"""Endings of names, in lower case, by which pictures are known."""

SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF")
"""First bytes of what is decoded: JPEG, PNG, GIF, BMP, TIFF (twice), WebP."""


LEADS_OUT = "is a link that leads out of the folder of pictures, and is not followed"
"""Why such a picture cannot be read."""


class PictureError(Exception):
    """One picture cannot be read; the text is why, as the end of a sentence about it."""
