"""What the terminal shows of what was seen beside wrong labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse_cli.layout import lay_out_line

if TYPE_CHECKING:
    from rich.console import RenderableType

    from datacleanse_reports.run_view import RunView


def lay_out_health(
    view: RunView, encoding: str, *, only_warnings: bool = False
) -> list[RenderableType]:
    """A line for each finding beside wrong labels."""
    if view.health is None:
        return []
    return [
        lay_out_line(each.message, encoding, mark="! " if each.is_warning else "")
        for each in view.health.findings
        if each.is_warning or not only_warnings
    ]
