"""Writes the reports of a run into its folder."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from datacleanse.errors import SettingsError
from datacleanse.storage.atomic_files import make_own_folder, write_aside
from datacleanse.storage.run_claims import keep_folder
from datacleanse_reports.formats.registry import FORMATS, TOOLS
from datacleanse_reports.formats.suspects_csv import SuspectsCsv
from datacleanse_reports.view import read_view

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from datacleanse.storage.run_folder import RunFolder
    from datacleanse_reports.formats.interface import Format
    from datacleanse_reports.records import ReportView


def write_reports(
    folder: RunFolder, *, top: int, formats: Sequence[str] | None = None, raw: bool = False
) -> dict[str, Path]:
    """Render reports of a finished run; each file appears whole or not at all.

    Args:
        folder: a finished run.
        top: suspects to list, at least 1.
        formats: names from the registry; None for those that every run gets.
        raw: leave cells that a spreadsheet would run as formulas as they are.

    Returns:
        The file that was written, by the format's name.

    Raises:
        SettingsError: there is no format of such a name.
        RunFolderError: the run is missing, unfinished, damaged or cannot be written to.
    """
    chosen = [_make_raw(each) if raw else each for each in _choose_formats(formats)]
    with keep_folder(folder):
        return write_view(read_view(folder, top=top), folder, chosen)


def write_view(
    view: ReportView, folder: RunFolder, formats: Sequence[Format] = tuple(FORMATS.values())
) -> dict[str, Path]:
    """The same from a view that was already read, in a folder that is held (`keep_folder`)."""
    # Rendered first, so that a failure leaves the earlier reports as they were.
    rendered = {each: each.render(view) for each in formats}
    make_own_folder(folder.reports_dir)
    written = {}
    for each, text in rendered.items():
        path = folder.reports_dir / each.file_name
        with write_aside(path) as aside:
            aside.write_text(text, encoding="utf-8", newline="")
        written[each.name] = path
    return written


def _make_raw(chosen: Format) -> Format:
    return replace(chosen, raw=True) if isinstance(chosen, SuspectsCsv) else chosen


def _choose_formats(names: Sequence[str] | None) -> list[Format]:
    if names is None:
        return list(FORMATS.values())
    available = {**FORMATS, **TOOLS}
    unknown = [name for name in names if name not in available]
    if unknown:
        raise SettingsError(
            f"There is no report format {unknown[0]!r}.",
            slug="format-unknown",
            hint="Choose from " + ", ".join(available) + ".",
        )
    return [available[name] for name in dict.fromkeys(names)]
