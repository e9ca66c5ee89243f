"""``report.html``: one self-contained page that works from disk, offline and by e-mail."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeVar

from datacleanse_reports import charts, flag_sentences, reviewers, sentences, svg, wording
from datacleanse_reports.health import MARKS
from datacleanse_reports.page import (
    LONGEST_TEXT,
    MAX_CELLS,
    MAX_SUSPECTS,
    TEXT_BUDGET,
    choose_pictures,
    count_pairs,
    embed_cells,
    embed_pictures,
    embed_review,
    hash_source,
    read_assets,
)
from datacleanse_reports.page_beside import CLEAN_BUDGET, embed_beside
from datacleanse_reports.run_view import keep_users_columns
from datacleanse_reports.steps import list_steps, say_flags_briefly

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jinja2 import Environment
    from markupsafe import Markup

    from datacleanse_reports.page import Serving
    from datacleanse_reports.records import ReportView
    from datacleanse_reports.run_view import RunView
    from datacleanse_reports.suspect import Suspect

_Drawn = TypeVar("_Drawn")

_WORD = re.compile(r"(\w+)")

_LONGEST_HINT = 30
"""Characters of a column's name and a cell that an input field has room for."""

EARLY = 'document.documentElement.className = "starting"'
"""Script before the body: until the others run, rows that they will hide are not laid out."""

SCRIPTS = (
    *("words.js", "sending.js", "cells.js", "pictures.js", "beside.js", "query.js", "columns.js"),
    *("table.js", "opinions.js", "decisions.js", "progress.js", "reviewers.js"),
)
NUMBER_SCRIPTS = ("number_field.js",)
"""Those of a page whose labels are numbers."""
REVIEW_SCRIPTS = ("card.js", "comment.js", "links.js")
SERVED_SCRIPTS = ("ask.js", "bulk.js")
"""Those of a page that is served."""
PICTURE_SCRIPTS = ("originals.js", "zoom.js", "tiles.js", "grid.js")
"""Those of one that is served and whose rows may be pictures."""
LAST_SCRIPT = "review.js"
"""It says that the page is ready."""
STYLES = ("report.css", "suspects.css", "review.css")
SERVED_STYLES = (*STYLES, "bulk.css", "grid.css")

_PARTS = (
    *("parts", "overview", "suspects", "decided", "noise", "reading", "health", "networks"),
    *("details", "review"),
)
"""Templates that a page on a disk is put together from."""

FIRST_SHOWN = 20
"""Suspects that are seen before somebody asks for all; `table.js` knows the number too."""

MOST_DECIDED = 200
"""Decided rows that are listed."""


@dataclass(frozen=True)
class HtmlReport:
    """For people. Tables and inline SVG; the script sorts, filters and keeps decisions."""

    name: str = "html"
    file_name: str = "report.html"

    def render(self, view: ReportView) -> str:
        """The page with its style sheet, script and charts inside."""
        return render_page(view)


def render_page(view: ReportView, *, first: int = 1, serving: Serving | None = None) -> str:
    """Render the page about `MAX_SUSPECTS` suspects.

    Args:
        view: of the run.
        first: rank of the first suspect to embed.
        serving: of `datacleanse review`, where the page goes from there to a browser and takes
            decisions; None: it lies on a disk.
    """
    view = keep_users_columns(view)
    common = describe_page(view, first=first, serving=serving)
    version = view.versions.get("datacleanse", wording.MISSING)
    page = make_environment().get_template("report.html.j2")
    return page.render(**common, program_version=version, shown_slips="", charts=_draw_charts(view))


def describe_page(view: RunView, *, first: int, serving: Serving | None) -> dict[str, Any]:
    """What the templates of overview, suspects and review need; arguments as for `render_page`."""
    served, of_numbers = serving is not None, view.numbers is not None
    suspects = tuple(each for each in view.suspects if each.rank >= first)[:MAX_SUSPECTS]
    n_columns = min(len(view.columns), max(1, MAX_CELLS // max(1, len(suspects))))
    css = read_assets(*(SERVED_STYLES if served else STYLES))
    script = read_assets(*choose_scripts(served=served, of_numbers=of_numbers))
    return {
        "view": view,
        "title": PurePath(view.data.source).name or view.data.source,
        "suspects": suspects,
        "columns_left_out": len(view.columns) - n_columns,
        "shown_columns": view.columns[:n_columns],
        "first_shown": FIRST_SHOWN,
        "search_example": _find_search_example(view, n_columns),
        "steps": list_steps(view, served=served),
        "unlisted": sentences.say_unlisted(view, suspects[-1].rank if suspects else 0),
        "flagged_here": sum(each.flagged for each in suspects),
        "brief": say_flags_briefly(view),
        "marks": MARKS,
        "decided_here": sorted({each.row for each in suspects} & set(view.progress.decided)),
        "pairs": {} if of_numbers else count_pairs(suspects),
        **_embed_data(view, suspects, n_columns),
        **_describe_reviewers(view),
        "review_data": embed_review(view, suspects, serving=serving),
        "served": served,
        "css": css,
        "css_hash": hash_source(css),
        "early": EARLY,
        "early_hash": hash_source(EARLY),
        "script": script,
        "script_hash": hash_source(script),
        "command": "datacleanse " + shlex.join(view.command),
    }


def _embed_data(view: RunView, suspects: Sequence[Suspect], n_columns: int) -> dict[str, Any]:
    """The suspects' cells, what stands beside them, and their pictures."""
    album = choose_pictures(suspects)
    holds_texts = any(each.texts for each in suspects[:1])
    return {
        "cell_data": embed_cells(
            view.columns[:n_columns],
            suspects,
            **({"budget": TEXT_BUDGET, "longest": LONGEST_TEXT} if holds_texts else {}),
        ),
        # Beside pictures their neighbours' pictures are shown.
        "beside_data": embed_beside(
            view, suspects, n_columns, budget=0 if album.rows else CLEAN_BUDGET
        ),
        "pictured": bool(album.rows),
        "picture_data": embed_pictures(album),
        "pictures_left_out": album.n_left_out,
    }


def choose_scripts(*, served: bool, of_numbers: bool) -> tuple[str, ...]:
    """The files of a page's script, in order."""
    chosen = [*SCRIPTS, *(NUMBER_SCRIPTS if of_numbers else ()), *REVIEW_SCRIPTS]
    if served:
        chosen += SERVED_SCRIPTS if of_numbers else (*SERVED_SCRIPTS, *PICTURE_SCRIPTS)
    return (*chosen, LAST_SCRIPT)


def _describe_reviewers(view: RunView) -> dict[str, object]:
    found = view.progress.reviewers
    return {
        "reviewers": found,
        "agreement": reviewers.say_agreement(found.agreement, found.n_differing),
        "pairs_of_reviewers": reviewers.list_pairs(found.agreement),
        "kappa_explained": reviewers.KAPPA_EXPLAINED,
        "nameless": reviewers.NAMELESS,
        "most_decided": MOST_DECIDED,
    }


def _find_search_example(view: RunView, n_columns: int) -> str:
    """A search by a column and a cell that is there; empty where all are too long."""
    for suspect in view.suspects[:1]:
        for i in suspect.telling:
            cell = suspect.cells[i]
            if i < n_columns and cell and len(cell) + len(view.columns[i]) < _LONGEST_HINT:
                return f"{view.columns[i]}={cell}"
    return ""


def _draw_charts(view: ReportView) -> dict[str, str]:
    reweighted, control = view.training.reweighted, view.training.control
    return {
        "reading": charts.draw_reading(view.reading, view.budgets),
        "reliability": charts.draw_reliability(view.reliability),
        "weights": "" if view.weights is None else charts.draw_weights(view.weights),
        "loss": charts.draw_learning_curves(
            "loss",
            title="Loss on the training rows",
            reweighted=reweighted.loss,
            control=control.loss,
        ),
        "clean_loss": charts.draw_learning_curves(
            "clean-loss",
            title="Loss on the clean rows that steer the weights",
            reweighted=reweighted.clean_loss,
            control=control.clean_loss,
        ),
    }


def load_templates() -> None:
    """Compile the templates of a page on a disk, which takes longer than filling them in."""
    for name in (*_PARTS, "report"):
        make_environment().get_template(f"{name}.html.j2")


@cache  # compiling the templates takes longer than filling them in
def make_environment() -> Environment:
    """The templates, with what they need to write values for people."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from datacleanse_reports.compiled_templates import keep_compiled

    environment = Environment(
        bytecode_cache=keep_compiled(),
        loader=PackageLoader("datacleanse_reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        count=wording.format_count,
        decimal=wording.format_decimal,
        estimate=wording.estimate,
        percent=wording.format_percent,
        percent_range=wording.format_percent_range,
        plural=wording.format_plural,
        probability=wording.format_probability,
        seconds=wording.format_seconds,
        short=wording.format_short,
        shortened=wording.shorten,
        signed=wording.format_signed,
        visible=wording.make_visible,
        coded=_mark_code,
        comment=_comment,
        verdict=reviewers.say_verdict,
        exact=_exact,
        marked=_mark_terms,
        label=_label,
    )
    environment.globals.update(
        missing=wording.MISSING,
        sentences=sentences,
        flag_sentences=flag_sentences,
        basis_name=charts.name_basis,
        sparkline=_mark_safe(svg.draw_sparkline),
        share_bar=_mark_safe(svg.draw_share_bar),
        share_square=_mark_safe(svg.draw_share_square),
    )
    return environment


def _mark_safe(draw: Callable[[_Drawn], str]) -> Callable[[_Drawn], Markup]:
    """A chart's function whose result needs no escaping: it is made of numbers only."""
    from markupsafe import Markup

    return lambda values: Markup(draw(values))


def _mark_code(sentence: str) -> Markup:
    """A sentence of this program's, in which names between backquotes become code."""
    from markupsafe import Markup, escape

    pieces = [escape(piece) for piece in sentence.split("`")]
    inside = [Markup("<code>{}</code>").format(piece) for piece in pieces[1::2]]
    pieces[1::2] = inside
    return Markup("").join(pieces)


def _mark_terms(text: str, terms: Sequence[str]) -> Markup:
    """A text in which some words, told in small letters, are marked."""
    from markupsafe import Markup, escape

    pieces = [escape(piece) for piece in _WORD.split(_label(text))]
    marked = Markup("<mark>{}</mark>")
    pieces[1::2] = [
        marked.format(piece) if piece.casefold() in terms else piece for piece in pieces[1::2]
    ]
    return Markup("").join(pieces)


def _exact(value: float | None) -> str:
    """A number for the script to sort by; empty where it is missing."""
    return "" if value is None else f"{value:.6g}"


def _comment(text: str) -> str:
    """What a reviewer wrote, in its lines."""
    return wording.make_visible(wording.shorten(text, 2000), keep_lines=True)


def _label(text: str | None, limit: int = 200) -> str:
    """A label as a person can see it, however odd."""
    if text is None:
        return wording.MISSING
    return wording.make_visible(wording.shorten(text, limit)) or "(empty)"
