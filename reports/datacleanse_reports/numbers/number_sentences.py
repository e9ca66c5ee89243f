"""What is said of an audit of numbers, in the terminal and in every report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.data.messages import format_list
from datacleanse.models.number_card import spell_measure
from datacleanse_reports.wording import format_plural, make_visible

if TYPE_CHECKING:
    from datacleanse.storage.manifest.numbers import NumberComparison
    from datacleanse_reports.numbers.number_view import NumberView


def say_slips(view: NumberView) -> str:
    """How numbers went wrong alike; nothing where verified rows show no such way."""
    slips = view.manifest.noise.slips
    if not slips:
        return ""
    told = [f"{slip.name} ({format_plural(slip.rows, 'row')})" for slip in slips]
    return f"Verified rows show how numbers went wrong: {format_list(told)}."


def say_model(view: NumberView) -> str:
    """How well the saved network predicts, beside plain training."""
    measured = view.manifest.measured
    if measured is None:
        return "Without --test or --hold-back nobody knows how well the model predicts."
    where = "test rows" if view.manifest.metrics.test else "held-back rows"
    first, second = measured.reweighted, measured.control
    return (
        f"On {measured.rows:,} {where} the model's RMSE is {spell_measure(first, 'rmse')}, plain "
        f"training's {spell_measure(second, 'rmse')}{_judge_difference(measured)}."
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
    ]
    if clean is not None:
        lines.append(f"{make_visible(clean.source)}: {format_plural(clean.rows, 'verified row')}")
    if test is not None:
        lines.append(f"{make_visible(test.source)}: {format_plural(test.rows, 'test row')}")
    return lines
