"""`datacleanse verify`."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from datacleanse.errors import SettingsError
from datacleanse.notices import NoticeLog
from datacleanse_cli import audit_options, options
from datacleanse_cli.browsing import find_user_name, open_browser
from datacleanse_cli.next_commands import propose_run, spell_command, spell_reading
from datacleanse_cli.printing import say, tell_notices
from datacleanse_cli.progress import show_progress
from datacleanse_reports.next_step import spell_options, spell_place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacleanse.data import ReadOptions
    from datacleanse.review.verification import Verification
    from datacleanse_cli.review_server import ReviewServer
    from datacleanse_reports.verification import ServedVerification

OTHER_FORMATS = (".csv", ".tsv", ".parquet", ".feather", ".arrow")
"""Endings of tables that a file of verdicts is none of."""

GRACE = 30.0
"""Seconds for which the page of a finished verification is still served, so that the last verdict
can be undone."""


def verify(
    data: options.Data,
    n: options.SampleRows = 200,
    out: options.VerifiedOut = Path("verified.jsonl"),
    val: options.VerifiedBefore = None,
    label: options.Label = None,
    id_: options.Id = None,
    no_id: options.NoId = False,
    drop: options.Drop = None,
    missing: audit_options.Missing = None,
    task: audit_options.Task = "auto",
    decimal: audit_options.Decimal = None,
    delimiter: options.Delimiter = None,
    seed: options.DrawSeed = 0,
    by_class: options.ByClass = False,
    blind: options.Blind = False,
    new_class: options.NewClass = None,
    reviewer: options.Reviewer = None,
    port: options.Port = 0,
    no_browser: options.NoBrowser = False,
    quiet: options.Quiet = False,
) -> None:
    """Verify labels of rows drawn at random, one key a row: they become the clean set."""
    from datacleanse.data import ReadOptions, check_target
    from datacleanse.data.sources import check_exists, is_same_file
    from datacleanse.review.drawn_rows import draw_from
    from datacleanse.review.verification import open_verification
    from datacleanse.settings import Settings

    settings = Settings(seed=seed)
    _check(n, out)
    _check_by_class(by_class, task)
    check_target(out, source=data, suffix=".jsonl")
    earlier = [source for source in val or () if not is_same_file(source, str(out))]
    for source in earlier:
        check_exists(source)
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
    with show_progress(quiet=quiet) as progress:
        drawing = draw_from(
            data, reading, n, seed=settings.seed, by_class=by_class, progress=progress
        )
    log = NoticeLog()
    log.add(notice for notice in drawing.notices if notice.is_warning)
    with open_verification(out, drawing, new_class or ()) as verification:
        log.add(verification.notices)
        tell_notices(log, quiet=quiet)
        if verification.n_open:
            name = reviewer or find_user_name()
            _serve(verification, name, port, is_blind=blind, no_browser=no_browser)
        _take_leave(verification, reading, data, earlier)


def _check(n: int, out: Path) -> None:
    from datacleanse.data.sources import split_suffix

    if n < 1:
        raise SettingsError(
            f"-n is {n}.", slug="setting-out-of-range", hint="Draw at least 1 row, better 200."
        )
    suffix, compression = split_suffix(out.name)
    if compression is not None or suffix in OTHER_FORMATS:
        raise SettingsError(
            f"{out} cannot be called so: verdicts are lines of JSON.",
            slug="format-not-verdicts",
            hint="Choose a name that ends in .jsonl with -o.",
        )


def _check_by_class(by_class: bool, task: str) -> None:
    if by_class and task == "regression":
        raise SettingsError(
            "--by-class does not go with --task regression: numbers are no classes.",
            slug="settings-contradict",
            hint="Leave --by-class out; rows are drawn with the same chance.",
        )


def _serve(
    verification: Verification, reviewer: str, port: int, *, is_blind: bool, no_browser: bool
) -> None:
    from datacleanse_cli.review_server import ReviewServer
    from datacleanse_reports.verification import ServedVerification

    served = ServedVerification(verification, reviewer=reviewer, is_blind=is_blind)
    n_rows = len(verification.drawing.rows)
    say(f"Rows to verify: {n_rows}, of which {n_rows - verification.n_open} are done already.")
    # Both are how it ends: nothing is left to be saved.
    with ReviewServer(served, port=port) as server, suppress(KeyboardInterrupt):
        say(f"Verify: {server.address}", "Press Ctrl-C when you want to stop; all is saved.")
        folder = verification.path.absolute().parent
        with open_browser(folder, server.address, wanted=not no_browser):
            _answer_until_finished(server, served)
    verification.close()


def _answer_until_finished(server: ReviewServer, served: ServedVerification) -> None:
    """Serve until the reviewer says so, or for a while after the last verdict."""
    server.timeout = 0.2
    ends_at: float | None = None
    while not served.has_finished.is_set():
        server.handle_request()
        if served.log.n_open:
            ends_at = None
        elif ends_at is None:
            ends_at = time.monotonic() + GRACE
            say("All rows are verified. Press Enter on the page, or wait half a minute.")
        elif time.monotonic() > ends_at:
            break
    time.sleep(0.2)  # the answer to the last request is on its way


def _take_leave(
    verification: Verification, reading: ReadOptions, data: str, earlier: Sequence[str]
) -> None:
    """Say what share is wrong, and the command that goes on."""
    from datacleanse_reports.verification import say_more, say_share

    share = verification.measure()
    more = say_more(share)
    say("", f"{say_share(share)}.", *([f"{more[0].upper()}{more[1:]}."] if more else []))
    if verification.path.is_file():
        say(f"Saved: {verification.path}")
    if share.n_judged >= verification.drawing.draw.data_rows:
        say("Every row of the data is verified: nothing is left to be audited.")
    elif share.n_judged:
        clean = [*map(spell_place, earlier), spell_place(verification.path)]
        words = ["audit", spell_place(data), *spell_options(("--val", clean))]
        words += [*spell_reading(reading), *propose_run(data)]
        say(f"Next: {spell_command(*words)}")
    if verification.n_open:
        say("To go on, repeat the command; rows that are done are not asked about again.")
