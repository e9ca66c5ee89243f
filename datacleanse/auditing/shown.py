"""What people are shown of a result.

Pages are made by `datacleanse_reports`, and served by `datacleanse_cli`: packages that stand on
this one. So they are found by name, when something is first shown (import contract).
"""

from __future__ import annotations

from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, Self

from datacleanse.errors import DatacleanseError

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike
    from pathlib import Path

    import pandas as pd

    from datacleanse.storage.run_folder import RunFolder


class InlineReport(Protocol):
    """The report of a run; the last line of a notebook's cell shows it."""

    @property
    def html(self) -> str:
        """The page: one that needs nothing beside it."""

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the page to a file."""

    def _repr_html_(self) -> str: ...


class RunComparison(Protocol):
    """What changed from one run to another; the last line of a notebook's cell shows it."""

    def to_json(self) -> dict[str, Any]:
        """The comparison as plain values, as `comparison.json` has it."""

    def _repr_html_(self) -> str: ...


class RunningReview(Protocol):
    """A review page that is served until it is closed; leaving a ``with`` block closes it."""

    @property
    def url(self) -> str:
        """What to open in a browser on this machine. It holds the token that lets one in."""

    @property
    def n_decided(self) -> int:
        """Suspects on the page that are decided."""

    def close(self) -> None:
        """Stop serving; what was decided is saved. Closing twice is once."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def _repr_html_(self) -> str: ...


def show_report(folder: RunFolder, *, top: int | None) -> InlineReport:
    """The report of a finished run about its ``top`` suspects; None: as many as it lists."""
    made: InlineReport = _find("datacleanse_reports.notebook.report").make_report(folder, top=top)
    return made


def show_changes(folder: RunFolder, earlier: RunFolder) -> RunComparison:
    """What changed from an earlier run to this one."""
    notebook = _find("datacleanse_reports.notebook.changes")
    made: RunComparison = notebook.compare_runs(folder, earlier)
    return made


def start_review(
    folder: RunFolder, *, first: int, reviewer: str | None, open_browser: bool, held: object
) -> RunningReview:
    """Serve the review page; ``held`` is kept alive as long as it is."""
    started: RunningReview = _find("datacleanse_cli.python_review").start_review(
        folder, first=first, reviewer=reviewer, open_browser=open_browser, held=held
    )
    return started


def summarise_as_html(
    folder: RunFolder, name_rows: Callable[[], pd.Index[Any] | None], *, is_temporary: bool
) -> str:
    """The result as a piece of HTML; of a run that cannot be read, why.

    Args:
        folder: of the run.
        name_rows: gives what the caller calls its rows; None: they have nothing but numbers.
        is_temporary: whether the folder goes with the result.
    """
    try:
        made: str = _find("datacleanse_reports.notebook.result").render_result(
            folder, names=name_rows(), is_temporary=is_temporary
        )
    except DatacleanseError as error:
        return f"<p>AuditResult in {escape(str(folder.path))}: {escape(str(error))}</p>"
    return made


def summarise_as_text(folder: RunFolder, *, is_temporary: bool) -> str:
    """The result in a line; of a run that cannot be read, why."""
    try:
        made: str = _find("datacleanse_reports.notebook.result").describe_result(
            folder, is_temporary=is_temporary
        )
    except DatacleanseError as error:
        return f"<AuditResult in {folder.path}: {error}>"
    return made


def describe_forecast(found: object) -> str:
    """A `Forecast`, which shows itself by this, as lines of text."""
    made: str = _find("datacleanse_reports.forecast_sentences").describe_forecast(found)
    return made


def _find(name: str) -> Any:  # noqa: ANN401  # a module of a package above
    return import_module(name)
