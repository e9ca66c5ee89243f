"""The whole report within a notebook, in a frame that can reach nothing around it."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from datacleanse.errors import SettingsError
from datacleanse.given_paths import read_path
from datacleanse.storage.atomic_files import write_aside
from datacleanse_reports.any_page import read_any_view, render_any_page

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

    from datacleanse.storage.run_folder import RunFolder

LARGEST = 4_000_000
"""Characters of a page that a notebook is asked to hold: it is stored in the notebook's file."""

PAGE, BEGIN = b"<!doctype html", 1024
"""What stands at the begin of a page, within so many bytes."""

HEIGHT = 720
"""Of the frame, in pixels; it can be dragged larger."""


@dataclass(frozen=True, repr=False)
class InlineReport:
    """`report.html` of a run, as a page and as a frame in a notebook."""

    html: str
    """The page: one that needs nothing beside it."""
    title: str
    """What it is about."""

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the page to a file, which appears whole or not at all.

        A page that stands there is replaced. Any other file may be data, and is not.

        Raises:
            SettingsError: a file that is no page stands there.
            DatacleanseError: it cannot be written, or ``path`` is no path.
        """
        target = read_path("path", path)
        _check_page(target)
        with write_aside(target) as aside:
            aside.write_text(self.html, encoding="utf-8", newline="")
        return target

    def _repr_html_(self) -> str:
        """A frame without the rights of the notebook: the page's script runs apart from it."""
        if len(self.html) > LARGEST:
            return (
                f"<p>The report has {len(self.html) / 1e6:.1f} MB, too much for a notebook's file. "
                "<code>.save(&quot;report.html&quot;)</code> writes it, and "
                "<code>result.report(top=50)</code> is about fewer suspects.</p>"
            )
        return (
            f'<iframe title="{escape(self.title)}" sandbox="allow-scripts allow-downloads" '
            f'referrerpolicy="no-referrer" style="width:100%;height:{HEIGHT}px;border:1px solid '
            f'rgba(128,128,128,.35);resize:vertical" srcdoc="{escape(self.html)}"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<{self.title}: {len(self.html) / 1e6:.1f} MB of HTML; .save(path) writes it>"


def _check_page(target: Path) -> None:
    """Refuse a place where something else than a page lies: DATA, CLEAN, decisions, a model."""
    # Of `os.path`, which says no where it may not be looked: then the writing tells.
    if not os.path.isfile(target):  # noqa: PTH113
        return
    begin = b""
    with suppress(OSError), target.open("rb") as file:
        begin = file.read(BEGIN)
    if begin and PAGE not in begin.lower():
        raise SettingsError(
            f"{target} exists already, and is no HTML page that a report may replace.",
            slug="file-exists",
            hint="Choose another name, for example report.html.",
        )


def make_report(folder: RunFolder, *, top: int | None) -> InlineReport:
    """The report of a finished run.

    Args:
        folder: of the run.
        top: suspects to list, at least 1; None: as many as in the run's reports.

    Raises:
        SettingsError: ``top`` is out of its range.
        RunFolderError: the run is missing, unfinished or damaged.
    """
    from datacleanse.settings import Settings

    listed = folder.any_manifest().settings.top if top is None else Settings(top=top).top
    view = read_any_view(folder, top=listed)
    return InlineReport(render_any_page(view), f"Label audit of {view.data.source}")
