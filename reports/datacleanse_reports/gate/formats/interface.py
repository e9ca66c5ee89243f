"""What a format of a gate is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datacleanse_reports.gate.records import Gate


class GateFormat(Protocol):
    """One way to tell what a gate found. Formats compute nothing."""

    @property
    def name(self) -> str:
        """How ``--format`` calls it."""

    def render(self, gate: Gate) -> str:
        """All that is printed, lines ended."""
