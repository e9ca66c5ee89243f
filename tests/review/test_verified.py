"""Verified rows that are mislabelled: `apply` corrects them, and the next round knows of it."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image
from rich.console import Console

import datacleanse as dc
from datacleanse.data import ReadOptions, compare, read_data, read_like
from datacleanse.review.earlier_labels import (
    UNKNOWN,
    EarlierLabels,
    find_earlier_labels,
    read_mislabelled_pairs,
)
from datacleanse.review.verified import CLEAN_SET
from datacleanse_cli.cleaning_summary import print_cleaning
from tests.cli.test_next_commands import accept, last_command
from tests.review.test_apply import decide

OTHER = {"big": "small", "small": "big"}
N, N_PAIRS, N_WRONG = 300, 120, 36
"""Rows, the first so many of them verified, and the wrong labels among all of them."""


@pytest.fixture(scope="module")
def table():
    """DATA with an eighth of its labels wrong, and the rows of which they are."""
    rng = np.random.default_rng(0)
    size = rng.normal(size=N)
    frame = pd.DataFrame(
        {
            "key": [f"k{row}" for row in range(N)],
            "size": size,
            "other": rng.normal(size=N),
            "label": np.where(size > 0, "big", "small"),
        }
    )
    wrong = np.sort(rng.permutation(N)[:N_WRONG])
    given = frame.copy()
    given.loc[wrong, "label"] = given.loc[wrong, "label"].map(OTHER)
    return frame, given, wrong


def audit_files(folder, data, run, **how):
    """An audit of a file beside ``clean.csv``."""
    options = {"label": "label", "id": "key", "epochs": 4, **how}
    dc.audit(folder / data, val=folder / "clean.csv", **options).save(folder / run)


@pytest.fixture(scope="module")
def rounds(table, tmp_path_factory):
    """A folder with a round, the data that `apply` made of it, and the round after that."""
    frame, given, _ = table
    folder = tmp_path_factory.mktemp("rounds")
    given.to_csv(folder / "data.csv", index=False)
    frame[:N_PAIRS].to_csv(folder / "clean.csv", index=False)
    audit_files(folder, "data.csv", "run")
    cleaned = dc.apply(folder / "run", out=folder / "cleaned.csv")
    audit_files(folder, "cleaned.csv", "run2", decisions=folder / "run")
    return folder, cleaned


def wrong_pairs(table):
    return [row for row in table[2].tolist() if row < N_PAIRS]


def test_mislabelled_verified_rows_are_corrected_without_a_decision(rounds, table):
    folder, cleaned = rounds
    frame, given, _ = table
    rows = wrong_pairs(table)
    assert [change.row for change in cleaned.changes] == rows
    assert cleaned.verified == cleaned.relabelled == len(rows) == cleaned.to_json()["verified"]
    assert (cleaned.automatic, cleaned.kept, cleaned.decisions) == (0, 0, ())
    expected = given.copy()
    expected.loc[rows, "label"] = frame.loc[rows, "label"]
    pd.testing.assert_frame_equal(pd.read_csv(cleaned.cleaned), expected)
    diff = pd.read_csv(cleaned.diff)
    assert (diff["reviewer"] == CLEAN_SET).all()
    assert diff["new_label"].tolist() == frame.loc[rows, "label"].tolist()
    assert diff["at"].notna().all()
    assert not (folder / "run" / "decisions.jsonl").exists()


def test_applied_again_to_what_was_cleaned_nothing_is_left_to_do(rounds, table, tmp_path):
    folder, _ = rounds
    again = dc.apply(folder / "run", data=folder / "cleaned.csv", out=tmp_path / "again.csv")
    assert (again.changes, again.refused) == ((), ())
    assert again.done == len(wrong_pairs(table))


def test_rows_that_changed_since_are_refused(rounds, table, tmp_path):
    folder, _ = rounds
    rows = wrong_pairs(table)
    now = pd.read_csv(folder / "data.csv")
    now.loc[rows[0], "size"] += 1
    now.to_csv(tmp_path / "now.csv", index=False)
    found = dc.apply(folder / "run", data=tmp_path / "now.csv", out=tmp_path / "out.csv")
    assert [(each.decision.row, each.reason) for each in found.refused] == [(rows[0], "changed")]
    assert found.verified == len(rows) - 1


def test_a_reviewer_comes_before_the_clean_set_and_it_is_told(rounds, table, tmp_path):
    folder, _ = rounds
    kept, dropped, same, *others = wrong_pairs(table)
    right = next(row for row in range(N_PAIRS) if row not in wrong_pairs(table))
    label = table[0]["label"]
    made = {kept: ("keep", None), dropped: ("drop", None), same: ("relabel", label[same])}
    made[right] = ("relabel", OTHER[label[right]])
    run = folder / "run"
    decide(run, made)
    try:
        found = dc.apply(run, out=tmp_path / "out.csv")
    finally:
        (run / "decisions.jsonl").unlink()
    by_row = {change.row: change.decision for change in found.changes}
    assert set(by_row) == {dropped, same, right, *others}
    assert by_row[same].reviewer == "Ada"
    assert (found.verified, found.kept, found.dropped) == (len(others), 1, 1)
    (notice,) = [each for each in found.notices if each.slug == "decisions-contradict-clean"]
    rows = ", ".join(f"{row} ('k{row}')" for row in sorted([kept, right]))
    assert f"2 rows another label than the clean set does (row {rows})" in notice.message


def test_flags_do_not_override_what_is_verified(rounds, table, tmp_path):
    folder, _ = rounds
    found = dc.apply(folder / "run", out=tmp_path / "out.csv", auto=True, drop_above=0.0)
    dropped = {each.row for each in found.changes if each.decision.action == "drop"}
    assert dropped
    assert min(dropped) >= N_PAIRS
    assert found.verified == len(wrong_pairs(table))


def test_runs_of_before_there_was_a_hash_know_rows_by_id(rounds, table, tmp_path):
    folder, _ = rounds
    run = tmp_path / "run"
    run.mkdir()
    for file in (folder / "run").glob("*.*"):
        (run / file.name).write_bytes(file.read_bytes())
    pq.write_table(pq.read_table(run / "audit.parquet").drop(["row_sha256"]), run / "audit.parquet")
    found = dc.apply(run, out=tmp_path / "out.csv")
    assert found.verified == len(wrong_pairs(table))


def test_without_wrong_pairs_decisions_or_flags_there_is_nothing_to_apply(table, tmp_path):
    frame, *_ = table
    frame[:60].to_csv(tmp_path / "data.csv", index=False)
    frame[:30].to_csv(tmp_path / "clean.csv", index=False)
    audit_files(tmp_path, "data.csv", "run", epochs=2)
    with pytest.raises(dc.SettingsError, match="Nothing has been decided"):
        dc.apply(tmp_path / "run", out=tmp_path / "out.csv")
    assert read_mislabelled_pairs(tmp_path / "run" / "decisions.jsonl") == {}


# --- the next round -------------------------------------------------------------------------------


def describe(run):
    return json.loads((run / "run.json").read_text(encoding="utf-8"))


def test_the_next_round_still_knows_how_labels_go_wrong(rounds, table):
    """All pairs agree in the cleaned data; taken at its word, it would show no error at all."""
    run = rounds[0] / "run2"
    told = describe(run)
    rows = wrong_pairs(table)
    assert (told["overlap"]["verified"], told["overlap"]["wrong"]) == (N_PAIRS, 0)
    assert told["noise"]["basis"] == "pairs"
    left = N_WRONG - len(rows)
    rate = told["noise"]["rate"]
    assert rate["low"] <= left / N <= rate["high"]
    assert rate["share"] == pytest.approx(left / N, abs=0.03)
    audit = pd.read_parquet(run / "audit.parquet")
    assert (audit["mislabel_probability"][:N_PAIRS] == 0).all()
    assert audit["suggested_label"][:N_PAIRS].isna().all()
    assert [n["slug"] for n in told["notices"]].count("verified-before") == 1


def test_what_pairs_were_judged_by_is_kept_for_the_round_after(rounds, table):
    folder, _ = rounds
    rows = wrong_pairs(table)
    for run in ("run", "run2"):
        kept = pd.read_parquet(folder / run / "calibration.parquet").set_index("data_row")
        assert kept["is_wrong"].sum() == len(rows)
        assert kept["given_label"][rows].tolist() == table[1]["label"][rows].tolist()
    pairs = read_mislabelled_pairs(folder / "run2" / "decisions.jsonl")
    assert {row: pair.judged_by for row, pair in pairs.items()} == table[1]["label"][rows].to_dict()


def test_pairs_are_found_in_other_order_and_only_where_they_were_corrected(rounds, table):
    folder, _ = rounds
    rows = wrong_pairs(table)
    now = pd.read_csv(folder / "cleaned.csv").iloc[::-1].reset_index(drop=True)
    at = {row: N - 1 - row for row in rows}
    now.loc[at[rows[0]], "label"] = table[1]["label"][rows[0]]  # wrong as before
    now.loc[at[rows[1]], "size"] += 1  # another row
    data = read_data(now, ReadOptions(label="label", id="key"))
    clean = read_like(folder / "clean.csv", data.schema, role="CLEAN")
    overlap = compare(data, clean).overlap
    earlier = find_earlier_labels(data, clean, overlap, [folder / "run" / "decisions.jsonl"])
    assert earlier.rows.tolist() == sorted(at[row] for row in rows[2:])
    labels = [data.given_labels[code] for code in earlier.labels]
    assert labels == [table[1]["label"][N - 1 - row] for row in earlier.rows]


def test_a_label_that_no_row_has_any_more_makes_no_pair(table):
    from datacleanse.auditing.plan import make_plan

    data = read_data(table[0], ReadOptions(label="label", id="key"))
    clean = read_like(table[0][:60], data.schema, role="CLEAN")
    overlap = compare(data, clean).overlap
    earlier = EarlierLabels(np.array([3, 5]), np.array([UNKNOWN, 1 - data.labels[5]]))
    plan = make_plan(data, clean, overlap, seed=0, earlier=earlier)
    assert plan.corrected.tolist() == [5]
    assert plan.labels[5] != data.labels[5]
    assert plan.labels[3] == data.labels[3]
    assert 3 in plan.left_out
    assert 3 not in plan.pair_rows
    assert not plan.is_refitted[[3, 5]].any()


def test_pictures_are_corrected_and_known_in_the_next_round(tmp_path):
    rng = np.random.default_rng(0)
    for row in range(60):
        label = ("dark", "light")[row % 2]
        noise = rng.integers(-30, 30, (8, 8, 3))
        picture = Image.fromarray(((40, 200)[row % 2] + noise).astype(np.uint8))
        given = label if row >= 4 else ("light", "dark")[row % 2]
        for place, name in (("data", given), *([("clean", label)] if row < 30 else [])):
            (tmp_path / place / name).mkdir(parents=True, exist_ok=True)
            picture.save(tmp_path / place / name / f"{row}.png")
    dc.audit(tmp_path / "data", val=tmp_path / "clean", epochs=2).save(tmp_path / "run")

    found = dc.apply(tmp_path / "run", out=tmp_path / "cleaned")

    assert (found.verified, found.relabelled, found.rows_after) == (4, 4, 60)
    assert sorted(each.name for each in (tmp_path / "cleaned" / "dark").iterdir()) == sorted(
        f"{row}.png" for row in range(0, 60, 2)
    )
    again = dc.audit(
        tmp_path / "cleaned", val=tmp_path / "clean", epochs=2, decisions=tmp_path / "run"
    )
    again.save(tmp_path / "run2")
    kept = pd.read_parquet(tmp_path / "run2" / "calibration.parquet")
    assert kept["is_wrong"].sum() == 4
    assert describe(tmp_path / "run2")["overlap"]["wrong"] == 0


def test_the_next_command_runs_as_printed_and_leads_to_the_earlier_labels(
    rounds, table, monkeypatch
):
    folder, cleaned = rounds
    monkeypatch.chdir(folder)
    shown = io.StringIO()
    print_cleaning(cleaned, Console(file=shown, width=80), run=Path("run"))
    rows = wrong_pairs(table)
    assert f"(of them {len(rows)} as the clean set verified them)" in " ".join(
        shown.getvalue().split()
    )
    found = accept(last_command(shown.getvalue()))
    assert found.earlier.rows.tolist() == rows
    assert (found.reviewed.rows.tolist(), found.reviewed.files) == ([], ("run/decisions.jsonl",))


def test_decisions_from_elsewhere_are_named_beside_the_run(rounds):
    _, cleaned = rounds
    shown = io.StringIO()
    elsewhere = replace(cleaned, decisions=(Path("mine.jsonl"),))
    print_cleaning(elsewhere, Console(file=shown, width=80), run=Path("run"))
    words = " ".join(shown.getvalue().replace("\\\n", " ").split())
    assert "--decisions run --decisions mine.jsonl" in words
