"""Rows under verification: their page, its pictures, and what the page sends turned into verdicts.

The file of verdicts is the engine's (`datacleanse.review.verification`); nothing here writes to it
by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np

from datacleanse.errors import InputError
from datacleanse.review.json_lines import UnusableLineError
from datacleanse.review.verified_file import parse_verdict
from datacleanse_reports.answers import answer_with_json, show_picture
from datacleanse_reports.cells import spell_column
from datacleanse_reports.formats.html import make_environment
from datacleanse_reports.page import (
    describe_numbers,
    embed_cells,
    embed_json,
    hash_source,
    read_assets,
)
from datacleanse_reports.wording import format_count, format_percent, format_plural

if TYPE_CHECKING:
    from datacleanse.review.drawn_rows import Drawing
    from datacleanse.review.verification import Verification, WrongShare
    from datacleanse.review.verified_file import Verdict
    from datacleanse_reports.answers import Answer

SCRIPTS = (
    *("words.js", "sending.js", "cells.js", "number_field.js"),
    *("verdicts.js", "photographs.js", "verify.js"),
)
STYLES = ("report.css", "review.css", "verify.css")

CELL_BUDGET = 8_000_000
"""Characters of cells on the page: it goes to this machine's browser only, so that far more fits
than into a report."""

LONGEST_CELL = 20_000
"""Characters of a cell that are shown: texts must be read to be judged."""

DIGITS = 9
"""Classes that a digit chooses."""

LEAST_JUDGED = 30
"""Verdicts below which nobody is told how many more it takes. The share may still be anything: of 3
right labels it would seem that 60 rows were enough."""

LARGEST = 1024
"""Pixels of the longer side of a picture on the page; smaller ones keep their size."""

_LONGEST_NAME = 100
"""Characters of a reviewer's name that are kept."""


@dataclass(frozen=True)
class ShownRow:
    """A row with its own columns as text."""

    row: int
    """Position in DATA."""
    cells: tuple[str | None, ...]
    """By column; None where a cell is missing."""


class ServedVerification:
    """A draw under verification. Every method may be called from several threads at once."""

    def __init__(self, log: Verification, *, reviewer: str, is_blind: bool) -> None:
        """Render the page.

        Args:
            log: takes the verdicts.
            reviewer: who judges, where the page does not say.
            is_blind: whether given labels are hidden at first.
        """
        self.page = render_verification(log, reviewer=reviewer, is_blind=is_blind).encode("utf-8")
        """The page, UTF-8."""
        self.log = log
        self.has_finished = Event()
        """Set when the reviewer says so."""
        self._reviewer = reviewer
        self._rows = {each.row for each in log.drawing.rows}

    def find_answer(self, path: str) -> Answer | None:
        """The verdicts so far, or a picture."""
        if path == "/verdicts":
            said = [_describe_verdict(each) for each in self.log.list_verdicts()]
            return answer_with_json({"verdicts": said, "share": self._describe_share()})
        row = path.removeprefix("/pictures/")
        if row != path and row.isascii() and row.isdecimal() and len(row) < 19:
            return self._find_picture(int(row))
        return None

    def take_in(self, path: str, asked: object) -> object | None:
        """Record what the page sends as a verdict; what is said of DATA then."""
        if path == "/finish":
            self.has_finished.set()
            return {"finished": True}
        if path != "/verdicts":
            return None
        verdict = self._judge(asked)
        return {"verdict": _describe_verdict(verdict), "share": self._describe_share()}

    def _judge(self, asked: Any) -> Verdict:  # noqa: ANN401  # whatever JSON held
        try:
            said = parse_verdict(asked)
        except UnusableLineError as error:
            raise InputError(
                f"This is no verdict: {error}.",
                slug="verdict-invalid",
                hint="Reload the page and judge the row again.",
            ) from error
        return self.log.record(
            said.row,
            said.action,
            said.label,
            reviewer=said.reviewer[:_LONGEST_NAME] or self._reviewer,
            blind=said.blind,
        )

    def _describe_share(self) -> dict[str, str]:
        share = self.log.measure()
        return {"wrong": say_share(share), "more": say_more(share)}

    def _find_picture(self, row: int) -> Answer | None:
        store = self.log.drawing.pictures
        if store is None or row not in self._rows:
            return None
        from datacleanse.pictures.signatures import PictureError

        for _, blob in store.iterate_blobs(np.array([row], np.int64)):
            try:
                return show_picture(blob(), LARGEST)
            except (PictureError, OSError) as error:
                raise InputError(
                    f"The picture of row {row} {error}.",
                    slug="picture-unreadable",
                    hint="Judge it as unsure.",
                ) from error
        return None


def render_verification(log: Verification, *, reviewer: str, is_blind: bool) -> str:
    """Render the page on which drawn rows are verified.

    Args:
        log: what takes the verdicts.
        reviewer: what the field of the reviewer's name says at first.
        is_blind: whether given labels are hidden at first.
    """
    drawing = log.drawing
    css, script = read_assets(*STYLES), read_assets(*SCRIPTS)
    cells = drawing.cells
    columns = [spell_column(cells.column(each.name), each) for each in cells.schema]
    shown = [
        ShownRow(each.row, tuple(column[place] for column in columns))
        for place, each in enumerate(drawing.rows)
    ]
    return (
        make_environment()
        .get_template("verify.html.j2")
        .render(
            title=PurePath(drawing.source).name or drawing.source,
            place=str(log.path),
            css=css,
            css_hash=hash_source(css),
            script=script,
            script_hash=hash_source(script),
            of_numbers=drawing.numbers is not None,
            cell_data=embed_cells(
                cells.column_names, shown, budget=CELL_BUDGET, longest=LONGEST_CELL
            ),
            verify_data=embed_json(_describe_drawing(log, reviewer=reviewer, is_blind=is_blind)),
        )
    )


def _describe_drawing(log: Verification, *, reviewer: str, is_blind: bool) -> dict[str, Any]:
    drawing = log.drawing
    labels = log.classes or tuple(dict.fromkeys(each.given_label for each in drawing.rows))
    place = {label: code for code, label in enumerate(labels)}
    return {
        "labels": list(labels),
        "first": _choose_first(drawing, len(log.classes)),
        **describe_numbers(drawing.numbers),
        "rows": [
            {"row": each.row, "name": each.id, "given": place[each.given_label]}
            for each in drawing.rows
        ],
        "pictured": drawing.pictures is not None,
        # A path may lead through a folder called like the class.
        "named_by_path": drawing.pictures is not None,
        "reviewer": reviewer,
        "blind": is_blind,
    }


def _choose_first(drawing: Drawing, n_classes: int) -> list[int]:
    """The classes that digits choose: all in order, or where there are more the commonest."""
    if n_classes <= DIGITS:
        return list(range(n_classes))
    by_count = sorted(range(len(drawing.counts)), key=lambda code: -drawing.counts[code])
    return by_count[:DIGITS]


def _describe_verdict(verdict: Verdict) -> dict[str, Any]:
    return {"row": verdict.row, "action": verdict.action, "label": verdict.label}


def say_share(share: WrongShare) -> str:
    """Say what share of labels was found wrong, and between what limits it lies."""
    if not share.n_judged:
        return "No row is judged yet"
    unsure = f"; {format_count(share.n_unsure)} unsure" if share.n_unsure else ""
    return (
        f"Wrong: {format_count(share.n_wrong)} of {format_plural(share.n_judged, 'label')}, "
        f"{format_percent(share.share)} (95% interval {format_percent(share.low)} to "
        f"{format_percent(share.high)}){unsure}"
    )


def say_more(share: WrongShare) -> str:
    """Say how many more rows would narrow the interval; empty where too few are judged to tell."""
    if share.n_judged < LEAST_JUDGED:
        return ""
    if not share.n_more:
        return "known to ± 3 points"
    if share.is_all:
        return "only nearly all rows would narrow it to ± 3 points"
    return f"about {format_plural(share.n_more, 'more row')} would narrow it to ± 3 points"
