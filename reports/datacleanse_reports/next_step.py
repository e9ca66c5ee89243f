"""The command that comes next where no row is verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datacleanse.storage.manifest.inputs import DataSection

ROWS = 200
"""To be verified at first: enough for a rate that is good to a few percent."""

VERIFIED = "verified.jsonl"
"""File that they are proposed to be kept in."""


def propose_verifying(data: DataSection) -> tuple[str, ...]:
    """The words, after the program's name, of the command by which rows of DATA get verified.

    Of a table in memory, which no command can read, there are none.
    """
    if data.source.startswith("<"):
        return ()
    # Of a small table half, so that there is something left to audit.
    number = max(1, min(ROWS, data.rows // 2))
    place = f"./{data.source}" if data.source.startswith("-") else data.source
    words = ["verify", place, "-n", str(number), "-o", VERIFIED]
    reading = data.reading
    for name, values in (
        ("--label", [reading.label]),
        ("--id", [reading.id]),
        ("--drop", reading.drop),
        ("--missing", reading.missing or ()),
        ("--delimiter", [reading.delimiter]),
    ):
        for value in values:
            if value is not None:
                words += [f"{name}={value}"] if value.startswith("-") else [name, value]
    return tuple(words)
