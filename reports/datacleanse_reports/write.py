"""Writes the reports of a run into its folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from datacleanse.errors import SettingsError
from datacleanse.storage.atomic_files import make_own_folder, write_aside
from datacleanse.storage.run_claims import keep_folder
from datacleanse_reports.formats.registry import FORMATS, TOOLS
from datacleanse_reports.formats.suspects_csv import SuspectsCsv
from datacleanse_reports.numbers import number_formats
from datacleanse_reports.numbers.number_view import read_number_view
from datacleanse_reports.view import read_view

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from datacleanse.storage.run_folder import RunFolder
    from datacleanse_reports.formats.interface import Format
    from datacleanse_reports.numbers.number_view import NumberView
    from datacleanse_reports.records import ReportView
    from datacleanse_reports.run_view import RunView

_View = TypeVar("_View", bound="RunView")


@dataclass(frozen=True)
class Reports:
    """Reports that were written."""

    view: ReportView | NumberView
    """What they tell."""
    files: dict[str, Path]
    """By the format's name."""


def make_reports(
    folder: RunFolder, *, top: int, formats: Sequence[str] | None = None, raw: bool = False
) -> Reports:
    """Render reports of a finished run; each file appears whole or not at all.

    Args:
        folder: a finished run.
        top: suspects to list, at least 1.
        formats: names from the registry; None for those that every run gets.
        raw: leave cells that a spreadsheet would run as formulas as they are.

    Raises:
        SettingsError: there is no format of such a name.
        RunFolderError: the run is missing, unfinished, damaged or cannot be written to.
    """
    if folder.is_of_numbers():
        known, what = number_formats.FORMATS, " of an audit of numbers"
        of_numbers = _choose_formats(known if formats is None else formats, known, what, raw=raw)
        with keep_folder(folder):
            numbers = read_number_view(folder, top=top)
            return Reports(numbers, _write(numbers, folder, of_numbers))
    names = FORMATS if formats is None else formats
    chosen = _choose_formats(names, {**FORMATS, **TOOLS}, "", raw=raw)
    with keep_folder(folder):
        view = read_view(folder, top=top)
        return Reports(view, _write(view, folder, chosen))


def write_reports(
    folder: RunFolder, *, top: int, formats: Sequence[str] | None = None, raw: bool = False
) -> dict[str, Path]:
    """The files that `make_reports` writes, by the format's name; arguments as there."""
    return make_reports(folder, top=top, formats=formats, raw=raw).files


def _write(view: _View, folder: RunFolder, formats: Iterable[Format[_View]]) -> dict[str, Path]:
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


def _choose_formats(
    names: Iterable[str], known: Mapping[str, Format[_View]], what: str, *, raw: bool
) -> list[Format[_View]]:
    """The formats of these names; ``what``: whose they are, for an error."""
    chosen = dict.fromkeys(names)
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise SettingsError(
            f"There is no report format {unknown[0]!r}{what}.",
            slug="format-unknown",
            hint="Choose from " + ", ".join(known) + ".",
        )
    return [_make_raw(known[name]) if raw else known[name] for name in chosen]


def _make_raw(chosen: Format[_View]) -> Format[_View]:
    return replace(chosen, raw=True) if isinstance(chosen, SuspectsCsv) else chosen
