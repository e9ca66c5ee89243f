"""A model as a notebook shows it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacleanse.records import Schema

SHOWN = 20
"""Classes and columns that are named."""


def render_model(network: str, schema: Schema, beside: Sequence[tuple[str, str]] = ()) -> str:
    """A model as a piece of HTML: what it tells apart, and what it reads.

    Args:
        network: what it is, in a few words.
        schema: of the data that it was made from.
        beside: further lines, each with its title.
    """
    lines = [
        ("Predicts", f"{schema.label or 'the class'}: {_name(schema.classes)}"),
        *([("Reads", _name([each.name for each in schema.columns]))] if schema.columns else []),
        *([("Set aside", _name([e.name for e in schema.set_aside]))] if schema.set_aside else []),
        *beside,
    ]
    rows = "".join(
        f'<tr><th scope="row" style="text-align:left;vertical-align:top">{escape(title)}</th>'
        f'<td style="text-align:left">{escape(_show(text))}</td></tr>'
        for title, text in lines
    )
    return f"<div><p><strong>{escape(_show(network))}</strong></p><table>{rows}</table></div>"


def _name(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _show(text: str) -> str:
    """Text without characters that hide or turn what stands around them."""
    return "".join(sign if sign.isprintable() else f"\\x{ord(sign):02x}" for sign in text)
