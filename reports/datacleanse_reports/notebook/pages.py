"""The templates of what notebooks show."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from datacleanse.option_names import speak_python
from datacleanse_reports import wording
from datacleanse_reports.formats.html import make_environment

if TYPE_CHECKING:
    from jinja2 import Environment, Template

_CELL = 80
"""Characters of a cell that are shown."""


def get_template(name: str) -> Template:
    """A template in which every value is escaped, and messages speak Python."""
    return _make_environment().get_template(name)


@cache
def _make_environment() -> Environment:
    environment = make_environment().overlay()
    environment.filters = {
        **environment.filters,
        "spoken": _speak,
        "cell": _show_cell,
    }
    return environment


def _speak(message: str, option: str | None) -> str:
    return speak_python(message, option=option)


def _show_cell(text: str | None) -> str:
    if text is None:
        return wording.MISSING
    return wording.make_visible(wording.shorten(text, _CELL))
