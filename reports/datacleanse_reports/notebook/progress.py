"""Progress in a notebook: one output that is replaced, without widgets and without JavaScript."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from html import escape
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from datacleanse_reports.wording import format_seconds, make_visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse.progress import Progress

SECONDS_APART = 0.2
"""Between two changes of the output, at least: each is sent to the browser."""

MESSAGES = 20
"""Of what was said, the last ones are shown."""


class Display(Protocol):
    """An output of a notebook's cell."""

    def update(self, shown: Any) -> None:  # noqa: ANN401  # IPython takes anything
        """Replace it."""


class Notebook(Protocol):
    """Where a cell's output goes."""

    def show(self, shown: Any) -> Display:  # noqa: ANN401
        """Add an output."""


class _IPython:
    def show(self, shown: Any) -> Display:  # noqa: ANN401
        from IPython import display

        # Typed or not, as the version that is there has it.
        show: Any = display.display
        handle: Display = show(shown, display_id=True)
        return handle


def find_notebook() -> Notebook | None:
    """The notebook that this program is the kernel of; None: it is none.

    Nothing is imported that is not there already: in a notebook, IPython is.
    """
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    # The shell in a terminal has no kernel.
    return None if getattr(shell, "kernel", None) is None else _IPython()


class _Html:
    """A piece of HTML for a cell's output, with a text for where no HTML is shown."""

    def __init__(self, html: str, text: str) -> None:
        self._html, self._text = html, text

    def _repr_html_(self) -> str:
        return self._html

    def __repr__(self) -> str:
        return self._text


class _Lane:
    """A stage that goes on beside others: its name, and how far it has come."""

    def __init__(self, shown: NotebookProgress, name: str, total: int | None) -> None:
        self._shown = shown
        self.name, self.total, self.done = name, total, 0

    def advance(self, steps: int = 1) -> None:
        """Move its bar, now and then."""
        self.done += steps
        self._shown.show_now_and_then()

    def finish(self) -> None:
        """Leave its place to others."""
        self._shown.close(self)


class NotebookProgress:
    """A line for each stage under way, the seconds since the beginning, and what was said."""

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook
        self._display: Display | None = None
        self._begun = monotonic()
        self._shown_at = -SECONDS_APART
        self._stage = _Lane(self, "", None)
        self._beside: list[_Lane] = []
        self._said: list[str] = []

    def stage(self, name: str, total: int | None) -> None:
        """Show the stage that begins."""
        self._stage = _Lane(self, name, total)
        self._show()

    def beside(self, name: str, total: int | None) -> _Lane:
        """Show a stage that begins beside others."""
        lane = _Lane(self, name, total)
        self._beside.append(lane)
        self._show()
        return lane

    def close(self, lane: _Lane) -> None:
        """Show a stage beside others no more, unless it is the last one."""
        if lane in self._beside:
            self._beside.remove(lane)
            self._stage = lane
            self._show()

    def advance(self, steps: int = 1) -> None:
        """Move the bar, now and then."""
        self._stage.advance(steps)

    def show_now_and_then(self) -> None:
        """Show how far it has come, unless that was shown just now."""
        if monotonic() - self._shown_at >= SECONDS_APART:
            self._show()

    def say(self, message: str) -> None:
        """Add a line."""
        self._said.append(message)
        self._show()

    def finish(self) -> None:
        """Leave what was said and how long it took."""
        if self._display is not None:
            self._show(f"Done in {format_seconds(monotonic() - self._begun)}")

    def fail(self) -> None:
        """Leave the stage in which it ended."""
        if self._display is not None:
            self._show(f"Ended in: {self._name_stages()}")

    def _list_stages(self) -> list[_Lane]:
        return self._beside or [self._stage]

    def _name_stages(self) -> str:
        return ", ".join(lane.name for lane in self._list_stages())

    def _show(self, ending: str | None = None) -> None:
        self._shown_at = monotonic()
        shown = _Html(self._render(ending), ending or self._name_stages())
        if self._display is None:
            self._display = self._notebook.show(shown)
        else:
            self._display.update(shown)

    def _render(self, ending: str | None) -> str:
        line = _escape(ending or "")
        if ending is None:
            bars = "<br>".join(map(_draw_bar, self._list_stages()))
            line = f"{bars} · {format_seconds(monotonic() - self._begun)}"
        said = "".join(f"<div>{_escape(each)}</div>" for each in self._said[-MESSAGES:])
        return f'<div style="font-size:0.9em">{line}{said}</div>'


def _draw_bar(lane: _Lane) -> str:
    reached = f' value="{min(lane.done, lane.total)}" max="{lane.total}"' if lane.total else ""
    return f"<progress{reached}></progress> {_escape(lane.name)}"


def _escape(text: str) -> str:
    return escape(make_visible(text))


@contextmanager
def show_in_notebook(notebook: Notebook) -> Iterator[Progress]:
    """A block's progress as an output of the cell."""
    shown = NotebookProgress(notebook)
    try:
        yield shown
    except BaseException:
        shown.fail()
        raise
    shown.finish()
