"""What the program writes it reads again, and each command that it proposes is accepted as printed.

For names of classes, columns and files such as people have them: words that read like a missing
value, blanks, quotes, line breaks, dashes at the start. An audit is taken to be accepted where it
has read and checked all that it needs.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import shutil
import subprocess
import tempfile
from collections import Counter
from dataclasses import replace
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rich.console import Console

from datacleanse.auditing.reading import read_inputs
from datacleanse.data import ReadOptions, fingerprint, read_data, read_ids, seal_rows, write_table
from datacleanse.data.sources import locate
from datacleanse.pictures.find import ask_for_data, find_pictures
from datacleanse.pictures.read import read_listing
from datacleanse.progress import SILENT
from datacleanse.review.apply import summarise_cleaning
from datacleanse.review.audited_run import AuditedRun
from datacleanse.review.cleaning_plan import plan_cleaning
from datacleanse.review.decisions import Decision, append_decisions
from datacleanse.review.write_pictures import PictureOutput, choose_picture_files
from datacleanse.review.write_table import TableOutput, choose_table_files
from datacleanse.storage.run_folder import RunFolder
from datacleanse.storage.schemas import AUDIT_COLUMNS
from datacleanse_cli.cleaning_summary import print_cleaning
from datacleanse_cli.next_commands import propose_apply, spell_command, spell_place
from datacleanse_reports.next_step import (
    name_after,
    propose_applying,
    propose_verifying,
    propose_verifying_more,
)
from tests.cli.applying import decide
from tests.cli.conftest import make_command, people, run_here
from tests.pictures.made import picture
from tests.review.verifying import draw, verify
from tests.tries import tries

CLASSES = (
    *("NA", "None", "null", "nan", "N/A", "#N/A", "<NA>", "-1.#IND", "true", "1"),
    *("a b", "it's", 'say "x", y', "-x", "--val", "a\nb", "=1+1", "$HOME", "`id`", "a;b", "ü", "*"),
)
COLUMNS = ("label", "the label", "-label", "it's", 'a "b"', "--id", "None")
FILES = ("data", "a b", "it's", 'say "x"', "-x", "--val", "a\nb", "$HOME", "NA", "None", "ü;(1)")
FOLDERS = [name for name in CLASSES if "/" not in name]

some_classes = st.lists(
    st.sampled_from(CLASSES), min_size=2, max_size=4, unique_by=lambda name: name.casefold()
)


@contextlib.contextmanager
def place():
    """An empty current folder."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        yield Path(folder)


def split_by_shell(command):
    """The words of a command, as bash hands them over: it knows ``$'...'``, `shlex` does not."""
    asked = ["bash", "-c", f"printf '%s\\0' {command.strip()}"]
    return os.fsdecode(subprocess.run(asked, capture_output=True, check=True).stdout).split("\0")[
        :-1
    ]


def accept(command):
    """Run a printed `audit` as a shell would, up to where training would begin."""
    words = split_by_shell(command)
    assert words[:2] == ["datacleanse", "audit"]
    read = []

    def stop(request, *_, **__):
        read.append(read_inputs(request, SILENT))
        return SimpleNamespace(headline=SimpleNamespace(flagged=0, rows=1))

    # The commands load one another, and a name that is taken over meanwhile would stay replaced.
    make_command()
    import_module("datacleanse_cli.demo")
    with mock.patch("datacleanse_cli.audit.audit_and_report", stop):
        done = run_here(*words[1:], cwd=Path.cwd())
    assert (done.code, done.err) == (0, ""), (command, done.err)
    return read[0]


def last_command(text):
    return "datacleanse audit" + text.rpartition("  datacleanse audit")[2]


def sample(*words):
    """Draw a sample; the printed command."""
    done = run_here("sample", "-q", *words, cwd=Path.cwd())
    assert done.code == 0, done.err
    # Classes that look alike are told even so.
    assert not done.err or done.err.startswith("warning: "), done.err
    return last_command(done.out)


def fill(column, known, n_rows):
    """The cells of a column of the audit table: what is known, else nothing or zeros."""
    if column.name in known:
        return pa.array(known[column.name], column.type)
    return (
        pa.nulls(n_rows, column.type)
        if column.is_nullable
        else pa.array([0] * n_rows).cast(column.type)
    )


def clean_up(source, options, out, clean):
    """Have two decisions applied, of a run made up for DATA and CLEAN; the printed command."""
    listing = find_pictures(source, ask_for_data(options))
    is_of_files = listing is not None and listing.path is not None
    data = read_listing(listing) if listing else read_data(source, options)
    run = Path("the run's")
    run.mkdir()
    given = [data.given_labels[code] for code in data.labels]
    seals = [None] * data.n_rows
    if listing is None:
        seals = seal_rows(data, np.arange(data.n_rows))
    new = next(label for label in data.given_labels if label != given[0])
    ids = read_ids(data).to_pylist()
    known = {"row": range(data.n_rows), "id": ids, "row_sha256": seals, "given_label": given}
    known |= {"rank": range(1, data.n_rows + 1)}
    write_table(
        pa.table({each.name: fill(each, known, data.n_rows) for each in AUDIT_COLUMNS}),
        run / "audit.parquet",
    )
    last = data.n_rows - 1
    made = [
        Decision(0, ids[0], seals[0], given[0], "relabel", new, "", "", "r"),
        Decision(last, ids[last], seals[last], given[last], "drop", None, "", "", "r"),
    ]
    append_decisions(run / "decisions.jsonl", made)
    location = None if is_of_files else locate(source)
    sha256 = "" if listing else fingerprint(source)
    audited = AuditedRun(
        RunFolder(run),
        "r",
        source,
        None,
        options,
        sha256,
        data.n_rows,
        Counter(given),
        set(given),
        True,
        listing,
        location,
        (clean,),
    )
    with mock.patch("datacleanse.review.cleaning_plan.read_unreadable_pictures", return_value=[]):
        plan = plan_cleaning(audited)
    assert (plan.relabelled, plan.dropped, plan.refused) == (1, 1, ())
    if listing is None:
        files = choose_table_files(location, Path(out))
        TableOutput(files, location, keeps_bytes=False).write(plan)
    else:
        files = choose_picture_files(Path(out))
        PictureOutput(files, listing).write(plan)
    shown = io.StringIO()
    console = Console(file=shown, width=40)
    print_cleaning(summarise_cleaning(plan, files, is_written=True), console, run=run)
    expected = [new, *given[1:last]]
    return last_command(shown.getvalue()), sorted(expected)


def check_sample(found, n):
    """Every row of the sample is found again in DATA, and has the same label there."""
    overlap = found.comparison.overlap
    assert len(overlap.clean_rows) == found.clean.n_rows == n
    assert (found.data.labels[overlap.data_rows] == found.clean.labels[overlap.clean_rows]).all()


def labels_of(data):
    return sorted(data.given_labels[code] for code in data.labels)


@settings(max_examples=tries(20), deadline=None)
@given(
    classes=some_classes,
    label=st.sampled_from(COLUMNS),
    file=st.sampled_from(FILES),
    formats=st.tuples(*[st.sampled_from([".csv", ".tsv", ".jsonl", ".parquet"])] * 3),
    how=st.tuples(st.sampled_from([None, None, ";"]), st.booleans()),
)
def test_tables_and_commands_are_accepted_whatever_the_names_are(
    classes, label, file, formats, how
):
    delimiter, has_id = how
    assume(delimiter is None or formats[0] == ".csv")
    # CLEAN keeps the delimiter of DATA, and one option cannot serve it and a cleaned .tsv.
    is_clean_text = formats[1] in (".csv", ".tsv")
    assume(delimiter is None or formats[2] != ".tsv" or not is_clean_text)
    with place():
        n = 24
        ids = ["NA", "None", "null", "nan", *(f"k {i}" for i in range(4, n))]
        columns = {"an id": ids, "x": [i * 1.5 for i in range(n)]}
        columns[label] = [classes[i % len(classes)] for i in range(n)]
        data, clean, out = file + formats[0], f"{file} v{formats[1]}", f"c {file}{formats[2]}"
        write_table(pa.table(columns), Path(data), delimiter=delimiter)
        options = ReadOptions(label=label, id="an id" if has_id else None, delimiter=delimiter)
        words = [f"--label={label}", *(["--id", "an id"] if has_id else [])]
        words += ["--delimiter", ";"] if delimiter else []
        found = accept(sample("-n", "12", "-o", f"./{clean}", *words, "--", data))
        check_sample(found, 12)
        command, expected = clean_up(spell_place(data), options, out, spell_place(clean))
        found = accept(command)
        assert labels_of(found.data) == expected
        assert found.reviewed is not None


@pytest.mark.parametrize("missing", ["?", "-9", "", "NA"])
def test_what_counts_as_missing_is_handed_on(missing):
    with place():
        cells = ["?", "-9", "NA", "w"] * 10
        lines = [f"{cell},{at}.5,{'uv'[at % 2]}\n" for at, cell in enumerate(cells)]
        Path("d.csv").write_text("word,x,label\n" + "".join(lines), encoding="utf-8")
        found = accept(sample("d.csv", f"--missing={missing}", "-n", "8", "-o", "v.csv"))
        check_sample(found, 8)
        assert found.options.missing == (missing,)
        assert found.data.table.column("word").null_count == (10 if missing else 0)


@settings(max_examples=tries(8), deadline=None)
@given(
    classes=some_classes,
    names=st.lists(st.sampled_from(FILES), min_size=2, max_size=3, unique=True),
    folder=st.sampled_from(FILES),
    suffix=st.sampled_from([".csv", ".jsonl"]),
)
def test_pictures_and_commands_are_accepted_whatever_the_names_are(classes, names, folder, suffix):
    with place():
        for k, each in enumerate(classes):
            Path(folder, each).mkdir(parents=True)
            for j, name in enumerate(names):
                Path(folder, each, f"{name}.png").write_bytes(picture(10 * k + j))
        found = accept(sample("-n", str(len(classes)), "-o", f"./v{suffix}", "--", folder))
        check_sample(found, len(classes))
        for out in (f"c {folder}{suffix}", f"c {folder}"):
            command, expected = clean_up(spell_place(folder), ReadOptions(), out, f"v{suffix}")
            if len(set(expected)) > 1:
                found = accept(command)
                assert labels_of(found.data) == expected
            shutil.rmtree("the run's")


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash")
@settings(max_examples=tries(100), deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp"]))))
def test_a_shell_hands_over_the_words_that_were_meant(words):
    assert split_by_shell(spell_command(*words)) == ["datacleanse", *words]


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash")
def test_what_a_terminal_would_act_on_is_spelled_out_for_bash():
    import subprocess

    words = ["\x1b[31mred\x07", "\u202eevil's", "a\\b\x85c d", "line\nbreak", "\ta"]
    command = spell_command(*words)
    assert not {"\x1b", "\x07", "\u202e", "\x85"} & set(command)
    script = command.replace("datacleanse", "printf '%s\\0'", 1)
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=True, env=environment)
    assert done.stdout.decode().split("\0")[:-1] == words


def test_cleaned_data_is_proposed_under_a_name_that_is_free(audited_copy, monkeypatch):
    """It is called after DATA, also in a second round, when the first name is taken."""
    monkeypatch.chdir(audited_copy)
    decide(audited_copy, {3: "drop"})
    for name in ("data.cleaned.csv", "data.cleaned-2.csv", "data.cleaned-3.csv"):
        words = shlex.split(propose_apply(Path("runs/data"), "data.csv"))
        assert words == ["datacleanse", "apply", "runs/data", "-o", name]
        done = run_here(*words[1:], cwd=audited_copy)
        assert done.code == 0, done.err


def test_decisions_from_elsewhere_are_named_in_the_next_command(audited_copy, monkeypatch):
    monkeypatch.chdir(audited_copy)
    decide(audited_copy, {3: "relabel"})
    Path("runs/data/decisions.jsonl").rename("m y.jsonl")
    done = run_here("apply", "runs/data", "--decisions", "m y.jsonl", cwd=audited_copy)
    assert done.code == 0, done.err
    command = last_command(done.out)
    assert shlex.split(command)[-4:] == ["--decisions", "m y.jsonl", "--id", "key"]
    assert accept(command).reviewed.rows.tolist() == [3]


def test_after_flags_alone_no_decisions_are_named(audited_copy, monkeypatch):
    monkeypatch.chdir(audited_copy)
    how = ("--auto", "--relabel-above", "0.9", "--yes")
    done = run_here("apply", "runs/data", *how, cwd=audited_copy)
    assert done.code == 0, done.err
    command = last_command(done.out)
    assert "--decisions" not in command
    assert accept(command).reviewed is None


def test_a_clean_set_that_is_not_here_any_more_is_named_by_its_role(audited_copy, monkeypatch):
    monkeypatch.chdir(audited_copy)
    decide(audited_copy, {3: "drop"})
    Path("clean.csv").unlink()
    done = run_here("apply", "runs/data", cwd=audited_copy)
    assert done.code == 0, done.err
    assert " --val CLEAN --decisions runs/data" in last_command(done.out)


def propose_more(folder, *sources):
    """The command by which more rows get verified, of a run whose CLEAN are files of verdicts."""
    run = RunFolder(folder / "runs" / "data")
    told = json.loads(run.manifest_file.read_text(encoding="utf-8"))
    told["clean"] |= {"source": sources[0], "sources": sources}
    told["overlap"]["matched_by"] = "verdicts"
    told["flags"] |= {"flagged": 0, "basis": "none", "calibration_rows": 60, "rows_needed": 70}
    run.manifest_file.write_text(json.dumps(told), encoding="utf-8")
    return propose_verifying_more(run, run.manifest())


def run_verifying(words, folder):
    """Run the printed command up to its end: the rows that it draws are verified beforehand."""
    given = dict(pairwise(words))
    seed = int(given.get("--seed", 0))
    drawing = draw(folder / words[1], int(given["-n"]), seed=seed, id=given.get("--id"))
    truth = people(drawing.draw.data_rows, seed=0)["label"].tolist()
    verify(folder / given["-o"], drawing, truth)
    done = run_here(*words, cwd=folder)
    assert done.code == 0, done.err
    return drawing, done


def test_verdicts_on_the_data_as_it_is_are_gone_on_with(audited_copy, monkeypatch):
    monkeypatch.chdir(audited_copy)
    truth = people(150, seed=0)["label"].tolist()
    verify(Path("v.jsonl"), draw("data.csv", 50, seed=3, id="key"), truth)
    words = propose_more(audited_copy, "v.jsonl")
    assert words[:6] == ("verify", "data.csv", "-n", "70", "-o", "v.jsonl")
    _, done = run_verifying(words, audited_copy)
    found = accept(last_command(done.out.replace("Next:", " ")))
    assert found.clean.n_rows == 70


def test_rows_that_could_not_be_judged_are_drawn_beside_those_that_are_lacking(
    audited_copy, monkeypatch
):
    monkeypatch.chdir(audited_copy)
    truth = people(150, seed=0)["label"].tolist()
    drawing = draw("data.csv", 64, id="key")
    verify(Path("v.jsonl"), drawing, truth, unsure=[each.row for each in drawing.rows[:4]])
    words = propose_more(audited_copy, "v.jsonl")
    assert words[words.index("-n") + 1] == "74"


def test_a_class_that_the_data_lacks_may_be_given_further_on(audited_copy, monkeypatch):
    monkeypatch.chdir(audited_copy)
    truth = people(150, seed=0)["label"].tolist()
    drawing = draw("data.csv", 50, id="key")
    truth[drawing.rows[5].row] = "-none"
    verify(Path("v.jsonl"), drawing, truth, new_classes=["-none"])
    assert "--new-class=-none" in propose_more(audited_copy, "v.jsonl")


@pytest.mark.parametrize("sources", [("v.jsonl",), ("v.jsonl", "clean.csv")])
def test_verdicts_on_the_data_of_before_are_joined_by_a_file_of_their_own(
    sources, audited_copy, monkeypatch
):
    """As after cleaning: that file is not gone on with, and the audit is given both."""
    monkeypatch.chdir(audited_copy)
    frame = pd.read_csv("data.csv")
    frame.loc[0, "label"] = {"yes": "no", "no": "yes"}[frame.loc[0, "label"]]
    frame.to_csv("before.csv", index=False)
    truth = people(150, seed=0)["label"].tolist()
    before = draw("before.csv", 50, id="key")
    verify(Path("v.jsonl"), before, truth)
    words = propose_more(audited_copy, *sources)
    assert words[4:6] == ("-o", "v-2.jsonl")
    drawing, done = run_verifying(words, audited_copy)
    command = last_command(done.out.replace("Next:", " "))
    for source in (*sources, "v-2.jsonl"):
        assert f"--val {source}" in command
    found = accept(command)
    rows = {each.row for each in (*before.rows, *drawing.rows)}
    assert len(rows) > 50  # the second draw asks about other rows
    assert len(found.comparison.overlap.data_rows) >= len(rows) - 1


def test_rows_are_verified_with_the_decimal_sign_of_the_audit(audited_copy):
    """Without it a column that leaves it open is not read, nor is it by the audit after that."""
    data = RunFolder(audited_copy / "runs" / "data").manifest().data
    reading = replace(data.reading, decimal=",")
    assert propose_verifying(replace(data, reading=reading))[-2:] == ("--decimal", ",")


def test_rows_verified_before_must_be_there(audited_copy):
    done = run_here("verify", "data.csv", "--val", "no.jsonl", cwd=audited_copy)
    assert (done.code, "no.jsonl does not exist" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("source", "proposed"),
    [
        ("churn.cleaned.csv", "churn.cleaned-2.csv"),
        ("old/churn.cleaned-2.csv.gz", "churn.cleaned-3.csv.gz"),
        (".cleaned.csv", ".cleaned.cleaned.csv"),
        ("un.cleaned-x.csv", "un.cleaned-x.cleaned.csv"),
    ],
)
def test_data_that_is_cleaned_again_gets_a_higher_number(source, proposed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert propose_applying(Path("run"), source)[-1] == proposed


def test_a_name_that_is_taken_is_told_with_one_that_is_free(audited_copy, monkeypatch):
    monkeypatch.chdir(audited_copy)
    for name in ("p q.csv", "p q-2.csv", "predictions.csv.gz"):
        (audited_copy / name).write_text("")
    told = {
        "p q.csv": "-o 'p q-3.csv'",
        "predictions.csv.gz": "-o predictions-2.csv.gz",
    }
    for name, free in told.items():
        done = run_here("predict", "runs/data", "data.csv", "-o", name, cwd=audited_copy)
        assert done.code == 2
        assert free in done.err


@pytest.mark.parametrize("named", [".", "./", "../here", "sub/.."])
def test_a_run_of_the_current_folder_is_called_after_it(named, tmp_path, monkeypatch):
    (tmp_path / "here" / "sub").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    assert name_after(named) == "here"
