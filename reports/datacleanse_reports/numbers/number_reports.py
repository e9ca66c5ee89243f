"""Writes the reports of an audit of numbers into its run folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from datacleanse.errors import SettingsError
from datacleanse.storage.atomic_files import make_own_folder, write_aside
from datacleanse.storage.run_claims import keep_folder
from datacleanse_reports.numbers.number_formats import FORMATS, render_csv
from datacleanse_reports.numbers.number_view import read_number_view

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from datacleanse.storage.run_folder import RunFolder
    from datacleanse_reports.numbers.number_view import NumberView


@dataclass(frozen=True)
class NumberReports:
    """Reports that were written."""

    view: NumberView
    """What they tell."""
    written: dict[str, Path]
    """Their files, by the format's name."""


def write_number_reports(
    folder: RunFolder, *, top: int, formats: Sequence[str] | None = None, raw: bool = False
) -> NumberReports:
    """Render reports of a finished run; each file appears whole or not at all.

    Args:
        folder: a finished audit of numbers.
        top: suspects to list, at least 1.
        formats: names of formats; None for all.
        raw: leave cells that a spreadsheet would run as formulas as they are.

    Raises:
        SettingsError: there is no format of such a name.
        RunFolderError: the run is missing, unfinished, damaged or cannot be written to.
    """
    chosen = list(FORMATS) if formats is None else list(dict.fromkeys(formats))
    unknown = [name for name in chosen if name not in FORMATS]
    if unknown:
        raise SettingsError(
            f"There is no report format {unknown[0]!r} of an audit of numbers.",
            slug="format-unknown",
            hint="Choose from " + ", ".join(FORMATS) + ".",
        )
    with keep_folder(folder):
        view = read_number_view(folder, top=top)
        # Rendered first, so that a failure leaves the earlier reports as they were.
        rendered = {}
        for name in chosen:
            file, render = FORMATS[name]
            if name == "csv" and raw:
                render = partial(render_csv, raw=True)
            rendered[name] = folder.reports_dir / file, render(view)
        make_own_folder(folder.reports_dir)
        for path, text in rendered.values():
            with write_aside(path) as aside:
                aside.write_text(text, encoding="utf-8", newline="")
    return NumberReports(view, {name: path for name, (path, _) in rendered.items()})
