"""Which row of a table a decision or verdict is about: by its place, its id, or its content.

It says by a hash what the row's cells and label were. Rows may have moved since, and labels
may have been changed; a row whose other cells have changed is not the row that was looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import numpy as np
import pyarrow as pa

from datacleanse.data import digest_features, make_seal, read_ids, seal_row
from datacleanse.review.json_lines import shorten_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from datacleanse.records import Dataset


class AboutRow(Protocol):
    """A decision or verdict: what it says of the row that it is about."""

    @property
    def row(self) -> int:
        """Position in the table then, from 0."""

    @property
    def id(self) -> str | None:
        """What named the row; None where nothing did."""

    @property
    def row_sha256(self) -> str | None:
        """Of its cells and label then; None where it was not taken."""

    @property
    def given_label(self) -> str:
        """Its label then."""

    @property
    def label(self) -> str | None:
        """The label that was found to be right; None where none was."""


Said = TypeVar("Said", bound=AboutRow)


def name_row(said: AboutRow) -> str:
    """Name the row by its number then, and by its id where it has one: ``17 (7590-VHVEG)``."""
    if said.id is None or said.id == str(said.row):
        return str(said.row)
    return f"{said.row} ({shorten_value(said.id)})"


@dataclass(frozen=True)
class Recognised(Generic[Said]):
    """Where decided rows stand in a table now. A decision is in one of the fields."""

    found: tuple[tuple[Said, int], ...]
    """Decisions and the rows they are about, whatever the label is now."""
    changed: tuple[Said, ...]
    """The row at that place, or with that id, has other content now, and none has the old one."""
    missing: tuple[Said, ...]
    """The table has no such id, or ends before that row, and none has the content."""
    ambiguous: tuple[Said, ...]
    """Several rows elsewhere have that content, and nothing tells which of them was meant."""


def recognise(data: Dataset, decisions: Iterable[Said]) -> Recognised[Said]:
    """Find the rows that decisions are about.

    Args:
        data: the table as it is now.
        decisions: at most one a row.
    """
    search = _Search(data)
    found: list[tuple[Said, int]] = []
    lost: list[Said] = []
    wanted = list(decisions)
    for decision, row in zip(wanted, search.find_nominal(wanted), strict=True):
        if row >= 0 and search.is_same(decision, row):
            found.append((decision, row))
        else:
            lost.append(decision)
    taken = {row for _, row in found}
    changed, missing, ambiguous = [], [], []
    for decision, rows in zip(lost, search.find_elsewhere(lost), strict=True):
        left = [row for row in rows if row not in taken]
        if len(left) == 1:
            found.append((decision, left[0]))
            taken.add(left[0])
        elif left:
            ambiguous.append(decision)
        elif search.has_place(decision):
            changed.append(decision)
        else:
            missing.append(decision)
    return Recognised(tuple(found), tuple(changed), tuple(missing), tuple(ambiguous))


class _Search:
    """Looks rows up; those with hashes only where they must be."""

    def __init__(self, data: Dataset) -> None:
        self._data = data
        self._digests: dict[int, str] = {}
        self._row_of_id: dict[str, int] = {}
        name = data.schema.id
        self._has_ids = name is not None and name in data.table.column_names
        if self._has_ids:
            self._row_of_id = {id_: row for row, id_ in enumerate(read_ids(data).to_pylist())}

    def find_nominal(self, decisions: Sequence[AboutRow]) -> list[int]:
        """The row of each decision by its id, else by its number; -1 where there is none.

        A decision without an id is about the row of its number, whatever the ids are.
        """
        rows = [self._find_place(decision) for decision in decisions]
        self._digest([row for row in rows if row >= 0])
        return rows

    def _find_place(self, decision: AboutRow) -> int:
        if self._is_named(decision):
            return self._row_of_id.get(decision.id or "", -1)
        return decision.row if decision.row < self._data.n_rows else -1

    def _is_named(self, decision: AboutRow) -> bool:
        """Whether an id says which row is meant.

        The row's own number, which no row has for an id, is what a run without ids calls it.
        """
        if not self._has_ids or decision.id is None:
            return False
        return decision.id in self._row_of_id or decision.id != str(decision.row)

    def has_place(self, decision: AboutRow) -> bool:
        """Whether there is a row of that id or number, whatever it holds."""
        return self._find_place(decision) >= 0

    def is_same(self, decision: AboutRow, row: int) -> bool:
        """Whether the row's cells, the label apart, are those that were decided about."""
        if decision.row_sha256 is None:
            # By hand: nothing but the label and, where there are ids, the id can be compared.
            return self._is_named(decision) or self._label(row) in (
                decision.given_label,
                decision.label,
            )
        return seal_row(self._digests[row], decision.given_label) == decision.row_sha256

    def find_elsewhere(self, decisions: Sequence[AboutRow]) -> list[list[int]]:
        """All rows with the content that each decision is about."""
        known = [each for each in decisions if each.row_sha256 is not None]
        if not known:
            return [[] for _ in decisions]
        self._digest(range(self._data.n_rows))
        rows: dict[str, list[int]] = {}
        for row, digest in self._digests.items():
            rows.setdefault(digest, []).append(row)
        found = self._unseal(known, rows)
        keys = ((each.given_label, each.row_sha256) for each in decisions)
        return [rows.get(found.get(key, ""), []) for key in keys]

    def _unseal(
        self, decisions: Sequence[AboutRow], rows: Mapping[str, Sequence[int]]
    ) -> dict[tuple[str, str | None], str]:
        """By label and hash of a decision, the digest among those of rows that it was made of.

        Most rows still bear the label that they had, or the one that was found right. Each of the
        others is asked about with every label: of numbers there are as many as decisions.
        """
        wanted: dict[str, set[str | None]] = {}
        had: dict[str | None, set[str]] = {}
        for each in decisions:
            wanted.setdefault(each.given_label, set()).add(each.row_sha256)
            for label in (each.given_label, each.label):
                had.setdefault(label, set()).add(each.given_label)
        seals = {label: make_seal(label) for label in wanted}
        found: dict[tuple[str, str | None], str] = {}

        def look(label: str, digest: str) -> None:
            if (seal := seals[label](digest)) in wanted[label]:
                found[label, seal] = digest
                wanted[label].discard(seal)

        for digest, its in rows.items():
            for label in {before for row in its for before in had.get(self._label(row), ())}:
                look(label, digest)
        for label, left in wanted.items():
            for digest in rows if left else ():
                look(label, digest)
        return found

    def _digest(self, rows: Iterable[int]) -> None:
        new: NDArray[np.int64] = np.array([r for r in rows if r not in self._digests], np.int64)
        if len(new):
            table = self._data.table.take(pa.array(new))
            digests = digest_features(table, label=self._data.schema.label)
            self._digests.update(zip(new.tolist(), digests, strict=True))

    def _label(self, row: int) -> str | None:
        code = self._data.labels[row]
        return self._data.given_labels[code] if code >= 0 else None
