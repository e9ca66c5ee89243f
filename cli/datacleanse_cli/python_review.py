"""The review page, served from within a program that goes on meanwhile."""

from __future__ import annotations

import atexit
from contextlib import ExitStack
from html import escape
from threading import Thread
from typing import TYPE_CHECKING, Self

from datacleanse.settings import check_least, make_range_error, read_number
from datacleanse.storage.run_claims import keep_folder
from datacleanse_cli import browsing
from datacleanse_cli.review_server import ReviewServer
from datacleanse_reports.served import ServedReview

if TYPE_CHECKING:
    from datacleanse.storage.run_folder import RunFolder


class RunningReview:
    """A review page that is served until it is closed; leaving a ``with`` block closes it.

    It is served on where nobody holds this, until Python ends: a link to it should not go dead.
    """

    def __init__(self, served: ServedReview, server: ReviewServer, opened: ExitStack) -> None:
        self.url = server.address
        """What to open in a browser on this machine. It holds the token that lets one in."""
        self._served, self._server, self._opened = served, server, opened
        self._is_open = True
        atexit.register(self.close)

    @property
    def n_suspects(self) -> int:
        """Suspects on the page."""
        return self._served.n_suspects

    @property
    def n_decided(self) -> int:
        """Suspects on the page that are decided."""
        return self._served.n_decided

    @property
    def is_open(self) -> bool:
        """Whether the page is served."""
        return self._is_open

    def close(self) -> None:
        """Stop serving; what was decided is saved. Closing twice is once."""
        if not self._is_open:
            return
        self._is_open = False
        atexit.unregister(self.close)
        self._server.shutdown()
        self._served.finish()
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = f"at {self.url}" if self.is_open else "closed"
        return f"<Review {state}, {self._count()}>"

    def _repr_html_(self) -> str:
        if not self.is_open:
            return f"<p>Review closed, {self._count()}. <code>result.cleaned()</code></p>"
        return (
            f'<p><a href="{escape(self.url)}" target="_blank" rel="noopener noreferrer">Review '
            f"the suspects</a>, {self._count()}. The link works in a browser on the machine that "
            "Python runs on, until <code>.close()</code>.</p>"
        )

    def _count(self) -> str:
        return f"{self.n_decided:,} of {self.n_suspects:,} decided"


def start_review(
    folder: RunFolder, *, first: int, reviewer: str | None, open_browser: bool, held: object
) -> RunningReview:
    """Serve the review page of a run on a thread of its own.

    Args:
        folder: of a finished run.
        first: rank of the first suspect on the page.
        reviewer: who decides; None: this user.
        open_browser: whether the page is opened in a browser.
        held: kept alive as long as the page is served, such as a temporary folder.

    Raises:
        DatacleanseError: the run cannot be read, or another program is at work on it; or an
            argument is of another type, or ``first`` is below 1.
    """
    first = int(read_number("first", first, is_whole=True))
    check_least("first", first, 1)
    if not isinstance(reviewer, str | None):
        raise make_range_error("reviewer", reviewer, "a name")
    with ExitStack() as begun:
        begun.callback(_let_go, held)
        # Held until the end: an audit that replaces the run would remove the decisions.
        begun.enter_context(keep_folder(folder))
        served = ServedReview(folder, first=first, reviewer=reviewer or browsing.find_user_name())
        server = begun.enter_context(ReviewServer(served))
        Thread(target=server.serve_forever, args=(0.2,), daemon=True).start()
        begun.enter_context(browsing.open_browser(folder.path, server.address, wanted=open_browser))
        return RunningReview(served, server, begun.pop_all())


def _let_go(held: object) -> None:
    """Nothing: what was held until now may go."""
    del held
