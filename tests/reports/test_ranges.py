"""The ranges of estimated shares are called what they are: no intervals with a coverage."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from datacleanse_cli.summary import print_summary
from datacleanse_reports import read_view, sentences
from datacleanse_reports.formats.registry import FORMATS
from tests.cli.conftest import run_program

CLAIMED = re.compile(r"\binterval|confidence (range|bound|limit)|95\s*%\s*(range|of the)", re.I)
"""What would promise that the truth lies inside so often."""

OTHERS = ("no confidence intervals", '<span class="key c">95% range</span>')
"""What the ranges are said not to be, and the range of what verified rows imply, from Wilson's."""


def assert_claims_nothing(text: str) -> None:
    for other in OTHERS:
        text = text.replace(other, "")
    found = CLAIMED.search(text)
    assert found is None, text[max(0, found.start() - 80) : found.end() + 80]


@pytest.mark.parametrize("name", FORMATS)
def test_no_report_calls_the_range_an_interval(name, hostile_run):
    assert_claims_nothing(FORMATS[name].render(read_view(hostile_run, top=12)))


def test_the_summary_in_the_terminal_calls_it_a_range_of_two_estimates(hostile_run):
    out = io.StringIO()
    console = Console(file=out, width=500, color_system=None)
    print_summary(read_view(hostile_run, top=12), console, run=Path("runs/people"))
    assert "range of two estimates" in out.getvalue()
    assert_claims_nothing(out.getvalue())


def test_the_reports_say_that_it_is_no_confidence_interval_unless_pairs_make_it_one(hostile_run):
    view = read_view(hostile_run, top=12)
    assert "no confidence intervals" in sentences.say_ranges(view)
    paired = replace(view, headline=replace(view.headline, rate_basis="pairs"))
    assert "95% confidence intervals" in sentences.say_ranges(paired)
    assert "calibrate" in sentences.say_ranges(paired)


@pytest.mark.parametrize("command", ["audit", "report", "demo"])
def test_no_help_calls_it_an_interval(command, tmp_path):
    assert_claims_nothing(run_program(command, "--help", cwd=tmp_path).out)
