"""Cleaning a table of hostile cells, ids and labels: nothing runs, hides or gets lost."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from rich.console import Console

from datacleanse.data import ReadOptions, read_data, read_ids, seal_rows, write_table
from datacleanse.data.sources import locate
from datacleanse.review.apply import summarise_cleaning
from datacleanse.review.audited_run import AuditedRun
from datacleanse.review.cleaning_plan import plan_cleaning
from datacleanse.review.decisions import Decision, append_decisions
from datacleanse.review.write_changes import CleanedFiles
from datacleanse.review.write_table import TableOutput, choose_table_files
from datacleanse.storage.run_folder import RunFolder
from datacleanse.storage.schemas import AUDIT_COLUMNS
from datacleanse_cli.cleaning_summary import print_cleaning
from tests.cli.test_next_commands import fill

LABELS = ("=cmd|'/c calc'!A0", 'say "hi", twice', "\u202eevil", "🍐", "</script><script>", "-1+1")
CELLS = (
    *LABELS,
    "a\nb",
    "tab\there",
    "'quoted'",
    "x" * 1_000_000,
    "{{ 7 * 7 }}",
    "\u200d",
    "<img src=x onerror=alert(1)>",
)


def hostile_table():
    rows = 26
    return pa.table(
        {
            "who": [f"{CELLS[i % len(CELLS)][:40]}{i}" for i in range(rows)],
            "text": [CELLS[i % len(CELLS)] for i in range(rows)],
            "n": np.arange(rows) % 5,
            "label": [LABELS[i % len(LABELS)] for i in range(rows)],
        }
    )


def cleaned(tmp_path, name, *, raw=False):
    """The plan and the files of a cleaning in which every label is changed and a row dropped."""
    source = tmp_path / name
    write_table(hostile_table(), source)
    options = ReadOptions(label="label", id="who")
    data = read_data(source, options)
    names, seals = read_ids(data).to_pylist(), seal_rows(data, np.arange(26))
    made = []
    for row in range(len(LABELS)):
        new = LABELS[(row + 1) % len(LABELS)]
        made.append(
            Decision(row, names[row], seals[row], LABELS[row], "relabel", new, "=1+1", "", "r")
        )
    made.append(Decision(20, names[20], seals[20], LABELS[20 % 6], "drop", None, "@x", "", "r"))
    run = RunFolder(tmp_path)
    append_decisions(run.decisions_file, made)
    known = {"row": range(len(LABELS)), "given_label": LABELS}
    audit = {each.name: fill(each, known, len(LABELS)) for each in AUDIT_COLUMNS}
    write_table(pa.table(audit), run.audit_file)
    plan = plan_cleaning(audited(tmp_path, source))
    location = locate(str(source))
    files = choose_table_files(location, tmp_path / f"out-{name}")
    TableOutput(files, location, keeps_bytes=False).write(plan, raw=raw)
    return plan, files


def audited(tmp_path, source):
    """The run about a hostile table that lies there now."""
    options = ReadOptions(label="label", id="who")
    return AuditedRun(
        folder=RunFolder(tmp_path),
        run_id="r",
        source=str(source),
        options=options,
        sha256="other",
        n_rows=26,
        classes=dict.fromkeys(LABELS, 1),
        labels=LABELS,
        has_clean=True,
        listing=None,
        location=locate(str(source)),
        in_memory=None,
        clean=(),
    )


@pytest.mark.parametrize("name", ["d.csv", "d.tsv.zst", "d.jsonl", "d.parquet"])
def test_hostile_cells_and_labels_come_out_as_they_went_in(tmp_path, name):
    plan, files = cleaned(tmp_path, name)
    assert (plan.relabelled, plan.dropped, plan.refused) == (6, 1, ())
    expected = hostile_table().to_pylist()
    for row in range(len(LABELS)):
        expected[row]["label"] = LABELS[(row + 1) % len(LABELS)]
    del expected[20]
    found = read_data(files.cleaned, ReadOptions(label="label", id="who")).table
    assert found.select(["who", "text", "n", "label"]).to_pylist() == expected


@pytest.mark.parametrize("raw", [False, True])
def test_the_diff_runs_in_no_spreadsheet_and_keeps_every_label(tmp_path, raw):
    _, files = cleaned(tmp_path, "d.csv", raw=raw)
    rows = list(csv.DictReader(io.StringIO(files.diff.read_text(encoding="utf-8"), newline="")))
    assert len(rows) == 7
    mark = "" if raw else "'"
    for row, found in zip(range(6), rows, strict=False):
        old, new = LABELS[row], LABELS[(row + 1) % 6]
        safe = [mark + text if text[0] in "=-" else text for text in (old, new)]
        assert [found["old_label"], found["new_label"]] == safe
        assert found["reviewer"] == f"{mark}=1+1"
    starts = [cell[:1] for found in rows for cell in found.values()]
    assert raw or not {"=", "+", "-", "@"} & set(starts)


def test_the_terminal_shows_no_hidden_sign_and_keeps_to_its_width(tmp_path):
    plan, files = cleaned(tmp_path, "d.csv")
    frame = pd.read_csv(tmp_path / "d.csv")
    frame.loc[[2, 4], "n"] += 1  # their decisions are refused, by name
    frame.to_csv(tmp_path / "d.csv", index=False)
    plan = plan_cleaning(audited(tmp_path, tmp_path / "d.csv"))
    assert [(each.decision.row, each.reason) for each in plan.refused] == [
        (2, "changed"),
        (4, "changed"),
    ]
    out = io.StringIO()
    found = summarise_cleaning(plan, files, is_written=True)
    print_cleaning(found, Console(file=out, width=80), run=tmp_path / "r")
    text = out.getvalue()
    assert "\u202e" not in text
    assert "\\u202eevil" in text
    # The command to be copied stays one line.
    lines = [line for line in text.splitlines() if not line.startswith("  datacleanse ")]
    assert max(map(len, lines)) <= 80
    assert json.loads(json.dumps(found.to_json()))["refused"][0]["row"] == 2


def test_names_of_files_may_be_hostile(tmp_path):
    location = locate(_written(tmp_path / "a b.csv"))
    found = choose_table_files(location, tmp_path / "=x, \"y\" 'z'.csv")
    assert found == CleanedFiles(
        tmp_path / "=x, \"y\" 'z'.csv", tmp_path / "=x, \"y\" 'z'.diff.csv"
    )


def _written(path):
    write_table(hostile_table(), path)
    return str(path)
