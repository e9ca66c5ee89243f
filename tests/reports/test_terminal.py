"""The terminal summary fits its width and shows hostile text as text."""

from __future__ import annotations

import io
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from datacleanse_cli.console import Terminal
from datacleanse_cli.printing import make_printable
from datacleanse_cli.summary import print_summary
from datacleanse_cli.suspect_lines import lay_out_suspects
from datacleanse_reports import read_view
from tests.reports.conftest import Fabricated


def shown(folder, *, width=80, run=Path("runs/people"), encoding="utf-8"):
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, newline="")
    console = Console(file=file, width=width, color_system=None)
    print_summary(read_view(folder, top=60), console, run=run)
    file.flush()
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width, hostile_run):
    run = Path("runs") / ("a long name " * 12)
    shown_lines = shown(hostile_run, width=width, run=run).splitlines()
    # Commands to be copied stay one line.
    lines = [line for line in shown_lines if not line.startswith("  datacleanse ")]

    assert max(map(cell_len, lines)) <= width


def test_markup_is_not_obeyed(fabricated, tmp_path):
    fabricated.classes = ("[red]yes[/red]", "[/bold]no")
    text = shown(fabricated.write(tmp_path / "markup"), width=120)

    assert "[red]yes[/red]" in text
    assert "[/bold]no" in text


def test_control_characters_do_not_reach_the_terminal(fabricated, tmp_path):
    fabricated.classes = ("a\x1b[31m\u202eb", "c\x07\r\nd")
    fabricated.manifest["data"]["source"] = "x\x1b]0;title\x07.csv"
    text = shown(fabricated.write(tmp_path / "control"), width=120)

    assert not {"\x1b", "\x07", "\r", "\u202e"} & set(text)
    assert "a\\x1b[31m\\u202eb" in text


def test_terminal_without_unicode_gets_ascii(hostile_run):
    text = shown(hostile_run, encoding="ascii")

    assert "->" in text
    assert "+- 0.056" in text


def test_printable_keeps_what_the_encoding_has():
    assert make_printable("Zürich → 1", "utf-8") == "Zürich → 1"
    assert make_printable("Zürich → 1", "latin-1") == "Zürich -> 1"


def test_says_what_to_do_next_and_warns(hostile_run):
    text = shown(hostile_run)

    assert "datacleanse predict runs/people 'data people.csv' -o predictions.csv" in text
    assert "runs/people/reports/report.html" in text
    assert "! CLEAN has only 200 rows" in text


def test_without_test_rows_nothing_is_compared(fabricated, tmp_path):
    fabricated.manifest["metrics"]["test"] = None
    text = " ".join(shown(fabricated.write(tmp_path / "untested")).split())

    assert "Neither --test nor --hold-back was given" in text


def test_the_console_itself_lets_no_sequence_through():
    """Also where a caller forgot to make a name visible; Rich's own sequences stay."""
    file = io.StringIO()
    console = Terminal(
        file=file, force_terminal=True, color_system="standard", highlight=False, markup=False
    )
    console.print("a\x1b[5m\u202e", style="bold")
    console.show_cursor(False)

    assert file.getvalue() == "\x1b[1ma\\x1b[5m\\u202e\x1b[0m\n\x1b[?25l"


def test_a_next_round_names_the_command_that_compares_it(fabricated, tmp_path):
    earlier, elsewhere = tmp_path / "it's first", tmp_path / "d.jsonl"
    Fabricated().write(earlier)
    reviewed = {"sha256": "f" * 64, "rows": 1, "kept": 1, "relabelled": 0, "left_out": 0}
    for sources, words in (
        ([str(earlier / "decisions.jsonl")], earlier),
        ([str(elsewhere), str(earlier / "decisions.jsonl")], earlier),
        ([str(elsewhere)], None),
        ([str(tmp_path / "gone" / "decisions.jsonl")], None),
    ):
        fabricated.manifest["reviewed"] = {**reviewed, "sources": sources}
        folder = fabricated.write(tmp_path / f"second{len(list(tmp_path.iterdir()))}")
        view = read_view(folder, top=60)
        if words is None:
            assert view.compare_words == ()
            continue
        assert view.compare_words == ("report", str(folder.path), "--compare", str(words))
        text = shown(folder, width=1000)
        command = next(line for line in text.splitlines() if "--compare" in line)
        assert shlex.split(command)[1:] == list(view.compare_words)


def test_a_doubtful_headline_is_told_as_one_and_what_to_do_first(doubted_run):
    said = " ".join(shown(doubted_run, width=200).split())

    assert "Found Nobody seems to have checked all of the clean set, so this may be" in said
    assert "Next Check the rows of the clean set that the warning names." in said
    assert "datacleanse verify 'data people.csv' -n 30" in said


@pytest.mark.parametrize(("width", "length"), [(80, 36), (80, 40), (60, 20), (120, 55)])
def test_an_id_is_whole_where_it_fits_into_half_the_line(width, length, hostile_run):
    view = read_view(hostile_run, top=60)
    ids = [f"{number:03d}-".ljust(length, "x") for number in range(len(view.suspects))]
    suspects = [replace(e, id=name) for e, name in zip(view.suspects, ids, strict=True)]
    lines = lay_out(view, suspects, width)

    assert all(f"({name})" in line for name, line in zip(ids, lines, strict=True))
    assert max(map(cell_len, lines)) <= width


def test_an_id_longer_than_half_the_line_is_cut(hostile_run):
    view = read_view(hostile_run, top=60)
    (line,) = lay_out(view, [replace(view.suspects[0], id="y" * 58)], 80)

    assert 30 < line.count("y") <= 40
    assert "…" in line
    assert cell_len(line) <= 80


def lay_out(view, suspects, width):
    file = io.StringIO()
    console = Console(file=file, width=width, color_system=None)
    console.print(lay_out_suspects(view, suspects, "utf-8", width=width))
    return file.getvalue().splitlines()
