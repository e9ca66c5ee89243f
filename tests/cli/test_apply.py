"""`datacleanse apply` as a user runs it: decisions in, cleaned data and a list of changes out."""

from __future__ import annotations

import gzip
import json

import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.cli.applying import apply_json, decide, flipped, lines, refused
from tests.cli.conftest import run_here
from tests.cli.forked import run_forked


@pytest.fixture
def folder(audited_copy):
    """A run of its own to decide about."""
    return audited_copy


def test_decisions_are_carried_out_and_every_other_byte_stays(folder):
    decide(folder, {3: "relabel", 5: "drop", 7: "keep", 9: "unsure", 149: "relabel"})
    before = lines(folder / "data.csv")
    done = run_forked("apply", "runs/data", "-o", "cleaned.csv", cwd=folder)
    assert done.code == 0, done.err
    expected = list(before)
    expected[4], expected[150] = flipped(before[4]), flipped(before[150])
    del expected[6]
    assert lines(folder / "cleaned.csv") == expected
    assert lines(folder / "data.csv") == before
    assert "data.csv: 150 rows in, 149 out" in done.out
    assert "relabelled 2, dropped 1" in done.out
    assert "as they are: 1 found right, 1 unsure, 145 undecided" in done.out
    assert "datacleanse audit cleaned.csv --val" in done.out
    assert max(len(line) for line in done.out.splitlines()) <= 80


def test_the_diff_says_what_was_changed_by_whom_and_when(folder):
    made = decide(folder, {5: "drop", 3: "relabel"}, reviewer="=HYPERLINK(1)")
    apply_json(folder, "-o", "cleaned.csv")
    text = (folder / "cleaned.diff.csv").read_text(encoding="utf-8")
    given = {each.row: each.given_label for each in made}
    assert text.splitlines() == [
        "row,id,action,old_label,new_label,reviewer,at,comment",
        f"3,p0-3,relabel,{given[3]},{made[1].new_label},'=HYPERLINK(1),2026-01-02T03:04:05+00:00,",
        f"5,p0-5,drop,{given[5]},,'=HYPERLINK(1),2026-01-02T03:04:05+00:00,",
    ]
    apply_json(folder, "-o", "cleaned.csv", "--force", "--raw")
    assert ",=HYPERLINK(1)," in (folder / "cleaned.diff.csv").read_text(encoding="utf-8")


def test_the_data_s_own_cells_are_not_defused(folder):
    decide(folder, {3: "drop"})
    apply_json(folder, "-o", "cleaned.csv")
    assert b'"=cmd|""/c calc""!A0"' in (folder / "cleaned.csv").read_bytes()


def test_the_summary_for_scripts(folder):
    decide(folder, {3: "relabel", 5: "drop", 7: "keep", 9: "unsure"})
    assert apply_json(folder, "-o", "cleaned.csv") == {
        "run": "runs/data",
        "data": "data.csv",
        "data_changed": False,
        "rows": 150,
        "rows_after": 149,
        "relabelled": 1,
        "dropped": 1,
        "verified": 0,
        "automatic": 0,
        "done": 0,
        "kept": 1,
        "unsure": 1,
        "undecided": 146,
        "refused": [],
        "notices": [],
        "written": True,
        "cleaned": "cleaned.csv",
        "diff": "cleaned.diff.csv",
    }


@pytest.mark.parametrize(
    ("out", "cleaned"),
    [((), "cleaned.csv"), (("-o", "mine"), "mine.csv"), (("-o", "a.b.parquet"), "a.b.parquet")],
)
def test_the_output_s_format_is_that_of_its_ending_by_default_the_input_s(folder, out, cleaned):
    decide(folder, {3: "drop"})
    found = apply_json(folder, *out)
    assert found["cleaned"] == cleaned
    read = pd.read_parquet if cleaned.endswith("parquet") else pd.read_csv
    assert len(read(folder / cleaned)) == 149
    assert found["diff"] == cleaned.rsplit(".", 1)[0] + ".diff.csv"


def test_a_row_whose_content_changed_since_the_audit_is_refused_by_name(folder):
    decide(folder, {3: "relabel", 5: "drop", 7: "relabel", 8: "drop", 9: "relabel"})
    table = lines(folder / "data.csv")
    table[4] = table[4].replace(b"p0-3,", b"p0-3,9")  # another age
    table[8] = flipped(table[8])  # row 7 has its new label already
    table[9] = flipped(table[9])  # row 8 is to be dropped for a label that it no longer has
    del table[6]  # row 5 is gone already, and later rows have moved up
    (folder / "data.csv").write_bytes(b"".join(table))
    done = run_here("apply", "runs/data", "-o", "cleaned.csv", cwd=folder)
    assert done.code == 0, done.err
    table[9] = flipped(table[9])  # row 9, known by its id
    assert lines(folder / "cleaned.csv") == table
    said = " ".join(done.out.split())
    assert "row 3 (p0-3): its content has changed since the audit; relabel was not" in said
    assert "row 8 (p0-8): its label was" in said
    assert "data.csv has changed since the audit (its sha256 is another one)" in said
    assert "2 decisions carried out before" in said
    assert max(len(line) for line in done.out.splitlines()) <= 80


def test_without_ids_rows_that_moved_are_found_by_their_content(folder):
    path = folder / "runs/data/run.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["data"]["id"] = manifest["data"]["reading"]["id"] = None
    path.write_text(json.dumps(manifest), encoding="utf-8")
    decide(folder, {3: "relabel", 60: "drop"})
    table = lines(folder / "data.csv")
    moved = [table[0], table[50], *table[1:50], *table[51:]]
    (folder / "data.csv").write_bytes(b"".join(moved))
    assert apply_json(folder, "-o", "cleaned.csv")["refused"] == []
    del moved[61]
    moved[5] = flipped(moved[5])
    assert lines(folder / "cleaned.csv") == moved


def test_applying_twice_changes_nothing_more(folder):
    decide(folder, {3: "relabel", 5: "drop"})
    apply_json(folder, "-o", "cleaned.csv")
    found = apply_json(folder, "--data", "cleaned.csv", "-o", "again.csv")
    assert (found["relabelled"], found["dropped"], found["done"]) == (0, 0, 2)
    assert lines(folder / "again.csv") == lines(folder / "cleaned.csv")


def test_data_in_another_format_is_still_known_row_by_row(folder):
    decide(folder, {3: "relabel", 5: "drop"})
    frame = pd.read_csv(folder / "data.csv", parse_dates=["since"])
    frame.to_parquet(folder / "moved.parquet", index=False)
    found = apply_json(folder, "--data", "moved.parquet")
    assert (found["relabelled"], found["dropped"], found["refused"]) == (1, 1, [])
    assert found["cleaned"] == "cleaned.parquet"
    after = pq.read_table(folder / "cleaned.parquet")
    assert after.schema.equals(pq.read_schema(folder / "moved.parquet"), check_metadata=True)


def test_a_table_of_another_delimiter_and_a_packed_one_stay_so(folder):
    decide(folder, {3: "relabel", 5: "drop"})
    text = (folder / "data.csv").read_bytes()
    (folder / "packed.csv.gz").write_bytes(gzip.compress(text))
    pd.read_csv(folder / "data.csv").to_csv(folder / "semi.csv", sep=";", index=False)
    found = apply_json(folder, "--data", "packed.csv.gz")
    assert found["cleaned"] == "cleaned.csv.gz"
    apply_json(folder, "-o", "plain.csv")
    assert (
        gzip.decompress((folder / "cleaned.csv.gz").read_bytes())
        == (folder / "plain.csv").read_bytes()
    )
    found = apply_json(folder, "--data", "semi.csv", "--delimiter", ";", "-o", "semi2.csv")
    assert (found["relabelled"], found["dropped"], found["refused"]) == (1, 1, [])
    before, after = lines(folder / "semi.csv"), lines(folder / "semi2.csv")
    assert after[:4] == before[:4]
    assert after[5:] == [before[5], *before[7:]]


def test_a_folder_of_parquet_is_cleaned_into_one_file_outside_of_it(folder):
    decide(folder, {3: "relabel", 149: "drop"})
    frame = pd.read_csv(folder / "data.csv", parse_dates=["since"])
    (folder / "parts").mkdir()
    frame.head(100).to_parquet(folder / "parts" / "a.parquet")
    frame.tail(50).to_parquet(folder / "parts" / "b.parquet")
    for out in ("parts/a.parquet", "parts/c.parquet"):
        for source in ("parts", "parts/*.parquet"):
            message = refused(folder, "--data", source, "-o", out, "--force")
            assert "which is read" in message or "is the table that is read" in message
    found = apply_json(folder, "--data", "parts")
    assert (found["cleaned"], found["relabelled"], found["dropped"]) == ("cleaned.parquet", 1, 1)
    assert len(pd.read_parquet(folder / "cleaned.parquet")) == 149


def test_decisions_that_the_page_saved_are_read_from_their_file(folder):
    decide(folder, {3: "drop"})
    (folder / "runs/data/decisions.jsonl").rename(folder / "mine.jsonl")
    with (folder / "mine.jsonl").open("ab") as file:
        file.write(b'{"row": 4, "action": "dr')
    found = apply_json(folder, "--decisions", "mine.jsonl")
    assert found["dropped"] == 1
    assert [notice["slug"] for notice in found["notices"]] == ["decisions-left-out"]
