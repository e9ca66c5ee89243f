"""How a browser comes to the review without its token in anybody's sight."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from datacleanse_cli.browsing import write_entrance
from tests.cli.test_review import command, folder, written

__all__ = ["folder", "written"]  # fixtures


@pytest.mark.skipif(sys.platform == "win32", reason="BROWSER is a shell's")
def test_the_browser_s_arguments_hold_no_token_but_lead_to_the_review(folder, window, tmp_path):
    browser, noted = tmp_path / "browser", tmp_path / "noted"
    browser.write_text(f'#!/bin/sh\necho "$@" > {noted}.part\nmv {noted}.part {noted}\n')
    browser.chmod(0o700)
    with command(folder, browser=f"{browser} %s") as (process, address):
        until_file(noted)
        argument = noted.read_text(encoding="utf-8").strip()
        entrance = Path(urlsplit(argument).path)
        page = window.context.new_page()
        page.goto(argument)
        page.wait_for_url(address)

        assert page.locator("#suspects [data-start-review]").count() == 1
        assert urlsplit(address).query.removeprefix("token=") not in argument
        assert address in entrance.read_text(encoding="utf-8")
        assert entrance.stat().st_mode & 0o777 == 0o600
        assert entrance.parent == folder.path.resolve()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 0
    assert not entrance.exists()


def until_file(path):
    deadline = time.monotonic() + 30
    while not path.is_file():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_folder_that_takes_no_file_opens_no_browser(tmp_path):
    with write_entrance(tmp_path / "none", "http://127.0.0.1:1/?token=x") as entrance:
        assert entrance is None
