"""The commands that the program proposes, spelled so that a shell hands over what is meant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from datacleanse_cli.printing import quote_word

if TYPE_CHECKING:
    from datacleanse.data import ReadOptions


def spell_command(*words: str) -> str:
    """A command of this program as one line of a shell.

    What a terminal would act on, or not show, is spelled out in ``$'...'`` (bash, zsh).
    """
    return " ".join(["datacleanse", *map(quote_word, words)])


def spell_place(place: str | Path) -> str:
    """A path or address as a word that is never taken for an option."""
    text = str(place)
    return f"./{text}" if text.startswith("-") else text


def spell_reading(options: ReadOptions) -> list[str]:
    """The options of `audit` by which a table is read as it was."""
    words = []
    for name, values in (
        ("--label", [options.label]),
        ("--id", [options.id]),
        ("--drop", options.drop),
        ("--categorical", options.categorical),
        ("--numeric", options.numeric),
        ("--missing", options.missing or ()),
        ("--delimiter", [options.delimiter]),
        ("--dates", [options.dates]),
        ("--decimal", [options.decimal]),
    ):
        for value in values:
            if value is not None:
                words += [f"{name}={value}"] if value.startswith("-") else [name, value]
    return words


def propose_apply(run: Path, source: str) -> str:
    """The command that writes cleaned data of a run, to a name that is free.

    Args:
        run: the run folder.
        source: its DATA, as it was named.
    """
    words = ["apply", spell_place(run)]
    if not source.startswith("<"):
        words += _propose_output(source)
    return spell_command(*words)


def _propose_output(source: str) -> list[str]:
    """No words where the name that `apply` chooses by itself is free."""
    from datacleanse.data.sources import SHARD_SUFFIX, split_suffix
    from datacleanse.review.write_changes import COMPRESSION_SUFFIXES, name_files

    suffix, compression = split_suffix(source)
    ending = suffix + COMPRESSION_SUFFIXES.get(compression or "", "")
    if not suffix:
        is_sharded = any(Path(source).glob(f"*{SHARD_SUFFIX}"))
        ending = SHARD_SUFFIX if is_sharded else ".csv"
    count = 1
    while True:
        name = f"cleaned{'' if count == 1 else count}"
        # Of pictures the list of changes is named alike, and the manifest ends in .csv.
        files = name_files(Path(f"{name}{ending}"))
        taken = (files.cleaned, files.diff, Path(f"{name}.csv"))
        if not any(place.exists() for place in taken):
            return [] if count == 1 else ["-o", str(files.cleaned)]
        count += 1
