"""`datacleanse sample`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from datacleanse.errors import SettingsError
from datacleanse.notices import NoticeLog
from datacleanse.storage.atomic_files import check_free
from datacleanse_cli import audit_options, options
from datacleanse_cli.next_commands import propose_run, spell_command, spell_reading
from datacleanse_cli.printing import say, tell_notices
from datacleanse_cli.progress import show_progress
from datacleanse_reports.next_step import spell_place

if TYPE_CHECKING:
    from datacleanse.data import ReadOptions
    from datacleanse.progress import Progress


def sample(
    data: options.Data,
    out: options.SampleOut = Path("to_verify.csv"),
    n: options.SampleRows = 200,
    label: options.Label = None,
    id_: options.Id = None,
    no_id: options.NoId = False,
    drop: options.Drop = None,
    missing: audit_options.Missing = None,
    task: audit_options.Task = "auto",
    decimal: audit_options.Decimal = None,
    delimiter: options.Delimiter = None,
    seed: options.DrawSeed = 0,
    force: options.Force = False,
    quiet: options.Quiet = False,
) -> None:
    """Draw rows for a person to verify, each class in proportion: they become the clean set.

    With --task regression, low and high numbers in proportion.
    """
    from datacleanse.data import ReadOptions
    from datacleanse.settings import Settings

    settings = Settings(seed=seed)
    _check(n)
    _check_place(out, data, force=force)
    reading = ReadOptions(
        label=label,
        id=id_,
        drop=tuple(drop or ()),
        delimiter=delimiter,
        missing=None if missing is None else tuple(missing),
        seeks_id=not no_id,
        task=task,  # type: ignore[arg-type]  # ReadOptions checks it
        decimal=decimal,  # type: ignore[arg-type]  # so does it
    )
    log = NoticeLog()
    with show_progress(quiet=quiet) as progress:
        drawn = _draw(data, reading, n, out, seed=settings.seed, log=log, progress=progress)
    tell_notices(log, quiet=quiet)
    words = ["audit", spell_place(data), "--val", spell_place(out), *spell_reading(reading)]
    command = spell_command(*words, *propose_run(data))
    if drawn.n_drawn == drawn.n_rows:
        then = ". None is left to be audited: draw fewer with -n, and name them with --val."
    else:
        then = ", then:"
    what = "low and high numbers" if task == "regression" else "every class"
    say(
        f"{drawn.n_drawn} of {drawn.n_rows} {drawn.noun} drawn, {what} in proportion: {out}",
        f"Check the column {drawn.label!r} of each row, correct it where it is wrong{then}",
        *([] if drawn.n_drawn == drawn.n_rows else [f"  {command}"]),
    )


def _check(n: int) -> None:
    if n < 1:
        raise SettingsError(
            f"-n is {n}.", slug="setting-out-of-range", hint="Draw at least 1 row, better 200."
        )


def _check_place(out: Path, data: str, *, force: bool) -> None:
    """Refuse a place that is taken, and any where DATA or verdicts lie."""
    from datacleanse.data import check_target
    from datacleanse.data.sources import would_be_shard
    from datacleanse.review.verified_file import refuse_verdicts

    check_free(out, force=force)
    check_target(out, source=data)
    refuse_verdicts(out)
    if would_be_shard(data, out):
        raise SettingsError(
            f"{out} {'is' if out.exists() else 'would become'} a part of {data}, which is read.",
            slug="output-is-input",
            hint="Choose a place outside that folder with -o.",
        )


@dataclass(frozen=True)
class _Drawn:
    """What was drawn."""

    n_drawn: int
    n_rows: int
    """Rows of DATA."""
    noun: Literal["rows", "pictures"]
    label: str
    """Name of the label column."""


def _draw(
    data: str,
    reading: ReadOptions,
    n: int,
    out: Path,
    *,
    seed: int,
    log: NoticeLog,
    progress: Progress,
) -> _Drawn:
    """Read DATA, draw rows or pictures of it and write them; warnings go to the log."""
    from datacleanse.data import read_data, sample_rows
    from datacleanse.data.spelled_rows import find_row_source
    from datacleanse.data.write_spelled import write_spelled
    from datacleanse.pictures.find import ask_for_data, find_pictures
    from datacleanse.pictures.read import read_listing
    from datacleanse.pictures.sample import check_sample_target, spell_sample

    progress.stage("Reading", None)
    listing = find_pictures(data, ask_for_data(reading))
    if listing is None:
        dataset = read_data(data, reading, progress=progress)
    else:
        check_sample_target(listing, out)
        dataset = read_listing(listing)
    log.add(notice for notice in dataset.notices if notice.is_warning)
    rows = sample_rows(dataset, n, seed=seed)
    if listing is None:
        origin = find_row_source(data, dataset.table, reading)
        # DATA and CLEAN are read with one delimiter.
        write_spelled(partial(origin.read, rows), out, delimiter=reading.delimiter)
    else:
        spelled = spell_sample(listing, rows, out)
        write_spelled(lambda: iter([spelled]), out, delimiter=reading.delimiter)
    noun: Literal["rows", "pictures"] = "rows" if listing is None else "pictures"
    return _Drawn(len(rows), dataset.n_rows, noun, dataset.schema.label)
