"""`datacleanse verify`: what it prints and refuses, and that no confirmed verdict is ever lost."""

from __future__ import annotations

import http.client
import json
import random
import re
import shlex
import signal
import time
from contextlib import contextmanager
from threading import Thread
from urllib.parse import urlsplit

import pytest
from PIL import Image

from datacleanse.auditing.reading import read_inputs
from datacleanse.progress import SILENT
from datacleanse.review.verification import open_verification
from datacleanse.review.verified_file import read_verified_file
from datacleanse_cli.audit import AuditOptions
from datacleanse_cli.review_server import TOKEN_HEADER, ReviewServer
from datacleanse_reports.verification import ServedVerification
from tests.cli.conftest import people, run_here
from tests.cli.serving import running
from tests.cli.test_review import ask
from tests.pictures.made import CLASSES, class_folders
from tests.review.verifying import draw, verify, write_data

VERIFY = ("verify", "data.csv", "--no-browser", "-n", "20")


@pytest.fixture
def truth(tmp_path):
    return write_data(tmp_path / "data.csv")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "verified.jsonl"


@pytest.fixture
def serve(tmp_path):
    """Serve a verification of a source within this process."""

    @contextmanager
    def serving(drawing, *, new_classes=(), is_blind=False):
        with open_verification(tmp_path / "verified.jsonl", drawing, new_classes) as log:
            served = ServedVerification(log, reviewer="Ada", is_blind=is_blind)
            with ReviewServer(served) as server:
                thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
                thread.start()
                try:
                    yield server
                finally:
                    server.shutdown()
                    thread.join()

    return serving


def post(address, path, body):
    """Send JSON to a running command; what it answers."""
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
    headers = {TOKEN_HEADER: place.query.removeprefix("token=")}
    connection.request("POST", path, json.dumps(body), headers)
    reply = connection.getresponse()
    content = reply.read()
    connection.close()
    assert reply.status == 200, content
    return json.loads(content)


def test_a_verdict_is_on_the_disk_when_it_is_answered(truth, tmp_path, file, serve):
    drawing = draw(tmp_path / "data.csv", 10)
    row = drawing.rows[0].row
    with serve(drawing) as server:
        body = json.dumps({"row": row, "action": "relabel", "label": truth[row], "blind": True})
        status, text = ask(server, "POST", "/verdicts", body=body)
        line = json.loads(file.read_text())
        page = ask(server, "GET", f"/?token={server.token}", token=False)[1]

    assert status == 200
    assert json.loads(text)["verdict"]["row"] == line["row"] == row
    assert (line["reviewer"], line["blind"], line["label"]) == ("Ada", True, truth[row])
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page).group(1)
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy


@pytest.mark.parametrize(
    "body",
    [
        *("", "[]", "null", "{}", '{"row":1}', '{"row":"1","action":"keep"}'),
        *('{"row":999,"action":"keep"}', '{"row":true,"action":"keep"}'),
        *('{"row":ROW,"action":"drop"}', '{"row":ROW,"action":"relabel"}'),
        *('{"row":ROW,"action":"relabel","label":"x"}', '{"row":ROW,"action":["keep"]}'),
        '{"row":ROW,"action":"keep","reviewer":"\\ud800"}',
    ],
)
def test_what_is_no_verdict_is_refused_and_not_written(body, truth, tmp_path, file, serve):
    drawing = draw(tmp_path / "data.csv", 10)
    with serve(drawing) as server:
        sent = body.replace("ROW", str(drawing.rows[0].row)).encode()
        status, text = ask(server, "POST", "/verdicts", body=sent)
        stranger = ask(server, "POST", "/verdicts", body=sent, token=None)[0]
        unknown = ask(server, "POST", "/decisions", body=b"{}")[0]

    assert status == 400
    assert "Traceback" not in text
    assert (stranger, unknown) == (403, 404)
    assert not file.exists()


@pytest.mark.parametrize(
    ("form", "kind", "start"),
    [(".png", "image/png", b"\x89PNG"), (".bmp", "image/jpeg", b"\xff\xd8\xff")],
)
def test_only_pictures_that_were_drawn_are_given_away(form, kind, start, tmp_path, serve):
    root = class_folders(tmp_path / "pets", CLASSES, 10, size=(60, 40))
    for path in root.rglob("*.png") if form != ".png" else ():
        Image.open(path).save(path.with_suffix(form))
        path.unlink()
    drawing = draw(root, 5)
    row = drawing.rows[0].row
    other = next(i for i in range(20) if i not in {each.row for each in drawing.rows})
    with serve(drawing) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1])
        connection.request("GET", f"/pictures/{row}", headers={TOKEN_HEADER: server.token})
        reply = connection.getresponse()
        content = reply.read()
        statuses = [
            ask(server, "GET", f"/pictures/{each}")[0]
            for each in (other, -1, "x", "9" * 30, "%C2%B2")
        ]

    assert (reply.status, reply.headers["Content-Type"]) == (200, kind)
    assert content.startswith(start)
    assert statuses == [404] * 5


def next_command(out):
    """The proposed command's words, and the request that it makes."""
    line = next(line for line in out.splitlines() if line.startswith("Next: "))
    _, name, data, val_option, val, *rest = shlex.split(line.removeprefix("Next: "))
    assert (name, val_option) == ("audit", "--val")
    return data, val, rest


def test_ctrl_c_tells_the_share_and_a_command_that_runs(truth, tmp_path, monkeypatch):
    rows = [each.row for each in draw(tmp_path / "data.csv", 20).rows]
    with running(*VERIFY, "--id", "key", cwd=tmp_path) as (process, address):
        for row in rows[:12]:
            post(address, "/verdicts", {"row": row, "action": "relabel", "label": truth[row]})
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    data, val, rest = next_command(out)
    monkeypatch.chdir(tmp_path)
    given = AuditOptions(data=data, val=[val], id_=rest[1])
    inputs = read_inputs(given.make_request(given.make_settings()), SILENT)

    assert process.returncode == 0, err
    assert "of 12 labels" in out
    assert "Saved: verified.jsonl" in out
    assert "To go on, repeat the command" in out
    assert rest == ["--id", "key"]
    assert inputs.clean.n_rows == 12


def test_the_page_may_finish_it(truth, tmp_path):
    rows = [each.row for each in draw(tmp_path / "data.csv", 20).rows]
    with running(*VERIFY, cwd=tmp_path) as (process, address):
        for row in rows:
            answer = post(address, "/verdicts", {"row": row, "action": "keep"})
        post(address, "/finish", {})
        out, _ = process.communicate(timeout=20)

    assert process.returncode == 0
    assert answer["share"]["wrong"] == "Wrong: 0 of 20 labels, 0.0% (95% interval 0.0% to 16.1%)"
    assert answer["share"]["wrong"] in out
    assert "To go on" not in out


def test_what_is_done_is_not_asked_again(truth, tmp_path, file):
    verify(file, draw(tmp_path / "data.csv", 20), truth)
    done = run_here(*VERIFY, cwd=tmp_path)

    assert done.code == 0
    assert "of 20 labels" in done.out
    assert "Next: datacleanse audit data.csv --val verified.jsonl" in done.out
    assert "http" not in done.out


def test_verified_rows_of_the_whole_table_leave_nothing_to_audit(truth, tmp_path, file):
    verify(file, draw(tmp_path / "data.csv", 200), truth)
    done = run_here("verify", "data.csv", cwd=tmp_path)

    assert "nothing is left to be audited" in done.out
    assert "Next:" not in done.out


def test_a_kill_at_any_moment_loses_no_confirmed_verdict(truth, tmp_path, file):
    # All but one: there is something left to be asked about.
    rows = [each.row for each in draw(tmp_path / "data.csv", 20).rows][:-1]
    confirmed = []
    for turn in range(2):
        with running(*VERIFY, cwd=tmp_path) as (process, address):
            moment = Thread(target=kill_later, args=(process, random.Random(turn)))
            moment.start()
            try:
                while True:
                    row = rows[len(confirmed) % len(rows)]
                    post(
                        address, "/verdicts", {"row": row, "action": "relabel", "label": truth[row]}
                    )
                    confirmed.append(row)
            except (OSError, http.client.HTTPException):
                pass
            moment.join()
    read = read_verified_file(file)

    assert confirmed
    assert set(confirmed) <= set(read.last)
    assert all(read.last[row].label == truth[row] for row in confirmed)
    assert len(file.read_bytes().splitlines()) - len(confirmed) in (0, 1, 2)


def kill_later(process, draw_moment):
    time.sleep(draw_moment.uniform(0.2, 0.6))
    process.kill()


def refused(done, *parts):
    assert done.code == 2
    assert done.err.startswith("error: ") or "\nerror: " in done.err
    assert "Traceback" not in done.err
    for part in parts:
        assert part in done.err


def test_verify_refuses_what_it_cannot_go_on_with(truth, tmp_path, file):
    verify(file, draw(tmp_path / "data.csv", 10), truth)
    refused(run_here(*VERIFY, "--seed", "1", cwd=tmp_path), "begun with another draw: --seed 0")
    refused(run_here("verify", "data.csv", "-n", "0", cwd=tmp_path), "-n is 0")
    refused(run_here(*VERIFY, "--new-class", "yes", cwd=tmp_path), "is a class already")
    refused(run_here(*VERIFY, "-o", "verified.csv", cwd=tmp_path), "ends in .jsonl")
    refused(run_here(*VERIFY, "-o", "verified.jsonl.gz", cwd=tmp_path), "ends in .jsonl")
    refused(run_here(*VERIFY, "-o", "none/v.jsonl", cwd=tmp_path), "Make the folder none")
    file.write_text(file.read_text().replace('"row"', '"wor"', 1))
    refused(run_here(*VERIFY, cwd=tmp_path), "verified.jsonl, line 1: this is no verdict")
    people(200, seed=4).to_csv(tmp_path / "data.csv", index=False)
    verify(tmp_path / "o.jsonl", draw(tmp_path / "data.csv", 10), truth)
    people(200, seed=5).to_csv(tmp_path / "data.csv", index=False)
    refused(run_here(*VERIFY, "-o", "o.jsonl", cwd=tmp_path), "verdicts about another table")


def test_audit_refuses_what_it_cannot_use(truth, tmp_path, file):
    audit = ("audit", "data.csv", "--val", "verified.jsonl", "--quiet", "-o", "run")
    verify(file, draw(tmp_path / "data.csv", 20), truth)
    whole = file.read_text()
    lines = whole.splitlines(keepends=True)
    file.write_text("".join([*lines[:5], lines[5][:80] + "\n", *lines[6:]]))
    refused(run_here(*audit, cwd=tmp_path), "verified.jsonl, line 6: this is no verdict")
    file.write_text(whole.replace('"label": "yes"', '"label": "yess"'))
    refused(run_here(*audit, cwd=tmp_path), "no class of data.csv")
    file.write_text(whole)
    people(200, seed=5).to_csv(tmp_path / "data.csv", index=False)
    refused(run_here(*audit, cwd=tmp_path), "None of the 20 verdicts in verified.jsonl")

    assert not (tmp_path / "run").exists()


def test_an_audit_with_several_people_says_what_it_was_told(truth, tmp_path, file):
    first, second = draw(tmp_path / "data.csv", 60), draw(tmp_path / "data.csv", 60, seed=1)
    row = next(iter({r.row for r in first.rows} & {r.row for r in second.rows}))
    verify(file, first, truth)
    theirs = list(truth)
    theirs[row] = "no" if truth[row] == "yes" else "yes"
    verify(tmp_path / "bob.jsonl", second, theirs)
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:90])
    words = ("--val", "verified.jsonl", "--val", "bob.jsonl", "--epochs", "2", "-o", "run")
    done = run_here("audit", "data.csv", *words, cwd=tmp_path)
    told = " ".join((done.out + done.err).split())

    assert done.code == 0, done.err
    assert "the last line was cut off" in told
    assert "contradict each other" in told
    assert f"row {row}:" in told
