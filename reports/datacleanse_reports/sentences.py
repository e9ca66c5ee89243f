"""The sentences that several reports share, made of the view's numbers."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from datacleanse.storage.manifest.results import NONE_STEERED
from datacleanse_reports.wording import (
    count_range,
    estimate,
    format_count,
    format_decimal,
    format_percent,
    format_percent_range,
    format_plural,
)

if TYPE_CHECKING:
    from datacleanse_reports.records import Comparison, Metric, ReportView
    from datacleanse_reports.run_view import Budget, RunView

METHOD_TITLES = {
    "suspicion": "Suspicion (the ranking)",
    "mislabel_probability": "Probability of being wrong",
    "p_value": "p-value",
    "flagged": "Flag",
    "suggested_label": "Suggested label",
}
"""What the audit's columns are called where people read them."""

_RANGES = {
    "pairs": (
        "Estimated shares are means of probabilities that verified rows of the data calibrate. "
        "Their ranges are 95% confidence intervals: from what the calibration may be, and from "
        "chance."
    ),
    "estimates": (
        "Estimated shares are means of probabilities. Their ranges span two estimates of these, "
        "the ranking's and the local false-discovery rate, widened by the sampling error. They are "
        "no confidence intervals: where both estimates are off, the truth may lie outside."
    ),
}

RANGE_NAMES = {"pairs": "95% confidence interval", "estimates": "range of two estimates"}
"""What a range beside an estimated number is called, by what it rests on."""

DOUBT = "Nobody seems to have checked all of the clean set"
"""What a headline begins with where that is so; a warning names the source."""

UNCHECKED = (
    "How likely a row is wrong is what the models make of it. No verified row checks that, so take "
    "it as an order and not as a share."
)
"""What stands beside probabilities that nothing calibrates."""

PAIRS_SHOWN = 15
"""Expected confusions that people are shown; `summary.json` has more."""

GROUPS_SHOWN = 8
"""Groups of equal rows with different labels that people are shown."""

ROWS_SHOWN = 6
"""Rows of such a group."""

_GOOD_READ = 100
"""Rows in a sitting; what they are expected to hold is told first."""


def say_ranges(view: RunView) -> str:
    """What the ranges beside estimated numbers are."""
    return _RANGES[view.headline.rate_basis]


def say_noise(view: RunView) -> str:
    """How noisy the labels are."""
    head = view.headline
    if head.estimated_share is None or head.low_share is None or head.high_share is None:
        return (
            "No rate of wrong labels is told: no label was verified, so nothing checks what the "
            "ranking finds."
        )
    ends = format_percent_range(head.low_share, head.high_share)
    told = (
        f"bout {estimate(head.estimated_wrong)} of {format_plural(head.rows, 'label')} "
        f"({format_percent(head.estimated_share)}, {RANGE_NAMES[head.rate_basis]} {ends}) are "
        "expected to be wrong."
    )
    if view.is_doubted:
        return f"{DOUBT}, so this may be far too low: a{told}"
    return f"A{told}{_ask_for_checks(view)}"


def say_share(view: RunView) -> str:
    """How sure the number of wrong labels is; empty where there is none."""
    head = view.headline
    if head.estimated_share is None or head.low_share is None or head.high_share is None:
        return ""
    ends = format_percent_range(head.low_share, head.high_share)
    low, high = head.low_share * head.rows, head.high_share * head.rows
    told = (
        f"{format_percent(head.estimated_share)} of the labels, {RANGE_NAMES[head.rate_basis]} "
        f"{ends}: {count_range(low, high)} rows."
    )
    if view.is_doubted:
        return f"{DOUBT}, so this may be far too low. {told}"
    if head.rate_basis == "estimates":
        told += " The truth may lie outside: rows drawn from this table and verified would tell."
    return told + _ask_for_checks(view)


def _ask_for_checks(view: RunView) -> str:
    """What a rate rests on where rows that nobody checked would look the same; else empty."""
    if not view.agrees_wholly:
        return ""
    told = format_plural(view.overlap.verified, "verified label agrees", "verified labels agree")
    return f" All {told} with the data's: if nobody checked them, this means nothing."


def say_overlap(view: RunView) -> str:
    """Which rows of the data are verified and how many of them are wrong; empty without any."""
    found = view.overlap
    parts = []
    if found.verified:
        verb = "row of the data is" if found.verified == 1 else "rows of the data are"
        said = f"{format_count(found.verified)} {verb} verified"
        if view.clean is not None and view.clean.reviewed_rows:
            said += f", {format_count(view.clean.reviewed_rows)} of them by decisions of a review"
        if found.wrong:
            share = format_percent(found.wrong / found.verified)
            was = "was" if found.wrong == 1 else "were"
            said += f": {format_count(found.wrong)} {was} mislabelled ({share}); "
            said += f"`apply` corrects {'it' if found.wrong == 1 else 'them'}"
        else:
            said += ": all of their labels agree"
        parts.append(said)
    if n := found.new_classes:
        verb = "row is" if n == 1 else "rows are"
        parts.append(f"{format_count(n)} more {verb} wrong: of a class that no row of the data has")
    if left := found.rows - found.verified:
        verb = "matches" if left == 1 else "match"
        parts.append(
            f"{format_plural(left, 'row')} of the data {verb} verified rows, but not one to one: "
            "left out of training"
        )
    return "; ".join(parts)


def say_verdicts(view: RunView) -> str:
    """How many rows have which verdict; empty of runs without verdicts."""
    if not view.verdicts:
        return ""
    told = [f"{format_count(n)} {verdict}" for verdict, n in view.verdicts.items()]
    return f"By verdict: {', '.join(told)}."


def say_next(view: RunView) -> str:
    """What to do first where no row, or too few are verified, or nobody seems to have; or empty."""
    if view.is_doubted:
        return (
            "Check the rows of the clean set that the warning names. Or verify a random draw, and "
            "audit again with that alone as the clean set (--val)."
        )
    if view.is_checked:
        return say_verifying_more(view)
    return (
        "For a rate and for flags, verify a random draw of rows, then audit again with them as the "
        "clean set (--val)."
    )


def say_verifying_more(view: RunView) -> str:
    """That more rows are to be verified, as the title of a command; empty where none are."""
    if not view.rows_lacking or not view.next_words:
        return ""
    return (
        f"For flags, verify {format_plural(view.rows_lacking, 'more row')}, then audit again with "
        "all that are verified (--val):"
    )


def say_unlisted(view: RunView, last: int) -> str:
    """How to get at flagged rows that are not listed; empty where all are.

    Args:
        view: of the run.
        last: rank of the last suspect that is listed.
    """
    listed = sum(each.flagged for each in view.suspects if each.rank <= last)
    flagged = view.headline.flagged
    if listed >= flagged:
        return ""
    place = shlex.quote(view.review_words[-1])
    return (
        f"{format_count(flagged)} rows are flagged, and {format_count(listed)} of them are listed. "
        f"`datacleanse report {place} --top {view.last_flagged}` lists all in suspects.csv; "
        f"`datacleanse review {place} --first {last + 1}` shows the next ones."
    )


def say_why_shares_differ(view: RunView) -> str:
    """Why the share among verified rows is another than the estimate; empty where one is told."""
    head, found = view.headline, view.overlap
    if head.estimated_share is None or not found.wrong:
        return ""
    return (
        f"The {format_percent(found.wrong / found.verified)} are of the verified rows alone"
        f"{', without those of new classes' if found.new_classes else ''}; "
        f"{format_percent(head.estimated_share)} is the estimate for all rows, which also takes in "
        "what the models say of the others."
    )


def say_trained_rows(view: ReportView) -> str:
    """How many rows were trained on, of how many."""
    if view.training.rows == view.headline.rows:
        return f"all {format_plural(view.training.rows, 'row')}"
    if view.training.rows > view.headline.rows:
        return f"{format_plural(view.training.rows, 'row')}, those of the clean set among them"
    why = "dropped rows are not trained on"
    if view.clean is not None:
        why = "verified rows that steer or are held back, and dropped ones, are not trained on"
    return (
        f"{format_count(view.training.rows)} of the {format_plural(view.headline.rows, 'row')} "
        f"({why})"
    )


def name_better(metric: Metric) -> str:
    """Which network is better, as the columns of the table of models are called."""
    return {"reweighted": "reweighted", "control": "plain", "equal": "neither"}[metric.better]


def say_rule(view: ReportView) -> str:
    """The reweighting rule, to follow other facts; empty where none was at work."""
    return "" if view.training.rule == NONE_STEERED else f", rule {view.training.rule}"


def say_clean_rows(view: RunView) -> str:
    """How many rows are verified, and which part of them by decisions; empty without any."""
    clean = view.clean
    if clean is None:
        return ""
    own, reviewed = clean.rows - clean.reviewed_rows, clean.reviewed_rows
    if not reviewed:
        return format_plural(own, "verified row")
    by_review = f"{format_count(reviewed)} by decisions of a review"
    if not own:
        return f"{format_plural(reviewed, 'verified row')}, by decisions of a review"
    return (
        f"{format_plural(clean.rows, 'verified row')} ({format_count(own)} of the clean set, "
        f"{by_review})"
    )


def say_clean_use(view: ReportView) -> str:
    """What the clean rows were for, to follow their number; empty where there are none."""
    clean, training = view.clean, view.training
    if clean is None:
        return ""
    reviewed = clean.reviewed_rows
    if not clean.steering_rows:
        return "reviewed ones, which are learned from and steer nothing"
    if training.folds > 1:
        drawn = f"{format_count(clean.rows - reviewed)} of them " if reviewed else ""
        steer = f"; {format_count(reviewed)} reviewed ones steer" if reviewed else ""
        return f"{drawn}used twice: each steers one training and checks the other{steer}"
    by_review = f" ({format_count(reviewed)} of them reviewed)" if reviewed else ""
    steering, calibrating = clean.steering_rows, clean.calibration_rows
    return f"{format_count(steering)} steer{by_review}, {format_count(calibrating)} calibrate"


def choose_sitting(view: RunView) -> Budget | None:
    """The budget to name first: the largest up to 100 rows."""
    fitting = [budget for budget in view.budgets if budget.rows <= _GOOD_READ]
    return fitting[-1] if fitting else None


def say_expectation(view: RunView) -> str:
    """What a first sitting is expected to find; empty where DATA is too short for one."""
    budget = choose_sitting(view)
    if budget is None:
        return ""
    told = (
        f"he first {format_plural(budget.rows, 'row')} of the ranking are expected to hold "
        f"{estimate(budget.expected_wrong)} wrong labels "
        f"({count_range(budget.low_share * budget.rows, budget.high_share * budget.rows)})."
    )
    return f"This may be far too low, too: t{told}" if view.is_doubted else f"T{told}"


def say_model(view: ReportView) -> str:
    """How the reweighted network compares with plain training, or how good that is alone."""
    if not view.is_checked:
        return _say_plain_model(view.test)
    if view.test is None:
        return (
            "Neither --test nor --hold-back was given, so the networks are not compared on rows "
            "that they have not seen."
        )
    accuracy = view.test.metrics[0]
    return (
        f"On {format_plural(view.test.rows, view.test.kind)}, the reweighted network's accuracy is "
        f"{format_decimal(accuracy.reweighted)}{_say_error(view.test)} and plain training's "
        f"{format_decimal(accuracy.control)}."
    )


def _say_plain_model(test: Comparison | None) -> str:
    if test is None:
        return (
            "The network was trained plainly, on the labels as given. No --test was given, so it "
            "is not measured on rows that it has not seen."
        )
    return (
        f"On {format_plural(test.rows, test.kind)}, the accuracy of the network, which was trained "
        f"plainly, is {format_decimal(test.metrics[0].control)}{_say_error(test)}."
    )


def title_model(view: ReportView) -> str:
    """What the part about the networks is called."""
    return "Reweighted network and plain training" if view.is_checked else "Plain training"


def _say_error(comparison: Comparison) -> str:
    return f" (± {format_decimal(comparison.accuracy_error)})"


def say_listed(view: RunView) -> str:
    """How many suspects a report lists, and why not more."""
    n = len(view.suspects)
    if n == view.headline.rows:
        return f"All {format_plural(n, 'row')}, most suspicious first."
    if n == view.headline.rows - view.overlap.verified:
        return f"All {format_plural(n, 'row')} that nobody verified, most suspicious first."
    short = (
        ""
        if n >= view.top
        else f" {format_count(view.top)} were asked for; the run stored no more."
    )
    return (
        f"The {format_plural(n, 'most suspicious row')} of "
        f"{format_count(view.headline.rows)}.{short}"
    )
