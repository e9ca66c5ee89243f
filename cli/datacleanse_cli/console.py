"""Where tables, paragraphs and bars go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.segment import Segment

from datacleanse_cli.printing import make_printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import ConsoleOptions, RenderableType


class Terminal(Console):
    """A console that obeys no sequence within a text: only what Rich itself adds has an effect."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Lay out as Rich does, with what hides in the text spelled out."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                text = make_printable(segment.text, self.encoding, keep_lines=True)
                yield Segment(text, segment.style)
