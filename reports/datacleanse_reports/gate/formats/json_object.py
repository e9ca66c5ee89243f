"""A gate as one JSON object."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datacleanse_reports.gate.records import Gate

SCHEMA_VERSION = 1
"""Of a gate's JSON. Keys may be added within a version, never renamed or removed.

1: first version.
"""


def render(gate: Gate) -> str:
    """``schema_version``, ``is_open`` and the fields of `Gate`, on one line."""
    plain = {"schema_version": SCHEMA_VERSION, "is_open": gate.is_open, **asdict(gate)}
    return json.dumps(plain, ensure_ascii=True, allow_nan=False) + "\n"
