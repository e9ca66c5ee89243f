"""What a format is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from datacleanse_reports.run_view import RunView

View_contra = TypeVar("View_contra", bound="RunView", contravariant=True)
"""What is laid out: a `ReportView`, or a `NumberView`."""


class Format(Protocol[View_contra]):
    """One way to lay a report out. Formats compute nothing: every number is in the view."""

    @property
    def name(self) -> str:
        """How ``--format`` calls it, e.g. ``csv``."""

    @property
    def file_name(self) -> str:
        """Its file in the run's ``reports/``, e.g. ``suspects.csv``."""

    def render(self, view: View_contra) -> str:
        """The whole file, to be written as UTF-8 with the newlines as they are."""
