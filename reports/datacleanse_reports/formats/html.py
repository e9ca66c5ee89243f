"""``report.html``: one self-contained page that works from disk, offline and by e-mail."""

from __future__ import annotations

import base64
import hashlib
import shlex
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, TypeVar

from datacleanse_reports import sentences, svg, wording

if TYPE_CHECKING:
    from collections.abc import Callable

    from jinja2 import Environment
    from markupsafe import Markup

    from datacleanse_reports.records import ReportView, Suspect

_Drawn = TypeVar("_Drawn")

MAX_SUSPECTS = 500
"""Rows that are embedded; `suspects.csv` and `audit.parquet` have the others."""

MAX_CELLS = 40_000
"""Cells that are embedded; beyond it a very wide table loses its last columns, and it is said."""

CELL_BUDGET = 600_000
"""Characters of cells that keep the page well under 1.5 MB; longer cells are cut until they fit."""

_CELL_LIMITS = (400, 200, 100, 60, 40, 24)


@dataclass(frozen=True)
class HtmlReport:
    """For people. Plain tables and inline SVG; the script only sorts and filters."""

    name: str = "html"
    file_name: str = "report.html"

    def render(self, view: ReportView) -> str:
        """The page with its style sheet, script and charts inside."""
        suspects = view.suspects[:MAX_SUSPECTS]
        css, script = _asset("report.css"), _asset("report.js")
        columns = view.columns[: max(1, MAX_CELLS // max(1, len(suspects)))]
        page = _environment().get_template("report.html.j2")
        return page.render(
            view=view,
            title=PurePath(view.data.source).name or view.data.source,
            suspects=suspects,
            columns=columns,
            columns_left_out=len(view.columns) - len(columns),
            cell_limit=_cell_limit(suspects, len(columns)),
            pairs=_pairs(suspects),
            css=css,
            css_hash=_hash(css),
            script=script,
            script_hash=_hash(script),
            charts=_charts(view),
            command="datacleanse " + shlex.join(view.command),
        )


def _pairs(suspects: tuple[Suspect, ...]) -> list[tuple[str, str | None]]:
    """The pairs of labels among the suspects, for the filter and as small keys of the rows."""
    pairs = {(suspect.given_label, suspect.suggested_label) for suspect in suspects}
    return sorted(pairs, key=lambda pair: (pair[0], pair[1] or ""))


def _cell_limit(suspects: tuple[Suspect, ...], n_columns: int) -> int:
    lengths = [len(cell or "") for each in suspects for cell in each.cells[:n_columns]]
    for limit in _CELL_LIMITS:
        if sum(min(length, limit) for length in lengths) <= CELL_BUDGET:
            return limit
    return _CELL_LIMITS[-1]


def _charts(view: ReportView) -> dict[str, str]:
    reweighted, control = view.training.reweighted, view.training.control
    return {
        "weights": "" if view.weights is None else svg.weight_histogram(view.weights),
        "loss": svg.learning_curves(
            "loss",
            title="Loss on the training rows",
            reweighted=reweighted.loss,
            control=control.loss,
        ),
        "clean_loss": svg.learning_curves(
            "clean-loss",
            title="Loss on the clean rows that steer the weights",
            reweighted=reweighted.clean_loss,
            control=control.clean_loss,
        ),
    }


def _asset(name: str) -> str:
    from importlib.resources import files

    return (files("datacleanse_reports") / "templates" / name).read_text(encoding="utf-8")


def _hash(source: str) -> str:
    """For the page's content security policy: nothing else on it may run or restyle it."""
    digest = hashlib.sha256(source.encode()).digest()
    return "sha256-" + base64.b64encode(digest).decode()


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("datacleanse_reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for each in (
        wording.count,
        wording.decimal,
        wording.estimate,
        wording.percent,
        wording.percent_range,
        wording.plural,
        wording.probability,
        wording.seconds,
        wording.short,
        wording.shortened,
        wording.signed,
        wording.visible,
        _exact,
        _label,
    ):
        environment.filters[each.__name__.strip("_")] = each
    environment.globals.update(
        missing=wording.MISSING,
        sentences=sentences,
        basis_name=svg.basis_name,
        sparkline=_drawn(svg.sparkline),
        share_bar=_drawn(svg.share_bar),
    )
    return environment


def _drawn(draw: Callable[[_Drawn], str]) -> Callable[[_Drawn], Markup]:
    """A chart's function whose result needs no escaping: it is made of numbers only."""
    from markupsafe import Markup

    return lambda values: Markup(draw(values))


def _exact(value: float | None) -> str:
    """A number for the script to sort by; empty where it is missing."""
    return "" if value is None else f"{value:.6g}"


def _label(text: str | None) -> str:
    """A label as a person can see it, however odd."""
    if text is None:
        return wording.MISSING
    return wording.visible(wording.shortened(text, 200)) or "(empty)"
