"""The formats of a gate by name. A new one is a file beside this one and a line here.

Each gives all that is printed of a gate, lines ended. Formats compute nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse_reports.gate.formats import github, json_object, markdown, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from datacleanse_reports.gate.records import Gate

GATE_FORMATS: dict[str, Callable[[Gate], str]] = {
    "text": text.render,
    "github": github.render,
    "markdown": markdown.render,
    "json": json_object.render,
}
"""As ``--format`` calls them."""
