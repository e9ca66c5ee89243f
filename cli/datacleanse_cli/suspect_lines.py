"""Suspects as the terminal shows them: a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.table import Table
from rich.text import Text

from datacleanse_cli.layout import name_labels, name_row, shorten_text
from datacleanse_cli.printing import make_printable
from datacleanse_reports.wording import format_probability, make_visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacleanse_reports.records import ReportView
    from datacleanse_reports.suspect import Suspect

GAP = 2
"""Spaces between columns."""

WIDEST_LABELS = 4
"""A row's labels have a fourth of the line, at most."""

WIDEST_ID = 2
"""An id has half of it, at most; before that nothing of it is cut, since it names the row."""

FEWEST_SIGNS = 8
"""Columns that are left for the labels, however long the id is."""

CELLS_SHOWN = 3
"""Cells of a row that a line has room for."""


def lay_out_suspects(
    view: ReportView, suspects: Sequence[Suspect], encoding: str, *, width: int
) -> Table:
    """A line a suspect: rank, row, labels, how likely it is wrong, and the cells that tell most.

    Where a row has no cells to be shown, as of a picture, the reason stands there. What is too long
    for ``width`` columns is cut: the cells first, then the labels, and ids last.
    """
    lines = [
        [make_printable(cell, encoding) for cell in _spell(view, suspect)] for suspect in suspects
    ]
    mark = make_printable("…", encoding)
    columns = list(zip(*lines, strict=True))[:-1]
    longest = max((cell_len(suspect.id) for suspect in suspects), default=0)
    widths = _share_out(columns, width, width // WIDEST_ID - longest)
    grid = Table.grid(padding=(0, GAP, 0, 0))
    for cells in lines:
        cut = [Text(_cut(*each, mark)) for each in zip(cells, widths, strict=True)]
        cut[-1].stylize("dim")
        grid.add_row(*cut)
    return grid


def _share_out(columns: Sequence[Sequence[str]], width: int, id_room: int) -> list[int]:
    """The width of each column and, last, of the cells; ``id_room`` below 0: ids are to be cut."""
    rank, name, labels, *likely = [max(map(cell_len, each)) for each in columns]
    room = width - sum(each + GAP for each in (rank, *likely)) - 1
    least = min(labels, FEWEST_SIGNS)
    name = max(1, min(name + min(0, id_room), room - least - 2 * GAP))
    labels = max(1, min(labels, width // WIDEST_LABELS, room - name - 2 * GAP))
    widths = [rank, name, labels, *likely]
    return [*widths, max(1, width - sum(each + GAP for each in widths))]


def _cut(text: str, width: int, mark: str) -> str:
    """A text in at most ``width`` columns, marked where its end is missing."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(0, width - len(mark))) + mark[:width]


def _spell(view: ReportView, suspect: Suspect) -> tuple[str, ...]:
    return (
        f"{suspect.rank:3d}",
        name_row(suspect.row, suspect.id),
        name_labels(suspect.given_label, suspect.suggested_label),
        # Nothing stands behind a share that no verified row checks.
        *([_say_likely(suspect)] if view.is_checked else []),
        _say_cells(view.columns, suspect) or suspect.reason,
    )


def _say_likely(suspect: Suspect) -> str:
    if suspect.mislabel_probability is None:
        return ""
    return format_probability(suspect.mislabel_probability)


def _say_cells(columns: Sequence[str], suspect: Suspect) -> str:
    """The cells that tell most, by name."""
    return ", ".join(
        f"{make_visible(columns[place])}={shorten_text(suspect.cells[place] or '')}"
        for place in suspect.telling[:CELLS_SHOWN]
    )
