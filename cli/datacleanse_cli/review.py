"""`datacleanse review`."""

from __future__ import annotations

import getpass
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING

import typer

from datacleanse_cli import options
from datacleanse_cli.next_commands import propose_apply

if TYPE_CHECKING:
    from datacleanse.storage.run_folder import RunFolder
    from datacleanse_reports.served import ServedReview


def review(
    run: options.Run,
    first: options.FirstRank = 1,
    reviewer: options.Reviewer = None,
    port: options.Port = 0,
    no_browser: options.NoBrowser = False,
) -> None:
    """Review the suspects in the browser; each decision is saved as it is made."""
    from datacleanse.storage.run_claims import keep_folder
    from datacleanse.storage.run_folder import RunFolder

    # Held until the end: an audit with --force would remove the decisions as they are made.
    with keep_folder(RunFolder(run)):
        _serve(RunFolder(run), first, reviewer, port, no_browser=no_browser)


def _serve(
    folder: RunFolder, first: int, reviewer: str | None, port: int, *, no_browser: bool
) -> None:
    from datacleanse_cli.review_server import ReviewServer
    from datacleanse_reports.served import ServedReview

    served = ServedReview(folder, first=first, reviewer=reviewer or _find_user_name())
    for notice in served.notices():
        typer.echo(notice.message, err=True)
    typer.echo(f"Suspects: {served.n_suspects}, of which {served.n_decided} are decided already.")
    with ReviewServer(served, port=port) as server:
        typer.echo(f"Review: {server.address}")
        typer.echo("Press Ctrl-C when you are done.")
        if not no_browser:
            _open(server.address)
        # Both are how a review ends: nothing is left to be saved or gone on with.
        with suppress(KeyboardInterrupt):
            server.serve_forever(poll_interval=0.2)
    _take_leave(served, folder)


def _take_leave(served: ServedReview, folder: RunFolder) -> None:
    served.finish()
    typer.echo(f"\nDecided: {served.n_decided} of {served.n_suspects} suspects.")
    if folder.decisions_file.is_file():
        typer.echo(f"Saved: {folder.decisions_file}")
        typer.echo(f"Next: {propose_apply(folder.path, folder.manifest().data.source)}")


def _open(address: str) -> None:
    import webbrowser

    # In a thread of its own: a browser in the terminal would keep the server from answering it.
    Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def _find_user_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user that the system does not know by name
        return ""
