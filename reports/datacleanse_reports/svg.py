"""Charts as inline SVG. Colours come from the page's style sheet, so that they follow its theme.

Only numbers and this module's own words enter a chart, never the user's text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse_reports.wording import rate, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacleanse_reports.records import WeightDistribution

SPARK_TOP = 3.0
"""Weight at which a sparkline's bar has its full height; larger ones are cut there."""

_SPARK_BARS = 40
_SPARK_BASE = 16

_WIDTH, _HEIGHT = 420, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 14, 40
_PLOT_WIDTH = _WIDTH - _LEFT - _RIGHT
_PLOT_HEIGHT = _HEIGHT - _TOP - _BOTTOM


def sparkline(weights: Sequence[float | None]) -> str:
    """Weight by epoch as bars up from a line; epochs without weight are ticks below it."""
    bars = _thinned(weights)
    if all(bar is None for bar in bars):
        return ""
    up, down = [], []
    for i, bar in enumerate(bars):
        if bar is None:
            continue
        x = 2 * i + 1
        if bar == 0:
            down.append(f"M{x} 18v3")
        else:
            rise = max(1.0, _SPARK_BASE * min(bar, SPARK_TOP) / SPARK_TOP)
            up.append(f"M{x} {_SPARK_BASE}v-{rise:.3g}")
    width = 2 * len(bars)
    return (
        f'<svg class="spark" viewBox="0 0 {width} 22" width="{width}" height="22" role="img" '
        f'aria-label="{_spark_text(weights)}"><path class="base" d="M0 16.5h{width}"/>'
        f'<path d="{"".join(up)}"/><path class="none" d="{"".join(down)}"/></svg>'
    )


def _spark_text(weights: Sequence[float | None]) -> str:
    known = [weight for weight in weights if weight is not None]
    n_zero = sum(weight == 0 for weight in known)
    return f"no weight in {n_zero} of {len(known)} epochs, largest {short(max(known))}"


def _thinned(weights: Sequence[float | None]) -> list[float | None]:
    """At most `_SPARK_BARS` bars, each the mean of successive epochs."""
    n_bars = min(len(weights), _SPARK_BARS)
    bars: list[float | None] = []
    for i in range(n_bars):
        part = weights[i * len(weights) // n_bars : (i + 1) * len(weights) // n_bars]
        known = [weight for weight in part if weight is not None]
        bars.append(sum(known) / len(known) if known else None)
    return bars


def share_bar(share: float | None) -> str:
    """A small bar for a share in [0, 1]; decoration beside the printed number."""
    if share is None:
        return ""
    return (
        '<svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect width="{100 * share:.0f}" height="4"/></svg>'
    )


def weight_histogram(distribution: WeightDistribution) -> str:
    """Mean learned weight of the rows of the basis (line) over that of all others (filled)."""
    name = basis_name(distribution)
    tallest = max(*distribution.basis_shares, *distribution.other_shares)
    right = distribution.edges[-1]
    basis = _steps(distribution.basis_shares, tallest)
    other = _steps(distribution.other_shares, tallest)
    floor = _TOP + _PLOT_HEIGHT
    ticks = [(_LEFT + _PLOT_WIDTH * part, short(right * part)) for part in (0.0, 0.5)]
    ticks.append((_LEFT + _PLOT_WIDTH, f"≥ {short(right)}"))
    body = (
        f'<path class="fill-b" d="M{_LEFT} {floor}{other}V{floor}Z"/>'
        f'<path class="line-a" d="M{_LEFT} {floor}{basis}V{floor}"/>'
    )
    return _chart(
        "weights",
        title="Mean learned weight",
        description=(
            f"Histogram. Median of the {name}: {short(distribution.basis_median)}; "
            f"of all other rows: {short(distribution.other_median)}."
        ),
        body=body,
        x_ticks=ticks,
        y_ticks=[(0.0, "0"), (0.5, rate(tallest / 2)), (1.0, rate(tallest))],
        x_title="mean weight over epochs (1 = plain training's)",
    )


def basis_name(distribution: WeightDistribution) -> str:
    """What the rows of the basis are called."""
    return "flagged rows" if distribution.basis == "flagged" else "listed suspects"


def _steps(shares: Sequence[float], tallest: float) -> str:
    step = _PLOT_WIDTH / len(shares)
    heights = [_TOP + _PLOT_HEIGHT * (1 - share / tallest) for share in shares]
    return "".join(f"V{height:.1f}h{step:.2f}" for height in heights)


def learning_curves(
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
        f'<path class="line-c" d="{_line(control, tallest, n_epochs)}"/>'
        f'<path class="line-a" d="{_line(reweighted, tallest, n_epochs)}"/>'
    )
    ticks = [(_LEFT, "1")]
    if n_epochs > 1:
        ticks.append((_LEFT + _PLOT_WIDTH, str(n_epochs)))
    return _chart(
        name,
        title=title,
        description=(
            f"Lines over {n_epochs} epochs. Last value of the reweighted network: "
            f"{_last(reweighted)}; of plain training: {_last(control)}."
        ),
        body=body,
        x_ticks=ticks,
        y_ticks=[(0.0, "0"), (0.5, short(tallest / 2)), (1.0, short(tallest))],
        x_title="epoch",
    )


def _last(losses: Sequence[float | None]) -> str:
    return short(losses[-1]) if losses else short(None)


def _line(losses: Sequence[float | None], tallest: float, n_epochs: int) -> str:
    step = _PLOT_WIDTH / max(1, n_epochs - 1)
    points, pen = [], "M"
    for epoch, loss in enumerate(losses):
        if loss is None:
            pen = "M"
            continue
        y = _TOP + _PLOT_HEIGHT * (1 - loss / tallest)
        points.append(f"{pen}{_LEFT + epoch * step:.1f} {y:.1f}")
        pen = "L"
    return "".join(points)


def _chart(
    name: str,
    *,
    title: str,
    description: str,
    body: str,
    x_ticks: Sequence[tuple[float, str]],
    y_ticks: Sequence[tuple[float, str]],
    x_title: str,
) -> str:
    """Frame, grid and words around a body; y ticks are heights in [0, 1]."""
    floor = _TOP + _PLOT_HEIGHT
    grid, labels = [], []
    for height, text in y_ticks:
        y = floor - _PLOT_HEIGHT * height
        grid.append(f"M{_LEFT} {y:.1f}h{_PLOT_WIDTH}")
        labels.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    for i, (x, text) in enumerate(x_ticks):
        anchor = "start" if i == 0 else "end" if i == len(x_ticks) - 1 else "middle"
        labels.append(f'<text x="{x:.1f}" y="{floor + 16}" text-anchor="{anchor}">{text}</text>')
    middle = _LEFT + _PLOT_WIDTH / 2
    labels.append(f'<text x="{middle}" y="{_HEIGHT - 6}" text-anchor="middle">{x_title}</text>')
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{title}</title><desc id="{name}-desc">{description}</desc>'
        f'<path class="grid" d="{"".join(grid)}"/>{body}{"".join(labels)}</svg>'
    )
