"""Names of files, columns, classes and rows are shown as text, whatever they hold."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from datacleanse_cli.printing import quote_word, say, say_json
from tests.cli.conftest import people, run_here
from tests.cli.forked import run_forked

ODD = "\x1b]0;title\x07\x1b[31m\u202e\x9b2J"
"""Sets the window's title, the colour and the reading direction, and clears the screen."""

HIDDEN = set("\x1b\x07\x9b\x7f\r\u202e\u2066\u2028")

BYTES = os.fsdecode(b"caf\xe9")
"""A name in Latin-1, as Python sees it."""

no_windows = pytest.mark.skipif(sys.platform == "win32", reason="file names are other there")


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A run of a table whose name, columns, classes and ids all hold sequences."""
    folder = tmp_path_factory.mktemp("odd")
    for name, n, seed in (("data", 150, 0), ("clean", 60, 1)):
        table = people(n, seed=seed, wrong=0.1 if name == "data" else 0)
        table["label"] = table["label"].map({"yes": f"y{ODD}", "no": f"n{ODD}\nerror: x"})
        table["key"] += ODD
        renamed = {name: f"{name}{ODD}" for name in ("key", "age", "label")}
        table.rename(columns=renamed).to_csv(folder / f"{name}{ODD}.csv", index=False)
    done = audit(folder)
    assert done.code == 0, done.err
    return folder, done


def audit(folder, *more):
    options = ("--label", f"label{ODD}", "--id", f"key{ODD}", "--epochs", "2", "--fast")
    data, clean = f"data{ODD}.csv", f"clean{ODD}.csv"
    return run_here("audit", data, "--val", clean, *options, "-o", f"run{ODD}", *more, cwd=folder)


def is_plain(done):
    return not HIDDEN & set(done.out + done.err)


@no_windows
def test_nothing_of_a_name_acts_on_the_terminal(odd, tmp_path):
    folder, audited = odd
    assert is_plain(audited)
    assert "\\x1b]0;title\\x07" in audited.out
    new = pd.read_csv(folder / f"data{ODD}.csv").assign(**{f"more{ODD}": 1})
    new.to_csv(folder / f"new{ODD}.csv", index=False)
    run = f"run{ODD}"
    for command, code in (
        (("report", run), 0),
        (("report", run, "--json"), 0),
        (("report", run, "--compare", run), 2),
        (("predict", run, f"new{ODD}.csv", "--ignore-extra", "-o", f"p{ODD}.csv"), 0),
        (("predict", run, f"new{ODD}.csv", "-o", f"q{ODD}.csv"), 2),
        (("sample", f"data{ODD}.csv", "--label", f"label{ODD}", "-o", f"s{ODD}.csv"), 0),
        (("sample", f"data{ODD}.csv", "--label", f"l{ODD}", "-o", "s2.csv"), 2),
        (("apply", run, "--auto", "--drop-above", "0.9"), 0),
        (("apply", run, "--auto", "--yes", "--drop-above", "0.9", "-o", f"c{ODD}.csv"), 0),
        (("export", run, "-f", f"{ODD}"), 2),
        (("export", run, "-f", "safetensors", "-o", f"m{ODD}.safetensors"), 0),
        (("review", f"none{ODD}"), 2),
        (("audit", f"x{ODD}", "--val", f"y{ODD}"), 2),
        (("audit", "x", "--val", "y", f"--no{ODD}"), 2),
        (("audit", "x", "--val", "y", "--epochs", f"many{ODD}"), 2),
        (("report", "x", f"a{ODD}\nerror: b"), 2),
        ((f"no{ODD}",), 2),
    ):
        done = run_here(*command, cwd=folder)
        assert done.code == code, (command, done.err)
        assert is_plain(done), command
        assert "\nerror: b" not in done.err


@no_windows
def test_bars_and_tables_of_a_real_terminal_show_names_as_text(odd, tmp_path):
    """A terminal gets Rich's own sequences, and none of the names'."""
    import pty

    shutil.copytree(odd[0], tmp_path, dirs_exist_ok=True)
    ours, theirs = pty.openpty()
    words = ("predict", f"run{ODD}", f"new{ODD}.csv", "--ignore-extra", "-o", "p.csv")
    new = pd.read_csv(tmp_path / f"data{ODD}.csv").assign(**{f"more{ODD}": 1})
    new.to_csv(tmp_path / f"new{ODD}.csv", index=False)
    process = subprocess.Popen(
        [sys.executable, "-m", "datacleanse", *words],
        cwd=tmp_path,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "300"},
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:
            break
        if not part:
            break
        seen += part
    os.close(ours)
    text = seen.decode()

    assert process.wait() == 0, text
    assert "\x1b[" in text
    assert "\\x1b]0;title\\x07\\x1b[31m\\u202e\\x9b2J" in text
    assert not {"\x07", "\x9b", "\u202e"} & set(text)
    assert "\x1b]0" not in text


def test_json_holds_the_names_themselves(capsys):
    value = {f"a{ODD}\udce9\U000e0001": ["ü", "\n"]}
    say_json(value)
    out = capsys.readouterr().out

    assert not HIDDEN & set(out)
    assert "ü" in out
    assert json.loads(out) == value


def test_a_line_stays_one_line(capsys):
    say("a\nb\tc", "d", err=True)

    assert capsys.readouterr().err == "a\\nb\\tc\nd\n"


@no_windows
@pytest.mark.parametrize("word", ["plain", "it's two", f"{ODD}'\\\n", BYTES, "a\U000e0001b", ""])
def test_a_quoted_word_is_the_word_again(word):
    quoted = quote_word(word)
    printed = subprocess.run(
        ["bash", "-c", f"printf %s {quoted}"], capture_output=True, check=True
    ).stdout

    assert printed == os.fsencode(word)
    assert quoted.isprintable()


@no_windows
@pytest.mark.parametrize(
    "words",
    [
        ("audit", f"{BYTES}.csv", "--val", "clean.csv"),
        ("audit", "data.csv", "--val", f"{BYTES}.csv"),
        ("audit", "data.csv", "--val", "clean.csv", "--epochs", "2", "-o", BYTES),
        ("predict", "runs/data", f"{BYTES}.csv"),
        ("predict", "runs/data", "data.csv", "-o", f"{BYTES}.csv"),
        ("sample", "data.csv", f"--out={BYTES}.csv"),
        ("report", BYTES),
        ("apply", BYTES, "-o", f"{BYTES}.csv"),
    ],
)
def test_a_name_that_is_no_utf_8_is_refused_by_name(words, audited_copy):
    shutil.copy(audited_copy / "data.csv", audited_copy / f"{BYTES}.csv")
    before = sorted(audited_copy.rglob("*"))
    done = run_forked(*words, cwd=audited_copy)

    assert done.code == 2
    assert "caf\\xe9" in done.err.splitlines()[-2]
    assert "is no name in UTF-8" in done.err
    assert sorted(audited_copy.rglob("*")) == before


@no_windows
def test_other_names_than_those_given_may_be_no_utf_8(audited_copy):
    """A folder above, a neighbour of a missing file, one among shards."""
    folder = audited_copy / BYTES
    shutil.copytree(audited_copy / "runs", folder / "runs")
    shutil.copy(audited_copy / "data.csv", folder)
    inside = run_here("sample", "data.csv", cwd=folder)
    missing = run_here("sample", "missing.csv", cwd=audited_copy)
    shards = run_here("sample", ".", cwd=audited_copy)
    again = run_here("report", "runs/data", cwd=folder)

    assert (inside.code, missing.code, shards.code, again.code) == (2, 2, 2, 0)
    assert "is no name in UTF-8" in inside.err
    assert "missing.csv does not exist" in missing.err
    assert "caf\\xe9 is no name in UTF-8" in shards.err


@no_windows
def test_a_name_that_no_check_foresaw_is_named_too(monkeypatch, tmp_path):
    def fail(*_, **__):
        f'{{"path": "/srv/{BYTES}/x y", "n": 1}}'.encode()

    monkeypatch.setattr("datacleanse.data.read_data", fail)
    monkeypatch.setattr("datacleanse.pictures.find.find_pictures", lambda *_: None)
    done = run_here("sample", "data.csv", cwd=tmp_path)

    assert done.code == 2
    assert done.err.splitlines()[-2].startswith("error: /srv/caf\\xe9/x is no name in UTF-8.")


@pytest.mark.parametrize("name", ["", "~nobody-of-that-name/data.csv"])
@pytest.mark.parametrize(
    "command",
    [
        ("audit", "{}"),
        ("audit", "data.csv", "--val", "{}"),
        ("audit", "data.csv", "--probabilities", "{}"),
        ("sample", "{}", "-o", "drawn.csv"),
        ("verify", "{}", "-o", "verified.jsonl"),
    ],
    ids=" ".join,
)
def test_no_name_and_a_folder_of_nobody_are_refused(name, command, tmp_path):
    """What a shell hands over for a variable without a value, and for a misspelled user."""
    people(30, seed=0).to_csv(tmp_path / "data.csv", index=False)
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "a.png").write_bytes(b"")
    done = run_here(*(word.format(name) for word in command), cwd=tmp_path)
    assert done.code == 2
    said = "'' is no name of a file." if not name else f"{name} does not exist."
    assert f"error: {said}" in done.err
