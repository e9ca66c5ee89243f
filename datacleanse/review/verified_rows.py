"""The rows of DATA that a file of `datacleanse verify` is about, with their verified labels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.data.any_number import is_one_number, make_label_finder
from datacleanse.data.labels import ClassFinder
from datacleanse.data.look_alikes import find_look_alike
from datacleanse.data.messages import find_nearest, format_count, format_list, quote_value
from datacleanse.data.row_seals import spell_label
from datacleanse.errors import InputError
from datacleanse.records import Notice
from datacleanse.review.recognition import name_row, recognise
from datacleanse.review.verified_file import read_verified_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from datacleanse.records import Dataset
    from datacleanse.review.recognition import Recognised
    from datacleanse.review.verified_file import Verdict, VerifiedFile

FEWEST = 10
"""Verified rows of a file below which it is told that they are few."""


@dataclass(frozen=True)
class VerifiedRows:
    """What one file of verdicts says about DATA as it is now."""

    name: str
    """Of the file, as it was named."""
    rows: NDArray[np.int64]
    """(K,) sorted rows of DATA whose right label is known and one of its classes."""
    labels: NDArray[np.int64]
    """(K,) these labels."""
    given: NDArray[np.int64]
    """(K,) the given label when the row was verified, -1 where it is no class any more. In a table
    that was corrected since it is another one than the table's own."""
    strangers: dict[int, str]
    """Rows of DATA whose right label is one that no row of DATA has, and that label."""
    unsure: NDArray[np.int64]
    """Sorted rows that were looked at, but could not be judged."""
    draw: DrawChances
    """How the rows were drawn."""
    sha256: str
    """Of the rows and what was said of them (hex)."""
    notices: tuple[Notice, ...]


@dataclass(frozen=True)
class DrawChances:
    """How likely any row of DATA was to be among the rows of a file."""

    key: tuple[str, int, bool]
    """What tells draws apart: digest of DATA, seed, whether by class."""
    looked_at: frozenset[int]
    """Rows of DATA that a person has said something of."""
    by_class: dict[str, float]
    """Of a draw by class: the chance of each given label's rows; empty where all rows have one."""

    def find_chances(self, data: Dataset, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """The chance of each row of having been looked at by now, (K,) in [0, 1]."""
        even = len(self.looked_at) / data.n_rows
        if not self.by_class:
            return np.full(len(rows), even)
        chances = np.array([self.by_class.get(label, even) for label in data.given_labels])
        found: NDArray[np.float64] = chances[data.labels[rows]]
        return found


def read_verified_rows(data: Dataset, path: Path) -> VerifiedRows:
    """Find the rows that a file of verdicts is about, by id or number, and by their content.

    Args:
        data: DATA, as it is now.
        path: the file.

    Raises:
        InputError: it is damaged or about another table, or names a class that DATA lacks.
    """
    file = read_verified_file(path)
    said = list(file.last.values())
    recognised = recognise(data, said)
    if said and not recognised.found:
        raise InputError(
            f"None of the {len(said):,} verdicts in {path} is about a row of {data.source} as it "
            "is now.",
            slug="verified-other-data",
            hint="Give the verdicts about this table, or verify rows of it; rows whose cells, the "
            "label apart, have changed since are not known again.",
        )
    find = _ClassSearch(data)
    labels: dict[int, int] = {}
    given: dict[int, int] = {}
    strangers: dict[int, str] = {}
    for verdict, row in recognised.found:
        if verdict.label is None:
            continue
        code = find(verdict.label)
        if code is not None:
            labels[row] = code
            before = find(verdict.given_label)
            given[row] = -1 if before is None else before
        elif verdict.new_class:
            strangers[row] = verdict.label
        else:
            raise _make_unknown_error(path, verdict, data)
    rows = np.array(sorted(labels), np.int64)
    codes = np.array([labels[row] for row in rows.tolist()], np.int64)
    givens = np.array([given[row] for row in rows.tolist()], np.int64)
    unsure = np.array(sorted(row for v, row in recognised.found if v.label is None), np.int64)
    notices = (
        *file.notices,
        *_note_lost(path, recognised, data),
        *_note_relabelled(path, recognised, data),
        *_note_strangers(path, strangers, data),
        *_note_counts(path, rows, codes, data),
    )
    told = "\0".join(f"{row} {label}" for row, label in sorted(strangers.items()))
    digest = hashlib.sha256(rows.tobytes() + b"|" + codes.tobytes() + b"|" + told.encode())
    chances = _measure_chances(file, recognised, data)
    return VerifiedRows(
        str(path), rows, codes, givens, strangers, unsure, chances, digest.hexdigest(), notices
    )


class _ClassSearch:
    """Finds a class of DATA by its name as DATA spells it, else as its schema does."""

    def __init__(self, data: Dataset) -> None:
        self._by_given = make_label_finder(data)
        self._by_name = ClassFinder(data.schema.classes)

    def __call__(self, label: str) -> int | None:
        code = self._by_given(label)
        return self._by_name(label) if code is None else code


def _measure_chances(
    file: VerifiedFile, recognised: Recognised[Verdict], data: Dataset
) -> DrawChances:
    draw = file.draw
    looked_at = frozenset(row for _, row in recognised.found)
    by_class: dict[str, float] = {}
    if draw.by_class:
        done = min(1.0, len(file.last) / draw.n)
        for verdict, row in recognised.found:
            label = data.given_labels[data.labels[row]]
            by_class.setdefault(label, verdict.probability * done)
    return DrawChances((draw.data_sha256, draw.seed, draw.by_class), looked_at, by_class)


def join_chances(
    data: Dataset, rows: NDArray[np.int64], draws: Sequence[DrawChances]
) -> NDArray[np.float64]:
    """The chance of each row, (K,) in (0, 1], of being verified by any of several people.

    People who worked on one draw share its chance; draws by themselves are independent.
    """
    by_key: dict[tuple[str, int, bool], list[DrawChances]] = {}
    for draw in draws:
        by_key.setdefault(draw.key, []).append(draw)
    found = [_merge_chances(same).find_chances(data, rows) for same in by_key.values()]
    if len(found) == 1:
        return found[0]
    missed: NDArray[np.float64] = np.prod([1 - each for each in found], axis=0)
    return 1 - missed


def _merge_chances(same: Sequence[DrawChances]) -> DrawChances:
    """What several people did of one draw."""
    by_class: dict[str, float] = {}
    for each in same:
        for label, chance in each.by_class.items():
            by_class[label] = max(chance, by_class.get(label, 0.0))
    looked_at = frozenset[int]().union(*(each.looked_at for each in same))
    return DrawChances(same[0].key, looked_at, by_class)


def _make_unknown_error(path: Path, verdict: Verdict, data: Dataset) -> InputError:
    label, classes = verdict.label or "", data.schema.classes
    if data.numbers is not None:
        return InputError(
            f"{path}: the verified label {quote_value(label)} of row {verdict.row} is no number, "
            f"and column '{data.schema.label}' of {data.source} holds numbers.",
            slug="verified-unknown-class",
            hint="Name the right column with --label, or correct the line.",
        )
    close = find_look_alike(label, classes) or find_nearest(label, classes)
    cure = "" if close is None else f"Did you mean {quote_value(close)}? "
    return InputError(
        f"{path}: the verified label {quote_value(label)} of row {verdict.row} is no class of "
        f"{data.source}, column '{data.schema.label}'.",
        slug="verified-unknown-class",
        hint=f"{cure}Name the right column with --label, correct the line, or verify with "
        "--new-class where DATA lacks a class.",
    )


def _note_lost(path: Path, recognised: Recognised[Verdict], data: Dataset) -> list[Notice]:
    lost = [*recognised.changed, *recognised.ambiguous, *recognised.missing]
    if not lost:
        return []
    n = len(lost)
    message = (
        f"{path}: {'1 verdict is' if n == 1 else f'{n:,} verdicts are'} not used, since "
        f"{'its row is' if n == 1 else 'their rows are'} not found in {data.source} with the same "
        f"content (row {format_list([name_row(each) for each in lost])} when verified)."
    )
    return [Notice("verified-unfound", message, is_warning=True)]


def _note_relabelled(path: Path, recognised: Recognised[Verdict], data: Dataset) -> list[Notice]:
    """Say of which rows the given label is another one now, and of how many the right one."""
    other, n_corrected = [], 0
    is_same = _is_same_class if data.numbers is None else is_one_number
    for verdict, row in recognised.found:
        label = data.given_labels[data.labels[row]]
        if is_same(verdict.given_label, label):
            continue
        if verdict.label is not None and is_same(verdict.label, label):
            n_corrected += 1
        else:
            other.append((verdict, row, label))
    notices = []
    if n_corrected:
        what = "label that was" if n_corrected == 1 else "labels that were"
        message = f"{path}: {n_corrected:,} {what} found wrong stand corrected in {data.source}."
        notices.append(Notice("verified-corrected", message))
    if not other:
        return notices
    verdict, row, label = other[0]
    n = len(other)
    message = (
        f"{path}: {format_count(n, 'row')} {'has' if n == 1 else 'have'} another label in "
        f"{data.source} now than when verified (row {format_list([each[1] for each in other])}; "
        f"row {row} was {quote_value(verdict.given_label)} and is {quote_value(label)}). The label "
        "of now is taken for the given one; what was verified holds."
    )
    return [*notices, Notice("verified-relabelled", message, is_warning=True)]


def _is_same_class(label: str, other: str) -> bool:
    return spell_label(label) == spell_label(other)


def _note_strangers(path: Path, strangers: dict[int, str], data: Dataset) -> list[Notice]:
    if not strangers:
        return []
    n, names = len(strangers), [quote_value(name) for name in dict.fromkeys(strangers.values())]
    message = (
        f"{path}: {format_count(n, 'row')} {'is' if n == 1 else 'are'} of a class that no row of "
        f"{data.source} has ({format_list(names)}): row {format_list(sorted(strangers))}. Their "
        "labels count as wrong in all rates. No network can learn such a class: nothing is "
        "suggested for them, and `apply` leaves them as they are."
    )
    return [Notice("verified-new-class", message, is_warning=True)]


def _note_counts(
    path: Path, rows: NDArray[np.int64], codes: NDArray[np.int64], data: Dataset
) -> list[Notice]:
    """Say of verified rows that they are few, or all wrong."""
    notices = []
    if len(rows) < FEWEST:
        message = (
            f"{path} holds {format_count(len(rows), 'verified row')}: too few to tell a rate of "
            "wrong labels. Go on with the same `datacleanse verify`."
        )
        notices.append(Notice("verified-few", message, is_warning=True))
    if len(rows) and (data.labels[rows] != codes).all():
        message = (
            f"{path}: all {format_count(len(rows), 'verified row')} were found wrong. Is "
            f"'{data.schema.label}' the column that was verified?"
        )
        notices.append(Notice("verified-all-wrong", message, is_warning=True))
    return notices
