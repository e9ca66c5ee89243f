"""CLEAN of several sources: files of verdicts on rows of DATA, and tables or pictures, joined.

A row of DATA on which they agree counts once. One on which they differ is not verified at all.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.data.concatenation import concatenate_rows
from datacleanse.data.messages import format_count, format_list, quote_value
from datacleanse.data.repeats import GivenRows, find_copies_between
from datacleanse.errors import InputError
from datacleanse.records import Notice, Overlap
from datacleanse.review.verified_rows import join_chances

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from datacleanse.pictures.read import PictureSet
    from datacleanse.records import Dataset
    from datacleanse.review.verified_rows import VerifiedRows


@dataclass(frozen=True)
class CleanPart:
    """One source of clean rows."""

    clean: Dataset
    """Its n rows."""
    overlap: Overlap
    """Which of them are rows of DATA."""
    sha256: str
    """Of the source (hex)."""
    pictures: PictureSet | None
    """Of its rows; None where they are those of a table."""
    verdicts: VerifiedRows | None
    """What was said of DATA's rows, where the source is a file of verdicts."""
    given: GivenRows
    """Where its rows stood in it; a file of verdicts gives none beside DATA's."""


@dataclass(frozen=True)
class Verified:
    """What the files of verdicts among CLEAN's sources say beside CLEAN's rows."""

    sources: tuple[str, ...]
    """All sources of clean rows as they were named, files of verdicts first."""
    part: NDArray[np.int64]
    """(n,) which of ``sources`` each row of CLEAN was taken from."""
    given: NDArray[np.int64]
    """(n,) the given label of each row of CLEAN when it was verified, -1 where that is not known.
    In a table that was corrected since it is another one than DATA's."""
    probability: NDArray[np.float64]
    """(n,) in (0, 1], of each row of CLEAN being verified, had rows been drawn again; NaN for rows
    of tables, about which nobody knows. Rows of decisions, which stand behind, are not in it."""
    disputed: NDArray[np.int64]
    """Sorted rows of DATA on which the sources differ: they are not verified."""
    strangers: NDArray[np.int64]
    """Sorted rows of DATA whose right label is one that no row of DATA has."""


@dataclass(frozen=True)
class JoinedClean:
    """All sources as one clean set."""

    clean: Dataset
    overlap: Overlap
    sha256: str
    """Of all that counts of them (hex)."""
    pictures: PictureSet | None
    verified: Verified
    given: GivenRows
    """Where its rows stood in the sources that are no files of verdicts."""
    notices: tuple[Notice, ...]


def make_verdict_part(
    data: Dataset, verdicts: VerifiedRows, pictures: PictureSet | None
) -> CleanPart:
    """Make the verified rows of DATA a source of clean rows.

    Args:
        data: DATA.
        verdicts: about its rows.
        pictures: DATA's; None where it is a table.
    """
    rows = verdicts.rows
    clean = replace(
        data,
        source=verdicts.name,
        table=data.table.take(pa.array(rows)),
        labels=verdicts.labels,
        notices=verdicts.notices,
        counts=(),
    )
    strangers = np.array(sorted(verdicts.strangers), np.int64)
    known = np.concatenate([rows, strangers])
    places = np.concatenate([np.arange(len(rows)), np.full(len(strangers), -1)])
    order = np.argsort(known)
    overlap = Overlap(known[order], places[order], "verdicts")
    own = None
    if pictures is not None:
        from datacleanse.pictures.read import take_pictures

        own = take_pictures(pictures, rows)
    given = GivenRows(np.full(len(rows), -1), 0)
    return CleanPart(clean, overlap, verdicts.sha256, own, verdicts, given)


def join_clean(data: Dataset, parts: Sequence[CleanPart]) -> JoinedClean:
    """Join sources of clean rows: verdicts first, since they are surest about their rows.

    Raises:
        InputError: no verified row is left.
    """
    parts = sorted(parts, key=lambda part: part.verdicts is None)
    disputed = _find_disputed(parts)
    kept = _choose_rows(data, parts, disputed)
    clean, pictures = _concatenate(parts, kept)
    overlap = _join_overlaps(parts, kept, disputed)
    if not clean.n_rows:
        names = format_list([part.clean.source for part in parts])
        raise InputError(
            f"{names} {'holds' if len(parts) == 1 else 'hold'} no row with a verified label that "
            "can be used.",
            slug="verified-none",
            hint="Verify rows with `datacleanse verify`.",
        )
    digest = hashlib.sha256()
    for part, rows in zip(parts, kept, strict=True):
        digest.update(part.sha256.encode() + rows.tobytes() + b"|")
    sha256 = digest.hexdigest()
    if pictures is not None:
        # Of their labels, too: the same pictures may be verified otherwise.
        pictures = replace(pictures, fingerprint=sha256)
    strange = {row for part in parts if part.verdicts for row in part.verdicts.strangers}
    verified = Verified(
        sources=tuple(part.clean.source for part in parts),
        part=np.repeat(np.arange(len(parts)), [len(rows) for rows in kept]),
        given=_find_given(parts, kept),
        probability=_find_probabilities(data, parts, kept),
        disputed=np.array(sorted(disputed), np.int64),
        strangers=np.array(sorted(strange - set(disputed)), np.int64),
    )
    notices = tuple(_note_disputed(data, parts, disputed))
    given = _join_given(parts, kept)
    return JoinedClean(clean, overlap, sha256, pictures, verified, given, notices)


def _list_claims(part: CleanPart) -> dict[int, str]:
    """The label that a source gives to rows of DATA, where it is sure about which they are."""
    overlap = part.overlap
    is_sure = overlap.clean_rows >= 0
    classes = part.clean.schema.classes or part.clean.given_labels
    codes = part.clean.labels[overlap.clean_rows[is_sure]].tolist()
    rows = overlap.data_rows[is_sure].tolist()
    claims = {row: classes[code] for row, code in zip(rows, codes, strict=True)}
    return claims | ({} if part.verdicts is None else part.verdicts.strangers)


def _find_disputed(parts: Sequence[CleanPart]) -> dict[int, list[str]]:
    """Rows of DATA to which sources give different labels, and what each says."""
    said: dict[int, list[tuple[str, str]]] = {}
    for part in parts:
        for row, label in _list_claims(part).items():
            said.setdefault(row, []).append((part.clean.source, label))
    return {
        row: [f"{quote_value(label)} in {source}" for source, label in each]
        for row, each in sorted(said.items())
        if len({label for _, label in each}) > 1
    }


def _choose_rows(
    data: Dataset, parts: Sequence[CleanPart], disputed: dict[int, list[str]]
) -> list[NDArray[np.int64]]:
    """The rows of each source that stay: none about a disputed row, none about one twice."""
    taken = set(disputed)
    kept = []
    tables = [(each.clean, each.verdicts is None and each.pictures is None) for each in parts]
    copies = find_copies_between(data, tables)
    for part, is_copy in zip(parts, copies, strict=True):
        overlap = part.overlap
        goes = is_copy.copy()
        is_sure = overlap.clean_rows >= 0
        rows, places = overlap.data_rows[is_sure], overlap.clean_rows[is_sure]
        goes[places] |= np.isin(rows, np.array(sorted(taken), np.int64))
        taken.update(rows.tolist())
        kept.append(np.flatnonzero(~goes))
    return kept


def _concatenate(
    parts: Sequence[CleanPart], kept: Sequence[NDArray[np.int64]]
) -> tuple[Dataset, PictureSet | None]:
    whole, pictures = _take(parts[0], kept[0])
    names = [column.name for column in whole.schema.columns]
    for part, rows in zip(parts[1:], kept[1:], strict=True):
        more, more_pictures = _take(part, rows)
        features = zip(whole.schema.columns, more.schema.columns, strict=True)
        whole = replace(
            whole,
            source=f"{whole.source}, {more.source}",
            table=concatenate_rows(whole.table.select(names), more.table.select(names), features),
            labels=np.concatenate([whole.labels, more.labels]),
            notices=(*whole.notices, *more.notices),
            counts=(*whole.counts, *more.counts),
        )
        if pictures is not None and more_pictures is not None:
            from datacleanse.pictures.read import join_pictures

            pictures = join_pictures(pictures, more_pictures)
    return whole, pictures


def _take(part: CleanPart, rows: NDArray[np.int64]) -> tuple[Dataset, PictureSet | None]:
    clean, pictures = part.clean, part.pictures
    if len(rows) == clean.n_rows:
        return clean, pictures
    clean = replace(clean, table=clean.table.take(pa.array(rows)), labels=clean.labels[rows])
    if pictures is not None:
        from datacleanse.pictures.read import take_pictures

        pictures = take_pictures(pictures, rows)
    return clean, pictures


def _join_overlaps(
    parts: Sequence[CleanPart],
    kept: Sequence[NDArray[np.int64]],
    disputed: dict[int, list[str]],
) -> Overlap:
    """What the joined rows share with DATA; a row that any source is sure about is sure."""
    found: dict[int, int] = {}
    first = 0
    for part, rows in zip(parts, kept, strict=True):
        place = {row: first + at for at, row in enumerate(rows.tolist())}
        pairs = zip(part.overlap.data_rows.tolist(), part.overlap.clean_rows.tolist(), strict=True)
        for data_row, clean_row in pairs:
            now = place.get(clean_row, -1)
            if data_row not in disputed and found.get(data_row, -1) < 0:
                found[data_row] = now
        first += len(rows)
    rows = np.array(sorted(found), np.int64)
    places = np.array([found[row] for row in rows.tolist()], np.int64)
    ways = {part.overlap.matched_by for part in parts if part.verdicts is None}
    return Overlap(rows, places, ways.pop() if len(ways) == 1 else "verdicts")


def _join_given(parts: Sequence[CleanPart], kept: Sequence[NDArray[np.int64]]) -> GivenRows:
    places, first = [], 0
    for part, rows in zip(parts, kept, strict=True):
        place = part.given.place[rows]
        places.append(np.where(place >= 0, first + place, -1))
        first += part.given.count
    return GivenRows(np.concatenate(places), first)


def _find_given(parts: Sequence[CleanPart], kept: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    found = [
        np.full(len(rows), -1) if part.verdicts is None else part.verdicts.given[rows]
        for part, rows in zip(parts, kept, strict=True)
    ]
    return np.concatenate(found)


def _find_probabilities(
    data: Dataset, parts: Sequence[CleanPart], kept: Sequence[NDArray[np.int64]]
) -> NDArray[np.float64]:
    draws = [part.verdicts.draw for part in parts if part.verdicts is not None]
    found = []
    for part, rows in zip(parts, kept, strict=True):
        if part.verdicts is None:
            found.append(np.full(len(rows), np.nan))
        else:
            found.append(join_chances(data, part.verdicts.rows[rows], draws))
    return np.concatenate(found)


def _note_disputed(
    data: Dataset, parts: Sequence[CleanPart], disputed: dict[int, list[str]]
) -> list[Notice]:
    """Say on which rows the sources differ, and on how many they agree."""
    if not disputed:
        return []
    claims = [set(_list_claims(part)) for part in parts]
    times: dict[int, int] = {}
    for each in claims:
        for row in each:
            times[row] = times.get(row, 0) + 1
    n_both = sum(count > 1 for count in times.values())
    named = [f"row {row}: {', '.join(said)}" for row, said in disputed.items()]
    n = len(disputed)
    message = (
        f"The verified labels of {format_count(n, 'row')} of {data.source} contradict each other, "
        f"of {n_both:,} that were verified more than once ({format_list(named)}). "
        f"{'It is' if n == 1 else 'They are'} taken as not verified: neither steering nor "
        "calibrating. Agree on them, and take the wrong verdicts out."
    )
    return [Notice("verified-disputed", message, is_warning=True)]
