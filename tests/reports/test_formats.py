"""The contract that every format keeps, and what is particular to some."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from dataclasses import asdict

import pytest

from datacleanse.data.spreadsheets import defuse_formula
from datacleanse.errors import RunFolderError, SettingsError
from datacleanse_reports import read_view, sentences, write_reports
from datacleanse_reports.formats import summary_json, suspects_csv
from datacleanse_reports.formats.html import MAX_SUSPECTS
from datacleanse_reports.formats.registry import FORMATS, TOOLS
from datacleanse_reports.wording import make_visible
from tests.reports.conftest import write_json

# FiftyOne shows pictures, which these runs have none of; see test_tools.py.
ALL = {**FORMATS, **{name: each for name, each in TOOLS.items() if name != "fiftyone"}}

every_format = pytest.mark.parametrize("format_", ALL.values(), ids=ALL)


@every_format
def test_writes_one_file_of_its_name(format_, hostile_run):
    written = write_reports(hostile_run, top=10, formats=[format_.name])

    assert written == {format_.name: hostile_run.reports_dir / format_.file_name}
    assert [path.name for path in hostile_run.reports_dir.iterdir()] == [format_.file_name]


@every_format
def test_same_run_gives_same_bytes(format_, hostile_run):
    first = write_reports(hostile_run, top=10, formats=[format_.name])[format_.name].read_bytes()
    second = write_reports(hostile_run, top=10, formats=[format_.name])[format_.name].read_bytes()

    assert first == second


@every_format
def test_names_the_first_suspects_labels(format_, hostile_run):
    view = read_view(hostile_run, top=10)
    text = format_.render(view)

    assert str(view.suspects[0].row) in text
    assert "yes" in text


@every_format
def test_never_says_nan_or_none(format_, fabricated, tmp_path):
    fabricated.with_p_values = False
    fabricated.flagged = 0
    fabricated.manifest["metrics"]["test"] = None
    fabricated.manifest["test"] = None
    for name in ("smallest_p_value", "null_share"):
        fabricated.manifest["flags"][name] = None
    fabricated.manifest["flags"]["rows_needed"] = 1234
    text = format_.render(read_view(fabricated.write(tmp_path / "bare"), top=10))

    assert not {"nan", "NaN", "None", "inf"} & set(text.replace('"', " ").replace(",", " ").split())


@every_format
@pytest.mark.parametrize("n_rows", [1, 2])
def test_bears_the_smallest_runs(format_, n_rows, fabricated, tmp_path):
    fabricated.n_rows = n_rows
    fabricated.n_epochs = 1
    fabricated.flagged = min(fabricated.flagged, n_rows)
    view = read_view(fabricated.write(tmp_path / "tiny"), top=10)

    assert len(view.suspects) == n_rows
    assert format_.render(view)


@every_format
def test_leaves_the_old_report_when_rendering_fails(format_, hostile_run, monkeypatch):
    path = write_reports(hostile_run, top=10, formats=[format_.name])[format_.name]
    before = path.read_bytes()

    def fails(self, view):
        raise RuntimeError

    monkeypatch.setattr(type(format_), "render", fails)
    with pytest.raises(RuntimeError):
        write_reports(hostile_run, top=5, formats=[format_.name])

    assert before == path.read_bytes()
    assert [path] == list(hostile_run.reports_dir.iterdir())


def test_all_formats_are_written_by_default(hostile_run):
    written = write_reports(hostile_run, top=10)

    expected = {"report.html", "suspects.csv", "summary.json", "report.md"}
    assert expected == {path.name for path in written.values()}


def test_unknown_format_is_refused_by_name(hostile_run):
    with pytest.raises(SettingsError, match=r"'pdf'.*html, csv, json, md"):
        write_reports(hostile_run, top=10, formats=["html", "pdf"])


@pytest.mark.parametrize(
    ("part", "key"),
    [("training", "curves"), ("training", "folds"), ("flags", "basis"), ("noise", "rate")],
)
def test_manifest_that_lacks_a_part_is_named_as_damaged(part, key, hostile_run):
    manifest = json.loads(hostile_run.manifest_file.read_text(encoding="utf-8"))
    del manifest[part][key]
    write_json(hostile_run.manifest_file, manifest)

    with pytest.raises(RunFolderError, match=rf"damaged: {part}\.{key} is missing, where .+ was"):
        read_view(hostile_run, top=10)


def test_manifest_may_hold_more_than_this_program_knows(fabricated, tmp_path):
    for part in ("data", "clean", "overlap", "flags", "training", "noise"):
        fabricated.manifest[part]["new in a later version"] = 1

    assert read_view(fabricated.write(tmp_path / "later"), top=10).suspects


def test_summary_keys_are_all_there(hostile_run):
    summary = summary_json.summarise(read_view(hostile_run, top=10))

    assert {"schema_version", *summary_json.KEYS, "suspects"} == set(summary)


def test_every_number_of_the_summary_is_the_views(hostile_run):
    view = read_view(hostile_run, top=10)
    summary = json.loads(summary_json.SummaryJson().render(view))

    n_numbers = _compare(summary | {"schema_version": None}, asdict(view))
    assert n_numbers > 150


def _compare(part, whole):
    """Walk both; return the count of numbers that agree."""
    if isinstance(part, dict):
        return sum(_compare(v, whole[k]) for k, v in part.items() if k != "schema_version")
    if isinstance(part, list):
        assert len(part) == len(whole)
        return sum(_compare(a, b) for a, b in zip(part, whole, strict=True))

    assert part == whole
    assert not isinstance(part, float) or math.isfinite(part)
    return isinstance(part, int | float) and not isinstance(part, bool)


def _csv_rows(view):
    text = suspects_csv.SuspectsCsv().render(view)
    return list(csv.reader(io.StringIO(text, newline="")))


def test_csv_prefixes_columns_that_bear_an_audit_name(hostile_run):
    header = _csv_rows(read_view(hostile_run, top=10))[0]

    own = ["person", "data.rank", "age", "'=cmd()<b>", "'=cmd()<b>", "col 2", "col 3"]
    assert header == [*suspects_csv.SUGGESTION_COLUMNS, *own, *suspects_csv.TECHNICAL_COLUMNS]


def test_csv_gives_cells_back_and_lowest_rank_first(hostile_run):
    view = read_view(hostile_run, top=60)
    rows = _csv_rows(view)[1:]

    assert [str(rank) for rank in range(1, 61)] == [row[0] for row in rows]
    for suspect, row in zip(view.suspects, rows, strict=True):
        cells = ["" if cell is None else defuse_formula(cell) for cell in suspect.cells]
        start = len(suspects_csv.SUGGESTION_COLUMNS)
        assert cells == row[start : start + len(cells)]
        assert row[-1].startswith("[")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_csv_defuses_formulas(start, hostile_run):
    cells = [cell for row in _csv_rows(read_view(hostile_run, top=60)) for cell in row]

    assert any(cell.startswith(f"'{start}") for cell in cells)
    assert {"-4.1"} >= {c for c in cells if c.startswith(start) and not _is_number(c)}
    assert "-4.1" in cells


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_visible_text_hides_nothing():
    assert make_visible("a\x1b[31m\u202eb\nc\x00") == "a\\x1b[31m\\u202eb\\nc\\x00"
    assert make_visible("👩‍👩‍👧 naïve שלום") == "👩‍👩‍👧 naïve שלום"


def test_markdown_shows_the_users_text_as_text(hostile_run):
    text = FORMATS["md"].render(read_view(hostile_run, top=60))

    assert not re.search(r"(?<!\\)</?script", text)
    assert "\\<script\\>" in text
    assert "\u202e" not in text


def test_html_embeds_no_more_than_it_should_and_stays_small(fabricated, tmp_path):
    fabricated.n_rows, fabricated.n_epochs, fabricated.n_columns = 1000, 30, 27
    fabricated.cells = ("a longer cell of text", "1787.25", "2021-03-04", "university.degree")
    view = read_view(fabricated.write(tmp_path / "large"), top=700)
    page = FORMATS["html"].render(view)

    assert len(view.suspects) == 700
    assert page.count("<tbody data-rank") == MAX_SUSPECTS
    assert len(page.encode()) < 1_500_000


def test_html_cuts_long_cells_and_says_so(fabricated, tmp_path):
    fabricated.cells = ("x" * 1_000_000,)
    fabricated.n_rows, fabricated.n_columns = 8, 2
    page = FORMATS["html"].render(read_view(fabricated.write(tmp_path / "long"), top=8))

    assert "(1,000,000 characters)" in page
    assert len(page) < 300_000


def test_html_leaves_columns_of_very_wide_tables_out_and_says_so(fabricated, tmp_path):
    fabricated.cells = ("v",)
    fabricated.n_rows, fabricated.n_columns = 50, 1000
    page = FORMATS["html"].render(read_view(fabricated.write(tmp_path / "wide"), top=50))

    assert "203 further columns" in page


@pytest.mark.parametrize("name", ["html", "md"])
def test_many_confusions_are_cut_for_people_and_whole_for_scripts(name, fabricated, tmp_path):
    fabricated.classes = tuple(f"class {i}." for i in range(22))
    view = read_view(fabricated.write(tmp_path / "classes"), top=5)
    text = FORMATS[name].render(view)
    pair = "class {}.</bdi> → <bdi>class {}." if name == "html" else "| class {}. | class {}. |"

    told = text.split("First 5 suspects")[0]
    shown = [pair.format(each.given[6:-1], each.true[6:-1]) in told for each in view.confusions]
    assert shown == [place < sentences.PAIRS_SHOWN for place in range(22)]
    assert len(json.loads(FORMATS["json"].render(view))["confusions"]) == 22


FLAG_WORDS = {
    "controlled": "on the list whose expected false alarms are at most 10%.",
    "estimated": "on the list with an estimated 10% of false alarms (no guarantee).",
}


@pytest.mark.parametrize("name", ["html", "md"])
@pytest.mark.parametrize("basis", FLAG_WORDS)
def test_a_flag_promises_what_its_basis_can_keep(name, basis, fabricated, tmp_path):
    fabricated.manifest["flags"]["basis"] = basis
    text = FORMATS[name].render(read_view(fabricated.write(tmp_path / basis), top=10))

    assert [kind for kind, words in FLAG_WORDS.items() if words in text] == [basis]
    assert ("no guarantee" in text) == (basis == "estimated")


def test_top_beyond_what_was_stored_is_said(fabricated, tmp_path):
    fabricated.stored = 20
    view = read_view(fabricated.write(tmp_path / "stored"), top=40)

    assert len(view.suspects) == 20
    assert "40 were asked for; the run stored no more" in FORMATS["md"].render(view)
