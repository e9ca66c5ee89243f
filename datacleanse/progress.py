"""How the engine reports what it is doing, without printing.

The command line passes an implementation that draws bars; libraries and tests pass `SILENT`.
"""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives the stages of a run, in order; stages do not overlap."""

    def stage(self, name: str, total: int | None) -> None:
        """A stage begins, e.g. ``Training``; ``total`` steps are expected, None if unknown."""

    def advance(self, steps: int = 1) -> None:
        """``steps`` more of the current stage are done."""

    def say(self, message: str) -> None:
        """One line for people about what was found or chosen."""


class _Silent:
    def stage(self, name: str, total: int | None) -> None:
        del name, total

    def advance(self, steps: int = 1) -> None:
        del steps

    def say(self, message: str) -> None:
        del message


SILENT: Progress = _Silent()
