"""A result as a notebook shows it, and as a line of text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datacleanse_reports import flag_sentences, sentences
from datacleanse_reports.notebook.pages import get_template
from datacleanse_reports.run_view import keep_users_columns
from datacleanse_reports.view import read_view
from datacleanse_reports.wording import (
    estimate,
    format_count,
    format_percent,
    format_percent_range,
    format_plural,
    format_rate,
    make_visible,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacleanse.storage.manifest.inputs import OverlapSection
    from datacleanse.storage.run_folder import RunFolder
    from datacleanse_reports.records import ReportView

SUSPECTS = 10
"""Suspects that are shown."""

COLUMNS = 12
"""Columns of theirs; a wider table would be scrolled, not read."""

CONFUSIONS = 5
"""Pairs of given and true label that are shown."""


@dataclass(frozen=True)
class Figures:
    """The numbers that stand in large type, each with what stands below it."""

    wrong: str
    """Labels expected to be wrong."""
    wrong_share: str
    """Their share with its range, and what that is."""
    flagged: str
    """Rows on the list."""
    flags: str
    """What the list is worth."""
    verified: str
    """Clean rows."""
    verified_beside: str
    """Of them, rows of DATA that were mislabelled."""


def render_result(
    folder: RunFolder, *, names: Sequence[Any] | None = None, is_temporary: bool = False
) -> str:
    """A run as a piece of HTML that is read without JavaScript and in any colours.

    Args:
        folder: of a finished run.
        names: (N,) what the caller calls the rows of DATA; None: by their numbers.
        is_temporary: whether the folder goes with the result.

    Raises:
        RunFolderError: it is missing, unfinished or damaged.
    """
    view = keep_users_columns(read_view(folder, top=SUSPECTS))
    columns = view.columns[:COLUMNS]
    return get_template("notebook_result.html.j2").render(
        view=view,
        figures=count_figures(view),
        reading=flag_sentences.say_reading(view),
        rows=[each.row if names is None else str(names[each.row]) for each in view.suspects],
        columns=columns,
        columns_left_out=len(view.columns) - len(columns),
        has_ids=view.data.id is not None,
        pictured=any(each.picture is not None for each in view.suspects),
        confusions=view.confusions[:CONFUSIONS],
        place=None if is_temporary else str(folder.path),
    )


def describe_result(folder: RunFolder, *, is_temporary: bool = False) -> str:
    """A run in a line, for where no HTML is shown; arguments as of `render_result`.

    Raises:
        RunFolderError: it is missing, unfinished or damaged.
    """
    view = read_view(folder, top=1)
    figures = count_figures(view)
    source = make_visible(view.data.source)
    place = "in a temporary folder" if is_temporary else f"run folder {folder.path}"
    return (
        f"<AuditResult of {source}: {format_plural(view.headline.rows, 'row')}, "
        f"{figures.wrong} labels look wrong ({figures.wrong_share}), {figures.flagged} flagged "
        f"({figures.flags}), {figures.verified} verified; {place}>"
    )


def count_figures(view: ReportView) -> Figures:
    """The numbers in large type."""
    head = view.headline
    share = "not known: no row is verified"
    if head.estimated_share is not None and head.low_share is not None:
        ends = format_percent_range(head.low_share, head.high_share or head.low_share)
        name = sentences.RANGE_NAMES[head.rate_basis]
        share = f"{format_percent(head.estimated_share)}, {name} {ends}"
        if view.is_doubted:
            share = f"doubtful: {sentences.DOUBT[0].lower()}{sentences.DOUBT[1:]}; {share}"
    return Figures(
        wrong=estimate(head.estimated_wrong),
        wrong_share=share,
        flagged=format_count(head.flagged),
        flags=_say_worth(view),
        verified=format_count(0 if view.clean is None else view.clean.rows),
        verified_beside=_say_corrected(view),
    )


def _say_worth(view: ReportView) -> str:
    level = format_rate(view.headline.fdr)
    match view.flagging.basis:
        case "controlled" | "calibrated":
            return f"at most {level} false alarms expected"
        case "estimated":
            return f"about {level} false alarms, by estimate"
        case _:
            return "no list"


def _say_corrected(view: ReportView) -> str:
    found = view.overlap
    reviewed = 0 if view.clean is None else view.clean.reviewed_rows
    parts = [f"{format_count(reviewed)} by decisions of a review"] if reviewed else []
    return "; ".join([*parts, _say_wrong_in_data(found)])


def _say_wrong_in_data(found: OverlapSection) -> str:
    if not found.verified:
        return "none of them in the data"
    return f"{format_count(found.wrong)} of {format_count(found.verified)} in the data mislabelled"
