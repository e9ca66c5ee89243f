"""The formats of reports of numbers. They compute nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datacleanse.models.number_card import MEASURES, spell_measure
from datacleanse.storage.typed_json import to_json
from datacleanse_reports.flag_sentences import say_reading
from datacleanse_reports.formats.html import describe_page, make_environment
from datacleanse_reports.formats.markdown import (
    escape_label,
    escape_notice,
    lay_out_health,
    lay_out_table,
)
from datacleanse_reports.formats.summary_json import SUSPECT_KEYS
from datacleanse_reports.formats.suspects_csv import SuspectsCsv
from datacleanse_reports.numbers import number_sentences as sentences
from datacleanse_reports.run_view import keep_users_columns
from datacleanse_reports.sentences import say_noise, say_overlap
from datacleanse_reports.wording import format_probability

if TYPE_CHECKING:
    from collections.abc import Callable

    from datacleanse_reports.formats.interface import Format
    from datacleanse_reports.numbers.number_view import NumberSuspect, NumberView
    from datacleanse_reports.page import Serving

SCHEMA_VERSION = 1
"""Of `summary.json` of an audit of numbers; keys may be added, never renamed or removed."""

FIRST_COLUMNS = (
    "rank",
    "row",
    "id",
    "given_label",
    "suggested_label",
    "predicted_low",
    "predicted_high",
    "mislabel_probability",
    "flagged",
    "slip",
    "reason",
)
"""What a reader needs first; the row's own columns follow."""

LAST_COLUMNS = (
    "p_value",
    "suspicion",
    "predicted",
    "mean_weight",
    "zero_weight_share",
    "mean_influence",
    "mean_residual",
    "mean_loss",
    "control_residual",
    "in_training",
)

NUMBER_KEYS = ("predicted", "predicted_low", "predicted_high", "slip")
"""Of each suspect in `summary.json`, behind those that classes have."""

SHOWN = 20
"""Suspects in `report.md`; `suspects.csv` has all that are listed."""


def _render_json(view: NumberView) -> str:
    """``summary.json``."""
    text = json.dumps(_summarise_numbers(view), indent=2, ensure_ascii=False, allow_nan=False)
    return text + "\n"


def _summarise_numbers(view: NumberView) -> dict[str, Any]:
    """`run.json`'s sections, without the rows' own cells, and the suspects."""
    whole = to_json(view.manifest)
    return {
        "schema_version": SCHEMA_VERSION,
        "task": "regression",
        "flagged": view.flagged,
        **{key: value for key, value in whole.items() if key not in ("schema_version", "task")},
        "suspects": [
            {key: getattr(suspect, key) for key in (*SUSPECT_KEYS, *NUMBER_KEYS)}
            for suspect in view.suspects
        ],
    }


def _render_markdown(view: NumberView) -> str:
    """``report.md``."""
    manifest = view.manifest
    suspects = lay_out_table(
        ["rank", "id", "given", "suggested", "expected", "probability", "slip"],
        [_list_cells(suspect) for suspect in view.suspects[:SHOWN]],
        numbers="r rrr ",
    )
    parts = [
        f"# Label audit of {escape_label(manifest.data.source)}",
        "\n".join(f"- {escape_notice(text)}" for text in list_sentences(view)),
        f"## Top {min(SHOWN, len(view.suspects))} suspects",
        suspects,
        lay_out_health(view),
        "## Model",
        _lay_out_model(view),
    ]
    if view.warnings:
        told = "\n".join(f"- {escape_notice(each.message)}" for each in view.warnings)
        parts += ["## Warnings", told]
    parts.append(f"Run {manifest.run_id}, finished {manifest.finished_at}.")
    return "\n\n".join(part for part in parts if part) + "\n"


def list_sentences(view: NumberView) -> list[str]:
    """What the top of every report says."""
    overlap = say_overlap(view)
    told = [
        say_noise(view),
        overlap and f"{overlap}.",
        sentences.say_slips(view),
        say_reading(view),
        sentences.say_model(view),
    ]
    return [text for text in told if text]


def _list_cells(suspect: NumberSuspect) -> list[str]:
    return [
        str(suspect.rank),
        escape_label(suspect.id),
        escape_label(suspect.given_label),
        "" if suspect.suggested_label is None else escape_label(suspect.suggested_label),
        suspect.expected,
        format_probability(suspect.mislabel_probability),
        suspect.slip or "",
    ]


def _lay_out_model(view: NumberView) -> str:
    training, measured = view.manifest.training, view.manifest.measured
    said = f"{training.network} {training.parameters:,} parameters, {training.epochs} epochs."
    if measured is None:
        return f"{said} {sentences.say_model(view)}"
    rows = [
        [title, spell_measure(measured.reweighted, key), spell_measure(measured.control, key)]
        for key, title in MEASURES.items()
    ]
    table = lay_out_table(["", "this model", "plain training"], rows, numbers=" rr")
    return f"{said}\n\n{table}"


def render_number_page(view: NumberView, *, first: int = 1, serving: Serving | None = None) -> str:
    """``report.html``: one page, which works from disk; arguments as for `html.render_page`."""
    view = keep_users_columns(view)
    common = describe_page(view, first=first, serving=serving)
    page = make_environment().get_template("numbers.html.j2")
    return page.render(
        **common,
        manifest=view.manifest,
        program_version=view.manifest.versions.datacleanse,
        shown_slips=sentences.say_slips(view),
        measures=MEASURES,
        spell=spell_measure,
    )


@dataclass(frozen=True)
class NumberFormat:
    """A file that is a function of the view."""

    name: str
    file_name: str
    render: Callable[[NumberView], str]


_ALL: tuple[Format[NumberView], ...] = (
    NumberFormat("html", "report.html", render_number_page),
    SuspectsCsv(first=FIRST_COLUMNS, last=LAST_COLUMNS),
    NumberFormat("json", "summary.json", _render_json),
    NumberFormat("md", "report.md", _render_markdown),
)

FORMATS: dict[str, Format[NumberView]] = {each.name: each for each in _ALL}
"""The reports of every run, in the order in which they are written."""
