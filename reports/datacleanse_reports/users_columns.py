"""A view with the columns that people know: those of their own, without the program's hashes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from datacleanse_reports.run_view import RunView
    from datacleanse_reports.suspect import Suspect


View = TypeVar("View", bound="RunView")
Row = TypeVar("Row", bound="Suspect")


def keep_users_columns(view: View) -> View:
    """The view without its ``own_columns``, which files keep and pages do not show."""
    if not view.own_columns:
        return view
    kept = [i for i in range(len(view.columns)) if i not in view.own_columns]
    return replace(
        view,
        own_columns=(),
        columns=tuple(view.columns[i] for i in kept),
        suspects=tuple(_keep_cells(each, kept) for each in view.suspects),
    )


def _keep_cells(suspect: Row, kept: list[int]) -> Row:
    place = {column: i for i, column in enumerate(kept)}
    near = [
        replace(each, cells=tuple(each.cells[i] for i in kept) if each.cells else ())
        for each in suspect.neighbours
    ]
    return replace(
        suspect,
        cells=tuple(suspect.cells[i] for i in kept),
        telling=tuple(place[i] for i in suspect.telling if i in place),
        texts=tuple(place[i] for i in suspect.texts if i in place),
        neighbours=tuple(near),
    )
