"""Compiled templates that are kept between runs."""

from __future__ import annotations

import errno
import sys
import tempfile
from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment

from datacleanse_reports.compiled_templates import keep_compiled


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """Where temporary files are, so that bytecode is kept there."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return tmp_path


def render(source="<{{ 1 + 1 }}>"):
    environment = Environment(bytecode_cache=keep_compiled(), loader=DictLoader({"page": source}))
    return environment.get_template("page").render()


def list_kept(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_template_is_compiled_once(folder, monkeypatch):
    assert render() == "<2>"
    assert len(list_kept(folder)) == 1
    monkeypatch.setattr(Environment, "compile", lambda *_, **__: pytest.fail("compiled again"))
    assert render() == "<2>"


def test_a_template_that_was_changed_is_compiled_anew(folder):
    render()
    assert render("<{{ 2 + 1 }}>") == "<3>"


@pytest.mark.parametrize("content", [b"", b"j2\x00", b"\x80" * 500])
def test_what_is_kept_may_be_damaged(folder, content):
    render()
    (kept,) = list_kept(folder)
    kept.write_bytes(content)
    assert render() == "<2>"


def test_without_room_nothing_is_kept_and_nothing_fails(folder, monkeypatch):
    def fail(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    cache = keep_compiled()
    monkeypatch.setattr("jinja2.bccache.tempfile.NamedTemporaryFile", fail)
    environment = Environment(bytecode_cache=cache, loader=DictLoader({"page": "x"}))
    assert environment.get_template("page").render() == "x"
    assert list_kept(folder) == []


def test_a_folder_that_is_not_the_users_own_is_not_used(folder, monkeypatch):
    # As of a folder whose access others have, too.
    others = Path(sys.executable).stat()
    monkeypatch.setattr("jinja2.bccache.os.lstat", lambda path: others)
    assert keep_compiled() is None
    assert render() == "<2>"


def test_where_python_keeps_no_bytecode_neither_do_templates(folder, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert keep_compiled() is None
