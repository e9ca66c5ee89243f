"""The formats by name. A new one is a file beside this one and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse_reports.formats.argilla import ArgillaRecords
from datacleanse_reports.formats.fiftyone import FiftyOneLabels
from datacleanse_reports.formats.html import HtmlReport
from datacleanse_reports.formats.label_studio import LabelStudioTasks
from datacleanse_reports.formats.markdown import MarkdownReport
from datacleanse_reports.formats.summary_json import SummaryJson
from datacleanse_reports.formats.suspects_csv import SuspectsCsv

if TYPE_CHECKING:
    from datacleanse_reports.formats.interface import Format
    from datacleanse_reports.records import ReportView

_ALL: tuple[Format[ReportView], ...] = (
    HtmlReport(),
    SuspectsCsv(),
    SummaryJson(),
    MarkdownReport(),
)

FORMATS: dict[str, Format[ReportView]] = {each.name: each for each in _ALL}
"""The reports of every run, in the order in which they are written."""

_TOOLS: tuple[Format[ReportView], ...] = (LabelStudioTasks(), ArgillaRecords(), FiftyOneLabels())

TOOLS: dict[str, Format[ReportView]] = {each.name: each for each in _TOOLS}
"""For other programs; written when they are asked for."""
