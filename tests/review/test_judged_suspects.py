"""What an audit thought of suspects calibrates the next one, with what reviewers found."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

import datacleanse as dc
from datacleanse.data import ReadOptions, compare, read_data, read_like
from datacleanse.detection.calibration import Clues, fit_calibration
from datacleanse.detection.looked_at import LookedAt, join_looked_at
from datacleanse.review.decisions import Decision, append_decisions
from datacleanse.review.judged_suspects import read_judged_suspects
from datacleanse.review.next_round import read_reviewed
from tests.cli.conftest import people

N, N_CLEAN, N_REVIEWED = 400, 120, 30


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """A table whose first rows are verified, what is right of it, and a run of two epochs."""
    frame, right = people(N, seed=0, wrong=0.15), people(N, seed=0)
    clean = right.iloc[:N_CLEAN]
    place = tmp_path_factory.mktemp("judged")
    first = dc.audit(frame, val=clean, id="key", epochs=2, out=place / "first", device="cpu")
    return frame, right, clean, first, place


def decide(audited, rows, **changes):
    """Decisions of one who knows the truth, each by a key of its own."""
    frame, right, _, first, _ = audited
    table = first.table.set_index("row")
    made = []
    for row in rows:
        given, true = frame["label"][row], right["label"][row]
        action = "keep" if given == true else "relabel"
        named = table.loc[row, ["id", "row_sha256"]].tolist()
        new, run = (None if action == "keep" else true), first.manifest["run_id"]
        decision = Decision(row, *named, given, action, new, "", "", run, group=f"g{row}")
        made.append(replace(decision, **changes))
    return made


@pytest.fixture(scope="module")
def suspects(audited):
    table = audited[3].table
    return table.sort_values("rank")["row"].head(N_REVIEWED).tolist()


def read_judged(audited, decisions):
    data = read_data(audited[0], ReadOptions(id="key"))
    return read_judged_suspects(data, decisions, [audited[3].folder.path / "decisions.jsonl"])


def test_a_run_keeps_what_it_thought_of_the_rows_that_nobody_verified(audited):
    frame, _, _, first, _ = audited
    kept = pq.read_table(first.folder.path / "clues.parquet").to_pandas()
    assert kept["row"].tolist() == list(range(N_CLEAN, len(frame)))
    suspicion = first.table.set_index("row")["suspicion"][kept["row"]]
    # The calibration hardly changes their order.
    assert np.corrcoef(kept["log_odds"], suspicion)[0, 1] > 0.5
    assert {len(views) for views in kept["views"]} == {3}


def test_what_was_thought_stands_beside_what_was_found(audited, suspects):
    _, right, _, first, _ = audited
    found = read_judged(audited, decide(audited, suspects))
    kept = pq.read_table(first.folder.path / "clues.parquet").to_pandas().set_index("row")
    np.testing.assert_array_equal(found.log_odds, kept["log_odds"][suspects])
    np.testing.assert_array_equal(found.views, np.stack(kept["views"][suspects]))
    given = audited[0]["label"][suspects]
    np.testing.assert_array_equal(found.is_wrong, given != right["label"][suspects])
    np.testing.assert_array_equal(found.labels, given == "yes")
    assert 0 < found.is_wrong.sum() < N_REVIEWED


@pytest.mark.parametrize(
    "changes",
    [{"group": "all"}, {"run_id": "another"}, {"given_label": "gone"}, {"action": "unsure"}],
    ids=["decided at once", "another run", "a class that is no more", "unsure"],
)
def test_what_tells_nothing_is_left_out(audited, suspects, changes):
    alone = decide(audited, suspects[:3])
    others = decide(audited, suspects[3:9], **changes)
    found = read_judged(audited, alone + others)
    np.testing.assert_array_equal(found.log_odds, read_judged(audited, alone).log_odds)
    assert read_judged(audited, others) is None


def test_dropped_suspects_count_as_wrong_whether_or_not_they_are_gone(audited, suspects):
    """Else a reviewer who drops what is wrong would tell of right suspects alone."""
    frame, _, clean, first, place = audited
    folder = first.folder.path
    dropped = decide(audited, suspects[:3], action="drop", new_label=None)
    kept = decide(audited, suspects[3:5], action="keep", new_label=None)
    file = place / "dropping" / "decisions.jsonl"
    file.parent.mkdir()
    append_decisions(file, [*dropped, *kept])
    for name in ("clues.parquet", "audit.parquet", "run.json"):
        (file.parent / name).write_bytes((folder / name).read_bytes())
    for table in (frame, frame.drop(index=suspects[:2])):
        data = read_data(table, ReadOptions(id="key"))
        rows = read_like(clean, data.schema, role="CLEAN")
        found = read_reviewed(data, compare(data, rows).overlap, [file], clean=rows)
        assert found.judged.is_wrong.sum() == 3
        assert len(found.judged.labels) == 5
        said = " ".join(notice.message for notice in found.notices)
        assert "5 suspects that were looked at one by one calibrate" in said


def test_decisions_count_once_where_reviewers_have_copies_of_a_run(audited, suspects):
    _, _, _, first, place = audited
    copy = place / "copy"
    shutil.copytree(first.folder.path, copy)
    data = read_data(audited[0], ReadOptions(id="key"))
    files = [folder / "decisions.jsonl" for folder in (first.folder.path, copy)]
    assert len(read_judged_suspects(data, decide(audited, suspects), files).labels) == N_REVIEWED


def test_a_row_that_the_clean_set_proved_calibrates_by_itself_alone(audited):
    assert read_judged(audited, decide(audited, range(5))) is None


def test_a_second_round_calibrates_by_them_and_says_so(audited, suspects):
    frame, right, clean, first, place = audited
    append_decisions(first.folder.path / "decisions.jsonl", decide(audited, suspects))
    cleaned = frame.copy()
    cleaned.loc[suspects, "label"] = right["label"][suspects]
    second = dc.audit(
        cleaned,
        val=clean,
        id="key",
        epochs=2,
        out=place / "second",
        decisions=first.folder.path,
        device="cpu",
    )
    told = next(n for n in second.manifest["notices"] if n["slug"] == "decisions-joined")
    assert f"{N_REVIEWED} suspects that were looked at one by one calibrate" in told["message"]
    # Without what was thought the same decisions calibrate nothing.
    (first.folder.path / "clues.parquet").rename(first.folder.path / "hidden")
    options = {
        "val": clean,
        "id": "key",
        "epochs": 2,
        "decisions": first.folder.path,
        "device": "cpu",
    }
    third = dc.audit(cleaned, out=place / "third", **options)
    (first.folder.path / "hidden").rename(first.folder.path / "clues.parquet")
    probability = [each.table["mislabel_probability"].to_numpy() for each in (second, third)]
    assert not np.array_equal(*probability)
    assert third.manifest["identity"] != second.manifest["identity"]


def make_clues(n, *, views=2, seed=0):
    rng = np.random.default_rng(seed)
    return Clues(rng.normal(size=n), rng.normal(size=(n, views)), rng.integers(0, 2, n))


def test_joined_rows_calibrate_as_pairs_do():
    of_pairs, more = make_clues(50), make_clues(30, seed=1)
    is_wrong, found = np.arange(50) % 3 == 0, np.arange(30) % 2 == 0
    joined, outcome = join_looked_at(of_pairs, is_wrong, LookedAt(more, found))
    assert len(outcome) == len(joined.log_odds) == 80
    np.testing.assert_array_equal(joined.take(np.arange(50, 80)).views, more.views)
    fitted = fit_calibration(joined, outcome, 2)
    order = np.random.default_rng(2).permutation(80)
    again = fit_calibration(joined.take(order), outcome[order], 2)
    np.testing.assert_allclose(fitted.mode, again.mode, atol=1e-6)


@pytest.mark.parametrize("looked_at", [None, LookedAt(make_clues(3, views=1), np.ones(3, bool))])
def test_where_nobody_looked_or_other_opinions_were_heard_pairs_stand_alone(looked_at):
    of_pairs, is_wrong = make_clues(20), np.arange(20) < 5
    assert join_looked_at(of_pairs, is_wrong, looked_at) == (of_pairs, is_wrong)
