"""`datacleanse apply`."""

from __future__ import annotations

from datacleanse.errors import SettingsError
from datacleanse_cli import options
from datacleanse_cli.printing import say_json
from datacleanse_cli.progress import show_progress


def apply(
    run: options.Run,
    out: options.CleanedOut = None,
    data: options.MovedData = None,
    decisions: options.DecisionsFiles = None,
    auto: options.Auto = False,
    relabel_above: options.RelabelAbove = None,
    drop_above: options.DropAbove = None,
    yes: options.Yes = False,
    link: options.Link = False,
    raw: options.Raw = False,
    delimiter: options.Delimiter = None,
    force: options.Force = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Write cleaned data: a copy with the decisions carried out, and a list of the changes.

    Undecided rows stay as they are. The audited table itself is never touched.
    """
    _check_yes(yes, auto=auto)
    from datacleanse.review.apply import apply as write_cleaned_data

    with show_progress(quiet=quiet) as progress:
        cleaned = write_cleaned_data(
            run,
            out=out,
            data=data,
            decisions=decisions,
            auto=auto,
            relabel_above=relabel_above,
            drop_above=drop_above,
            dry_run=auto and not yes,
            link=link,
            raw=raw,
            delimiter=delimiter,
            force=force,
            progress=progress,
        )
    if as_json:
        say_json({"run": str(run), **cleaned.to_json()})
        return
    from datacleanse_cli.cleaning_summary import print_cleaning
    from datacleanse_cli.console import Terminal

    print_cleaning(cleaned, Terminal(), run=run)


def _check_yes(yes: bool, *, auto: bool) -> None:
    if yes and not auto:
        raise SettingsError(
            "--yes is given without --auto.",
            slug="settings-contradict",
            hint="Add --auto to act on flags, or leave it out to apply decisions alone.",
        )
