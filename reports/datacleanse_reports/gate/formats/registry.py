"""The formats of a gate by name. A new one is a file beside this one and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse_reports.gate.formats.github import GitHubAnnotations
from datacleanse_reports.gate.formats.json_object import GateJson
from datacleanse_reports.gate.formats.markdown import GateMarkdown
from datacleanse_reports.gate.formats.text import GateText

if TYPE_CHECKING:
    from datacleanse_reports.gate.formats.interface import GateFormat

_ALL: tuple[GateFormat, ...] = (GateText(), GitHubAnnotations(), GateMarkdown(), GateJson())

GATE_FORMATS: dict[str, GateFormat] = {each.name: each for each in _ALL}
