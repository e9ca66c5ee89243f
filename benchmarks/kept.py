"""Finished trainings, kept so that a run that was stopped goes on where it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from benchmarks.record import note

if TYPE_CHECKING:
    from pathlib import Path


class Kept:
    """Finished trainings, one a line, in a file that a later run goes on from."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: dict[str, dict[str, Any]] = {}
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                key, values = json.loads(line)
                self._found[key] = values
            note(f"Going on from {len(self._found)} trainings in {path}")

    def find(self, key: str) -> dict[str, Any] | None:
        """What was measured before under this key."""
        return self._found.get(key)

    def add(self, key: str, values: dict[str, Any]) -> None:
        """Keep one."""
        self._found[key] = values
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([key, values]) + "\n")

    def remove(self) -> None:
        """Everything is in the result now."""
        self._path.unlink(missing_ok=True)
