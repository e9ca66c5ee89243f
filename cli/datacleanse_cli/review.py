"""`datacleanse review`."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from datacleanse.errors import SettingsError
from datacleanse_cli import options
from datacleanse_cli.browsing import find_user_name, open_browser
from datacleanse_cli.next_commands import propose_apply
from datacleanse_cli.printing import say

if TYPE_CHECKING:
    from datacleanse.storage.run_folder import RunFolder
    from datacleanse_cli.review_server import ReviewServer
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
    from datacleanse_reports.served import ServedReview

    served = ServedReview(folder, first=first, reviewer=reviewer or find_user_name())
    say(*(notice.message for notice in served.notices()), err=True)
    say(f"Suspects: {served.n_suspects}, of which {served.n_decided} are decided already.")
    # Both are how a review ends: nothing is left to be saved or gone on with.
    with _open_server(served, folder, port) as server, suppress(KeyboardInterrupt):
        say(f"Review: {server.address}", "Press Ctrl-C when you are done.")
        with open_browser(folder.path, server.address, wanted=not no_browser):
            server.serve_forever(poll_interval=0.2)
    _take_leave(served, folder)


def _open_server(served: ServedReview, folder: RunFolder, port: int) -> ReviewServer:
    """Serve where the review of this run was served last, so that a tab that is open goes on."""
    from datacleanse_cli.kept_address import KeptAddress, keep_address, recall_address
    from datacleanse_cli.review_server import ReviewServer

    kept = recall_address(folder.review_address_file)
    try:
        server = ReviewServer(served, port=port or kept.port, token=kept.token)
    except SettingsError:
        if port or not kept.port:
            raise
        server = ReviewServer(served, token=kept.token)  # somebody else has the port by now
    address = KeptAddress(server.server_address[1], server.token)
    keep_address(folder.review_address_file, address)
    return server


def _take_leave(served: ServedReview, folder: RunFolder) -> None:
    served.finish()
    say("", f"Decided: {served.n_decided} of {served.n_suspects} suspects.")
    if served.decisions():
        say(
            f"Saved: {folder.decisions_file}",
            f"Next: {propose_apply(folder.path, folder.any_manifest().data.source)}",
        )
