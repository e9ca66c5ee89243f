"""The formats by name. A new one is a file beside this one and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse_reports.formats.html import HtmlReport
from datacleanse_reports.formats.markdown import MarkdownReport
from datacleanse_reports.formats.summary_json import SummaryJson
from datacleanse_reports.formats.suspects_csv import SuspectsCsv

if TYPE_CHECKING:
    from datacleanse_reports.formats.interface import Format

_ALL: tuple[Format, ...] = (HtmlReport(), SuspectsCsv(), SummaryJson(), MarkdownReport())

FORMATS: dict[str, Format] = {each.name: each for each in _ALL}
"""In the order in which they are written."""
