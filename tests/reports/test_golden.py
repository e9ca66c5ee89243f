"""Whole outputs against stored ones; see golden/README.md."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

import pytest
from rich.console import Console

from datacleanse_cli.number_summary import print_number_summary
from datacleanse_cli.summary import print_summary
from datacleanse_reports import read_view
from datacleanse_reports.formats.registry import FORMATS
from datacleanse_reports.numbers.number_formats import FORMATS as NUMBER_FORMATS
from datacleanse_reports.numbers.number_view import read_number_view
from tests.reports.made_numbers import FabricatedNumbers

GOLDEN = Path(__file__).parent / "golden"
UPDATE = os.environ.get("DATACLEANSE_UPDATE_GOLDEN") == "1"

SCRUBBED = (
    (re.compile(r"\d{4}-\d\d-\d\d(?:T| )\d\d:\d\d(?::\d\d)?(?:\+00:00)?"), "DATE"),
    (re.compile(r"(datacleanse|python|torch)(\W+(?:small>)?)\d+\.\d+\.\d+"), r"\1\2VERSION"),
    (re.compile(r"(<style>|<script>).*?(</style>|</script>\n</body>)", re.DOTALL), r"\1…\2"),
    (re.compile(r"sha256-[\w+/=]+"), "HASH"),
    (re.compile(r"(datacleanse (?:review|apply) )\S*/people"), r"\1RUN"),
)
"""What may change without the report's meaning: versions, dates, and the style and script, which
the browser tests cover."""


def scrubbed(text: str) -> str:
    for pattern, replacement in SCRUBBED:
        text = pattern.sub(replacement, text)
    return text


def check(name: str, actual: str) -> None:
    path = GOLDEN / name
    actual = scrubbed(actual)
    if UPDATE:
        path.write_text(actual, encoding="utf-8", newline="")

    assert path.read_bytes().decode("utf-8") == actual


@pytest.mark.parametrize("name", FORMATS)
def test_format_writes_what_it_always_wrote(name, hostile_run):
    view = read_view(hostile_run, top=12)
    check(FORMATS[name].file_name, FORMATS[name].render(view))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_terminal_shows_what_it_always_showed(width, hostile_run):
    out = io.StringIO()
    console = Console(file=out, width=width, color_system=None)
    print_summary(read_view(hostile_run, top=12), console, run=Path("runs/people"))
    check(f"terminal-{width}.txt", out.getvalue())


@pytest.mark.parametrize("name", ["html", "json", "md"])
def test_format_of_a_run_without_verified_rows_is_as_ever(name, unverified_run):
    view = read_view(unverified_run, top=12)
    check(f"unverified-{FORMATS[name].file_name}", FORMATS[name].render(view))


def test_terminal_of_a_run_without_verified_rows_is_as_ever(unverified_run):
    out = io.StringIO()
    console = Console(file=out, width=80, color_system=None)
    print_summary(read_view(unverified_run, top=12), console, run=Path("runs/people"))
    check("unverified-terminal-80.txt", out.getvalue())


@pytest.mark.parametrize("format_", NUMBER_FORMATS.values(), ids=NUMBER_FORMATS)
def test_format_of_a_run_of_numbers_is_as_ever(format_, tmp_path):
    view = read_number_view(FabricatedNumbers().write(tmp_path / "people"), top=12)
    check(f"numbers-{format_.file_name}", format_.render(view))


def test_terminal_of_a_run_of_numbers_is_as_ever(tmp_path):
    out = io.StringIO()
    console = Console(file=out, width=80, color_system=None)
    view = read_number_view(FabricatedNumbers().write(tmp_path / "people"), top=12)
    print_number_summary(view, console, run=Path("runs/people"))
    check("numbers-terminal-80.txt", out.getvalue())


def test_page_of_numbers_without_verified_rows_is_as_ever(tmp_path):
    run = FabricatedNumbers(flagged=0, with_p_values=False, has_clean=False)
    view = read_number_view(run.write(tmp_path / "people"), top=12)
    check("numbers-unverified-report.html", NUMBER_FORMATS["html"].render(view))


def test_scrubber_hides_dates_and_versions():
    text = 'on 2026-01-01T00:00:12+00:00 by "torch": "2.9.0"'

    assert scrubbed(text) == 'on DATE by "torch": "VERSION"'
