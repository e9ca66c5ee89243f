"""What the terminal shows of cleaned data."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from datacleanse.storage.run_folder import RunFolder
from datacleanse_cli.layout import Command, lay_out_line, name_row, print_sections
from datacleanse_cli.next_commands import spell_command, spell_reading
from datacleanse_reports.next_step import spell_place
from datacleanse_reports.wording import format_plural, make_visible

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console, RenderableType

    from datacleanse.review.apply import CleaningResult
    from datacleanse.review.cleaning_plan import Refusal

_SHOWN = 10
"""Refused rows that are named; the JSON has all of them."""


def print_cleaning(cleaned: CleaningResult, console: Console, *, run: Path) -> None:
    """Print what was done, what was not and why, and what to do next.

    Args:
        cleaned: what was done, or would be.
        console: where to; its width is kept to.
        run: the run folder, as the user would type it.
    """
    encoding = console.encoding or "utf-8"
    title = "Done" if cleaned.is_written else "Would be done"
    sections: list[tuple[str, Sequence[RenderableType | Command]]] = [
        (title, [lay_out_line(text, encoding) for text in _say_done(cleaned)]),
        (
            "Not applied",
            [lay_out_line(text, encoding, mark="! ") for text in _say_refused(cleaned)],
        ),
        ("Notices", [lay_out_line(text, encoding, mark="! ") for text in _say_notices(cleaned)]),
        ("Written", [lay_out_line(text, encoding) for text in _say_files(cleaned)]),
        ("Next", _lay_out_next(cleaned, encoding, run=run)),
    ]
    print_sections(sections, console)


def _say_done(cleaned: CleaningResult) -> list[str]:
    lines = [
        f"{cleaned.source}: {format_plural(cleaned.rows, 'row')} in, {cleaned.rows_after:,} out",
        f"relabelled {cleaned.relabelled:,}, dropped {cleaned.dropped:,}{_say_of_them(cleaned)}",
        f"as they are: {cleaned.kept:,} found right, {cleaned.unsure:,} unsure, "
        f"{cleaned.undecided:,} undecided",
    ]
    if cleaned.done:
        lines.append(f"{format_plural(cleaned.done, 'decision')} carried out before")
    return lines


def _say_of_them(cleaned: CleaningResult) -> str:
    kinds = {
        "as the clean set verified them": cleaned.verified,
        "by their flags alone": cleaned.automatic,
    }
    said = ", ".join(f"{count:,} {how}" for how, count in kinds.items() if count)
    return f" (of them {said})" if said else ""


def _say_refused(cleaned: CleaningResult) -> list[str]:
    lines = [_say_refusal(each) for each in cleaned.refused[:_SHOWN]]
    if len(cleaned.refused) > _SHOWN:
        lines.append(f"and {len(cleaned.refused) - _SHOWN:,} more (--json names all of them)")
    return lines


def _say_refusal(refusal: Refusal) -> str:
    decision = refusal.decision
    place = name_row(decision.row, str(decision.row) if decision.id is None else decision.id)
    return f"{place}: {refusal.why}; {decision.action} was not carried out"


def _say_notices(cleaned: CleaningResult) -> list[str]:
    lines = [notice.message for notice in cleaned.notices]
    if cleaned.is_source_changed:
        lines.insert(
            0,
            f"{cleaned.source} has changed since the audit (its sha256 is another one); each "
            "row was compared by itself.",
        )
    return lines


def _say_files(cleaned: CleaningResult) -> list[str]:
    if not cleaned.is_written:
        return []
    return [
        f"{make_visible(str(cleaned.cleaned))}: the cleaned data",
        f"{make_visible(str(cleaned.diff))}: what was changed, row by row",
    ]


def _lay_out_next(
    cleaned: CleaningResult, encoding: str, *, run: Path
) -> list[RenderableType | Command]:
    if not cleaned.is_written:
        text = "Nothing was written. Repeat the command with --yes to have it done."
        return [lay_out_line(text, encoding)]
    places = _find_earlier_rounds(cleaned, run)
    command = spell_command(
        "audit",
        spell_place(cleaned.cleaned),
        *(word for each in _list_clean(cleaned) for word in ("--val", _find_clean(each))),
        *(word for each in places for word in ("--decisions", spell_place(each))),
        *spell_reading(cleaned.reading),
    )
    also = "; rows that were reviewed count as verified" if cleaned.decisions else ""
    return [lay_out_line(f"Audit again{also}:", encoding), Command(command)]


def _list_clean(cleaned: CleaningResult) -> tuple[str | None, ...]:
    """The audit's sources of verified rows; None for one that lay in memory."""
    return (cleaned.clean or (None,)) if cleaned.has_clean else ()


def _find_earlier_rounds(cleaned: CleaningResult, run: Path) -> list[Path]:
    """What the next audit is told by ``--decisions``: the run, and files from elsewhere."""
    own = RunFolder(run).decisions_file
    places = [run] if own in cleaned.decisions or cleaned.has_wrong_pairs else []
    return [*places, *(each for each in cleaned.decisions if each != own)]


def _find_clean(clean: str | None) -> str:
    """The audit's CLEAN as a word; its role where it lies in memory, or not here any more."""
    if clean is None:
        return "CLEAN"
    is_here = os.path.exists(os.path.expanduser(clean))  # noqa: PTH110, PTH111 - as `locate` does
    return spell_place(clean) if is_here or "://" in clean else "CLEAN"
