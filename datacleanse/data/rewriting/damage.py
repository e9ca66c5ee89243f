"""The error for a file that reads as a table but cannot be written row by row."""

from __future__ import annotations

from datacleanse.errors import InputError


def make_inseparable_error(name: str, why: str) -> InputError:
    """The error for the file ``name``; ``why`` is a sentence part."""
    return InputError(
        f"{name} cannot be written again row by row: {why}.",
        slug="rows-not-separable",
        hint="Give an output of another format, e.g. -o cleaned.parquet, which is written from the "
        "values that were read.",
    )
