"""The commands that the program proposes, spelled so that a shell hands over what is meant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from datacleanse.storage.atomic_files import find_free
from datacleanse_cli.printing import quote_word
from datacleanse_reports.next_step import (
    name_after,
    propose_applying,
    spell_options,
    spell_place,
    spell_task,
)

if TYPE_CHECKING:
    from datacleanse.data import ReadOptions


def spell_command(*words: str) -> str:
    """A command of this program as one line of a shell.

    What a terminal would act on, or not show, is spelled out in ``$'...'`` (bash, zsh).
    """
    return " ".join(["datacleanse", *map(quote_word, words)])


def spell_reading(options: ReadOptions) -> list[str]:
    """The options of `audit` by which a table is read as it was."""
    words = spell_options(
        ("--label", [options.label]),
        ("--id", [options.id]),
        ("--drop", options.drop),
        ("--categorical", options.categorical),
        ("--numeric", options.numeric),
        ("--text", options.text),
        ("--missing", options.missing or ()),
        ("--delimiter", [options.delimiter]),
        ("--dates", [options.dates]),
        ("--decimal", [options.decimal]),
    )
    words += spell_task(options.task)
    return words if options.seeks_id else [*words, "--no-id"]


def propose_run(data: str) -> list[str]:
    """No words where the folder that `audit` chooses by itself is free, else a free one."""
    place = Path("runs") / name_after(data)
    free = find_free(place)
    return [] if free == place else ["--out", spell_place(free)]


def propose_apply(run: Path, source: str) -> str:
    """The command that writes cleaned data of a run, to a name that is free.

    Args:
        run: the run folder.
        source: its DATA, as it was named.
    """
    return spell_command(*propose_applying(run, source))
