"""A review that is started again: the same address, the open tab goes on, and nobody else knows."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from datacleanse.storage.run_claims import copy_folder
from datacleanse.storage.run_folder import RunFolder
from datacleanse_cli.kept_address import KeptAddress, keep_address, recall_address
from tests.browser import until
from tests.cli.serving import started
from tests.cli.test_review import command, folder, last, written

__all__ = ["folder", "written"]  # fixtures

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")


@pytest.fixture
def file(tmp_path):
    place = tmp_path / ".review.json"
    keep_address(place, KeptAddress(4321, "t" * 32))
    return place


def is_forgotten(file):
    kept = recall_address(file)
    return kept.port == 0 and kept.token != "t" * 32


def test_an_open_tab_goes_on_with_a_server_that_is_started_again(folder, window):
    with command(folder) as (process, address):
        page = window.tab(address)
        page.locator("#suspects [data-start-review]").click()
        page.keyboard.press("q")
        until(page, "decisions.waiting() === 0 && decisions.count() === 1")
        process.kill()
        process.wait()
        page.keyboard.press("e")
        until(page, "decisions.problem() !== ''")
    with command(folder) as (process, again):
        assert again == address
        until(page, "decisions.waiting() === 0 && decisions.problem() === ''")
        page.reload()
        page.wait_for_selector("html[data-ready]")
        assert page.locator("#decided").text_content() == "2 rows decided."
        del process
    assert sorted(decision.action for decision in last(folder).values()) == ["drop", "keep"]


@pytest.mark.parametrize("is_asked", [True, False])
def test_ctrl_c_leaves_the_port_free_at_once(is_asked, folder):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ("--port", str(port)) if is_asked else ()
    for _ in range(2):
        with command(folder, *options) as (process, address):
            # Still open when the server goes: its end waits in the system for about a minute.
            with socket.create_connection(("127.0.0.1", urlsplit(address).port)) as stream:
                stream.sendall(b"GET / HTTP/1.1\r\n\r\n")
                stream.recv(1000)
                process.send_signal(signal.SIGINT)
                _, err = process.communicate(timeout=20)
            assert process.returncode == 0, err
            assert not is_asked or urlsplit(address).port == port


def test_a_second_review_of_the_run_takes_another_port(folder):
    with command(folder) as (first, address), command(folder) as (second, other):
        del first, second
        assert urlsplit(other).port != urlsplit(address).port


@posix
def test_only_this_user_may_read_it_and_no_argument_holds_it(folder):
    with started("review", str(folder.path), "--no-browser") as (process, address):
        token = urlsplit(address).query.removeprefix("token=")
        kept = folder.review_address_file
        arguments = Path(f"/proc/{process.pid}/cmdline")
        assert json.loads(kept.read_text())["token"] == token
        assert kept.stat().st_mode & 0o777 == 0o600
        assert not arguments.exists() or token not in arguments.read_text()


def test_it_is_recalled_as_it_was_kept(file):
    assert recall_address(file) == KeptAddress(4321, "t" * 32)


@posix
def test_a_copy_is_not_believed(file, tmp_path):
    """Whoever sent the folder would know the token."""
    other = tmp_path / "other"
    shutil.copy2(file, other)
    assert is_forgotten(other)


@posix
def test_what_others_may_read_or_a_link_is_not_believed(file, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(file)
    assert is_forgotten(link)
    file.chmod(0o640)
    assert is_forgotten(file)


@pytest.mark.parametrize("change", [
    {"port": 0}, {"port": "1"}, {"port": True}, {"port": 70_000}, {"token": "short"},
    {"token": None}, {"token": "<" * 32}, {"place": "1:1"},
])  # fmt: skip
def test_what_is_no_address_is_forgotten(change, file):
    said = json.loads(file.read_text())
    file.write_text(json.dumps(said | change))
    kept = recall_address(file)
    assert kept.port == 0
    assert len(kept.token) == 32


@pytest.mark.parametrize("content", ["", "[]", "null", "{", "[" * 4096])
def test_a_damaged_file_is_forgotten(content, file):
    file.write_text(content)
    assert is_forgotten(file)


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path):
    keep_address(tmp_path / "none" / ".review.json", KeptAddress(1, "t" * 32))
    assert not (tmp_path / "none").exists()


def test_a_run_that_is_saved_elsewhere_takes_no_address_along(folder, tmp_path):
    keep_address(folder.review_address_file, KeptAddress(1, "t" * 32))
    copy = RunFolder(tmp_path / "copy")
    copy.path.mkdir()
    copy_folder(folder, copy)
    folder.review_address_file.unlink()
    assert not copy.review_address_file.exists()
