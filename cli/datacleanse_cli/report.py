"""`datacleanse report`."""

from __future__ import annotations

from typing import Annotated

import typer

from datacleanse_cli import options


def report(
    run: options.Run,
    top: Annotated[
        int | None, typer.Option(help="Suspects to list.", show_default="as in the run")
    ] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format", "-f", show_default="all", help="csv, json, md or html. Repeatable."
        ),
    ] = None,
) -> None:
    """Render the reports of a finished run again."""
    from datacleanse.config import Settings
    from datacleanse.runfolder import RunFolder
    from datacleanse_reports.write import write_reports

    folder = RunFolder(run)
    as_in_run = folder.manifest().get("settings", {}).get("top", Settings.top)
    settings = Settings(top=as_in_run if top is None else top)
    for path in write_reports(folder, top=settings.top, formats=formats).values():
        typer.echo(str(path))
