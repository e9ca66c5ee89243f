"""What is said of the list of flagged rows: how many, what it promises, or why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from datacleanse_reports.wording import format_count, format_plural, format_rate

if TYPE_CHECKING:
    from datacleanse.storage.manifest.results import FlagsSection
    from datacleanse_reports.run_view import Headline, RunView


def say_reading(view: RunView) -> str:
    """How many rows to look at and what to expect of them."""
    basis = view.flagging.basis
    if not view.is_checked:
        return (
            "No row is flagged, since without verified rows no list can keep a promise. Read the "
            "ranking from the top."
        )
    if basis == "controlled":
        return _say_controlled(view.headline)
    if basis == "calibrated":
        return _say_calibrated(view.headline, view.flagging)
    if basis == "estimated":
        return _say_estimated(view.headline, view.flagging)
    if basis == "none":
        return _say_unflagged(view)
    assert_never(basis)


def _say_controlled(head: Headline) -> str:
    verb = "row is" if head.flagged == 1 else "rows are"
    return (
        f"{format_count(head.flagged)} {verb} flagged; expect at most {format_rate(head.fdr)} of "
        "them to be false alarms."
    )


def _say_calibrated(head: Headline, flagging: FlagsSection) -> str:
    verb = "row is" if head.flagged == 1 else "rows are"
    return (
        f"{format_count(head.flagged)} {verb} flagged; expect at most {format_rate(head.fdr)} of "
        "them to be false alarms."
        + (
            ""
            if flagging.false_at_most is None
            else f" It is 90% certain that no more than {format_count(flagging.false_at_most)} are."
        )
        + " This rests on probabilities calibrated on "
        f"{format_plural(flagging.calibration_rows, 'verified row')} of the data."
    )


def _say_estimated(head: Headline, flagging: FlagsSection) -> str:
    verb = "row is" if head.flagged == 1 else "rows are"
    needed = ""
    if _is_attainable(head, flagging):
        needed = (
            f"; it would take some {format_plural(flagging.rows_needed or 0, 'verified row')} at "
            "least"
        )
    return (
        f"{format_count(head.flagged)} {verb} flagged by estimated probabilities; about "
        f"{format_rate(head.fdr)} "
        "of such a list are expected to be false alarms. This is an estimate: "
        f"{_say_too_few(flagging)}{needed}."
    )


def _is_attainable(head: Headline, flagging: FlagsSection) -> bool:
    """Whether DATA has as many rows as would have to be verified for a guarantee."""
    return flagging.rows_needed is not None and flagging.rows_needed <= head.rows


def _say_unflagged(view: RunView) -> str:
    head, flagging = view.headline, view.flagging
    parts = [
        f"No row is flagged: {_say_beside(flagging)} none stands out enough to keep the expected "
        f"false alarms at {format_rate(head.fdr)}."
    ]
    if _is_attainable(head, flagging):
        parts.append(
            f"About {format_plural(flagging.rows_needed or 0, 'verified row')} would make flags "
            "possible."
        )
    elif view.rows_lacking and not view.is_doubted:
        parts.append(
            f"{format_plural(view.rows_lacking, 'more verified row')} may make flags possible."
        )
    elif flagging.rows_needed is not None:
        parts.append("Verifying more rows of this table would not change that.")
    if flagging.listed_at_double:
        rows = format_plural(flagging.listed_at_double, "row")
        parts.append(
            f"With --fdr {2 * head.fdr:g}, {rows} would be flagged; expect at most "
            f"{format_rate(2 * head.fdr)} of them to be false alarms."
        )
    parts.append("Read the ranking from the top instead.")
    return " ".join(parts)


def _say_too_few(flagging: FlagsSection) -> str:
    if not flagging.calibration_rows:
        return "no verified row can be compared with, which a guarantee needs"
    verb = "is" if flagging.calibration_rows == 1 else "are"
    return (
        f"{format_plural(flagging.calibration_rows, 'verified row')} {verb} too few for a guarantee"
    )


def _say_beside(flagging: FlagsSection) -> str:
    if not flagging.calibration_rows:
        return "without verified rows to compare with,"
    return f"beside {format_plural(flagging.calibration_rows, 'verified row')}"


def say_flag(view: RunView) -> str:
    """What the word beside a suspect means, as a clause; empty where no row bears it."""
    level = format_rate(view.headline.fdr)
    if view.flagging.basis in ("controlled", "calibrated"):
        return f"on the list whose expected false alarms are at most {level}"
    if view.flagging.basis == "estimated":
        return f"on the list with an estimated {level} of false alarms (no guarantee)"
    return ""
