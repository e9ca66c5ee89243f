"""Progress on stderr: bars in a terminal, plain lines in a pipe, nothing with --quiet."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from datacleanse.progress import SILENT, Lane, Progress
from datacleanse_reports.wording import make_visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import TaskID


LEAST_BAR, WIDEST_BAR = 6, 24
"""Columns of a bar, at least and at most."""

BESIDE_BAR = 66
"""Columns of a line but for its bar: the longest name of a stage, the share and two times."""


class _Bars:
    """One line a stage: name, bar, share, time left. Stages beside each other have a line each."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._task: TaskID | None = None

    def stage(self, name: str, total: int | None) -> None:
        self.finish()
        self._task = self._bars.add_task(make_visible(name), total=total)

    def beside(self, name: str, total: int | None) -> Lane:
        self.finish()
        self._task = None
        lane = _Bars(self._bars)
        lane.stage(name, total)
        return lane

    def advance(self, steps: int = 1) -> None:
        if self._task is not None:
            self._bars.advance(self._task, steps)

    def say(self, message: str) -> None:
        self._bars.console.print(make_visible(message), markup=False, highlight=False)

    def finish(self) -> None:
        """Fill the bar of the stage that ends."""
        if self._task is not None:
            task = self._bars.tasks[self._bars.task_ids.index(self._task)]
            total = task.total or 1
            self._bars.update(self._task, total=total, completed=total)


class _Lines:
    """One line when a stage begins, for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def stage(self, name: str, total: int | None) -> None:
        del total
        self._console.print(make_visible(f"{name} ..."), markup=False, highlight=False)

    def advance(self, steps: int = 1) -> None:
        del steps

    def say(self, message: str) -> None:
        self._console.print(make_visible(message), markup=False, highlight=False)


@contextmanager
def show_progress(*, quiet: bool) -> Iterator[Progress]:
    """The way to report progress that suits stderr."""
    if quiet:
        yield SILENT
        return
    from datacleanse_cli.console import Terminal

    console = Terminal(stderr=True)
    if not console.is_terminal:
        yield _Lines(Terminal(stderr=True, soft_wrap=True))
        return
    from rich.progress import (
        BarColumn,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=max(LEAST_BAR, min(WIDEST_BAR, console.width - BESIDE_BAR))),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    # Rich would obey sequences in what libraries write meanwhile.
    with Bars(*columns, console=console, redirect_stdout=False, redirect_stderr=False) as bars:
        shown = _Bars(bars)
        yield shown
        shown.finish()
