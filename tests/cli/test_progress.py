"""Stages that go on beside each other, as a terminal, a log and a notebook show them."""

from __future__ import annotations

import io
import re

import pytest

from datacleanse.progress import SILENT, open_lane
from datacleanse_cli import console
from datacleanse_cli.progress import show_progress
from datacleanse_reports.notebook.progress import NotebookProgress

NAMES = ("Training, rule l2rw", "Training, halves of CLEAN swapped", "Training, rule uniform")
SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.mark.parametrize("width", [80, 120])
def test_a_terminal_has_a_whole_line_for_each(width, monkeypatch):
    written = io.StringIO()

    class Wide(console.Terminal):
        def __init__(self, **options):
            del options
            super().__init__(file=written, force_terminal=True, width=width, color_system=None)

    monkeypatch.setattr(console, "Terminal", Wide)
    with show_progress(quiet=False) as progress:
        progress.stage("Encoding", None)
        lanes = [open_lane(progress, name, 100) for name in NAMES]
        for lane, done in zip(lanes, (25, 50, 75), strict=True):
            lane.advance(done)
        progress.say("Memory ran out.")
        lanes[1].finish()
        progress.stage("Scoring", None)
    # A frame is drawn over the one before.
    lines = re.split(r"[\r\n]+", SEQUENCE.sub("", written.getvalue()))
    assert max(map(len, lines)) <= width
    last = [line for line in lines if line.strip()][-5:]
    for name, share in zip(NAMES, ("25%", "100%", "75%"), strict=True):
        (line,) = [line for line in last if line.startswith(name)]
        assert share in line
    assert any("Memory ran out." in line for line in lines)


def test_a_log_has_a_line_when_each_begins(monkeypatch, capsys):
    monkeypatch.setenv("TERM", "dumb")
    with show_progress(quiet=False) as progress:
        for name in NAMES:
            lane = open_lane(progress, name, 3)
            lane.advance()
            lane.finish()
    assert capsys.readouterr().err.splitlines() == [f"{name} ..." for name in NAMES]


class Plain:
    """A listener of somebody's own, as it was before stages went on beside each other."""

    def __init__(self):
        self.told = []

    def stage(self, name, total):
        self.told.append((name, total))

    def advance(self, steps=1):
        self.told.append(steps)

    def say(self, message):
        self.told.append(message)


def test_a_listener_that_knows_one_stage_is_told_the_steps_of_the_last():
    plain = Plain()
    first, second = (open_lane(plain, name, 9) for name in ("first", "second"))
    first.advance(2)
    second.advance(3)
    second.finish()
    first.advance(4)
    first.finish()
    assert plain.told == [("first", 9), ("second", 9), 3]
    open_lane(SILENT, "nothing", None).advance()


class Notebook:
    def __init__(self):
        self.shown = []

    def show(self, shown):
        self.shown.append(shown)
        return self

    def update(self, shown):
        self.shown.append(shown)


def test_a_notebook_shows_a_bar_for_each_until_it_is_done():
    notebook = Notebook()
    progress = NotebookProgress(notebook)
    progress.stage("Encoding", None)
    lanes = [open_lane(progress, name, 10) for name in NAMES]
    lanes[0].advance(4)
    progress.say("Going on.")
    html = notebook.shown[-1]._repr_html_()
    assert html.count("<progress") == 3
    assert 'value="4" max="10"' in html
    lanes[0].finish()
    lanes[1].finish()
    html = notebook.shown[-1]._repr_html_()
    assert NAMES[2] in html
    assert NAMES[0] not in html
    lanes[2].finish()
    assert NAMES[2] in repr(notebook.shown[-1])
    progress.stage("Scoring", None)
    html = notebook.shown[-1]._repr_html_()
    assert (html.count("<progress"), "Scoring" in html) == (1, True)
