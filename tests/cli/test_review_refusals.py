"""What the server of the review refuses, and with which headers it answers."""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress

import pytest

from datacleanse_cli.review_server import TOKEN_HEADER
from datacleanse_reports.served import ServedReview
from tests.cli.test_review import ask, folder, send, server, written

__all__ = ["folder", "server", "written"]  # fixtures


@pytest.mark.parametrize("given", ["", "wrong"])
def test_the_header_alone_counts_where_there_is_one(given, server, folder):
    body = json.dumps({"row": 1, "action": "drop"})
    path, headers = f"?token={server.token}", {TOKEN_HEADER: given}

    assert ask(server, "POST", f"/decisions{path}", body=body, token=False, **headers)[0] == 403
    assert ask(server, "GET", f"/{path}", token=False, **headers)[0] == 403
    assert not folder.decisions_file.exists()


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Mode": "cors"}, 403),
        ({"Sec-Fetch-Dest": "iframe"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_a_tab_may_come_from_elsewhere_to_the_page_alone(changed, status, server):
    """So does the file that the browser is handed."""
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    headers |= {"Sec-Fetch-Dest": "document", **changed}

    assert ask(server, "GET", f"/?token={server.token}", token=False, **headers)[0] == status
    assert ask(server, "GET", "/", token=False, **headers)[0] == 403
    assert ask(server, "GET", "/decisions", **headers)[0] == 403
    assert ask(server, "POST", "/decisions", body="{}", **headers)[0] == 403


@pytest.mark.parametrize("extra", [100, 1])
def test_a_body_that_ends_early_is_refused(extra, server, folder):
    body = json.dumps({"row": 1, "action": "drop"})
    with socket.create_connection(server.server_address, timeout=10) as stream:
        head = (
            f"POST /decisions HTTP/1.1\r\nHost: 127.0.0.1:{server.server_address[1]}\r\n"
            f"{TOKEN_HEADER}: {server.token}\r\nContent-Length: {len(body) + extra}\r\n\r\n"
        )
        stream.sendall((head + body).encode())
        stream.shutdown(socket.SHUT_WR)
        reply = stream.recv(200)

    assert b" 400 " in reply
    assert not folder.decisions_file.exists()


def test_two_lengths_of_a_body_are_refused(server):
    head = "POST /decisions HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3"

    assert b" 411 " in send(server, head)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("PUT / HTTP/1.1", 501),
        ("HEAD / HTTP/1.1", 501),
        ("OPTIONS * HTTP/1.1", 501),
        ("<script>alert(1)</script> / HTTP/1.1", 501),
        ("<script>alert(1)</script>", 400),
        ("GET / HTTP/9.9", 505),
        ("GET / HTTP/1.1\r\n" + "a: b\r\n" * 200, 431),
        ("GET /" + "a" * 70_000 + " HTTP/1.1", 414),
        ("GET /", 200),
        ("POST /", 400),
    ],
)
def test_every_answer_has_the_headers_and_echoes_nothing(head, status, server):
    """Those of the base class too, and those to the first version of HTTP."""
    reply = b""
    with socket.create_connection(server.server_address, timeout=10) as stream:
        lines = f"{head}\r\nHost: 127.0.0.1:{server.server_address[1]}\r\n"
        with suppress(OSError):
            stream.sendall(f"{lines}{TOKEN_HEADER}: {server.token}\r\n\r\n".encode())
            while len(reply) < 600 and (part := stream.recv(600)):
                reply += part

    assert reply.startswith(f"HTTP/1.0 {status} ".encode())
    assert b"X-Content-Type-Options: nosniff" in reply
    assert b"frame-ancestors 'none'" in reply
    assert b"alert" not in reply


def test_a_run_that_may_not_be_written_is_shown_and_says_so_at_once(folder, monkeypatch):
    assert not ServedReview(folder, first=1, reviewer="Ada").notices()
    monkeypatch.setattr(os, "access", lambda place, mode: False)
    served = ServedReview(folder, first=1, reviewer="Ada")
    (notice,) = served.notices()
    assert notice.message.startswith("Nothing that you decide can be saved: ")
    assert str(folder.decisions_file) in notice.message
    assert b"Label audit" in served.page
