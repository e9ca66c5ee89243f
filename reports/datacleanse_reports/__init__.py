"""Reports of a run: one view, many formats.

``read_view`` works out every number once; each format in ``formats/`` only lays it out;
``write_reports`` writes them all.
"""

from __future__ import annotations

from datacleanse_reports.records import ReportView
from datacleanse_reports.view import read_view
from datacleanse_reports.write import write_reports

__all__ = ["ReportView", "read_view", "write_reports"]
