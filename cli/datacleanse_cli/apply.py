"""`datacleanse apply`."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from datacleanse.errors import InputError, SettingsError
from datacleanse_cli import options
from datacleanse_cli.progress import shown_progress

if TYPE_CHECKING:
    from collections.abc import Iterator


def apply(
    run: options.Run,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="File to write, its ending says the format; of pictures in files a manifest, or a "
            "folder of class folders where the name has no ending.",
            show_default="cleaned, with the data's ending or .csv",
        ),
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="Where the audited table lies now, if it was moved.")
    ] = None,
    decisions: Annotated[
        Path | None,
        typer.Option(help="Decisions that the review page saved.", show_default="the run's own"),
    ] = None,
    auto: Annotated[
        bool,
        typer.Option(
            "--auto",
            help="Act on flags that nobody has reviewed, too. Says what would be done; add --yes "
            "to have it done.",
        ),
    ] = False,
    relabel_above: Annotated[
        float | None,
        typer.Option(
            help="With --auto: give flagged rows their suggested label from this mislabel "
            "probability on."
        ),
    ] = None,
    drop_above: Annotated[
        float | None,
        typer.Option(help="With --auto: drop flagged rows from this mislabel probability on."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="With --auto: write the files.")] = False,
    link: Annotated[
        bool,
        typer.Option(
            "--link", help="Fill a folder of pictures with symbolic links instead of copies."
        ),
    ] = False,
    raw: options.Raw = False,
    delimiter: options.Delimiter = None,
    force: options.Force = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Write cleaned data: a copy with the decisions carried out, and a list of the changes.

    Undecided rows stay as they are. The audited table itself is never touched.
    """
    _check_flags(auto, relabel_above, drop_above, yes)
    from datacleanse.data.sources import locate
    from datacleanse.review.audited_run import audited, listed
    from datacleanse.review.automatic import Automatic
    from datacleanse.review.cleaning_plan import plan_cleaning
    from datacleanse.review.write_pictures import (
        check_picture_files,
        cleaned_picture_files,
        is_tree,
        write_cleaned_pictures,
    )
    from datacleanse.review.write_table import (
        check_files,
        check_keeps_bytes,
        cleaned_files,
        describe,
        write_cleaned,
    )
    from datacleanse.storage.run_folder import RunFolder

    automatic = Automatic(relabel_above, drop_above) if auto else None
    what = audited(RunFolder(run), data=data, delimiter=delimiter)
    with _said_to_be_moved(is_given=data is not None):
        listing = listed(what)
        is_of_files = listing is not None and listing.path is not None
        location = None if is_of_files else locate(what.source)
    _check_link(link, is_of_files and out is not None and is_tree(out))
    if location is None:
        assert listing is not None
        files = cleaned_picture_files(out)
        check_picture_files(files, listing, force=force)
    else:
        files = cleaned_files(location, out)
        check_files(files, location, force=force)
        if listing is not None:
            check_keeps_bytes(files, location)
    is_dry = auto and not yes
    with shown_progress(quiet=quiet) as progress:
        cleaning = plan_cleaning(what, decisions=decisions, automatic=automatic, progress=progress)
        if not is_dry:
            progress.stage("Writing", None)
            if is_of_files:
                write_cleaned_pictures(cleaning, files, raw=raw, link=link)
            else:
                write_cleaned(cleaning, files, raw=raw)
    if as_json:
        described = describe(cleaning, None if is_dry else files)
        typer.echo(json.dumps({"run": str(run), **described}, ensure_ascii=False))
        return
    from datacleanse_cli.cleaning_summary import print_cleaning
    from datacleanse_cli.console import Terminal

    print_cleaning(cleaning, files, Terminal(), run=run, is_dry=is_dry)


def _check_flags(
    auto: bool, relabel_above: float | None, drop_above: float | None, yes: bool
) -> None:
    given = {"--relabel-above": relabel_above, "--drop-above": drop_above, "--yes": yes or None}
    for name, value in given.items():
        if value is not None and not auto:
            raise SettingsError(
                f"{name} is given without --auto.",
                slug="settings-contradict",
                hint="Add --auto to act on flags, or leave it out to apply decisions alone.",
            )


def _check_link(link: bool, is_for_folder: bool) -> None:
    if link and not is_for_folder:
        raise SettingsError(
            "--link is given, but no folder of pictures is written.",
            slug="settings-contradict",
            hint="Name a folder with -o, without an ending, or leave --link out.",
        )


@contextmanager
def _said_to_be_moved(*, is_given: bool) -> Iterator[None]:
    """Say of audited data that is not where it was how to tell where it is."""
    try:
        yield
    except InputError as error:
        if error.slug != "file-missing" or is_given:
            raise
        raise InputError(
            f"The audited table {error.message}",
            slug=error.slug,
            hint="Say where it is now with --data, or go to the folder where the audit was run.",
        ) from error
