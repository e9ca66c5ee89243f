"""Writes the reports of an audit of numbers into its run folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.storage.atomic_files import make_own_folder, write_aside
from datacleanse.storage.run_claims import keep_folder
from datacleanse_reports.numbers.number_formats import FORMATS
from datacleanse_reports.numbers.number_view import read_number_view

if TYPE_CHECKING:
    from datacleanse.storage.run_folder import RunFolder
    from datacleanse_reports.numbers.number_view import NumberView


def write_number_reports(folder: RunFolder, *, top: int) -> NumberView:
    """Render all reports of a finished run; each file appears whole or not at all.

    Args:
        folder: a finished audit of numbers.
        top: suspects to list, at least 1.

    Returns:
        What they tell.

    Raises:
        RunFolderError: the run is missing, unfinished, damaged or cannot be written to.
    """
    with keep_folder(folder):
        view = read_number_view(folder, top=top)
        # Rendered first, so that a failure leaves the earlier reports as they were.
        rendered = {file: render(view) for file, render in FORMATS.values()}
        make_own_folder(folder.reports_dir)
        for file, text in rendered.items():
            with write_aside(folder.reports_dir / file) as aside:
                aside.write_text(text, encoding="utf-8", newline="")
        return view
