"""What a page that is served gets when it asks."""

from __future__ import annotations

import json
from dataclasses import dataclass

from datacleanse.errors import InputError


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
