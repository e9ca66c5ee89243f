"""Cleaned data from decisions or flags, of tables and of pictures alike."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datacleanse.data.label_column import USUAL_NAMES
from datacleanse.data.sources import is_same_file, split_suffix
from datacleanse.data.spared_files import refuse_inputs
from datacleanse.errors import SettingsError
from datacleanse.given_paths import read_path, read_place
from datacleanse.keyword_arguments import suggest_keywords
from datacleanse.progress import follow
from datacleanse.review.audited_run import open_audited_run
from datacleanse.review.automatic import FlagLimits
from datacleanse.review.cleaning_plan import Change, Cleaning, Refusal, plan_cleaning
from datacleanse.review.joined_decisions import list_files
from datacleanse.review.verified_file import refuse_verdicts
from datacleanse.review.write_pictures import PictureOutput, choose_picture_files, is_tree
from datacleanse.review.write_table import TableOutput, choose_table_files
from datacleanse.storage.run_folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from datacleanse.data import ReadOptions
    from datacleanse.progress import ProgressOption
    from datacleanse.records import Notice
    from datacleanse.review.audited_run import AuditedRun
    from datacleanse.review.write_changes import CleanedFiles, CleanedOutput

SEPARATED = (".csv", ".tsv")
"""Endings of tables whose cells are separated by a sign."""


@dataclass(frozen=True)
class CleaningResult:
    """What `apply` did to a copy of DATA or, of a dry run, would do."""

    source: str
    """DATA, as it was named."""
    clean: tuple[str, ...]
    """CLEAN's sources in the audit, as they were named; without those that were in memory."""
    is_source_changed: bool
    """Whether DATA is another than when it was audited; each row was compared by itself."""
    rows: int
    """Rows of DATA, pictures that cannot be read included."""
    rows_after: int
    """Rows of the cleaned data."""
    relabelled: int
    """Rows that got another label."""
    dropped: int
    """Rows that were left out."""
    verified: int
    """Of both, those that were corrected as the clean set verified them."""
    automatic: int
    """Of both, those that were changed by their flags alone."""
    done: int
    """Decisions that DATA followed already."""
    kept: int
    """Rows whose label a reviewer found right."""
    unsure: int
    """Rows that a reviewer was unsure about; they stay as they are."""
    undecided: int
    """Rows that nobody decided about; they stay as they are."""
    changes: tuple[Change, ...]
    """The rows relabelled or dropped, by row of DATA."""
    refused: tuple[Refusal, ...]
    """Decisions that were not carried out, each with its reason, by row of the audit."""
    notices: tuple[Notice, ...]
    """What a person should know of the decisions."""
    cleaned: Path
    """The cleaned data: a file, or a folder of class folders."""
    diff: Path
    """The list of changes, a CSV file."""
    reading: ReadOptions
    """How the cleaned data is read again."""
    decisions: tuple[Path, ...]
    """The files of decisions, which a next audit can start from; none where the clean set and flags
    alone decided."""
    has_wrong_pairs: bool
    """Whether the run knows verified rows that were mislabelled: a next audit, told of the run by
    ``decisions``, calibrates by the labels that they had."""
    has_clean: bool
    """Whether the audit was given verified rows, as the next one will be."""
    is_written: bool
    """False of a dry run, which writes neither."""

    def to_json(self) -> dict[str, Any]:
        """The summary as plain values; refused decisions by row, id and reason."""
        return {
            "data": self.source,
            "data_changed": self.is_source_changed,
            "rows": self.rows,
            "rows_after": self.rows_after,
            "relabelled": self.relabelled,
            "dropped": self.dropped,
            "verified": self.verified,
            "automatic": self.automatic,
            "done": self.done,
            "kept": self.kept,
            "unsure": self.unsure,
            "undecided": self.undecided,
            "refused": [
                {"row": each.decision.row, "id": each.decision.id, "reason": each.reason}
                for each in self.refused
            ],
            "notices": [asdict(notice) for notice in self.notices],
            "written": self.is_written,
            "cleaned": str(self.cleaned) if self.is_written else None,
            "diff": str(self.diff) if self.is_written else None,
        }


@suggest_keywords
def apply(
    run: str | PathLike[str],
    *,
    out: str | PathLike[str] | None = None,
    data: str | PathLike[str] | None = None,
    decisions: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
    auto: bool = False,
    relabel_above: float | None = None,
    drop_above: float | None = None,
    dry_run: bool = False,
    link: bool = False,
    raw: bool = False,
    delimiter: str | None = None,
    force: bool = False,
    progress: ProgressOption = None,
) -> CleaningResult:
    """Write cleaned data: a copy of DATA with the decisions carried out, and a list of the changes.

    Rows that CLEAN showed to be mislabelled get its label, unless a reviewer decided otherwise.
    Other undecided rows stay as they are. DATA is only read; both files appear whole or not at all.

    Args:
        run: the run folder that the audit wrote.
        out: the file to write; its ending says the format. Of pictures in files a manifest, or a
            folder of class folders where it has no ending. None: ``cleaned``, with DATA's ending.
        data: where DATA lies now; None: where it was.
        decisions: a file of decisions about this run, a folder that holds one as
            ``decisions.jsonl``, or several of them, e.g. one of each reviewer. About one row the
            last one counts, but before all others one that settles. None: the run's own.
        auto: whether flagged rows are changed that nobody has decided about.
        relabel_above: with ``auto``, the mislabel probability in [0, 1] from which a flagged row
            gets its suggested label; None: never.
        drop_above: with ``auto``, the one from which it is dropped; None: never.
        dry_run: whether only to say what would be done.
        link: whether a folder is filled with symbolic links to the pictures instead of copies.
        raw: whether cells of the list of changes that a spreadsheet would run stay as they are.
        delimiter: of a CSV file; None: as in the audit.
        force: whether what stands at ``out`` may be replaced.
        progress: None shows it where a person looks, in a notebook or a terminal; True shows it
            everywhere, False nowhere; an object of your own is told of it.

    Returns:
        The changes, the decisions that could not be carried out, and where both files are.

    Raises:
        DatacleanseError: the run or DATA cannot be read, nothing has been decided, no row would be
            left, arguments contradict each other, or ``out`` is taken or cannot be written.

    Examples:
        >>> cleaned = apply("runs/orders", out="orders.cleaned.csv")  # doctest: +SKIP
    """
    folder = RunFolder(read_path("run", run))
    limits = choose_limits(auto, relabel_above, drop_above, folder)
    place = None if data is None else read_place("data", data)
    audited = open_audited_run(folder, data=place, delimiter=delimiter)
    target = None if out is None else read_path("out", out)
    output = _choose_output(audited, target, link=link)
    output.check(force=force)
    files = list_files(decisions)
    _spare_inputs(output.files, folder, files)
    with follow(progress) as told:
        cleaning = plan_cleaning(audited, decisions=files, limits=limits, progress=told)
        cleaning = replace(cleaning, notices=(*cleaning.notices, *output.note_losses(cleaning)))
        if not dry_run:
            told.stage("Writing", None)
            output.write(cleaning, raw=raw)
    return summarise_cleaning(cleaning, output.files, is_written=not dry_run)


def _spare_inputs(files: CleanedFiles, folder: RunFolder, decisions: Sequence[Path]) -> None:
    """Refuse to write over what the run was made of, or over the decisions that are applied."""
    for path in (files.cleaned, files.diff):
        refuse_inputs(path, folder.any_manifest(), by_content=False)
        refuse_verdicts(path)
        if any(is_same_file(str(each), str(path)) for each in decisions):
            raise SettingsError(
                f"{path} holds the decisions that are applied.",
                slug="output-is-input",
                hint="Choose another name with -o.",
            )


def choose_limits(
    auto: bool, relabel_above: float | None, drop_above: float | None, folder: RunFolder
) -> FlagLimits | None:
    """From which mislabel probability on flagged rows of a run are changed; None: none is.

    Raises:
        SettingsError: arguments contradict each other, or the run has no flags.
    """
    given = {"--relabel-above": relabel_above, "--drop-above": drop_above}
    for name, value in given.items():
        if value is not None and not auto:
            raise SettingsError(
                f"{name} is given without --auto.",
                slug="settings-contradict",
                hint="Add --auto to act on flags, or leave it out to apply decisions alone.",
            )
    if not auto:
        return None
    limits = FlagLimits(relabel_above, drop_above)
    _check_has_flags(folder)
    return limits


def _check_has_flags(folder: RunFolder) -> None:
    if folder.any_manifest().noise.rate is None:
        raise SettingsError(
            f"--auto acts on flagged rows, and the run in {folder.path} has none, since no row was "
            "verified.",
            slug="auto-without-flags",
            hint="Review its suspects and apply the decisions alone; or verify some rows and audit "
            "again with --val.",
        )


def _choose_output(run: AuditedRun, out: Path | None, *, link: bool) -> CleanedOutput:
    """Pictures in files are written as a manifest or a folder, all other DATA as a table."""
    if link and (run.location is not None or out is None or not is_tree(out)):
        raise SettingsError(
            "--link is given, but no folder of pictures is written.",
            slug="settings-contradict",
            hint="Name a folder with -o, without an ending, or leave --link out.",
        )
    if run.location is not None:
        files = choose_table_files(run.location, out)
        return TableOutput(files, run.location, keeps_bytes=run.listing is not None)
    assert run.listing is not None
    return PictureOutput(choose_picture_files(out), run.listing, link=link)


def summarise_cleaning(
    cleaning: Cleaning, files: CleanedFiles, *, is_written: bool
) -> CleaningResult:
    """What was done, or would be, without the data itself."""
    return CleaningResult(
        source=cleaning.data.source,
        clean=cleaning.run.clean,
        is_source_changed=cleaning.is_changed,
        rows=cleaning.data.n_rows,
        rows_after=cleaning.rows_after,
        relabelled=cleaning.relabelled,
        dropped=cleaning.dropped,
        verified=cleaning.verified,
        automatic=cleaning.automatic,
        done=cleaning.done,
        kept=cleaning.kept,
        unsure=cleaning.unsure,
        undecided=cleaning.undecided,
        changes=cleaning.changes,
        refused=cleaning.refused,
        notices=cleaning.notices,
        cleaned=files.cleaned,
        diff=files.diff,
        reading=find_reading(cleaning, files.cleaned),
        decisions=cleaning.decisions,
        has_wrong_pairs=cleaning.has_wrong_pairs,
        has_clean=cleaning.run.has_clean,
        is_written=is_written,
    )


def find_reading(cleaning: Cleaning, cleaned: Path) -> ReadOptions:
    """How the cleaned data is to be read: as DATA was, as far as that need be said."""
    options = cleaning.run.options
    names = [name for name in cleaning.data.table.column_names if name not in options.drop]
    is_usual = [name for name in names if name in USUAL_NAMES] == [options.label]
    suffix, _ = split_suffix(cleaned.name)
    # Where the format changed, the table is written with that format's own delimiter.
    has_own = suffix in SEPARATED and suffix != split_suffix(cleaning.run.source)[0]
    return replace(
        options,
        label=None if is_usual else options.label,
        delimiter=None if has_own else options.delimiter,
        seeks_id=cleaning.run.seeks_id,
    )
