"""What the terminal shows of an explained prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from rich.table import Table
from rich.text import Text

from datacleanse.serving.explanation import Explanation, NumberExplanation
from datacleanse_cli.layout import lay_out_line, name_labels, name_row, print_sections, shorten_text
from datacleanse_cli.printing import make_printable
from datacleanse_reports.wording import format_probability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, RenderableType

SUSPECT = "!"
"""Marks a row whose label is likelier wrong than right."""

AnyExplanation: TypeAlias = Explanation | NumberExplanation


def print_explanation(found: AnyExplanation, console: Console, *, source: str) -> None:
    """Print which rows speak for a prediction and which against it.

    Args:
        found: what pushed the model.
        console: where to; its width is kept to.
        source: what holds the row, as it was named.
    """
    encoding = console.encoding or "utf-8"
    rows = found.pushes.to_pylist()
    toward = [row for row in rows if row["push"] > 0]
    away = [row for row in rows if row["push"] < 0]
    titles = _title_directions(found)
    sections: list[tuple[str, list[RenderableType]]] = [
        (f"Row {found.row} of {source}", [lay_out_line(say_verdict(found), encoding)]),
        (titles[0], _lay_out_rows(toward, encoding)),
        (titles[1], _lay_out_rows(away, encoding)),
        ("What this says", [lay_out_line(text, encoding) for text in say_suspects(found)]),
    ]
    print_sections(sections, console)


def _title_directions(found: AnyExplanation) -> tuple[str, str]:
    """Titles of the rows that push toward what is in question, and of those that push away."""
    if isinstance(found, Explanation):
        label = shorten_text(found.label)
        return f"Pushed the model toward {label}", f"Pushed it away from {label}"
    if found.number is None:
        return "Pushed the number up", "Pushed it down"
    number = f"{found.number:g}"
    return f"Pushed the model toward {number}", f"Pushed it away from {number}"


def say_verdict(found: AnyExplanation) -> str:
    """What the model takes the row for, as a sentence."""
    if not isinstance(found, Explanation):
        asked = "" if found.number is None else f" It is asked about {found.number:g}."
        return f"The model predicts {found.predicted:.6g}.{asked}"
    said = f"The model gives {shorten_text(found.label)} {format_probability(found.probability)}."
    if found.label == found.predicted:
        return said
    return f"{said} It takes the row for {shorten_text(found.predicted)}."


def say_suspects(found: AnyExplanation) -> list[str]:
    """What the pushes say of the labels, as sentences."""
    is_up = isinstance(found, NumberExplanation) and found.number is None
    way, pushes = ("up", "upward pushes") if is_up else ("toward it", "pushes toward it")
    toward = [row for row in found.pushes.to_pylist() if row["push"] > 0]
    if not toward:
        return [f"No row of DATA pushes the model {way} any more."]
    n = sum(row["is_suspect"] for row in toward)
    told = (
        f"{n} of these {len(toward)} rows are likelier mislabelled than not (marked {SUSPECT}); of "
        f"all {pushes} such rows make {format_probability(found.suspect_share)}."
    )
    return [told] if n or found.suspect_share else ["None of these rows is a suspected mislabel."]


def _lay_out_rows(rows: Sequence[dict[str, Any]], encoding: str) -> list[RenderableType]:
    if not rows:
        return []
    table = Table(box=None, show_edge=False, pad_edge=False, header_style="dim")
    table.add_column("")
    for header in ("Row", "Label"):
        table.add_column(header, overflow="ellipsis", no_wrap=True)
    for header in ("Share of the push", "Wrong"):
        table.add_column(header, justify="right")
    for row in rows:
        cells = [
            SUSPECT if row["is_suspect"] else "",
            name_row(row["row"], row["id"]),
            _name_label(row),
            f"{100 * row['share']:.1f}%",
            format_probability(row["mislabel_probability"]),
        ]
        table.add_row(*(Text(make_printable(cell, encoding)) for cell in cells))
    return [table]


def _name_label(row: dict[str, Any]) -> str:
    """The label that the model learned: the verified one where there is one."""
    verified, suggested = row["verified_label"], row["suggested_label"]
    if verified is not None:
        return f"{shorten_text(verified)} (verified)"
    if suggested is None:
        return shorten_text(row["given_label"])
    return name_labels(row["given_label"], suggested)
