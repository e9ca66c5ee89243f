"""The page of a run, be its labels classes or numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse_reports.formats.html import render_page
from datacleanse_reports.numbers.number_formats import render_number_page
from datacleanse_reports.numbers.number_view import NumberView, read_number_view
from datacleanse_reports.view import read_view

if TYPE_CHECKING:
    from datacleanse.storage.run_folder import RunFolder
    from datacleanse_reports.page import Serving
    from datacleanse_reports.records import ReportView


def read_any_view(folder: RunFolder, *, top: int) -> ReportView | NumberView:
    """What the page shows; see `read_view`."""
    if folder.is_of_numbers():
        return read_number_view(folder, top=top)
    return read_view(folder, top=top)


def render_any_page(
    view: ReportView | NumberView, *, first: int = 1, serving: Serving | None = None
) -> str:
    """The page; see `render_page`."""
    if isinstance(view, NumberView):
        return render_number_page(view, first=first, serving=serving)
    return render_page(view, first=first, serving=serving)
