"""`datacleanse review`: what the server refuses, and that nothing decided is ever lost."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Thread
from urllib.parse import urlsplit

import pytest

from datacleanse.errors import InputError, OutputError, SettingsError
from datacleanse.review.decisions import read_decisions
from datacleanse_cli.review_server import MAX_BODY, TOKEN_HEADER, ReviewServer
from datacleanse_reports.served import ServedReview
from tests.browser import until
from tests.cli.conftest import run_here, run_program
from tests.cli.serving import running, started
from tests.reports.conftest import Fabricated
from tests.reports.made_numbers import FabricatedNumbers


@pytest.fixture(scope="module")
def written(tmp_path_factory, request):
    """A run of classes, or of what a test asks for."""
    run = getattr(request, "param", Fabricated)()
    run.n_rows, run.knows_rows = 60, False
    return run.write(tmp_path_factory.mktemp("runs") / "people")


BOTH = pytest.mark.parametrize(
    "written", [Fabricated, FabricatedNumbers], ids=["classes", "numbers"], indirect=True
)
"""For tests that hold of classes and of numbers."""


@pytest.fixture
def folder(written):
    yield written
    written.decisions_file.unlink(missing_ok=True)


@pytest.fixture
def server(folder):
    with ReviewServer(ServedReview(folder, first=1, reviewer="Ada")) as running:
        thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def send(server, head):
    """The start of the reply to a request that no client would make."""
    with socket.create_connection(server.server_address, timeout=10) as stream:
        port = server.server_address[1]
        lines = f"{head}\r\nHost: 127.0.0.1:{port}\r\n{TOKEN_HEADER}: {server.token}\r\n\r\n"
        stream.sendall(lines.encode())
        return stream.recv(200)


def ask(server, method, path, *, body=None, token=True, **headers):
    """Status and text of the reply."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=30)
    sent = {TOKEN_HEADER: server.token} if token is True else {}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body=body, headers=sent)
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    return reply.status, text


def decide(server, row, action="keep", new_label=None):
    body = json.dumps({"row": row, "action": action, "new_label": new_label})
    return ask(server, "POST", "/decisions", body=body)


def last(folder):
    return read_decisions(folder.decisions_file).last


def test_the_page_is_the_report_and_may_talk_to_this_server_only(server):
    status, page = ask(server, "GET", f"/?token={server.token}", token=False)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page).group(1)

    assert status == 200
    assert "connect-src 'self'" in policy
    assert "default-src 'none'" in policy
    assert page.count("<tbody data-rank") == 60


@BOTH
def test_a_decision_is_on_the_disk_when_it_is_answered(server, folder):
    status, text = decide(server, 7, "drop")
    lines = folder.decisions_file.read_text().splitlines()

    assert status == 200
    assert json.loads(text) == json.loads(lines[0]) | {"others": []}
    decision = last(folder)[7]
    assert (decision.action, decision.reviewer, decision.run_id) == (
        "drop",
        "Ada",
        folder.any_manifest().run_id,
    )
    assert decision.row_sha256 == f"{7:064x}"
    status, text = ask(server, "GET", "/decisions")
    assert json.loads(text)["decisions"] == [json.loads(lines[0])]


@BOTH
def test_what_the_page_says_of_the_row_is_not_believed(server, folder):
    forged = {"row": 7, "action": "keep", "id": "x", "row_sha256": "0", "run_id": "other"}
    body = json.dumps({**forged, "given_label": "nonsense", "at": "1970", "reviewer": "Eve" * 99})
    ask(server, "POST", "/decisions", body=body)
    decision = last(folder)[7]

    assert decision.id != "x"
    assert decision.row_sha256 == f"{7:064x}"
    assert decision.run_id == folder.any_manifest().run_id
    assert decision.given_label != "nonsense"
    assert len(decision.reviewer) == 100


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({}, None),
        ({TOKEN_HEADER: "wrong"}, None),
        ({TOKEN_HEADER: "\xe4\xf6"}, None),
        ({"Origin": "http://evil.example"}, True),
        ({"Origin": "null"}, True),
        ({"Origin": "http://127.0.0.1:1"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, True),
        ({"Sec-Fetch-Site": "same-site"}, True),
        ({"Host": "evil.example"}, True),
        ({"Host": "localhost"}, True),
        ({"Host": "127.0.0.1"}, True),
    ],
)
def test_strangers_learn_nothing_and_decide_nothing(headers, token, server, folder):
    body = json.dumps({"row": 1, "action": "drop"})
    for method, path in (("GET", "/"), ("GET", "/decisions"), ("POST", "/decisions")):
        status, text = ask(server, method, path, body=body, token=token, **headers)
        assert status == 403
        assert len(text) < 100
        assert server.token not in text
    assert not folder.decisions_file.exists()


def test_a_form_of_another_page_cannot_decide_with_the_token_in_the_address(server, folder):
    body = json.dumps({"row": 1, "action": "drop"})
    path = f"/decisions?token={server.token}"

    assert ask(server, "POST", path, body=body, token=False)[0] == 403
    assert not folder.decisions_file.exists()


@pytest.mark.parametrize(
    "path",
    ["/../run.json", "/..%2frun.json", "/run.json", "//etc/passwd", "/decisions/../../run.json",
     "/decisions.jsonl", "/%00", "/decisions%00.jsonl", "/\\..\\run.json"],
)  # fmt: skip
def test_no_path_climbs_anywhere(path, server):
    status, text = ask(server, "GET", path)

    assert status in (400, 404)
    assert len(text) < 100


@BOTH
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 60_000, b'{"row":1}',
     b'{"row":1e99,"action":"keep"}', b'{"row":true,"action":"keep"}',
     b'{"row":-1,"action":"keep"}', b'{"row":60,"action":"keep"}',
     b'{"row":1,"action":"burn"}', b'{"row":1,"action":"relabel"}',
     b'{"row":1,"action":"relabel","new_label":"no such class"}',
     b'{"row":1,"action":"keep","reviewer":"\\ud800"}',
     b'{"row":1,"action":"revoked"}', b'{"row":1,"action":"keep","group":"a b"}',
     b'{"row":1,"action":"keep","group":7}'],
)  # fmt: skip
def test_what_is_no_decision_is_refused_and_not_written(body, server, folder):
    status, text = ask(server, "POST", "/decisions", body=body)

    assert status == 400
    assert "Traceback" not in text
    assert not folder.decisions_file.exists()


def test_a_body_of_a_hundred_megabytes_is_not_read(server):
    with socket.create_connection(server.server_address, timeout=10) as stream:
        length = 100 * 2**20
        head = (
            f"POST /decisions HTTP/1.1\r\nHost: 127.0.0.1:{server.server_address[1]}\r\n"
            f"{TOKEN_HEADER}: {server.token}\r\nContent-Length: {length}\r\n\r\n"
        )
        stream.sendall(head.encode())
        reply = stream.recv(200)
        sent = 0
        with suppress(OSError):
            while sent < length:
                sent += stream.send(b"x" * 2**16)

    assert b" 413 " in reply
    assert sent < length
    assert decide(server, 1)[0] == 200


@pytest.mark.parametrize("length", ["", "-1", "1e3", "²", "9" * 5000, str(MAX_BODY + 1)])
def test_a_body_of_no_sound_length_is_refused(length, server):
    reply = send(server, f"POST /decisions HTTP/1.1\r\nContent-Length: {length}")

    assert int(reply.split()[1]) in (411, 413)


def test_an_address_that_is_none_is_refused(server):
    assert b" 400 " in send(server, "GET http://[ HTTP/1.1")


def test_hundreds_of_requests_at_once_lose_nothing(server, folder):
    with ThreadPoolExecutor(100) as pool:
        statuses = list(pool.map(lambda i: decide(server, i % 60, "keep")[0], range(300)))
    lines = folder.decisions_file.read_text().splitlines()

    assert statuses == [200] * 300
    assert len(lines) == 300
    assert sorted(last(folder)) == list(range(60))


def test_a_full_disk_is_told_and_not_taken_for_saved(server, folder, monkeypatch):
    folder.decisions_file.mkdir()
    try:
        status, text = decide(server, 1)
    finally:
        folder.decisions_file.rmdir()

    assert status == 507
    assert "decisions.jsonl" in text


def test_decisions_go_on_where_they_were_even_after_a_crash_within_a_line(folder):
    review = ServedReview(folder, first=1, reviewer="")
    review.take_in("/decisions", {"row": 3, "action": "keep"})
    with folder.decisions_file.open("a") as file:
        file.write('{"row": 4, "act')
    again = ServedReview(folder, first=1, reviewer="")

    assert again.n_decided == 1
    assert "cut off" in again.notices()[0].message
    again.take_in("/decisions", {"row": 4, "action": "unsure"})
    assert {row: d.action for row, d in last(folder).items()} == {3: "keep", 4: "unsure"}


def test_a_crash_within_the_first_line_is_survived(folder):
    folder.decisions_file.write_text('{"row": 4, "act')
    review = ServedReview(folder, first=1, reviewer="")
    review.take_in("/decisions", {"row": 5, "action": "drop"})

    assert list(last(folder)) == [5]


def test_decisions_about_another_run_are_not_added_to(folder):
    other = {"row": 1, "action": "keep", "given_label": "yes", "run_id": "other"}
    folder.decisions_file.write_text(json.dumps(other) + "\n")

    with pytest.raises(InputError, match="another run"):
        ServedReview(folder, first=1, reviewer="")


def test_a_page_may_begin_further_down(folder):
    review = ServedReview(folder, first=51, reviewer="")

    assert review.n_suspects == 10
    assert review.page.count(b"<tbody data-rank") == 10
    with pytest.raises(SettingsError, match="stores 60 suspects"):
        ServedReview(folder, first=61, reviewer="")


def test_a_port_that_is_taken_is_named(server, folder):
    review = ServedReview(folder, first=1, reviewer="")

    with pytest.raises(SettingsError, match=f"Port {server.server_address[1]} of 127"):
        ReviewServer(review, port=server.server_address[1])


def command(folder, *words, browser=None):
    """The command, running; with it the address that it printed."""
    words = ("review", str(folder.path), *words)
    if browser:
        return started(*words, BROWSER=browser)
    return running(*words, "--no-browser")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_and_says_what_was_saved(number, folder):
    with started("review", str(folder.path), "--no-browser") as (process, address):
        place = urlsplit(address)
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
        headers = {TOKEN_HEADER: place.query.removeprefix("token=")}
        connection.request("POST", "/decisions", '{"row":1,"action":"keep"}', headers)
        assert connection.getresponse().status == 200
        process.send_signal(number)
        out, err = process.communicate(timeout=20)

    assert process.returncode == 0
    assert "Decided: 1 of 60 suspects." in out
    assert f"Next: datacleanse apply {folder.path}" in out
    assert err == ""


def test_the_server_listens_on_this_machine_only(folder):
    with command(folder) as (process, address):
        port = urlsplit(address).port
        listening = subprocess.run(
            [sys.executable, "-c", LISTENING, str(port)], capture_output=True, text=True, check=True
        ).stdout.split()
        del process

    assert listening == ["0100007F"]


LISTENING = """
import sys
port = f"{int(sys.argv[1]):04X}"
for line in open("/proc/net/tcp").read().splitlines()[1:]:
    address, state = line.split()[1], line.split()[3]
    if address.endswith(":" + port) and state == "0A":
        print(address.partition(":")[0])
"""


def test_no_run_is_an_error_of_one_line(tmp_path):
    done = run_program("review", tmp_path / "none", cwd=tmp_path)

    assert done.code == 2
    assert "holds no run" in done.err
    assert "Traceback" not in done.err


def test_two_tabs_and_a_killed_server_lose_nothing(folder, window):
    with command(folder) as (process, address):
        first, second = window.tab(address), window.tab(address)
        for tab, keys in ((first, "qe"), (second, "jjwn")):
            tab.locator("#suspects [data-start-review]").click()
            for key in keys:
                tab.keyboard.press(key)
            until(tab, "decisions.waiting() === 0 && decisions.count() > 0")
        n_seen = second.evaluate("decisions.count()")
        process.kill()
        process.wait()
        second.keyboard.press("q")
        until(second, "decisions.problem() !== ''")
        told = second.locator("#review-saved").text_content()
        text = second.evaluate("decisions.text()")
    saved = last(folder)

    assert len(saved) == 4
    assert n_seen <= 4
    assert told.startswith("Not saved: 1 decision")
    assert len(text.splitlines()) == n_seen + 1
    with command(folder) as (process, address):
        # The open tab takes the server back, and with it goes what was not saved.
        until(second, "decisions.waiting() === 0")
        again = window.tab(address)
        assert again.locator("#decided").text_content() == "5 rows decided."
        del process


@pytest.mark.skipif(os.name == "nt", reason="making links takes a privilege on Windows")
@pytest.mark.parametrize("is_there", [True, False])
def test_decisions_that_are_a_link_are_refused_before_anything_is_decided(
    folder, tmp_path, is_there
):
    own = tmp_path / "own.txt"
    if is_there:
        own.touch()
    folder.decisions_file.symlink_to(own)
    done = run_here("review", folder.path, "--no-browser", cwd=tmp_path)
    assert (done.code, "decisions.jsonl is a link" in done.err) == (2, True)
    assert own.exists() == is_there


@pytest.mark.skipif(os.name == "nt", reason="making links takes a privilege on Windows")
def test_a_link_that_comes_during_the_review_is_not_written_through(folder, tmp_path):
    served = ServedReview(folder, first=1, reviewer="Ada")
    row = next(iter(served._suspects))
    own = tmp_path / "own.txt"
    own.touch()
    folder.decisions_file.symlink_to(own)
    with pytest.raises(OutputError, match="is a link"):
        served.take_in("/decisions", {"row": row, "action": "drop"})
    assert own.read_bytes() == b""
