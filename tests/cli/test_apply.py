"""`datacleanse apply` as a user runs it: decisions in, cleaned data and a list of changes out."""

from __future__ import annotations

import gzip
import json
import os
import shutil

import pandas as pd
import pyarrow.parquet as pq
import pytest

from datacleanse.review.decisions import Decision, append_decisions
from tests.cli.conftest import people, run_here, run_program
from tests.cli.tiny import contents

AUDIT = ("audit", "data.csv", "--val", "clean.csv", "--epochs", "2", "--id", "key", "--quiet")


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """`data.csv` (labels partly wrong, odd bytes kept odd), audited once; tests get a copy."""
    folder = tmp_path_factory.mktemp("audited")
    data = people(150, seed=0, wrong=0.1)
    data["note"] = ['=cmd|"/c calc"!A0', "plain, quoted"] * 75
    data.to_csv(folder / "data.csv", index=False, lineterminator="\r\n")
    clean = people(60, seed=1)
    clean["note"] = "x"
    clean.to_csv(folder / "clean.csv", index=False)
    done = run_program(*AUDIT, cwd=folder)
    assert done.code == 0, done.err
    return folder


@pytest.fixture
def folder(audited, tmp_path):
    shutil.copytree(audited, tmp_path, dirs_exist_ok=True)
    return tmp_path


def decide(folder, actions, *, run="runs/data", reviewer="Ada"):
    """Append decisions about rows, as the review page makes them."""
    table = pd.read_parquet(folder / run / "audit.parquet").set_index("row")
    run_id = json.loads((folder / run / "run.json").read_text(encoding="utf-8"))["run_id"]
    other = {"yes": "no", "no": "yes"}
    made = [
        Decision(
            row=row,
            id=table["id"][row],
            row_sha256=table["row_sha256"][row],
            given_label=table["given_label"][row],
            action=action,
            new_label=other[table["given_label"][row]] if action == "relabel" else None,
            reviewer=reviewer,
            at="2026-01-02T03:04:05+00:00",
            run_id=run_id,
        )
        for row, action in actions.items()
    ]
    append_decisions(folder / run / "decisions.jsonl", made)
    return made


def lines(path):
    return path.read_bytes().splitlines(keepends=True)


def flipped(line):
    """A line of the table with its label changed (the label is the last cell but one)."""
    old, new = (b",yes,", b",no,") if b",yes," in line else (b",no,", b",yes,")
    head, sep, tail = line.rpartition(old)
    assert sep
    return head + new + tail


def apply_json(folder, *arguments):
    done = run_here("apply", "runs/data", *arguments, "--json", "--quiet", cwd=folder)
    assert (done.code, done.err) == (0, ""), done.err
    return json.loads(done.out)


def test_decisions_are_carried_out_and_every_other_byte_stays(folder):
    decide(folder, {3: "relabel", 5: "drop", 7: "keep", 9: "unsure", 149: "relabel"})
    before = lines(folder / "data.csv")
    done = run_program("apply", "runs/data", "-o", "cleaned.csv", cwd=folder)
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
        "row,id,action,old_label,new_label,reviewer,at",
        f"3,p0-3,relabel,{given[3]},{made[1].new_label},'=HYPERLINK(1),2026-01-02T03:04:05+00:00",
        f"5,p0-5,drop,{given[5]},,'=HYPERLINK(1),2026-01-02T03:04:05+00:00",
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
    done = run_program("apply", "runs/data", "-o", "cleaned.csv", cwd=folder)
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


# --- acting on flags ------------------------------------------------------------------------------


@pytest.fixture
def flagged(folder):
    """The run with ten flagged rows whose probabilities are known."""
    path = folder / "runs/data/audit.parquet"
    table = pq.read_table(path)
    frame = table.to_pandas()
    other = {"yes": "no", "no": "yes"}
    frame["flagged"] = frame["row"] < 10
    frame["mislabel_probability"] = frame["row"].where(frame["row"] < 10, 9) / 10
    frame["suggested_label"] = [
        None if row == 8 else other[given]
        for row, given in zip(frame["row"], frame["given_label"], strict=True)
    ]
    changed = type(table).from_pandas(frame, schema=table.schema, preserve_index=False)
    pq.write_table(changed, path)
    return folder


def changes(folder, *arguments):
    apply_json(folder, "--auto", "--yes", "--force", *arguments)
    diff = pd.read_csv(folder / "cleaned.diff.csv", keep_default_na=False)
    assert (diff["reviewer"] == "auto").all()
    return {
        action: diff.loc[diff["action"] == action, "row"].tolist() for action in ("relabel", "drop")
    }


def test_auto_changes_nothing_until_it_is_told_to(flagged):
    before = contents(flagged)
    done = run_program("apply", "runs/data", "--auto", "--drop-above", "0.7", cwd=flagged)
    assert done.code == 0, done.err
    assert "dropped 3 (3 of them by their flags alone)" in done.out
    assert "Repeat the command with --yes" in done.out
    assert contents(flagged) == before
    found = apply_json(flagged, "--auto", "--drop-above", "0.7")
    assert (found["written"], found["cleaned"], found["dropped"]) == (False, None, 3)


@pytest.mark.parametrize(
    ("limits", "relabelled", "dropped"),
    [
        (("--relabel-above", "0.6"), [6, 7, 9], []),
        (("--drop-above", "0.6"), [], [6, 7, 8, 9]),
        (("--relabel-above", "0.8", "--drop-above", "0.6"), [9], [6, 7, 8]),
        (("--relabel-above", "0.6", "--drop-above", "0.8"), [6, 7], [8, 9]),
        (("--relabel-above", "0.7", "--drop-above", "0.7"), [7, 9], [8]),
        (("--relabel-above", "0"), [0, 1, 2, 3, 4, 5, 6, 7, 9], []),
    ],
)
def test_auto_acts_on_flagged_rows_from_its_limits_on(flagged, limits, relabelled, dropped):
    assert changes(flagged, *limits) == {"relabel": relabelled, "drop": dropped}


def test_auto_never_overrides_a_reviewer(flagged):
    decide(flagged, {9: "keep", 8: "unsure", 7: "drop"})
    found = apply_json(flagged, "--auto", "--yes", "--relabel-above", "0.5", "--drop-above", "0.6")
    diff = pd.read_csv(flagged / "cleaned.diff.csv")
    assert list(zip(diff["row"], diff["action"], diff["reviewer"], strict=True)) == [
        (5, "relabel", "auto"),
        (6, "drop", "auto"),
        (7, "drop", "Ada"),
    ]
    assert (found["automatic"], found["kept"], found["unsure"]) == (2, 1, 1)


# --- what is refused ------------------------------------------------------------------------------


def refused(folder, *arguments):
    """The message of a call that fails, after which nothing has changed."""
    before = contents(folder)
    done = run_here("apply", "runs/data", *arguments, "--quiet", cwd=folder)
    assert (done.code, done.out) == (2, ""), done
    assert contents(folder) == before
    return done.err


def test_the_audited_table_is_never_written_over(folder):
    decide(folder, {3: "drop"})
    (folder / "link.csv").symlink_to("data.csv")
    os.link(folder / "data.csv", folder / "hard.csv")
    for name in ("data.csv", "./data.csv", folder / "data.csv", "link.csv", "hard.csv"):
        assert "is the table that is read" in refused(folder, "-o", name, "--force")
    (folder / "out.diff.csv").symlink_to("data.csv")
    assert "is the table that is read" in refused(folder, "-o", "out.csv", "--force")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "mine.csv"), "mine.csv exists already"),
        (("-o", "x.csv"), "x.diff.csv exists already"),
        (("-o", "nowhere/x.csv"), "cannot be written"),
        (("-o", "x.xlsx"), "accepted endings"),
        (("--data", "gone.csv"), "gone.csv does not exist"),
        (("--decisions", "gone.jsonl"), "gone.jsonl does not exist"),
        (("--decisions", "data.csv"), "holds no decision"),
        (("--auto",), "--auto is given without a limit"),
        (("--auto", "--drop-above", "1.5"), "--drop-above is 1.5"),
        (("--auto", "--relabel-above", "nan"), "--relabel-above is nan"),
        (("--drop-above", "0.5"), "--drop-above is given without --auto"),
        (("--yes",), "--yes is given without --auto"),
        (("--data", "clean.csv", "--delimiter", ";"), "delimiter"),
    ],
)
def test_calls_that_cannot_be_carried_out_leave_nothing_behind(folder, arguments, said):
    decide(folder, {3: "drop"})
    (folder / "mine.csv").write_text("mine", encoding="utf-8")
    (folder / "x.diff.csv").write_text("mine", encoding="utf-8")
    assert said in refused(folder, *arguments)


def test_a_run_without_decisions_says_what_to_do(folder):
    assert "datacleanse review runs/data" in refused(folder)


def test_decisions_about_another_run_are_refused(folder):
    made = decide(folder, {3: "drop"})
    path = folder / "runs/data/decisions.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace(made[0].run_id, "other"), "utf-8")
    assert "is about another run: line 1 names 'other'" in refused(folder)


def test_data_that_was_moved_is_asked_for(folder):
    decide(folder, {3: "drop"})
    (folder / "data.csv").rename(folder / "elsewhere.csv")
    message = refused(folder)
    assert "The audited table data.csv does not exist" in message
    assert "--data" in message


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("gone.jsonl", "gone.jsonl does not exist"),
        ("runs/data", "decisions.jsonl does not exist"),
        ("clean.csv", "clean.csv holds no decision"),
    ],
)
def test_an_audit_refuses_decisions_that_are_none_before_it_begins(folder, place, said):
    before = contents(folder)
    done = run_here(*AUDIT, "-o", "runs/again", "--decisions", place, cwd=folder)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert contents(folder) == before


def test_dropping_everything_is_refused(folder):
    decide(folder, dict.fromkeys(range(150), "drop"))
    assert "All 150 rows of data.csv would be dropped" in refused(folder)


def test_a_damaged_run_is_named(folder):
    decide(folder, {3: "drop"})
    path = folder / "runs/data/run.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    del manifest["data"]["sha256"]
    path.write_text(json.dumps(manifest), encoding="utf-8")
    assert "run.json is damaged: data.sha256 is missing, where a text was" in refused(folder)


def test_a_full_disk_leaves_what_was_there(folder):
    """A file-size limit stands for the full disk: the write fails in the middle."""
    decide(folder, {3: "drop"})
    (folder / "cleaned.csv").write_text("mine", encoding="utf-8")
    before = contents(folder)
    import resource

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = run_program("apply", "runs/data", "--force", "-q", cwd=folder, preexec_fn=limit)
    assert done.code == 2, done.err
    assert "cannot be written" in done.err
    assert contents(folder) == before
