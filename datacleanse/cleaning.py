"""Cleaned data: what reviewers decided, or what was flagged, carried out on a copy of DATA."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from datacleanse.data import ReadOptions, fingerprint, read_data
from datacleanse.data.content import label_text
from datacleanse.data.sources import Location, locate
from datacleanse.decisions import Decision, now, read_decisions
from datacleanse.errors import InputError, RunFolderError, SettingsError
from datacleanse.pictures.find import data_asked, find_pictures
from datacleanse.pictures.hashed import fingerprint_then, hashed_dataset
from datacleanse.pictures.left_out import Unreadable
from datacleanse.progress import SILENT
from datacleanse.recognition import recognise

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from datacleanse.pictures.interface import Listing
    from datacleanse.progress import Progress
    from datacleanse.records import Dataset, Notice
    from datacleanse.runfolder import RunFolder

AUTO = "auto"
"""Reviewer of what was decided by the flags alone."""

Reason = Literal["changed", "missing", "ambiguous", "label"]


@dataclass(frozen=True)
class Automatic:
    """How flagged rows that nobody has decided about are treated.

    A flagged row is relabelled to its suggestion, or dropped, where its mislabel probability is at
    least the limit; where it reaches both limits the higher one decides, and at one height the
    suggestion does if there is one.

    Raises:
        SettingsError: there is no limit, or one is not in [0, 1].
    """

    relabel_above: float | None = None
    drop_above: float | None = None

    def __post_init__(self) -> None:
        limits = {"relabel-above": self.relabel_above, "drop-above": self.drop_above}
        for name, limit in limits.items():
            if limit is not None and not 0 <= limit <= 1:
                raise SettingsError(
                    f"--{name} is {limit!r}.",
                    slug="setting-out-of-range",
                    hint="Give a probability between 0 and 1, e.g. 0.95.",
                )
        if all(limit is None for limit in limits.values()):
            raise SettingsError(
                "--auto is given without a limit.",
                slug="auto-without-limit",
                hint="Say from which mislabel probability on rows are changed: --relabel-above 0.95"
                " or --drop-above 0.9, or both.",
            )

    def action(
        self, probability: float, suggestion: str | None
    ) -> Literal["relabel", "drop"] | None:
        """What becomes of a flagged row; None leaves it as it is."""
        relabel, drop = self.relabel_above, self.drop_above
        can_relabel = relabel is not None and suggestion is not None and probability >= relabel
        can_drop = drop is not None and probability >= drop
        if can_relabel and not (can_drop and drop > relabel):  # type: ignore[operator]
            return "relabel"
        return "drop" if can_drop else None


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
    is; ``missing``: it is gone; ``ambiguous``: several rows elsewhere have its content."""
    label: str | None = None
    """The label now, where only that is another one."""


@dataclass(frozen=True)
class Cleaning:
    """What would be done to DATA."""

    data: Dataset
    """As it is now."""
    location: Location | None
    """Where its table lies; None where only a listing says which files are its pictures."""
    listing: Listing | None
    """Its pictures, unreadable ones too; None for a table."""
    delimiter: str | None
    changes: tuple[Change, ...]
    """By row."""
    refused: tuple[Refusal, ...]
    """By row of the audit."""
    done: int
    """Decisions that DATA as it is now follows already."""
    kept: int
    """Rows whose label a reviewer found right."""
    unsure: int
    notices: tuple[Notice, ...]
    """About the decisions."""
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
    def rows_after(self) -> int:
        """Rows of the cleaned data."""
        return self.data.n_rows - self.dropped

    @property
    def undecided(self) -> int:
        """Rows that nobody decided about, and that stay as they are."""
        decided = len(self.changes) + len(self.refused) + self.done + self.kept + self.unsure
        return max(0, self.data.n_rows - decided)


@dataclass(frozen=True)
class Audited:
    """What a run says of its DATA, and where that is now."""

    folder: RunFolder
    run_id: str
    source: str
    """Path, glob, folder or address."""
    options: ReadOptions
    sha256: str
    """When it was audited."""
    n_rows: int
    classes: tuple[str, ...]
    """As DATA spelled them."""
    is_of_pictures: bool


def audited(folder: RunFolder, *, data: str | None = None, delimiter: str | None = None) -> Audited:
    """What a finished run is about.

    Args:
        folder: of the run.
        data: where DATA lies now; None: where it was.
        delimiter: of a CSV; None: as in the audit.

    Raises:
        RunFolderError: the run is missing, unfinished or damaged.
        InputError: DATA was a table in memory, and no file is given.
    """
    manifest = folder.manifest()
    try:
        described = manifest["data"]
        return Audited(
            folder,
            manifest["run_id"],
            _place(described, data, folder),
            _options(described, delimiter),
            described["sha256"],
            described["rows"],
            tuple(described["classes"]),
            manifest.get("pictures") is not None,
        )
    except (KeyError, TypeError) as error:
        raise RunFolderError(
            f"{folder.manifest_file} is damaged (it lacks {error}).",
            slug="run-damaged",
            hint="Repeat the audit.",
        ) from error


def plan_cleaning(
    run: Audited,
    *,
    decisions: Path | None = None,
    automatic: Automatic | None = None,
    progress: Progress = SILENT,
) -> Cleaning:
    """Work out what the decisions about a run change in its DATA; nothing is written.

    Args:
        run: what the decisions are about.
        decisions: the file of decisions; None: the run's own.
        automatic: what to do about flagged rows without a decision; None: nothing.
        progress: is told of stages.

    Raises:
        InputError: DATA or the decisions cannot be read, or no row would be left.
        SettingsError: there is neither a decision nor ``automatic``.
    """
    path = _decisions_file(run.folder, decisions, is_needed=automatic is None)
    made: dict[int, Decision] = {}
    notices: tuple[Notice, ...] = ()
    if path is not None:
        read = read_decisions(path, run_id=run.run_id, n_rows=run.n_rows, classes=run.classes)
        made, notices = read.last, read.notices
    if automatic is not None:
        made = {**dict(_flagged(run.folder, automatic, run.run_id)), **made}
    listing = listed(run)
    if listing is None:
        dataset = read_data(run.source, run.options, progress=progress)
        progress.stage("Comparing", None)
        is_changed = fingerprint(run.source) != run.sha256
    else:
        dataset, sha256 = hashed_dataset(listing, progress=progress)
        progress.stage("Comparing", None)
        is_changed = fingerprint_then(dataset, sha256, _left_out(run.folder)) != run.sha256
    changes, refused, done = _carried_out(dataset, list(made.values()), is_changed=is_changed)
    actions = [decision.action for decision in made.values()]
    cleaning = Cleaning(
        data=dataset,
        location=None if listing is not None and listing.path is not None else locate(run.source),
        listing=listing,
        delimiter=run.options.delimiter,
        changes=tuple(sorted(changes, key=lambda change: change.row)),
        refused=tuple(sorted(refused, key=lambda refusal: refusal.decision.row)),
        done=done,
        kept=actions.count("keep"),
        unsure=actions.count("unsure"),
        notices=notices,
        is_changed=is_changed,
    )
    _check_rest(cleaning)
    return cleaning


def listed(run: Audited) -> Listing | None:
    """The pictures of a run's DATA as it is now; None where its rows are those of a table.

    Raises:
        InputError: nothing is there, or it holds pictures in no usable way.
    """
    return find_pictures(run.source, data_asked(run.options)) if run.is_of_pictures else None


def _left_out(folder: RunFolder) -> list[Unreadable]:
    """The pictures of DATA that could not be read when it was audited."""
    rows = folder.read_unreadable().to_pylist()
    return [
        Unreadable(row["place"], row["id"], row["reason"])
        for row in rows
        if row["source"] == "data"
    ]


def _place(described: Mapping[str, Any], data: str | None, folder: RunFolder) -> str:
    source: str = described["source"] if data is None else data
    if source.startswith("<"):
        raise InputError(
            f"The run in {folder.path} is of a table in memory ({source}).",
            slug="data-in-memory",
            hint="Write that table to a file and name it with --data.",
        )
    return source


def _options(described: Mapping[str, Any], delimiter: str | None) -> ReadOptions:
    """How the audit read DATA."""
    reading = described.get("reading", {})
    return ReadOptions(
        label=described["label"],
        id=reading.get("id", described["id"]),
        drop=tuple(reading.get("drop", ())),
        categorical=tuple(reading.get("categorical", ())),
        numeric=tuple(reading.get("numeric", ())),
        delimiter=reading.get("delimiter") if delimiter is None else delimiter,
    )


def _decisions_file(folder: RunFolder, wanted: Path | None, *, is_needed: bool) -> Path | None:
    if wanted is not None or folder.decisions_file.exists():
        return wanted or folder.decisions_file
    if is_needed:
        raise SettingsError(
            f"Nothing has been decided about the run in {folder.path} yet.",
            slug="decisions-missing",
            hint=f"Review it with: datacleanse review {folder.path}; or name a file that the "
            "review page saved with --decisions, or act on the flags with --auto.",
        )
    return None


def _flagged(
    folder: RunFolder, automatic: Automatic, run_id: str
) -> Iterator[tuple[int, Decision]]:
    """What the flags alone decide, by row."""
    at = now()
    for record in folder.read_flagged().to_pylist():
        probability, suggestion = record["mislabel_probability"], record["suggested_label"]
        action = automatic.action(probability or 0.0, suggestion)
        if action is not None:
            yield (
                record["row"],
                Decision(
                    row=record["row"],
                    id=record["id"],
                    row_sha256=record["row_sha256"],
                    given_label=record["given_label"],
                    action=action,
                    new_label=suggestion if action == "relabel" else None,
                    reviewer=AUTO,
                    at=at,
                    run_id=run_id,
                ),
            )


def _carried_out(
    data: Dataset, made: Sequence[Decision], *, is_changed: bool
) -> tuple[list[Change], list[Refusal], int]:
    """Changes, decisions that cannot be carried out, and how many are already."""
    acting = [decision for decision in made if decision.action in ("relabel", "drop")]
    recognised = recognise(data, acting)
    changes: dict[int, Change] = {}
    refused = [Refusal(decision, "changed") for decision in recognised.changed]
    refused += [Refusal(decision, "ambiguous") for decision in recognised.ambiguous]
    gone = [each for each in recognised.missing if each.action == "drop" and is_changed]
    refused += [Refusal(each, "missing") for each in recognised.missing if each not in gone]
    done = len(gone)
    for decision, row in recognised.found:
        code = data.labels[row]
        label = data.given_labels[code] if code >= 0 else ""
        if decision.new_label is not None and _is_same(label, decision.new_label):
            done += 1
        elif not _is_same(label, decision.given_label):
            refused.append(Refusal(decision, "label", label))
        elif row in changes:
            refused.append(Refusal(decision, "ambiguous"))
        else:
            changes[row] = Change(row, decision, label)
    return list(changes.values()), refused, done


def _is_same(label: str, other: str) -> bool:
    return label_text(label) == label_text(other)


def _check_rest(cleaning: Cleaning) -> None:
    if not cleaning.rows_after:
        raise InputError(
            f"All {cleaning.data.n_rows:,} rows of {cleaning.data.source} would be dropped.",
            slug="nothing-left",
            hint="Look at the decisions, or choose a higher --drop-above.",
        )
