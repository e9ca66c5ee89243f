"""`datacleanse report`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.errors import SettingsError
from datacleanse_cli import options
from datacleanse_cli.printing import say, say_json

if TYPE_CHECKING:
    from pathlib import Path


def report(
    run: options.Run,
    top: options.ListedTop = None,
    formats: options.ReportFormats = None,
    compare: options.EarlierRun = None,
    raw: options.Raw = False,
    as_json: options.Json = False,
) -> None:
    """Render the reports of a finished run again, or compare it with an earlier one."""
    if compare is not None:
        _check_alone(formats, top)
        _compare(run, compare, as_json=as_json)
        return
    from datacleanse.settings import Settings
    from datacleanse.storage.run_folder import RunFolder
    from datacleanse_reports.write import write_reports

    folder = RunFolder(run)
    as_in_run = folder.any_manifest().settings.top
    settings = Settings(top=as_in_run if top is None else top)
    written = write_reports(folder, top=settings.top, formats=formats, raw=raw)
    if as_json:
        files = {name: str(path) for name, path in written.items()}
        say_json({"run": str(run), "written": files})
        return
    say(*map(str, written.values()))


def _compare(run: Path, earlier: Path, *, as_json: bool) -> None:
    from datacleanse.storage.run_folder import RunFolder
    from datacleanse_reports.changes.view import read_changes
    from datacleanse_reports.changes.write import describe_changes as described
    from datacleanse_reports.changes.write import write_changes

    folder = RunFolder(run)
    changes = read_changes(folder, RunFolder(earlier))
    written = write_changes(changes, folder)
    if as_json:
        say_json({"run": str(run), **described(changes)})
        return
    from datacleanse_cli.changes_summary import print_changes
    from datacleanse_cli.console import Terminal

    print_changes(changes, Terminal(), written=list(written.values()))


def _check_alone(formats: list[str] | None, top: int | None) -> None:
    if formats or top is not None:
        raise SettingsError(
            f"--compare is given together with {'--format' if formats else '--top'}.",
            slug="settings-contradict",
            hint="A comparison is written as JSON and Markdown; leave the other option out.",
        )
