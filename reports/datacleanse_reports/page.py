"""What `report.html` embeds, held to a size that every browser bears."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from datacleanse_reports.health import MARKS
from datacleanse_reports.wording import make_visible, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from datacleanse.data.any_number import AnyNumber
    from datacleanse.review.clean_labels import CleanLabel
    from datacleanse_reports.run_view import RunView
    from datacleanse_reports.suspect import Suspect

MAX_SUSPECTS = 500
"""Rows that are embedded; `suspects.csv` and `audit.parquet` have the others."""

MAX_CELLS = 40_000
"""Cells that are embedded; beyond it a very wide table loses its last columns, and it is said."""

CELL_BUDGET = 600_000
"""Bytes of cells that keep the page well under 1.5 MB; longer cells are cut until they fit."""

TEXT_BUDGET = 500_000
"""The same where cells are texts: their marked words and their neighbours stand beside them."""

PICTURE_BUDGET = 6_500_000
"""Characters of pictures that keep the page under 8 MB."""

LONGEST_CELL, LONGEST_TEXT = 400, 4_000
"""Characters of a cell that are shown, and of a text, where the budget allows them."""

_CELL_LIMITS = (2_000, 1_000, LONGEST_CELL, 200, 100, 60, 40, 24)
_LONGEST_NAME = 200
"""Characters of a column's name that are shown."""

_LONGEST_ID = 200
"""Characters of an id that a decision repeats; the row's number and hash name the row anyway."""
_EXAMPLES = 3


@dataclass(frozen=True)
class Pair:
    """Suspects with the same given and suggested label."""

    key: int
    """Small name for the filter and the rows."""
    n_rows: int
    examples: tuple[Suspect, ...]
    """The most suspicious of them."""


@dataclass(frozen=True)
class Serving:
    """What a page knows of the server that it goes out from, which takes its decisions."""

    reviewer: str
    """Who decides, where the page does not say; may be empty."""
    has_originals: bool
    """Whether the pictures themselves can be asked for."""
    find_clean: Callable[[int], CleanLabel | None]
    """What a row was verified to be; None: nobody has verified it."""


def count_pairs(suspects: Sequence[Suspect]) -> dict[tuple[str, str | None], Pair]:
    """The pairs of given and suggested label among the suspects, in alphabetical order."""
    rows: dict[tuple[str, str | None], list[Suspect]] = {}
    for each in suspects:
        rows.setdefault((each.given_label, each.suggested_label), []).append(each)
    ordered = sorted(rows, key=lambda pair: (pair[0], pair[1] or ""))
    return {
        pair: Pair(key, len(rows[pair]), tuple(rows[pair][:_EXAMPLES]))
        for key, pair in enumerate(ordered)
    }


class HasCells(Protocol):
    """A row that is shown."""

    @property
    def row(self) -> int:
        """Position in DATA."""

    @property
    def cells(self) -> tuple[str | None, ...]:
        """Its own columns as text; None: missing."""


def embed_cells(
    columns: Sequence[str],
    rows: Sequence[HasCells],
    *,
    budget: int = CELL_BUDGET,
    longest: int = LONGEST_CELL,
) -> str:
    """The rows' own columns as people can see them, as JSON that is safe inside ``<script>``.

    Args:
        columns: their names.
        rows: those that are shown.
        budget: bytes of all cells together; longer cells are cut until they fit.
        longest: characters of a cell that are shown, at most.
    """
    limit = _choose_cell_limit(rows, len(columns), budget, longest)

    def shown(cell: str | None) -> str | None:
        return cell and make_visible(shorten(cell, limit), keep_lines=True)

    return embed_json(
        {
            "columns": [
                make_visible(shorten(name, _LONGEST_NAME)) or "(empty)" for name in columns
            ],
            "rows": [each.row for each in rows],
            "cells": [[shown(cell) for cell in each.cells[: len(columns)]] for each in rows],
        }
    )


def embed_json(data: object) -> str:
    """JSON that a text such as ``</script>`` cannot leave."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _choose_cell_limit(rows: Sequence[HasCells], n_columns: int, budget: int, longest: int) -> int:
    """Characters of a cell that keep all cells within the budget."""
    cells = [cell for each in rows for cell in each.cells[:n_columns] if cell]
    for limit in (longest, *(limit for limit in _CELL_LIMITS if limit < longest)):
        # A sign of another script takes up to four bytes.
        if sum(len(cell[:limit].encode("utf-8", "replace")) for cell in cells) <= budget:
            return limit
    return _CELL_LIMITS[-1]


@dataclass(frozen=True)
class Album:
    """Which pictures are embedded: the first suspects' before their neighbours'."""

    rows: dict[int, str]
    """``data:`` addresses by row of DATA."""
    clean: dict[int, str]
    """The same of verified neighbours, by row of CLEAN."""
    n_left_out: int


def choose_pictures(suspects: Sequence[Suspect], budget: int = PICTURE_BUDGET) -> Album:
    """Choose pictures, most suspicious rows first, until the budget is spent."""
    rows: dict[int, str] = {}
    clean: dict[int, str] = {}
    n_left_out = 0
    for each in suspects:
        if each.picture is None:
            continue
        if len(each.picture.uri) <= budget:
            rows[each.row] = each.picture.uri
            budget -= len(each.picture.uri)
        else:
            n_left_out += 1
    for near in (near for each in suspects for near in each.neighbours):
        if near.picture is None or near.clean_row in clean:
            continue
        if len(near.picture.uri) <= budget:
            clean[near.clean_row] = near.picture.uri
            budget -= len(near.picture.uri)
    return Album(rows, clean, n_left_out)


def embed_pictures(album: Album) -> str:
    """The pictures by row, as JSON that is safe inside ``<script>``."""
    return embed_json({"rows": album.rows, "clean": album.clean})


def embed_review(view: RunView, suspects: Sequence[Suspect], *, serving: Serving | None) -> str:
    """What the review needs and the page does not show, as JSON that is safe inside ``<script>``.

    Labels stand here as they are, while the page shows them with what is invisible spelt out.

    Args:
        view: of the run.
        suspects: those on the page.
        serving: of the server that decisions go to; None: the page lies on a disk.
    """
    used = [label for each in suspects for label in (each.given_label, each.suggested_label)]
    labels = list(dict.fromkeys([*view.labels, *(label for label in used if label is not None)]))
    place = {label: i for i, label in enumerate(labels)}

    def known(row: int) -> dict[str, Any]:
        found = None if serving is None else serving.find_clean(row)
        return {} if found is None else {"clean": [found.label[:_LONGEST_ID], found.place]}

    data = {
        "run_id": view.run_id,
        **describe_numbers(view.numbers),
        "served": serving is not None,
        **({} if serving is None else _describe_server(serving)),
        "labels": labels,
        "verdicts": _number_verdicts(suspects),
        "suspects": [_describe_suspect(each, place) | known(each.row) for each in suspects],
    }
    return embed_json(data)


def _number_verdicts(suspects: Sequence[Suspect]) -> str:
    """A digit a row: its place in `MARKS`; empty of runs without verdicts."""
    if not any(each.verdict for each in suspects):
        return ""
    return "".join(str(MARKS.get(each.verdict or "", 0)) for each in suspects)


def describe_numbers(numbers: AnyNumber | None) -> dict[str, Any]:
    """How a number that somebody types is held to the column; nothing where labels are classes."""
    if numbers is None:
        return {}
    return {"numbers": {"decimals": numbers.decimals, "whole": numbers.is_whole}}


def _describe_server(serving: Serving) -> dict[str, Any]:
    return {"reviewer": serving.reviewer, "originals": serving.has_originals}


def _describe_suspect(suspect: Suspect, place: dict[str, int]) -> dict[str, Any]:
    suggested = suspect.suggested_label
    return {
        "row": suspect.row,
        "id": suspect.id if len(suspect.id) <= _LONGEST_ID else None,
        "sha256": suspect.row_sha256,
        "given": place[suspect.given_label],
        "suggested": None if suggested is None else place[suggested],
        "likely": [
            [place[each.label], round(each.probability, 3)]
            for each in suspect.likely
            if each.label in place
        ],
        "near": [[near.clean_row, near.label[:_LONGEST_ID]] for near in suspect.neighbours],
        **({"expected": suspect.expected} if suspect.expected else {}),
    }


def read_assets(*names: str) -> str:
    """The files one after the other."""
    from importlib.resources import files

    folder = files("datacleanse_reports") / "templates"
    return "".join((folder / name).read_text(encoding="utf-8") for name in names)


def hash_source(source: str) -> str:
    """For a page's content security policy: nothing else on it may run or restyle it."""
    digest = hashlib.sha256(source.encode()).digest()
    return "sha256-" + base64.b64encode(digest).decode()
