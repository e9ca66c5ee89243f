"""The commands that come next: words after the program's name."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

from datacleanse.storage.atomic_files import find_free

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacleanse.storage.manifest.inputs import DataSection
    from datacleanse.storage.manifest.numbers import AnyManifest, NumberDataSection
    from datacleanse.storage.run_folder import RunFolder

SUFFIXES = (".gz", ".zst", ".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".feather", ".arrow")
"""Endings of tables, which a name after one leaves out."""

_LONGEST_STEM = 200
"""Bytes of a name that leave room for what is put behind it; file systems bear 255."""

ROWS = 200
"""To be verified at first: enough for a rate that is good to a few percent."""

CLEANED = ".cleaned"
"""What cleaned data has behind its name, from the second time on with a number."""

_CLEANED_STEM = re.compile(rf"(.+){re.escape(CLEANED)}(?:-(\d{{1,9}}))?")

VERIFIED = Path("verified.jsonl")
"""File that they are proposed to be kept in."""


def count_lacking(manifest: AnyManifest) -> int:
    """How many more rows are to be verified so that something may be flagged.

    It is 0 where something is, where nobody knows a number, and where DATA has too few rows.
    """
    flags, data = manifest.flags, manifest.data
    if manifest.noise.rate is None or flags.flagged:
        return 0
    needed = flags.rows_needed
    # Where DATA has too few rows for one kind of list, rows drawn from it still calibrate another.
    aim = min(ROWS if needed is None or needed > data.rows else needed, data.rows // 2)
    return max(0, aim - flags.calibration_rows)


def propose_verifying_more(folder: RunFolder, manifest: AnyManifest) -> tuple[str, ...]:
    """The words of the command by which the rows of `count_lacking` get verified; or none.

    A file of verdicts about DATA as it is now is gone on with: a larger draw holds the rows of a
    smaller one. Else another file is begun, and the audit after it is given the earlier ones too.
    """
    clean, lacking = manifest.clean, count_lacking(manifest)
    if clean is None or not lacking:
        return ()
    # Slow to import, and most runs lack nothing.
    from datacleanse_reports.begun_verdicts import choose_seed, find_file_to_go_on, list_clean

    begun = find_file_to_go_on(folder, manifest)
    if begun is not None:
        # Rows that nobody could judge are drawn, but no clean rows.
        number = max(len(begun.last), clean.rows - clean.reviewed_rows) + lacking
        words = propose_verifying(manifest.data, number=number, file=begun.path)
        said = {each.label: None for each in begun.last.values() if each.new_class}
        options = [*spell_options(("--new-class", list(said))), *_spell_seed(begun.draw.seed)]
        return (*words, *options) if words else ()
    earlier = list_clean(manifest)
    first = Path(earlier[0]) if earlier and earlier[0].endswith(VERIFIED.suffix) else VERIFIED
    number = _count_with_repeats(lacking, clean.rows, manifest.data.rows)
    words = propose_verifying(manifest.data, number=number, file=find_free(first))
    options = [*spell_options(("--val", earlier)), *_spell_seed(choose_seed(manifest))]
    return (*words, *options) if words else ()


def _count_with_repeats(wanted: int, known: int, rows: int) -> int:
    """Rows to draw from ``rows``, so that so many are new beside those that are known already."""
    return math.ceil(wanted * rows / (rows - known)) if known < rows else wanted


def _spell_seed(seed: int) -> list[str]:
    return ["--seed", str(seed)] if seed else []


def propose_verifying(
    data: DataSection | NumberDataSection, *, number: int = ROWS, file: Path | None = None
) -> tuple[str, ...]:
    """The words, after the program's name, of the command by which rows of DATA get verified.

    Of a table in memory, which no command can read, there are none.

    Args:
        data: DATA.
        number: rows to draw, at most.
        file: of verdicts, to be gone on with; None: a new one.
    """
    if data.source.startswith("<"):
        return ()
    # Of a small table half, so that there is something left to audit.
    number = max(1, min(number, data.rows // 2))
    place = spell_place(data.source)
    reading = data.reading
    options = spell_options(
        ("--label", [reading.label]),
        ("--id", [reading.id]),
        ("--drop", reading.drop),
        ("--missing", reading.missing or ()),
        ("--delimiter", [reading.delimiter]),
        ("--decimal", [reading.decimal]),
    )
    options += [] if reading.seeks_id else ["--no-id"]
    options += spell_task(reading.task)
    target = spell_place(file or find_free(VERIFIED))
    return ("verify", place, "-n", str(number), "-o", target, *options)


def spell_options(*options: tuple[str, Sequence[str | None]]) -> list[str]:
    """The words of options that are repeated for each of their values; None: not given."""
    words = []
    for name, values in options:
        for value in values:
            if value is not None:
                words += [f"{name}={value}"] if value.startswith("-") else [name, value]
    return words


def spell_task(task: str) -> list[str]:
    """The words of the option by which labels are read as numbers; none for classes."""
    return ["--task", task] if task == "regression" else []


def propose_review(run: Path) -> tuple[str, ...]:
    """The words of the command that opens the review of a run."""
    return "review", spell_place(run)


def propose_applying(run: Path, source: str) -> tuple[str, ...]:
    """The words of the command that writes cleaned data of a run, to a name that is free.

    Args:
        run: the run folder.
        source: its DATA, as it was named.
    """
    output = () if source.startswith("<") else _propose_output(source)
    return ("apply", spell_place(run), *output)


def propose_comparing(folder: RunFolder, manifest: AnyManifest) -> tuple[str, ...]:
    """The words of the command that compares a run with the earlier one whose decisions it used.

    There are none where it used none, or they do not lie in a run's folder.
    """
    sources = () if manifest.reviewed is None else manifest.reviewed.sources
    for source in reversed(sources):
        earlier = Path(source).parent
        if (earlier / folder.manifest_file.name).is_file() and earlier != folder.path:
            return "report", spell_place(folder.path), "--compare", spell_place(earlier)
    return ()


def spell_place(place: str | Path) -> str:
    """A path or address as a word that is never taken for an option."""
    text = str(place)
    return f"./{text}" if text.startswith("-") else text


def name_after(data: str) -> str:
    """The name of a table or folder without its endings, to name something after it."""
    name = data.rstrip("/*").replace("\\", "/").rsplit("/", 1)[-1].replace("*", "")
    stripped = name
    while stripped.endswith(SUFFIXES):
        stripped = stripped[: stripped.rindex(".")]
    if stripped in (".", ".."):
        stripped = Path(data).resolve().name
    return stripped or "audit"


def _split_cleaned(stem: str) -> tuple[str, int]:
    """A name without what cleaning put behind it, and how often that says it was cleaned."""
    found = _CLEANED_STEM.fullmatch(stem)
    return (stem, 0) if found is None else (found[1], int(found[2] or 1))


def _holds_files(folder: str, suffix: str) -> bool:
    try:
        return any(Path(folder).glob(f"*{suffix}"))
    except (OSError, ValueError):
        # A name that no file can bear.
        return False


def _propose_output(source: str) -> tuple[str, ...]:
    """A free name after that of DATA."""
    from datacleanse.data.sources import SHARD_SUFFIX, split_suffix
    from datacleanse.review.write_changes import COMPRESSION_SUFFIXES, name_files

    suffix, compression = split_suffix(source)
    ending = suffix + COMPRESSION_SUFFIXES.get(compression or "", "")
    if not suffix:
        ending = SHARD_SUFFIX if _holds_files(source, SHARD_SUFFIX) else ".csv"
    # Of data that was cleaned before the number rises.
    stem, rounds = _split_cleaned(name_after(source))
    count = rounds + 1
    if "\0" in stem or len(stem.encode("utf-8", "replace")) > _LONGEST_STEM:
        stem = "data"  # no file can bear such a name with something behind it
    while True:
        name = f"{stem}{CLEANED}{'' if count == 1 else f'-{count}'}"
        # Of pictures the list of changes is named alike, and the manifest ends in .csv.
        files = name_files(Path(f"{name}{ending}"))
        taken = (files.cleaned, files.diff, Path(f"{name}.csv"))
        if not any(place.exists() for place in taken):
            return "-o", spell_place(files.cleaned)
        count += 1
