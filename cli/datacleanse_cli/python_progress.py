"""Progress for callers in Python: a bar in a notebook, those of the command line in a terminal."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from datacleanse.progress import SILENT
from datacleanse_cli.progress import show_progress
from datacleanse_reports.notebook.progress import find_notebook, show_in_notebook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse.progress import Progress


@contextmanager
def show_progress_in_python(*, always: bool) -> Iterator[Progress]:
    """The way to report progress to whoever runs Python.

    Args:
        always: also where nobody looks on; then a line a stage is written to stderr.
    """
    notebook = find_notebook()
    if notebook is not None:
        with show_in_notebook(notebook) as shown:
            yield shown
    elif always or _is_watched():
        with show_progress(quiet=False) as shown:
            yield shown
    else:
        yield SILENT


def _is_watched() -> bool:
    """Whether stderr is a terminal; it may be closed, or None in a program without a console."""
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):
        return False
