"""A gate as annotations of GitHub Actions, in its "workflow commands".

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands tells how they are
written. What stands behind ``::`` is data, what stands before it properties; their escapes are
those of GitHub's own toolkit (``command.ts``): without them a cell of the table could end the
command and begin another one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from datacleanse_reports.gate.wording import count_exceeded, name_row, say_rest
from datacleanse_reports.wording import make_visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse_reports.gate.records import Checked, Gate, GateRow

SHOWN = 10
"""Errors of a step that GitHub shows; further ones are in the log alone."""

_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_DATA, ":": "%3A", ",": "%2C"}


def render(gate: Gate) -> str:
    """An error for each threshold that is exceeded, then for its rows, as many as are shown."""
    title = f"Label gate: {gate.source}"
    if gate.is_open:
        return _spell("notice", f"{count_exceeded(gate)}.", title=title) + "\n"
    errors = [
        _spell("error", f"{each.threshold}: {each.sentence}", title=title) for each in gate.exceeded
    ]
    room = max(0, SHOWN - len(errors))
    errors += list(_list_rows(gate))[:room]
    return "".join(f"{line}\n" for line in errors)


def _list_rows(gate: Gate) -> Iterator[str]:
    """The rows of all thresholds that are exceeded, each row once, those of the first first."""
    told: set[int] = set()
    for each in gate.exceeded:
        for row in each.rows:
            if row.row not in told:
                told.add(row.row)
                yield _spell_row(gate, each, row)


def _spell_row(gate: Gate, each: Checked, row: GateRow) -> str:
    place = {} if row.line is None else {"file": _name_file(gate.source), "line": str(row.line)}
    rest = say_rest(each, 1)
    told = f"{name_row(row)}" + (f" ({rest})" if rest else "")
    return _spell("error", told, **place, title=each.threshold)


def _name_file(source: str) -> str:
    """A file as GitHub knows it: from the folder of the repository."""
    root = os.environ.get("GITHUB_WORKSPACE", ".")
    path, base = Path(source).resolve(), Path(root).resolve()
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else source


def _spell(command: str, message: str, **properties: str) -> str:
    said = ",".join(f"{name}={_escape(value, _PROPERTY)}" for name, value in properties.items())
    return f"::{command} {said}::{_escape(message, _DATA)}"


def _escape(text: str, signs: dict[str, str]) -> str:
    return "".join(signs.get(sign, sign) for sign in make_visible(text))
