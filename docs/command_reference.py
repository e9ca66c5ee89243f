"""The page of the command line, as Typer writes it, with a place of its own for every option."""

from __future__ import annotations

import re

import typer
from typer.cli import get_docs_for_click

from datacleanse_cli.app import app

PREFACE = """# Command line

Every option has a place of its own: its name is a link to it. `datacleanse COMMAND --help` says the
same.

Exit codes: 0 done; 1 more is flagged than `--fail-over` allows, or a gate's threshold is exceeded;
2 the input or the command line is wrong; 3 stopped on request, all so far is saved; 70 a bug in the
program.
"""

LINE = re.compile(r"\* `(?P<spelled>[^`]+)`(?P<meaning>.*)")
"""An option or argument: how it is spelled, and what it means."""
COMMAND = re.compile(r"## `datacleanse (?P<name>[\w-]+)`")


def write_command_reference() -> str:
    """The page, in Markdown."""
    root = typer.main.get_command(app)
    said = get_docs_for_click(obj=root, ctx=typer.Context(root), name="datacleanse")
    lines, command = [PREFACE], ""
    # The first section says what stands in the preface.
    for line in said[said.index("**Usage**") :].splitlines():
        if found := COMMAND.fullmatch(line):
            command = found["name"]
            lines.append(f"## {command}")
        elif command and (found := LINE.fullmatch(line)):
            lines.append(_link(command, found["spelled"], found["meaning"]))
        else:
            lines.append(line.replace("```console", "```text").removeprefix("$ "))
    return "\n".join(lines)


def _link(command: str, spelled: str, meaning: str) -> str:
    """A line of the list whose name is a link to this very line."""
    long = re.search(r"--([\w-]+)", spelled)
    place = f"{command}--{long[1] if long else spelled.split(maxsplit=1)[0]}"
    return f"* [`{spelled}`](#{place}){{ #{place} }}{meaning}"
