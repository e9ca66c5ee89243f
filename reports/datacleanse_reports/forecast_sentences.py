"""What people are told of an audit that is only planned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse_reports.wording import format_plural, format_seconds

if TYPE_CHECKING:
    from datacleanse.auditing.forecast import Forecast

MEBIBYTE = 2**20

NEAR = 1.5
"""Factor within which nine of ten forecasts of the time should be: `benchmarks.cost.forecast`."""


def say_forecast(found: Forecast) -> dict[str, list[str]]:
    """The sentences, by the title that they stand under."""
    return {
        "Data": _say_data(found),
        "Training": _say_training(found),
        "Takes about": _say_cost(found),
    }


def describe_forecast(found: Forecast) -> str:
    """The sentences as lines of text, indented under their titles."""
    sections = say_forecast(found).items()
    return "\n".join(
        line for title, lines in sections for line in (title, *(f"  {each}" for each in lines))
    )


def _say_data(found: Forecast) -> list[str]:
    parts = [format_plural(found.rows, "row")]
    if found.features is not None:
        parts.append(format_plural(found.features, "feature"))
    classes = format_plural(found.classes, "class", "classes")
    parts.append(classes if found.classes else "numbers to predict")
    return [f"{', '.join(parts)}; {format_plural(found.clean_rows, 'verified row')}"]


def _say_training(found: Forecast) -> list[str]:
    kinds = {"with learned weights": found.reweighted, "plainly": found.plain}
    told = " and ".join(f"{number} {how}" for how, number in kinds.items() if number)
    return [
        f"Networks: {told}; {format_plural(found.epochs, 'pass', 'passes')} over the rows each, "
        f"{format_plural(found.steps, 'step')} a pass",
        f"On {found.device}, up to {format_plural(found.side_by_side, 'task')} at a time (--jobs)",
    ]


def _say_cost(found: Forecast) -> list[str]:
    least, most = (format_seconds(found.seconds * factor) for factor in (1 / NEAR, NEAR))
    return [
        f"{format_seconds(found.seconds)} (between {least} and {most})",
        f"{found.memory_bytes / MEBIBYTE:,.0f} MiB of memory, all processes together",
        f"{_format_size(found.disk_bytes)} on disk for the run, and "
        f"{_format_size(found.scratch_bytes)} besides as long as it lasts",
    ]


def _format_size(n_bytes: int) -> str:
    return f"{max(1, round(n_bytes / MEBIBYTE)):,} MiB"
