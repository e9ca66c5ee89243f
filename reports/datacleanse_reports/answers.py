"""What a page that is served gets when it asks."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """Something that a page asked for."""

    kind: str
    """Its type, as browsers name it."""
    content: bytes


def answer_with_json(value: object) -> Answer:
    """An answer that holds JSON."""
    return Answer("application/json", json.dumps(value).encode())
