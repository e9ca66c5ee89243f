"""Rows of two runs beside each other."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from datacleanse.errors import InputError, SettingsError
from datacleanse_reports.audit import keep_finite
from datacleanse_reports.changes.records import MatchedBy, Outcome, RowChange, RowState

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from datacleanse.review.decisions import Decision
    from datacleanse.storage.manifest.numbers import AnyManifest
    from datacleanse.storage.run_folder import RunFolder

FIRST = 100
"""Rows at the top of a ranking whose moves are told."""

_DECIDED: dict[str, Outcome] = {"relabel": "corrected", "keep": "kept", "drop": "dropped"}
"""What became of a row that the later run does not list, by the action that was decided."""

_COLUMNS = (
    "row",
    "id",
    "rank",
    "given_label",
    "suggested_label",
    "mislabel_probability",
    "flagged",
    "verified_label",
)


@dataclass(frozen=True)
class Pairs:
    """The audit tables of both runs, and which rows are the same."""

    before: pa.Table
    now: pa.Table
    to_now: NDArray[np.int64]
    """(N before,) row of the later run, -1 where it is not known."""
    matched_by: MatchedBy
    decisions: Mapping[int, Decision]
    """What was decided about rows of the earlier run."""
    are_numbers: bool = False
    """Whether labels are numbers, which may be spelled in several ways."""

    def newly_flagged(self) -> tuple[RowChange, ...]:
        """Flagged now and not before, by rank."""
        import numpy as np

        to_before = self._to_before()
        flagged = np.append(_read_mask(self.before, "flagged"), False)
        rows = np.flatnonzero(_read_mask(self.now, "flagged") & ~flagged[to_before])
        found = [
            RowChange(_make_state(self.before, to_before[row]), _make_state(self.now, row))
            for row in rows.tolist()
        ]
        return tuple(sorted(found, key=lambda change: change.shown.rank))

    def resolved(self) -> tuple[RowChange, ...]:
        """Flagged before and not now, by the rank before."""
        import numpy as np

        flagged = np.append(_read_mask(self.now, "flagged"), False)
        rows = np.flatnonzero(_read_mask(self.before, "flagged") & ~flagged[self.to_now])
        found = [self._resolved(row) for row in rows.tolist()]
        return tuple(sorted(found, key=lambda c: c.before.rank if c.before else 0))

    def still_flagged(self) -> int:
        """Rows that are flagged in both runs."""
        import numpy as np

        flagged = np.append(_read_mask(self.now, "flagged"), False)
        return int((_read_mask(self.before, "flagged") & flagged[self.to_now]).sum())

    def moves(self) -> tuple[RowChange, ...]:
        """Rows among the first of either run whose rank changed, the farthest move first.

        Verified rows lead or close a ranking by rule, so that their moves say nothing.
        """
        import numpy as np

        judged = _is_judged(self.before) & np.append(_is_judged(self.now), False)[self.to_now]
        known = np.flatnonzero(judged)
        before = self.before["rank"].to_numpy()[known]
        now = self.now["rank"].to_numpy()[self.to_now[known]]
        matters = ((before <= FIRST) | (now <= FIRST)) & (before != now)
        order = np.argsort(-np.abs(now - before)[matters], kind="stable")
        return tuple(
            RowChange(_make_state(self.before, row), _make_state(self.now, self.to_now[row]))
            for row in known[matters][order]
        )

    def _resolved(self, row: int) -> RowChange:
        before, now = _make_state(self.before, row), _make_state(self.now, self.to_now[row])
        assert before is not None
        decision = self.decisions.get(row)
        outcome: Outcome = "cleared"
        if now is None:
            outcome = "gone" if decision is None else _DECIDED.get(decision.action, "gone")
        elif not self._are_same(now.given_label, before.given_label):
            new_label = None if decision is None else decision.new_label
            is_decided = new_label is not None and self._are_same(new_label, now.given_label)
            outcome = "corrected" if is_decided else "relabelled"
        elif self.now["verified_label"][int(self.to_now[row])].is_valid:
            is_kept = decision is not None and decision.action == "keep"
            outcome = "kept" if is_kept else "verified"
        return RowChange(before, now, outcome)

    def _are_same(self, label: str, other: str) -> bool:
        from datacleanse.data.any_number import is_one_number

        return is_one_number(label, other) if self.are_numbers else label == other

    def _to_before(self) -> NDArray[np.int64]:
        import numpy as np

        places = np.full(self.now.num_rows, -1, dtype=np.int64)
        known = self.to_now >= 0
        places[self.to_now[known]] = np.flatnonzero(known)
        return places


def pair_rows(
    before: RunFolder, now: RunFolder, manifests: tuple[AnyManifest, AnyManifest]
) -> Pairs:
    """Find the rows that two finished runs have in common.

    Args:
        before: the earlier run.
        now: the later one.
        manifests: their `run.json`, in this order.

    Raises:
        RunFolderError: a run is damaged.
        SettingsError: labels are classes in one run and numbers in the other.
    """
    are_numbers = [manifest.classes is None for manifest in manifests]
    if are_numbers[0] != are_numbers[1]:
        folders = (before, now) if are_numbers[0] else (now, before)
        raise SettingsError(
            f"{folders[0].path} audited numbers (--task regression), and {folders[1].path} "
            "classes: they have nothing to compare.",
            slug="runs-unrelated",
            hint="Give two runs of the same kind.",
        )
    return replace(_pair_rows(before, now, manifests), are_numbers=are_numbers[0])


def _pair_rows(
    before: RunFolder, now: RunFolder, manifests: tuple[AnyManifest, AnyManifest]
) -> Pairs:
    from datacleanse.data import is_known_by_content

    first, second = (manifest.data for manifest in manifests)
    decisions = _read_decisions(before, manifests)
    tables = (
        before.read_audit_columns(_COLUMNS, manifests[0].classes),
        now.read_audit_columns(_COLUMNS, manifests[1].classes),
    )
    if first.sha256 == second.sha256 and first.rows == second.rows:
        import numpy as np

        return Pairs(*tables, np.arange(tables[0].num_rows), "row", decisions)
    stored = before.read_suspects(first.rows), now.read_suspects(second.rows)
    labels = first.label, second.label
    if all(map(is_known_by_content, stored)):
        return Pairs(*tables, _match_pictures(tables, stored, labels), "picture", decisions)
    if first.id is not None and first.id == second.id:
        return Pairs(*tables, _match_by_id(*tables), "id", decisions)
    to_now = _match_by_content(stored, labels, tables[0].num_rows)
    return Pairs(*tables, to_now, "content", decisions)


def _read_decisions(
    before: RunFolder, manifests: tuple[AnyManifest, AnyManifest]
) -> dict[int, Decision]:
    """What was decided about the earlier run, in its folder or where the later one took it from."""
    from datacleanse.data.any_number import find_labels
    from datacleanse.review.decisions import read_decisions

    earlier, later = manifests
    used = () if later.reviewed is None else later.reviewed.sources
    made: dict[int, Decision] = {}
    for path in dict.fromkeys([*map(Path, used), before.decisions_file]):
        if path.is_file():
            with suppress(InputError):  # about another run, or nothing that can be read
                made |= read_decisions(
                    path,
                    run_id=earlier.run_id,
                    n_rows=earlier.data.rows,
                    classes=find_labels(earlier),
                ).last
    return made


def _match_by_id(before: pa.Table, now: pa.Table) -> NDArray[np.int64]:
    import numpy as np
    import pyarrow.compute as pc

    places = pc.index_in(before["id"], value_set=now["id"].combine_chunks())
    found: NDArray[np.int64] = places.fill_null(-1).to_numpy().astype(np.int64)
    return found


def _match_pictures(
    tables: tuple[pa.Table, pa.Table], stored: tuple[pa.Table, pa.Table], labels: tuple[str, str]
) -> NDArray[np.int64]:
    """By what they show; by their ids, paths mostly, where that is not stored of one of the two.

    A picture that was relabelled lies in another folder, so that its path is another one.
    """
    import numpy as np

    to_now = _match_by_content(stored, labels, tables[0].num_rows)
    by_id = _match_by_id(*tables)
    is_stored = [np.zeros(table.num_rows + 1, dtype=np.bool_) for table in tables]
    for flags, suspects in zip(is_stored, stored, strict=True):
        flags[suspects.column(0).to_numpy()] = True
    is_taken = np.zeros(tables[1].num_rows + 1, dtype=np.bool_)
    is_taken[to_now[to_now >= 0]] = True
    # Where what both show is known, another id of the same name is another picture.
    is_other = is_taken[by_id] | (is_stored[0][:-1] & is_stored[1][by_id])
    return np.where((to_now < 0) & ~is_other, by_id, to_now)


def _match_by_content(
    stored: tuple[pa.Table, pa.Table], labels: tuple[str, str], n_before: int
) -> NDArray[np.int64]:
    """Of stored suspects alike, before and now, those of the lowest ranks belong together."""
    import numpy as np

    before, now = stored
    known: dict[str, list[int]] = {}
    for row, digest in _list_digests(now, labels[1]):
        known.setdefault(digest, []).append(row)
    to_now = np.full(n_before, -1, dtype=np.int64)
    for row, digest in _list_digests(before, labels[0]):
        if known.get(digest):
            to_now[row] = known[digest].pop(0)
    return to_now


def _list_digests(stored: pa.Table, label: str) -> list[tuple[int, str]]:
    """Row and content of the stored suspects, by rank."""
    from datacleanse.data import digest_features

    rows = stored.column(0).to_pylist()
    return list(zip(rows, digest_features(stored.remove_column(0), label=label), strict=True))


def _read_mask(table: pa.Table, name: str) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = table[name].to_numpy()
    return found


def _is_judged(table: pa.Table) -> NDArray[np.bool_]:
    """(N,) whether a row's rank is what the audit thinks of it, as it was not verified."""
    found: NDArray[np.bool_] = table["verified_label"].is_null().to_numpy()
    return found


def _make_state(table: pa.Table, row: int) -> RowState | None:
    if row < 0:
        return None
    record = table.slice(int(row), 1).to_pylist()[0]
    return RowState(
        row=record["row"],
        id=record["id"],
        rank=record["rank"],
        given_label=record["given_label"],
        suggested_label=record["suggested_label"],
        mislabel_probability=keep_finite(record["mislabel_probability"]),
        flagged=record["flagged"],
    )
