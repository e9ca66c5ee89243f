"""Small drawings and the frame of charts as inline SVG.

Colours come from the page's style sheet, so that they follow its theme.

Only numbers and this module's own words enter a chart, never the user's text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse_reports.wording import short

if TYPE_CHECKING:
    from collections.abc import Sequence

SPARK_TOP = 3.0
"""Weight at which a sparkline's bar has its full height; larger ones are cut there."""

WIDTH, HEIGHT = 420, 220
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 14, 40
PLOT_WIDTH = WIDTH - LEFT - RIGHT
PLOT_HEIGHT = HEIGHT - TOP - BOTTOM
FLOOR = TOP + PLOT_HEIGHT

_SPARK_BARS = 40
_SPARK_BASE = 16


def draw_sparkline(weights: Sequence[float | None]) -> str:
    """Weight by epoch as bars up from a line; epochs without weight are ticks below it."""
    bars = _thin(weights)
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
        f'aria-label="{_describe_spark(weights)}"><path class="base" d="M0 16.5h{width}"/>'
        f'<path d="{"".join(up)}"/><path class="none" d="{"".join(down)}"/></svg>'
    )


def _describe_spark(weights: Sequence[float | None]) -> str:
    known = [weight for weight in weights if weight is not None]
    n_zero = sum(weight == 0 for weight in known)
    return f"no weight in {n_zero} of {len(known)} epochs, largest {short(max(known))}"


def _thin(weights: Sequence[float | None]) -> list[float | None]:
    """At most `_SPARK_BARS` bars, each the mean of successive epochs."""
    n_bars = min(len(weights), _SPARK_BARS)
    bars: list[float | None] = []
    for i in range(n_bars):
        part = weights[i * len(weights) // n_bars : (i + 1) * len(weights) // n_bars]
        known = [weight for weight in part if weight is not None]
        bars.append(sum(known) / len(known) if known else None)
    return bars


def draw_share_bar(share: float | None) -> str:
    """A small bar for a share in [0, 1]; decoration beside the printed number."""
    if share is None:
        return ""
    return (
        '<svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect width="{100 * share:.0f}" height="4"/></svg>'
    )


def draw_share_square(share: float) -> str:
    """A square whose area is a share in [0, 1], in a frame of area 1; beside the printed number."""
    side = 20 * share**0.5
    at = (20 - side) / 2
    return (
        '<svg class="square" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">'
        f'<rect x="{at:.3g}" y="{at:.3g}" width="{side:.3g}" height="{side:.3g}"/></svg>'
    )


def draw_chart(
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
    grid, labels = [], []
    for height, text in y_ticks:
        y = FLOOR - PLOT_HEIGHT * height
        grid.append(f"M{LEFT} {y:.1f}h{PLOT_WIDTH}")
        labels.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    for i, (x, text) in enumerate(x_ticks):
        anchor = "start" if i == 0 else "end" if i == len(x_ticks) - 1 else "middle"
        labels.append(f'<text x="{x:.1f}" y="{FLOOR + 16}" text-anchor="{anchor}">{text}</text>')
    middle = LEFT + PLOT_WIDTH / 2
    labels.append(f'<text x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{x_title}</text>')
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{title}</title><desc id="{name}-desc">{description}</desc>'
        f'<path class="grid" d="{"".join(grid)}"/>{body}{"".join(labels)}</svg>'
    )
