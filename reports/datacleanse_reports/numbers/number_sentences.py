"""What is said of an audit of numbers, in the terminal and in every report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.data.messages import format_list
from datacleanse_reports.wording import (
    estimate,
    format_percent,
    format_percent_range,
    format_plural,
    make_visible,
)

if TYPE_CHECKING:
    from datacleanse.storage.manifest.numbers import NumberComparison, NumberMeasures
    from datacleanse_reports.numbers.number_view import NumberView

MEASURES = {"rmse": "RMSE", "mae": "MAE", "r2": "R²"}
"""Names of measures for people, by field."""


def say_noise(view: NumberView) -> str:
    """How many labels are wrong."""
    noise = view.manifest.noise
    rate = noise.rate
    kind = "95 % confidence interval" if noise.basis == "pairs" else "range of two estimates"
    return (
        f"About {estimate(rate.share * rate.rows)} of {format_plural(rate.rows, 'label')} are "
        f"wrong: {format_percent(rate.share)} ({kind} {format_percent_range(rate.low, rate.high)})."
    )


def say_verified(view: NumberView) -> str:
    """What the verified rows show."""
    overlap = view.manifest.overlap
    if not overlap.verified:
        return "No verified row is known to be a row of DATA."
    return (
        f"{format_plural(overlap.verified, 'verified row')} stand in DATA; "
        f"{overlap.wrong:,} of them had a wrong number."
    )


def say_slips(view: NumberView) -> str:
    """How numbers went wrong alike; nothing where verified rows show no such way."""
    slips = view.manifest.noise.slips
    if not slips:
        return ""
    told = [f"{slip.name} ({format_plural(slip.rows, 'row')})" for slip in slips]
    return f"Verified rows show how numbers went wrong: {format_list(told)}."


def say_flags(view: NumberView) -> str:
    """What the list of flags is worth."""
    flags = view.manifest.flags
    if not flags.flagged:
        return "No row is flagged: no list keeps the share of false alarms that was asked for."
    bases = {
        "controlled": "",
        "calibrated": " by probabilities that verified rows calibrate",
        "estimated": " by probabilities that nothing calibrates",
    }
    bound = (
        ""
        if flags.false_at_most is None
        else f" With 90 % confidence at most {flags.false_at_most:,} of them are right."
    )
    return (
        f"{format_plural(flags.flagged, 'row')} flagged; at most {format_percent(flags.fdr)} of "
        f"them should be false alarms{bases[flags.basis]}.{bound}"
    )


def say_model(view: NumberView) -> str:
    """How well the saved network predicts, beside plain training."""
    measured = view.manifest.measured
    if measured is None:
        return "Without --test or --hold-back nobody knows how well the model predicts."
    where = "test rows" if view.manifest.metrics.test else "held-back rows"
    first, second = measured.reweighted, measured.control
    return (
        f"On {measured.rows:,} {where} the model's RMSE is {spell(first, 'rmse')}, plain "
        f"training's {spell(second, 'rmse')}{_judge_difference(measured)}."
    )


def _judge_difference(measured: NumberComparison) -> str:
    difference = measured.control.rmse - measured.reweighted.rmse
    if abs(difference) <= 2 * measured.rmse_difference_error:
        return "; the difference is within chance"
    return ""


def say_read(view: NumberView) -> list[str]:
    """What was read."""
    data, clean, test = view.manifest.data, view.manifest.clean, view.manifest.test
    lines = [
        f"{make_visible(data.source)}: {format_plural(data.rows, 'row')}, numbers from "
        f"{data.least:g} to {data.most:g} in column {make_visible(data.label)}",
        f"{make_visible(clean.source)}: {format_plural(clean.rows, 'verified row')}",
    ]
    if test is not None:
        lines.append(f"{make_visible(test.source)}: {format_plural(test.rows, 'test row')}")
    return lines


def spell(measures: NumberMeasures, name: str) -> str:
    """A measure for people."""
    value = getattr(measures, name)
    return "not known" if value is None else f"{value:.4g}"


def spell_range(low: float, high: float) -> str:
    """An interval of predictions."""
    return f"{low:.4g} to {high:.4g}"
