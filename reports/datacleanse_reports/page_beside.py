"""What `report.html` embeds beside a suspect's own cells: verified rows, and what to show first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse_reports.cells import is_same_cell
from datacleanse_reports.page import embed_json
from datacleanse_reports.wording import make_visible, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacleanse_reports.run_view import RunView
    from datacleanse_reports.suspect import Neighbour, Suspect

CLEAN_BUDGET = 200_000
"""Characters of cells of verified rows that keep the page under 1.5 MB."""

_LONGEST_CELL, _LONGEST_TEXT = 100, 400
_LONGEST_LABEL = 60


def embed_beside(view: RunView, suspects: Sequence[Suspect], n_columns: int, *, budget: int) -> str:
    """Cells to show first and verified rows, as JSON that is safe inside ``<script>``.

    Args:
        view: of the run.
        suspects: those on the page, in the order of its cells.
        n_columns: columns whose cells the page has.
        budget: characters; verified rows beside the last suspects lack their cells beyond it.
    """
    clean = _choose_clean_cells(suspects, n_columns, budget)
    terms = [list(each.terms) for each in suspects]
    # Ids differ by nature.
    ids = {each.name for each in view.columns_aside if each.kind == "identifier"}
    compared = [name not in ids and name != view.data.id for name in view.columns[:n_columns]]
    return embed_json(
        {
            "telling": [[i for i in each.telling if i < n_columns] for each in suspects],
            **({"terms": terms, "texts": suspects[0].texts} if any(terms) else {}),
            "near": [
                [
                    _describe(near, each, compared)
                    for near in each.neighbours
                    if near.clean_row in clean
                ]
                for each in suspects
            ],
            "clean": clean,
        }
    )


def _choose_clean_cells(
    suspects: Sequence[Suspect], n_columns: int, budget: int
) -> dict[int, tuple[str, list[str | None]]]:
    """Label and cells as they are shown, by row of CLEAN, those beside the first suspects first."""
    chosen: dict[int, tuple[str, list[str | None]]] = {}
    longest = {i: _LONGEST_TEXT for each in suspects[:1] for i in each.texts}
    for near in (near for each in suspects for near in each.neighbours):
        if near.clean_row in chosen or not near.cells:
            continue
        cells = [
            cell and make_visible(shorten(cell, longest.get(i, _LONGEST_CELL)), keep_lines=True)
            for i, cell in enumerate(near.cells[:n_columns])
        ]
        budget -= sum(len(cell or "") + 3 for cell in cells)
        if budget < 0:
            break
        chosen[near.clean_row] = make_visible(shorten(near.label, _LONGEST_LABEL)), cells
    return chosen


def _describe(near: Neighbour, suspect: Suspect, compared: Sequence[bool]) -> tuple[int, str]:
    """Row of CLEAN, and which cells differ: one bit a column, four a hex digit.

    ``compared``: whether a difference counts, by column.
    """
    n_columns = len(compared)
    cells = zip(suspect.cells[:n_columns], near.cells[:n_columns], compared, strict=True)
    bits = [counts and not is_same_cell(one, other) for one, other, counts in cells]
    digits = (bits[start : start + 4] for start in range(0, n_columns, 4))
    mask = "".join(f"{sum(bit << i for i, bit in enumerate(four)):x}" for four in digits)
    return near.clean_row, mask
