"""Clean sets of one source or several, read: which are files of verdicts is told by content."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.auditing.joined_clean import CleanPart, join_clean, make_verdict_part
from datacleanse.data import compare, compare_with_overlap, fingerprint
from datacleanse.data.messages import format_list
from datacleanse.data.repeats import drop_repeats
from datacleanse.records import Notice
from datacleanse.review.verified_file import is_verified_file
from datacleanse.review.verified_rows import read_verified_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from datacleanse.auditing.joined_clean import JoinedClean
    from datacleanse.data import Source
    from datacleanse.pictures.read import PictureSet
    from datacleanse.records import Comparison, Dataset


def drop_repeated(sources: Sequence[Source]) -> tuple[tuple[Source, ...], list[Notice]]:
    """The sources, those that are given twice once, and what is said of these."""
    kept: dict[object, Source] = {}
    again: dict[str, None] = {}
    for source in sources:
        is_place = isinstance(source, str | os.PathLike)
        key = os.path.realpath(source) if is_place else id(source)  # type: ignore[arg-type]
        if key in kept:
            again[os.fspath(source) if is_place else "<table>"] = None  # type: ignore[arg-type]
        kept.setdefault(key, source)
    if not again:
        return tuple(sources), []
    message = (
        f"{format_list(list(again))} {'is' if len(again) == 1 else 'are'} given more than once as "
        "CLEAN (--val), and used once. Was another file meant?"
    )
    return tuple(kept.values()), [Notice("clean-repeated", message, is_warning=True)]


def is_joined(sources: Sequence[Source]) -> bool:
    """Whether clean rows come from several sources, or from a file of verdicts."""
    return len(sources) > 1 or any(map(is_verified_file, sources))


def compare_joined(data: Dataset, joined: JoinedClean, told: Sequence[Notice] = ()) -> Comparison:
    """Compare joined clean rows with DATA; notices of ``told`` come first.

    Raises:
        InputError: nothing of DATA is left beside CLEAN.
    """
    # What there is to say of rows of new classes was said where they were read.
    overlap = joined.overlap
    is_known = ~np.isin(overlap.data_rows, joined.verified.strangers)
    known = replace(
        overlap, data_rows=overlap.data_rows[is_known], clean_rows=overlap.clean_rows[is_known]
    )
    # A draw at random is like DATA but for chance, and for what verifying has corrected.
    chosen = np.flatnonzero(np.isnan(joined.verified.probability))
    told = (*told, *joined.notices)
    found = compare_with_overlap(data, joined.clean, known, told, chosen=chosen)
    return replace(found, overlap=overlap)


def join_tables(
    data: Dataset, sources: Sequence[Source], read: Callable[[Source], Dataset]
) -> JoinedClean:
    """Read clean rows of a table from several sources.

    Args:
        data: DATA.
        sources: files of verdicts, and tables.
        read: reads a table and holds it to DATA.

    Raises:
        InputError: a source cannot be used, or no verified row is left.
    """

    def read_part(source: Source) -> CleanPart:
        clean, given = drop_repeats(data, read(source))
        overlap = compare(data, clean).overlap
        return CleanPart(clean, overlap, fingerprint(source), None, None, given)

    return join_clean(data, _read_parts(data, None, sources, read_part))


def join_pictures_of(
    data: Dataset,
    pictures: PictureSet,
    sources: Sequence[Source],
    read: Callable[[Source], tuple[Dataset, PictureSet]],
) -> JoinedClean:
    """Read clean pictures from several sources.

    Args:
        data: DATA.
        pictures: DATA's.
        sources: files of verdicts, and pictures in any form.
        read: reads pictures and holds them to DATA.

    Raises:
        InputError: a source cannot be used, or no verified row is left.
    """
    from datacleanse.pictures.compare import compare_pictures, drop_repeated_pictures

    def read_part(source: Source) -> CleanPart:
        clean, own, given = drop_repeated_pictures(pictures, *read(source))
        comparison, _ = compare_pictures(data, clean, pictures, own)
        return CleanPart(clean, comparison.overlap, own.fingerprint, own, None, given)

    return join_clean(data, _read_parts(data, pictures, sources, read_part))


def _read_parts(
    data: Dataset,
    pictures: PictureSet | None,
    sources: Sequence[Source],
    read_part: Callable[[Source], CleanPart],
) -> list[CleanPart]:
    parts = []
    for source in sources:
        if isinstance(source, str | os.PathLike) and is_verified_file(source):
            verdicts = read_verified_rows(data, Path(source))
            parts.append(make_verdict_part(data, verdicts, pictures))
        else:
            parts.append(read_part(source))
    return parts
