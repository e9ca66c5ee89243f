"""What notebooks show: complete, escaped, readable without JavaScript, and never an error."""

from __future__ import annotations

import html
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

from datacleanse.auditing.result import AuditResult
from datacleanse.errors import SettingsError
from datacleanse.models.predictor import render_model
from datacleanse.records import Column, Schema, SetAside
from datacleanse.storage.run_folder import RunFolder
from datacleanse_cli.python_progress import show_progress_in_python
from datacleanse_reports.notebook.changes import compare_runs
from datacleanse_reports.notebook.progress import NotebookProgress, show_in_notebook
from datacleanse_reports.notebook.report import LARGEST, make_report
from datacleanse_reports.notebook.result import SUSPECTS, render_result
from datacleanse_reports.view import read_view
from tests.browser import window
from tests.reports.conftest import HOSTILE, Fabricated

ALLOWED = {"alt", "class", "open", "scope", "src", "style"}
"""Attributes that a notebook's output may have; none of them runs anything."""


class Parts(HTMLParser):
    """Tags, attributes and text, as a browser would see them."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.text = set(), set(), []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.text.append(data)


def text_of(page):
    return " ".join(" ".join(Parts(page).text).split())


def assert_harmless(page):
    parts = Parts(page)
    assert not parts.tags & {"script", "iframe", "object", "link", "form", "input"}
    assert parts.attributes <= ALLOWED
    assert "http" not in re.sub(r"http://x\b", "", page)


def test_a_result_shows_its_numbers_its_suspects_and_their_cells(hostile_run):
    view, page = read_view(hostile_run, top=SUSPECTS), render_result(hostile_run)
    said = text_of(page)
    assert "labels look wrong" in said
    assert "rows flagged" in said
    assert "rows verified" in said
    assert f"The first {len(view.suspects)} suspects" in said
    assert "Which labels are confused" in said
    for each in view.suspects:
        assert str(each.row) in said


def test_hostile_names_and_cells_stay_text(hostile_run):
    page = render_result(hostile_run)
    assert_harmless(page)
    # The folder of a test is numbered.
    own = page.replace(str(hostile_run.path), "")
    assert "49" not in re.findall(r"\{\{ 7 \* 7 \}\}|49", own)
    assert "\u202e" not in page
    assert "\x1b" not in page
    shown = [text for text in HOSTILE if text and html.escape(text, quote=True) in page]
    assert len(shown) >= 3


def test_a_result_without_verified_rows_promises_nothing(unverified_run):
    said = text_of(render_result(unverified_run))
    assert "not known: no row is verified" in said
    assert "No verified row checks that" in said
    assert "0 rows verified" in said


def test_a_doubtful_rate_is_told_as_one(doubted_run):
    doubt = "doubtful: nobody seems to have checked all of the clean set; 19.2%"
    assert doubt in text_of(render_result(doubted_run))
    assert doubt in repr(AuditResult(doubted_run))


def test_pictures_are_shown_beside_their_suspects(hostile_run, monkeypatch):
    from datacleanse_reports.suspect import Picture

    view = read_view(hostile_run, top=SUSPECTS)
    pictured = [
        replace(e, picture=Picture("data:image/png;base64,AA", None)) for e in view.suspects
    ]
    monkeypatch.setattr(
        "datacleanse_reports.notebook.result.read_view",
        lambda folder, top: replace(view, suspects=tuple(pictured)),
    )
    page = render_result(hostile_run)
    assert page.count('<img src="data:image/png') == len(pictured)
    assert_harmless(page)


def test_messages_of_notices_speak_python(fabricated, tmp_path):
    fabricated.manifest["notices"] = [
        {
            "slug": "convention-read",
            "message": "Column 'd' is read as dates; --categorical d takes them as names.",
            "is_warning": True,
            "column": "d",
            "cells": 3,
            "option": "--categorical d",
        }
    ]
    page = text_of(render_result(fabricated.write(tmp_path / "people")))
    assert "1 warning" in page
    assert "categorical=['d'] takes them as names." in page


@pytest.mark.parametrize("what", ["missing", "unfinished", "damaged"])
def test_a_run_that_cannot_be_read_is_said_and_not_raised(what, hostile_run, tmp_path):
    folder = hostile_run
    if what == "missing":
        folder = RunFolder(tmp_path / "<b>gone</b>")
    elif what == "unfinished":
        text = folder.manifest_file.read_text(encoding="utf-8")
        folder.manifest_file.write_text(text.replace('"finished"', '"running"'), encoding="utf-8")
    else:
        folder.audit_file.write_bytes(b"PAR1")
    result = AuditResult(folder)
    assert "AuditResult" in repr(result)
    assert_harmless(result._repr_html_())


def test_the_text_of_a_result_is_one_line_with_its_numbers(hostile_run):
    said = repr(AuditResult(hostile_run))
    assert said.startswith("<AuditResult of data people.csv: ")
    assert "\n" not in said
    assert "verified; run folder" in said


def test_the_report_is_shown_in_a_frame_that_reaches_nothing(hostile_run):
    report = make_report(hostile_run, top=5)
    shown = report._repr_html_()
    assert 'sandbox="allow-scripts allow-downloads"' in shown
    assert html.unescape(re.search(r'srcdoc="([^"]*)"', shown)[1]) == report.html
    assert Parts(shown).tags == {"iframe"}
    whole = make_report(hostile_run, top=None)
    assert len(whole.html) >= len(report.html)
    with pytest.raises(SettingsError, match="top=0"):
        make_report(hostile_run, top=0)


def test_a_report_too_large_for_a_notebook_is_named_and_saved(hostile_run, tmp_path):
    report = replace(make_report(hostile_run, top=1), html="x" * (LARGEST + 1))
    shown = report._repr_html_()
    assert len(shown) < 1000
    assert "4.0 MB" in shown
    assert ".save(" in shown
    assert report.save(str(tmp_path / "r.html")).read_text() == report.html
    assert "4.0 MB" in repr(report)


def test_a_saved_report_replaces_a_page_and_nothing_else(hostile_run, tmp_path):
    report = make_report(hostile_run, top=1)
    place = tmp_path / "page.html"
    place.touch()
    for _ in range(2):
        assert report.save(place).read_text(encoding="utf-8") == report.html
    data = tmp_path / "data.csv"
    data.write_text("x,label\n1,a\n", encoding="utf-8")
    for other in (data, hostile_run.manifest_file, hostile_run.audit_file):
        before = other.read_bytes()
        with pytest.raises(SettingsError, match="no HTML page"):
            report.save(other)
        assert other.read_bytes() == before


def test_a_comparison_of_two_runs_shows_both_and_escapes(tmp_path):
    before, now = Fabricated(), Fabricated()
    before.manifest["run_id"], now.manifest["run_id"] = "before", "now"
    folders = before.write(tmp_path / "before"), now.write(tmp_path / "now")
    compared = AuditResult(folders[1]).compare(AuditResult(folders[0]))
    page = compared._repr_html_()
    assert_harmless(page)
    assert "Expected wrong labels:" in text_of(page)
    assert compared.to_json()["before"]["run_id"] == "before"
    assert "Flagged:" in repr(compared)
    assert AuditResult(folders[1]).compare(str(folders[0].path)).to_json() == compared.to_json()
    with pytest.raises(SettingsError, match="the same run"):
        compare_runs(folders[0], folders[0])


def test_a_model_names_its_classes_and_columns_and_escapes_them():
    columns = tuple(Column(f"c{i}", "numeric") for i in range(30))
    schema = Schema("<b>y</b>", None, HOSTILE[:5], columns, (SetAside("t", "text", "free"),))
    page = render_model("Network<1>", schema)
    assert_harmless(page)
    assert "c19 and 10 more" in page
    assert "Set aside" in page
    assert "Network&lt;1&gt;" in page


class Cell:
    """A notebook's cell: the outputs that it shows, as they were last."""

    def __init__(self):
        self.shown, self.changes = [], 0

    def show(self, shown):
        place = len(self.shown)
        self.shown.append(shown)

        def update(other):
            self.shown[place] = other
            self.changes += 1

        return SimpleNamespace(update=update)


def test_progress_in_a_notebook_is_one_output_that_is_replaced():
    cell = Cell()
    with show_in_notebook(cell) as progress:
        progress.stage("Reading", None)
        assert "<progress></progress> Reading" in cell.shown[0]._repr_html_()
        progress.stage("Training", 1000)
        for _ in range(1000):
            progress.advance()
        progress.say("<b>found</b>")
        assert 'max="1000"' in cell.shown[0]._repr_html_()
    assert len(cell.shown) == 1
    assert cell.changes < 20
    page = cell.shown[0]._repr_html_()
    assert "Done in" in page
    assert "<progress" not in page
    assert "&lt;b&gt;found" in page
    assert repr(cell.shown[0]).startswith("Done in")


def test_progress_that_ends_in_an_error_says_where():
    cell = Cell()

    def fail():
        with show_in_notebook(cell) as progress:
            progress.stage("Training", 3)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert "Ended in: Training" in cell.shown[0]._repr_html_()


def test_progress_is_shown_where_a_person_looks(monkeypatch, capsys):
    with show_progress_in_python(always=False) as progress:
        progress.stage("Reading", None)
    assert capsys.readouterr().err == ""
    with show_progress_in_python(always=True) as progress:
        progress.stage("Reading", None)
    assert "Reading" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stderr", None)
    with show_progress_in_python(always=False) as progress:
        progress.stage("Reading", None)


@pytest.mark.parametrize("kernel", [None, object()])
def test_a_notebook_is_known_by_its_kernel(kernel, monkeypatch):
    shell = SimpleNamespace(kernel=kernel)
    ipython = SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    with show_progress_in_python(always=False) as progress:
        assert isinstance(progress, NotebookProgress) == (kernel is not None)


@pytest.mark.parametrize("dark", [False, True])
def test_a_result_is_read_without_scripts_in_the_notebooks_own_colours(browser, hostile_run, dark):
    ink, paper = ("rgb(220, 220, 220)", "#111") if dark else ("rgb(20, 20, 20)", "#fff")
    page_text = (
        f'<body style="color:{ink};background:{paper}">{render_result(hostile_run)}'
        f"{make_report(hostile_run, top=3)._repr_html_()}</body>"
    )
    with window(browser, java_script_enabled=False) as opened:
        page = opened.context.new_page()
        page.set_content(page_text)
        assert page.locator("table").first.is_visible()
        assert page.locator(".datacleanse td").first.is_visible()
    with window(browser) as opened:
        page = opened.context.new_page()
        page.on("console", lambda message: opened.console.append(message.text))
        page.set_content(page_text)
        colour = "element => getComputedStyle(element).color"
        assert page.locator(".datacleanse td").first.evaluate(colour) == ink
        frame = page.frame_locator("iframe").locator("html")
        frame.locator("#suspects").wait_for()
        assert (
            frame.evaluate("() => { try { return parent.document.title } catch { return 0 } }") == 0
        )
    assert "ran" not in opened.console
