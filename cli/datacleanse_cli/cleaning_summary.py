"""What the terminal shows of cleaned data."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from datacleanse.review.automatic import AUTO
from datacleanse_cli.layout import line, print_sections
from datacleanse_reports.wording import plural, shortened, visible

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from datacleanse.review.cleaning_plan import Cleaning, Refusal
    from datacleanse.review.write_table import CleanedFiles

_SHOWN = 10
"""Refused rows that are named; the JSON has all of them."""


def print_cleaning(
    cleaning: Cleaning, files: CleanedFiles, console: Console, *, run: Path, is_dry: bool
) -> None:
    """Print what was done, what was not and why, and what to do next.

    Args:
        cleaning: what was worked out.
        files: where it was written, or would be.
        console: where to; its width is kept to.
        run: the run folder, as the user would type it.
        is_dry: whether nothing was written.
    """
    encoding = console.encoding or "utf-8"
    title = "Would be done" if is_dry else "Done"
    sections = [
        (title, [line(text, encoding) for text in _done(cleaning)]),
        ("Not applied", [line(text, encoding, mark="! ") for text in _refused(cleaning)]),
        ("Notices", [line(text, encoding, mark="! ") for text in _notices(cleaning)]),
        ("Written", [] if is_dry else [line(text, encoding) for text in _files(files)]),
        ("Next", [line(text, encoding) for text in _next(files, run=run, is_dry=is_dry)]),
    ]
    print_sections(sections, console)


def _done(cleaning: Cleaning) -> list[str]:
    automatic = sum(change.decision.reviewer == AUTO for change in cleaning.changes)
    lines = [
        f"{cleaning.data.source}: {plural(cleaning.data.n_rows, 'row')} in, "
        f"{cleaning.rows_after:,} out",
        f"relabelled {cleaning.relabelled:,}, dropped {cleaning.dropped:,}"
        + (f" ({automatic:,} of them by their flags alone)" if automatic else ""),
        f"as they are: {cleaning.kept:,} found right, {cleaning.unsure:,} unsure, "
        f"{cleaning.undecided:,} undecided",
    ]
    if cleaning.done:
        lines.append(f"{plural(cleaning.done, 'decision')} carried out before")
    return lines


def _refused(cleaning: Cleaning) -> list[str]:
    lines = [_refusal(each) for each in cleaning.refused[:_SHOWN]]
    if len(cleaning.refused) > _SHOWN:
        lines.append(f"and {len(cleaning.refused) - _SHOWN:,} more (--json names all of them)")
    return lines


def _refusal(refusal: Refusal) -> str:
    decision = refusal.decision
    place = f"row {decision.row}"
    if decision.id != str(decision.row):
        place += f" ({shortened(decision.id, 60)})"
    given, now = shortened(decision.given_label, 60), shortened(refusal.label or "", 60)
    why = {
        "changed": "its content has changed since the audit",
        "label": f"its label was {given} when it was audited and is {now} now",
        "missing": "it is not in the data any more",
        "ambiguous": "several rows have its content now, and none is at its place",
    }[refusal.reason]
    return f"{place}: {why}; {decision.action} was not carried out"


def _notices(cleaning: Cleaning) -> list[str]:
    lines = [notice.message for notice in cleaning.notices]
    if cleaning.is_changed:
        lines.insert(
            0,
            f"{cleaning.data.source} has changed since the audit (its sha256 is another one); each "
            "row was compared by itself.",
        )
    return lines


def _files(files: CleanedFiles) -> list[str]:
    return [
        f"{visible(str(files.cleaned))}: the cleaned data",
        f"{visible(str(files.diff))}: what was changed, row by row",
    ]


def _next(files: CleanedFiles, *, run: Path, is_dry: bool) -> list[str]:
    if is_dry:
        return ["Nothing was written. Repeat the command with --yes to have it done."]
    cleaned, old = shlex.quote(str(files.cleaned)), shlex.quote(str(run))
    return [
        "Audit again; rows that were reviewed count as verified:",
        f"datacleanse audit {visible(cleaned)} --val CLEAN --decisions {visible(old)}",
    ]
