"""The report's charts; see `svg.py` for their frame and what they may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse_reports.svg import FLOOR, LEFT, PLOT_HEIGHT, PLOT_WIDTH, TOP, draw_chart
from datacleanse_reports.wording import (
    format_count,
    format_percent,
    format_plural,
    format_rate,
    format_short,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacleanse.detection.reliability import ReliabilityBin
    from datacleanse_reports.records import ReadingPoint, WeightDistribution
    from datacleanse_reports.run_view import Budget


def draw_weights(distribution: WeightDistribution) -> str:
    """Mean learned weight of the rows of the basis (line) over that of all others (filled)."""
    name = name_basis(distribution)
    tallest = max(*distribution.basis_shares, *distribution.other_shares)
    right = distribution.edges[-1]
    basis = _draw_steps(distribution.basis_shares, tallest)
    other = _draw_steps(distribution.other_shares, tallest)
    ticks = [(LEFT + PLOT_WIDTH * part, format_short(right * part)) for part in (0.0, 0.5)]
    ticks.append((LEFT + PLOT_WIDTH, f"≥ {format_short(right)}"))
    body = (
        f'<path class="fill-b" d="M{LEFT} {FLOOR}{other}V{FLOOR}Z"/>'
        f'<path class="line-a" d="M{LEFT} {FLOOR}{basis}V{FLOOR}"/>'
    )
    return draw_chart(
        "weights",
        title="Mean learned weight",
        description=(
            f"Histogram. Median of the {name}: {format_short(distribution.basis_median)}; "
            f"of all other rows: {format_short(distribution.other_median)}."
        ),
        body=body,
        x_ticks=ticks,
        y_ticks=[(0.0, "0"), (0.5, format_rate(tallest / 2)), (1.0, format_rate(tallest))],
        x_title="mean weight over epochs (1 = plain training's)",
    )


def name_basis(distribution: WeightDistribution) -> str:
    """What the rows of the basis are called."""
    return "flagged rows" if distribution.basis == "flagged" else "listed suspects"


def _draw_steps(shares: Sequence[float], tallest: float) -> str:
    step = PLOT_WIDTH / len(shares)
    heights = [TOP + PLOT_HEIGHT * (1 - share / tallest) for share in shares]
    return "".join(f"V{height:.1f}h{step:.2f}" for height in heights)


def draw_learning_curves(
    name: str,
    *,
    title: str,
    reweighted: Sequence[float | None],
    control: Sequence[float | None],
) -> str:
    """Loss by epoch: the reweighted network as a full line, plain training as a dashed one."""
    known = [loss for loss in (*reweighted, *control) if loss is not None]
    if not known:
        return ""
    tallest = max(known) or 1.0
    n_epochs = max(len(reweighted), len(control))
    body = (
        f'<path class="line-c" d="{_draw_line(control, tallest, n_epochs)}"/>'
        f'<path class="line-a" d="{_draw_line(reweighted, tallest, n_epochs)}"/>'
    )
    ticks = [(LEFT, "1")]
    if n_epochs > 1:
        ticks.append((LEFT + PLOT_WIDTH, str(n_epochs)))
    return draw_chart(
        name,
        title=title,
        description=(
            f"Lines over {n_epochs} epochs. Last value of the reweighted network: "
            f"{_spell_last(reweighted)}; of plain training: {_spell_last(control)}."
        ),
        body=body,
        x_ticks=ticks,
        y_ticks=[(0.0, "0"), (0.5, format_short(tallest / 2)), (1.0, format_short(tallest))],
        x_title="epoch",
    )


def _spell_last(losses: Sequence[float | None]) -> str:
    return format_short(losses[-1]) if losses else format_short(None)


def _draw_line(losses: Sequence[float | None], tallest: float, n_epochs: int) -> str:
    step = PLOT_WIDTH / max(1, n_epochs - 1)
    points, pen = [], "M"
    for epoch, loss in enumerate(losses):
        if loss is None:
            pen = "M"
            continue
        y = TOP + PLOT_HEIGHT * (1 - loss / tallest)
        points.append(f"{pen}{LEFT + epoch * step:.1f} {y:.1f}")
        pen = "L"
    return "".join(points)


def draw_reliability(bins: Sequence[ReliabilityBin]) -> str:
    """Share of wrong labels that verified rows imply over the mean probability, with whiskers."""
    if not bins:
        return ""
    marks = []
    for each in bins:
        x = LEFT + PLOT_WIDTH * each.predicted
        low, y, high = (FLOOR - PLOT_HEIGHT * part for part in (each.low, each.implied, each.high))
        marks.append(f'<path class="line-c" d="M{x:.1f} {low:.1f}V{high:.1f}"/>')
        marks.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>')
    told = "; ".join(
        f"{format_plural(each.rows, 'row')} with {format_percent(each.predicted)} on the mean: "
        f"{format_percent(each.implied)}, range {format_percent(each.low)} to "
        f"{format_percent(each.high)}"
        for each in bins
    )
    return draw_chart(
        "reliability",
        title="Probabilities beside what verified rows imply",
        description=f"Points near the diagonal agree. {told}.",
        body=f'<path class="grid" d="M{LEFT} {FLOOR}L{LEFT + PLOT_WIDTH} {TOP}"/>{"".join(marks)}',
        x_ticks=[(LEFT + PLOT_WIDTH * part, format_rate(part)) for part in (0.0, 0.5, 1.0)],
        y_ticks=[(part, format_rate(part)) for part in (0.0, 0.5, 1.0)],
        x_title="mean probability of being wrong",
    )


def draw_reading(points: Sequence[ReadingPoint], budgets: Sequence[Budget]) -> str:
    """Wrong labels expected by rows read, with the budgets' ranges as whiskers."""
    if len(points) < 2:
        return ""
    last = points[-1].rows
    shown = [budget for budget in budgets if budget.rows <= last]
    found = [point.expected_wrong for point in points]
    tallest = max([*found, *(budget.high_share * budget.rows for budget in shown)]) or 1.0

    def place(rows: float, wrong: float) -> tuple[float, float]:
        return LEFT + PLOT_WIDTH * rows / last, FLOOR - PLOT_HEIGHT * wrong / tallest

    line = "L".join("{:.1f} {:.1f}".format(*place(p.rows, p.expected_wrong)) for p in points)
    whiskers = []
    for budget in shown:
        x, low = place(budget.rows, budget.low_share * budget.rows)
        _, high = place(budget.rows, budget.high_share * budget.rows)
        whiskers.append(f"M{x:.1f} {low:.1f}V{high:.1f}")
    return draw_chart(
        "reading",
        title="Wrong labels found by rows read",
        description=(
            f"Rising line. Expected after {format_plural(last, 'row')}: "
            f"{format_short(found[-1])} wrong labels; "
            f"after half of them: {format_short(found[len(found) // 2])}."
        ),
        body=(
            f'<path class="line-c" d="{"".join(whiskers)}"/>'
            f'<path class="line-a" d="M{LEFT} {FLOOR}L{line}"/>'
        ),
        x_ticks=[(LEFT + PLOT_WIDTH * part, format_count(last * part)) for part in (0.0, 0.5, 1.0)],
        y_ticks=[(part, format_count(tallest * part)) for part in (0.0, 0.5, 1.0)],
        x_title="rows read, from rank 1 on",
    )
