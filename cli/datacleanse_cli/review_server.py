"""The server of a review or a verification: this machine only, one page, one list of decisions.

Everything on a machine can reach 127.0.0.1, every web page in the user's browser too. So each
request must bear the token that only the printed address holds, must name this very host (a foreign
name that resolves to 127.0.0.1 does not) and must not come from another origin.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import SplitResult, parse_qs, urlsplit

from datacleanse.errors import DatacleanseError, OutputError, SettingsError
from datacleanse_reports.answers import ConflictError, QuestionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from datacleanse_reports.answers import Answer

HOST = "127.0.0.1"

MAX_BODY = 1 << 16
"""Bytes of a request's body; a decision takes a few hundred."""

TIMEOUT = 10.0
"""Seconds that a request may take to arrive."""

TOKEN_HEADER = "X-Datacleanse-Token"

_FOREIGN = "Requests from other pages are refused: type or paste the printed address."

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Served(Protocol):
    """What is served: a page, and what it asks for and sends. Called from several threads."""

    page: bytes
    """The page, UTF-8."""

    def find_answer(self, path: str) -> Answer | None:
        """What the page asks for at a path, which begins with /; None: there is nothing."""

    def take_in(self, path: str, asked: object) -> object | None:
        """What is to be confirmed of JSON that the page sent; None: nothing is taken there."""


class ReviewServer(ThreadingHTTPServer):
    """Serves one page on 127.0.0.1 until it is shut down."""

    daemon_threads = True
    # A restart on the same port need not wait for the connections of before; on Windows this would
    # let two programs listen there.
    allow_reuse_address = os.name != "nt"
    request_queue_size = 1024

    def __init__(self, served: Served, *, port: int = 0, token: str | None = None) -> None:
        """Take a port.

        Args:
            served: what is served.
            port: 0 takes any that is free.
            token: what each request must bear; None makes one.

        Raises:
            SettingsError: the port is taken, or not to be had.
        """
        self.served = served
        self.token = make_token() if token is None else token
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            raise SettingsError(
                f"Port {port} of {HOST} cannot be used: {error.strerror or error}.",
                slug="port-unusable",
                hint="Leave --port out to take any free one.",
            ) from error

    @property
    def origin(self) -> str:
        """What the browser calls this server."""
        return f"http://{HOST}:{self.server_address[1]}"

    @property
    def address(self) -> str:
        """What to open in the browser, the token included."""
        return f"{self.origin}/?token={self.token}"

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # socketserver's
        """A browser that went away, or never got to the point, is no error."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def make_token() -> str:
    """A secret that nobody can guess, fit for an address."""
    return secrets.token_urlsafe(24)


def _choose_status(error: DatacleanseError) -> HTTPStatus:
    """The status by which the page knows what to do about an error."""
    if isinstance(error, QuestionError):
        return HTTPStatus.PRECONDITION_REQUIRED
    return HTTPStatus.CONFLICT if isinstance(error, ConflictError) else HTTPStatus.BAD_REQUEST


class _RefusedError(Exception):
    """A request that is not answered with what it asked for."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    server: ReviewServer
    timeout = TIMEOUT
    server_version = "datacleanse"
    sys_version = ""
    default_request_version = "HTTP/1.0"
    """Also of requests that name none: the base class would answer those without headers."""

    def do_GET(self) -> None:
        """Answer with the page, or with what it asks for."""
        self._answer(self._get)

    def do_POST(self) -> None:
        """Take in a decision."""
        self._answer(self._post)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no request that is served here, with the headers of every answer."""
        del message, explain
        status = HTTPStatus(code)
        self.close_connection = True
        self._send(status, "text/plain; charset=utf-8", f"{status.phrase}.".encode())

    def log_message(self, format: str, *args: object) -> None:
        """Silence: the terminal is the reviewer's."""

    def _answer(self, reply: Callable[[], tuple[str, bytes]]) -> None:
        try:
            self._check_sender()
            kind, content = reply()
            self._send(HTTPStatus.OK, kind, content)
        except _RefusedError as refused:
            self._send(refused.status, "text/plain; charset=utf-8", str(refused).encode())
        except OutputError as error:
            text = f"{error.message} {error.hint}".encode()
            self._send(HTTPStatus.INSUFFICIENT_STORAGE, "text/plain; charset=utf-8", text)
        except DatacleanseError as error:
            text = f"{error.message} {error.hint}".strip().encode()
            self._send(_choose_status(error), "text/plain; charset=utf-8", text)

    def _check_sender(self) -> None:
        own = self.server.origin
        if self.headers.get_all("Host", []) != [own.removeprefix("http://")]:
            raise _RefusedError(HTTPStatus.FORBIDDEN, "This server has another name.")
        if self.headers.get("Origin", own) != own:
            raise _RefusedError(HTTPStatus.FORBIDDEN, _FOREIGN)
        site = self.headers.get("Sec-Fetch-Site", "none")
        if site not in ("none", "same-origin") and not self._is_entering():
            raise _RefusedError(HTTPStatus.FORBIDDEN, _FOREIGN)
        # Where the header is, it alone counts, an empty one too.
        given = self.headers.get(TOKEN_HEADER)
        if given is None:
            given = parse_qs(self._asked().query).get("token", [""])[0]
        # As bytes: text that is not ASCII cannot be compared in constant time.
        if not hmac.compare_digest(given.encode(), self.server.token.encode()):
            raise _RefusedError(
                HTTPStatus.FORBIDDEN, "The token is missing or wrong: open the printed address."
            )

    def _is_entering(self) -> bool:
        """Whether a tab comes to the page: to the browser, the file that leads here is foreign."""
        how = self.headers.get("Sec-Fetch-Mode"), self.headers.get("Sec-Fetch-Dest")
        asked = self.command, self._asked().path
        return how == ("navigate", "document") and asked == ("GET", "/")

    def _asked(self) -> SplitResult:
        try:
            return urlsplit(self.path)
        except ValueError as error:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "This is no address.") from error

    def _get(self) -> tuple[str, bytes]:
        path = self._asked().path
        if path == "/":
            return "text/html; charset=utf-8", self.server.served.page
        answer = self.server.served.find_answer(path)
        if answer is None:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "There is nothing here.")
        return answer.kind, answer.content

    def _post(self) -> tuple[str, bytes]:
        # Only the page itself can send the token as a header: forms of other pages cannot.
        if TOKEN_HEADER not in self.headers:
            raise _RefusedError(HTTPStatus.FORBIDDEN, f"{TOKEN_HEADER} is missing.")
        taken = self.server.served.take_in(self._asked().path, self._json())
        if taken is None:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "There is nothing here.")
        return "application/json", json.dumps(taken).encode()

    def _json(self) -> object:
        lengths = self.headers.get_all("Content-Length", [])
        length = lengths[0] if len(lengths) == 1 else ""
        if not (length.isascii() and length.isdecimal()):
            raise _RefusedError(HTTPStatus.LENGTH_REQUIRED, "The length of the body is missing.")
        # A number of many digits is refused before it is read.
        if len(length) > 9 or int(length) > MAX_BODY:
            raise _RefusedError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is over {MAX_BODY} bytes."
            )
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "The body is shorter than its length says.")
        try:
            return json.loads(body.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "The body is no JSON.") from error

    def _send(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
