"""What a page that is served gets when it asks."""

from __future__ import annotations

import json
from dataclasses import dataclass

from datacleanse.errors import InputError

AS_IS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png"}
"""First bytes of pictures that every browser shows, and their types: they need not be decoded."""
LARGEST_AS_IS = 1 << 20
"""Bytes above which a picture is made smaller for the page."""


@dataclass(frozen=True)
class Answer:
    """Something that a page asked for."""

    kind: str
    """Its type, as browsers name it."""
    content: bytes


def answer_with_json(value: object) -> Answer:
    """An answer that holds JSON."""
    return Answer("application/json", json.dumps(value).encode())


class ConflictError(InputError):
    """Something asked for that what is known by now speaks against."""


class QuestionError(InputError):
    """Something asked for that is done only if the reviewer says that it is meant."""


def show_picture(content: bytes, largest: int, *, as_is: int = LARGEST_AS_IS) -> Answer:
    """A picture for a page, no side of which is longer than ``largest`` pixels.

    Args:
        content: its encoded bytes.
        largest: pixels; a smaller picture keeps its size.
        as_is: bytes up to which a picture that browsers know goes there as it is.

    Raises:
        PictureError: it cannot be read.
    """
    from datacleanse.pictures.decode_one import decode
    from datacleanse.pictures.thumbnails import encode_for_browser

    kind = next((AS_IS[sign] for sign in AS_IS if content.startswith(sign)), None)
    if kind is not None and len(content) <= as_is:
        return Answer(kind, content)
    image = decode(content, (largest, largest), keeps_ratio=True).image
    return Answer(*encode_for_browser(image))
