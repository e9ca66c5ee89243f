"""The sentences that several reports share, made of the view's numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse_reports.wording import count, decimal, estimate, percent, plural, rate

if TYPE_CHECKING:
    from datacleanse_reports.records import Budget, Comparison, ReportView

METHOD_TITLES = {
    "suspicion": "Suspicion (the ranking)",
    "mislabel_probability": "Probability of being wrong",
    "p_value": "p-value",
    "flagged": "Flag",
    "suggested_label": "Suggested label",
}
"""What the audit's columns are called where people read them."""

_GOOD_READ = 100
"""Rows in a sitting; what they are expected to hold is told first."""


def noise(view: ReportView) -> str:
    """How noisy the labels are."""
    head = view.headline
    if head.estimated_wrong is None:
        return "The number of wrong labels could not be estimated."
    return (
        f"About {estimate(head.estimated_wrong)} of {plural(head.rows, 'label')} "
        f"({percent(head.estimated_share)}) are expected to be wrong."
    )


def reading(view: ReportView) -> str:
    """How many rows to look at and what to expect of them."""
    head, flagging = view.headline, view.flagging
    if head.flagged:
        verb = "row is" if head.flagged == 1 else "rows are"
        return (
            f"{count(head.flagged)} {verb} flagged; at most {rate(head.fdr)} "
            "of such a list are expected to be false alarms."
        )
    parts = [
        f"No row is flagged: beside {plural(flagging.calibration_rows, 'verified row')} none "
        f"stands out enough to keep the expected false alarms at {rate(head.fdr)}."
    ]
    if flagging.rows_needed is not None:
        parts.append(
            f"About {plural(flagging.rows_needed, 'verified row')} would make flags possible."
        )
    parts.append("Read the ranking from the top instead.")
    return " ".join(parts)


def sitting(view: ReportView) -> Budget | None:
    """The budget to name first: the largest up to 100 rows."""
    fitting = [budget for budget in view.budgets if budget.rows <= _GOOD_READ]
    return fitting[-1] if fitting else None


def expectation(view: ReportView) -> str:
    """What a first sitting is expected to find; empty where nothing is known."""
    budget = sitting(view)
    if budget is None:
        return ""
    return (
        f"The first {plural(budget.rows, 'row')} of the ranking are expected to hold "
        f"{estimate(budget.expected_wrong)} wrong labels."
    )


def where_compared(view: ReportView) -> str:
    """Which rows the two networks are compared on."""
    if view.test is not None:
        return f"On {plural(view.test.rows, 'test row')}"
    if view.held_back is not None:
        return (
            f"No --test file was given; on {plural(view.held_back.rows, 'held-back verified row')}"
        )
    return "No --test file was given"


def model(view: ReportView) -> str:
    """How the reweighted network compares with plain training."""
    comparison = view.comparison
    if comparison is None:
        return f"{where_compared(view)}, so the networks are not compared."
    accuracy = comparison.metrics[0]
    return (
        f"{where_compared(view)}, the reweighted network's accuracy is "
        f"{decimal(accuracy.reweighted)}{_error(comparison)} and plain training's "
        f"{decimal(accuracy.control)}."
    )


def _error(comparison: Comparison) -> str:
    error = comparison.accuracy_error
    return "" if error is None else f" (± {decimal(error)})"


def listed(view: ReportView) -> str:
    """How many suspects a report lists, and why not more."""
    n = len(view.suspects)
    if n == view.headline.rows:
        return f"All {plural(n, 'row')}, most suspicious first."
    short = "" if n >= view.top else f" {count(view.top)} were asked for; the run stored no more."
    return f"The {plural(n, 'most suspicious row')} of {count(view.headline.rows)}.{short}"
