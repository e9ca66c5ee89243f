"""Cleaned data: what reviewers decided, or what was flagged, carried out on a copy of DATA."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from datacleanse.data import fingerprint, read_data
from datacleanse.data.any_number import make_label_finder
from datacleanse.errors import InputError, SettingsError
from datacleanse.pictures.content_hashes import fingerprint_without, hash_dataset
from datacleanse.progress import SILENT, StagesAlone
from datacleanse.review.audited_run import read_unreadable_pictures
from datacleanse.review.automatic import AUTO, FlagLimits, decide_flagged
from datacleanse.review.completion import complete_decisions
from datacleanse.review.decisions import LEFT_OUT
from datacleanse.review.earlier_labels import read_mislabelled_pairs
from datacleanse.review.joined_decisions import read_joined
from datacleanse.review.json_lines import shorten_value
from datacleanse.review.recognition import recognise
from datacleanse.review.verified import CLEAN_SET, decide_verified, note_contradictions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from datacleanse.progress import Progress
    from datacleanse.records import Dataset, Notice
    from datacleanse.review.audited_run import AuditedRun
    from datacleanse.review.completion import Contradiction
    from datacleanse.review.decisions import Decision
    from datacleanse.review.recognition import Recognised
    from datacleanse.storage.run_folder import RunFolder

Reason = Literal["changed", "missing", "ambiguous", "label", "other-id", "other-label"]

ACTING = ("relabel", "drop")
"""Actions that change something."""

_REASONS: dict[str, Reason] = {"id": "other-id", "given_label": "other-label"}
"""Why a decision is refused by what of it is another one in the audit."""


@dataclass(frozen=True)
class Change:
    """A row that comes out otherwise."""

    row: int
    """Position in DATA as it is now, from 0."""
    decision: Decision
    old_label: str


@dataclass(frozen=True)
class Refusal:
    """A decision that is not carried out."""

    decision: Decision
    reason: Reason
    """``changed``: the row's content is another than when it was audited; ``label``: only its label
    is; ``missing``: it is gone; ``ambiguous``: several rows elsewhere have its content;
    ``other-id``, ``other-label``: the audit's row of that number has another id or label than the
    decision, written by hand, says."""
    label: str | None = None
    """The label now, where only that is another one; the audit's id or label, where the decision
    says another."""

    @property
    def why(self) -> str:
        """The reason, to follow what the row is called."""
        given, now = shorten_value(self.decision.given_label), shorten_value(self.label or "")
        return {
            "changed": "its content has changed since the audit",
            "label": f"its label was {given} when it was audited and is {now} now",
            "missing": "it is not in the data any more",
            "ambiguous": "several rows have its content now, and none is at its place",
            "other-id": f"its id was {now} when it was audited, not the one that the decision "
            "names",
            "other-label": f"its label was {now} when it was audited, not {given} as the decision "
            "says",
        }[self.reason]


@dataclass(frozen=True)
class Cleaning:
    """What would be done to DATA."""

    run: AuditedRun
    """What the decisions are about."""
    data: Dataset
    """As it is now."""
    changes: tuple[Change, ...]
    """Rows that come out otherwise, by row."""
    refused: tuple[Refusal, ...]
    """Decisions that are not carried out, by row of the audit."""
    done: int
    """Decisions that DATA as it is now follows already."""
    kept: int
    """Rows whose label a reviewer found right."""
    unsure: int
    """Rows that a reviewer was unsure about; they stay as they are."""
    undecided: int
    """Rows that nobody decided about, and that stay as they are."""
    notices: tuple[Notice, ...]
    """About the decisions."""
    decisions: tuple[Path, ...]
    """The files of decisions; none where the clean set and flags alone decide."""
    has_wrong_pairs: bool
    """Whether the run knows verified rows that were mislabelled: they calibrate the next round by
    the labels that they had."""
    is_changed: bool
    """Whether DATA's file is another than when it was audited."""

    @property
    def relabelled(self) -> int:
        """Rows that get another label."""
        return sum(change.decision.action == "relabel" for change in self.changes)

    @property
    def dropped(self) -> int:
        """Rows that are left out."""
        return len(self.changes) - self.relabelled

    @property
    def verified(self) -> int:
        """Rows that are corrected as the clean set verified them."""
        return sum(change.decision.reviewer == CLEAN_SET for change in self.changes)

    @property
    def automatic(self) -> int:
        """Rows that are changed by their flags alone."""
        return sum(change.decision.reviewer == AUTO for change in self.changes)

    @property
    def rows_after(self) -> int:
        """Rows of the cleaned data."""
        return self.data.n_rows - self.dropped


def plan_cleaning(
    run: AuditedRun,
    *,
    decisions: Sequence[Path] = (),
    limits: FlagLimits | None = None,
    progress: Progress = SILENT,
) -> Cleaning:
    """Work out what the decisions about a run change in its DATA; nothing is written.

    Args:
        run: what the decisions are about.
        decisions: the files of decisions, each about this run, joined as `read_joined` does; none:
            the run's own.
        limits: from which mislabel probability on flagged rows without a decision are changed;
            None: they stay as they are.
        progress: is told of stages.

    Raises:
        InputError: DATA or the decisions cannot be read, or no row would be left.
        SettingsError: there are neither decisions nor ``limits``, and CLEAN corrects nothing.
    """
    made, contradictions, notices = _collect_decisions(run, decisions, limits)
    dataset, is_changed = _read_now(run, progress)
    recognised = recognise(dataset, made)
    actions = [decision.action for decision, _ in recognised.found]
    changes, refused, done = _carry_out(dataset, recognised, is_changed=is_changed)
    refused += [
        Refusal(each.decision, _REASONS[each.about], each.audited) for each in contradictions
    ]
    cleaning = Cleaning(
        run=run,
        data=dataset,
        changes=tuple(sorted(changes, key=lambda change: change.row)),
        refused=tuple(sorted(refused, key=lambda refusal: refusal.decision.row)),
        done=done,
        kept=actions.count("keep"),
        unsure=actions.count("unsure"),
        undecided=dataset.n_rows - len({row for _, row in recognised.found}),
        notices=notices,
        decisions=_find_decisions_files(run.folder, decisions, is_needed=False),
        has_wrong_pairs=bool(read_mislabelled_pairs(run.folder.decisions_file)),
        is_changed=is_changed,
    )
    _check_rest(cleaning)
    return cleaning


def _collect_decisions(
    run: AuditedRun, decisions: Sequence[Path], limits: FlagLimits | None
) -> tuple[list[Decision], tuple[Contradiction, ...], tuple[Notice, ...]]:
    """The decisions that count, and those that the run contradicts.

    A reviewer's come before the clean set's, and these before those of the flags.
    """
    verified = run.folder.read_verified(run.classes)
    made = decide_verified(verified, run_id=run.run_id, labels=run.labels)
    paths = _find_decisions_files(run.folder, decisions, is_needed=limits is None and not made)
    notices: tuple[Notice, ...] = ()
    if limits is not None:
        flagged = decide_flagged(run.folder, limits, run_id=run.run_id, classes=run.classes)
        made = {**dict(flagged), **made}
    if paths:
        read = read_joined(paths, run_id=run.run_id, n_rows=run.n_rows, classes=run.labels)
        if limits is None and not made and not read.last:
            raise _make_undecided_error(run.folder, read.notices)
        made |= read.last
        notices = (*read.notices, *note_contradictions(read.last, verified, run.labels))
    completed = complete_decisions(list(made.values()), run.folder, run.labels)
    return list(completed.decisions), completed.contradictions, notices


def _find_decisions_files(
    folder: RunFolder, wanted: Sequence[Path], *, is_needed: bool
) -> tuple[Path, ...]:
    if wanted or folder.decisions_file.exists():
        return tuple(wanted) or (folder.decisions_file,)
    if is_needed:
        raise _make_undecided_error(folder, ())
    return ()


def _make_undecided_error(folder: RunFolder, notices: Sequence[Notice]) -> SettingsError:
    """The error for a run about which nothing was decided, or all undone or left out."""
    left_out = "".join(f" {each.message}" for each in notices if each.slug == LEFT_OUT)
    return SettingsError(
        f"Nothing has been decided about the run in {folder.path} yet.{left_out}",
        slug="decisions-missing",
        hint=f"Review it with: datacleanse review {shlex.quote(str(folder.path))}; or name a "
        "file that the review page saved with --decisions, or act on the flags with --auto.",
    )


def _read_now(run: AuditedRun, progress: Progress) -> tuple[Dataset, bool]:
    """DATA as it is now, and whether it is another than when it was audited."""
    if run.listing is None:
        dataset = read_data(run.readable, run.options, progress=StagesAlone(progress))
        progress.stage("Comparing", None)
        return dataset, fingerprint(run.readable) != run.sha256
    dataset, sha256 = hash_dataset(run.listing, progress=progress)
    progress.stage("Comparing", None)
    unreadable = read_unreadable_pictures(run.folder)
    return dataset, fingerprint_without(dataset, sha256, unreadable) != run.sha256


def _carry_out(
    data: Dataset, recognised: Recognised[Decision], *, is_changed: bool
) -> tuple[list[Change], list[Refusal], int]:
    """Changes, decisions that cannot be carried out, and how many are already."""
    find = make_label_finder(data)
    changes: dict[int, Change] = {}
    refused: list[Refusal] = []
    done = 0
    lost: dict[Reason, tuple[Decision, ...]] = {
        "changed": recognised.changed,
        "ambiguous": recognised.ambiguous,
        "missing": recognised.missing,
    }
    for reason, decisions in lost.items():
        for decision in decisions:
            if reason == "missing" and decision.action == "drop" and is_changed:
                done += 1
            elif decision.action in ACTING:
                refused.append(Refusal(decision, reason))
    for decision, row in recognised.found:
        if decision.action not in ACTING:
            continue
        code = data.labels[row]
        label = data.given_labels[code] if code >= 0 else ""
        if decision.new_label is not None and _is_same(find, label, decision.new_label):
            done += 1
        elif not _is_same(find, label, decision.given_label):
            refused.append(Refusal(decision, "label", label))
        elif row in changes:
            refused.append(Refusal(decision, "ambiguous"))
        else:
            changes[row] = Change(row, decision, label)
    return list(changes.values()), refused, done


def _is_same(find: Callable[[str], int | None], label: str, other: str) -> bool:
    code = find(other)
    return label == other or (code is not None and code == find(label))


def _check_rest(cleaning: Cleaning) -> None:
    if not cleaning.rows_after:
        raise InputError(
            f"All {cleaning.data.n_rows:,} rows of {cleaning.data.source} would be dropped.",
            slug="nothing-left",
            hint="Look at the decisions, or choose a higher --drop-above.",
        )
