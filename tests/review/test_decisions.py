"""`decisions.jsonl`: what is appended is read again; what is broken costs no more than itself."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datacleanse.errors import InputError, OutputError
from datacleanse.review.decisions import (
    Decision,
    append_decisions,
    parse_decision,
    read_decisions,
    revoke,
)
from tests.tries import tries

KEEP = Decision(3, "p3", "ab" * 32, "yes", "keep", None, "Ada", "2026-01-02T03:04:05+00:00", "r1")
RELABEL = replace(KEEP, row=5, id="p5", action="relabel", new_label="no")


def write(path, *lines):
    """A file of lines: text and bytes as they are, anything else as JSON."""
    content = b""
    for line in lines:
        text = line if isinstance(line, str | bytes) else json.dumps(asdict(line)) + "\n"
        content += text if isinstance(text, bytes) else text.encode()
    path.write_bytes(content)
    return path


@pytest.fixture
def file(tmp_path):
    return tmp_path / "decisions.jsonl"


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
decision = st.builds(
    Decision,
    row=st.integers(0, 30),
    id=text,
    row_sha256=st.none() | text,
    given_label=text,
    action=st.sampled_from(["keep", "drop", "unsure"]),
    new_label=st.none(),
    reviewer=text,
    at=text,
    run_id=st.just("r1"),
) | st.builds(
    Decision,
    row=st.integers(0, 30),
    id=text,
    row_sha256=st.none() | text,
    given_label=text,
    action=st.just("relabel"),
    new_label=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    reviewer=text,
    at=text,
    run_id=st.just("r1"),
)


@settings(max_examples=tries(60), deadline=None)
@given(batches=st.lists(st.lists(decision, max_size=4), max_size=4))
def test_what_is_appended_is_read_again_and_the_last_decision_counts(tmp_path_factory, batches):
    file = tmp_path_factory.mktemp("round") / "decisions.jsonl"
    for batch in batches:
        append_decisions(file, batch)
    made = [each for batch in batches for each in batch]
    assert file.exists() == bool(made)
    if made:
        assert read_decisions(file, run_id="r1").last == {each.row: each for each in made}
        assert file.read_bytes().count(b"\n") == len(made)


@settings(max_examples=tries(60), deadline=None)
@given(made=st.lists(decision, min_size=1, max_size=4), share=st.floats(0, 1), more=decision)
def test_a_file_cut_off_anywhere_loses_no_whole_line(tmp_path_factory, made, share, more):
    """And a decision appended after the crash is read, whatever the last line was."""
    file = tmp_path_factory.mktemp("cut") / "decisions.jsonl"
    append_decisions(file, made)
    whole = file.read_bytes()
    cut = round(share * len(whole))
    n_whole = whole[:cut].count(b"\n") + whole[cut : cut + 1].count(b"\n")
    file.write_bytes(whole[:cut])
    append_decisions(file, [more])
    assert read_decisions(file).last == {each.row: each for each in [*made[:n_whole], more]}


@settings(max_examples=tries(200), deadline=None)
@given(content=st.binary(max_size=200) | st.lists(text).map(lambda x: "\n".join(x).encode()))
def test_any_bytes_that_are_no_decision_are_refused_with_a_message(tmp_path_factory, content):
    file = tmp_path_factory.mktemp("any") / "decisions.jsonl"
    file.write_bytes(content)
    with pytest.raises(InputError, match="holds no decision: ") as caught:
        read_decisions(file)
    assert caught.value.slug == "decisions-invalid"
    blank = all(not line.strip() for line in content.split(b"\n"))
    assert ("it is empty" if blank else "line ") in caught.value.message


@pytest.mark.parametrize("content", ["", "\n", " \r\n\n", "\t"])
def test_a_file_without_a_line_is_no_review_in_which_nothing_was_decided(file, content):
    with pytest.raises(InputError, match=r"holds no decision: it is empty\.") as caught:
        read_decisions(write(file, content))
    assert "remove it if nothing had been decided" in caught.value.hint


def test_a_last_line_without_its_end_is_told_and_the_rest_is_kept(file):
    line = json.dumps(asdict(RELABEL))
    found = read_decisions(write(file, KEEP, line[: len(line) // 2]), run_id="r1")
    assert found.last == {3: KEEP}
    (notice,) = found.notices
    assert notice.slug == "decisions-left-out"
    assert notice.is_warning
    assert "1 line was left out (line 2: it is not JSON, and cut off" in notice.message


BROKEN = {
    "not JSON": (b"hello\n", "not JSON"),
    "NULs": (b"\0\0\0\0\n", "not JSON"),
    "not UTF-8": (b'{"row": 1, "id": "\xff"}\n', "not JSON"),
    "no object": ("[1, 2]\n", "no JSON object"),
    "null": ("null\n", "no JSON object"),
    "deep": ("[" * 100_000 + "\n", "nested too deep"),
    "endless number": ('{"row": ' + "9" * 10_000 + "}\n", "not JSON"),
    "no row": ('{"action": "keep", "given_label": "a"}\n', "row is None"),
    "row as text": ('{"row": "1", "action": "keep", "given_label": "a"}\n', "row is '1'"),
    "row true": ('{"row": true, "action": "keep", "given_label": "a"}\n', "row is True"),
    "row of a fraction": ('{"row": 1.0, "action": "keep", "given_label": "a"}\n', "row is 1.0"),
    "row NaN": ('{"row": NaN, "action": "keep", "given_label": "a"}\n', "row is nan"),
    "row below 0": ('{"row": -1, "action": "keep", "given_label": "a"}\n', "row is -1"),
    "row beyond int64": (f'{{"row": {2**63}, "action": "keep"}}\n', "row is 9223372036854775808"),
    "action unknown": ('{"row": 1, "action": "delete", "given_label": "a"}\n', "'delete'"),
    "action a list": ('{"row": 1, "action": ["keep"], "given_label": "a"}\n', "['keep']"),
    "no given label": ('{"row": 1, "action": "keep"}\n', "no given_label"),
    "no new label": ('{"row": 1, "action": "relabel", "given_label": "a"}\n', "no new_label"),
    "empty new label": (
        '{"row": 1, "action": "relabel", "given_label": "a", "new_label": ""}\n',
        "no new_label",
    ),
    "label a number": ('{"row": 1, "action": "keep", "given_label": 1}\n', "given_label is 1"),
    "half a sign": (
        '{"row": 1, "action": "keep", "given_label": "a", "reviewer": "\\ud800"}\n',
        "lone surrogate",
    ),
    "a megabyte": ('{"row": 1, "id": "' + "x" * (1 << 20) + '"}\n', "longer than"),
}


@pytest.mark.parametrize(("line", "said"), BROKEN.values(), ids=BROKEN)
def test_a_line_that_is_no_decision_costs_that_line(file, line, said):
    found = read_decisions(write(file, KEEP, line, RELABEL), run_id="r1", n_rows=100)
    assert found.last == {3: KEEP, 5: RELABEL}
    (notice,) = found.notices
    assert "line 2: " in notice.message
    assert said in notice.message
    assert len(notice.message) < 500


@pytest.mark.parametrize(("line", "said"), BROKEN.values(), ids=BROKEN)
def test_a_file_without_any_decision_is_refused(file, line, said):
    with pytest.raises(InputError, match="holds no decision") as caught:
        read_decisions(write(file, line))
    assert said in caught.value.message


def test_a_line_of_100_megabytes_takes_no_such_memory(file):
    import tracemalloc

    with file.open("wb") as sink:
        sink.write(json.dumps(asdict(KEEP)).encode() + b"\n")
        for _ in range(100):
            sink.write(b"x" * (1 << 20))
        sink.write(b"\n" + json.dumps(asdict(RELABEL)).encode() + b"\n")
    tracemalloc.start()
    found = read_decisions(file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.last == {3: KEEP, 5: RELABEL}
    assert peak < 8 << 20


def test_a_long_file_of_anything_takes_no_memory(file):
    import tracemalloc

    file.write_bytes(json.dumps(asdict(KEEP)).encode() + b"\n" + b"x\n" * 10_000)
    tracemalloc.start()
    found = read_decisions(file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.last == {3: KEEP}
    assert "10,000 lines were left out" in found.notices[0].message
    assert peak < 1 << 18


def test_rows_and_classes_that_the_data_lacks_are_left_out(file):
    far, odd = replace(KEEP, row=10), replace(RELABEL, row=6, new_label="maybe")
    found = read_decisions(write(file, KEEP, far, odd), n_rows=10, classes=("yes", "no"))
    assert found.last == {3: KEEP}
    (notice,) = found.notices
    assert "line 2: row 10 is not in the data, which has 10 rows" in notice.message
    assert "line 3: the data has no class 'maybe'" in notice.message


def test_an_unusable_line_withdraws_the_earlier_decision_about_its_row(file):
    """The reviewer thought better of it; nobody should act on the older decision."""
    odd = replace(RELABEL, row=3, new_label="maybe")
    found = read_decisions(write(file, KEEP, RELABEL, odd), classes=("yes", "no"))
    assert found.last == {5: RELABEL}


def test_of_contradicting_lines_the_last_wins_and_that_is_said(file):
    again = replace(KEEP, action="drop")
    same = replace(RELABEL, at="later")
    found = read_decisions(write(file, KEEP, RELABEL, again, same))
    assert found.last == {3: again, 5: same}
    (notice,) = found.notices
    assert notice.slug == "decisions-contradict"
    assert "1 row was decided more than once, and differently (row 3)" in notice.message


def test_decisions_about_another_run_are_refused(file):
    write(file, KEEP, replace(KEEP, row=4, run_id="r2"))
    with pytest.raises(InputError, match="line 2 names 'r2', not 'r1'"):
        read_decisions(file, run_id="r1")
    with pytest.raises(InputError, match=r"several runs: 'r1' \(line 1\), 'r2' \(line 2\)"):
        read_decisions(file)


def test_a_line_that_names_no_run_is_taken(file):
    kept = replace(KEEP, run_id="")
    assert read_decisions(write(file, kept), run_id="r1").last == {3: kept}


def test_many_broken_lines_are_named_by_the_first_few(file):
    found = read_decisions(write(file, KEEP, *["oops\n"] * 1000))
    (notice,) = found.notices
    assert "1,000 lines were left out" in notice.message
    assert "and 995 more" in notice.message


def test_a_file_that_is_not_there_or_no_file_is_refused(file, tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_decisions(file)
    with pytest.raises(InputError, match="cannot be read"):
        read_decisions(tmp_path)
    with pytest.raises(OutputError, match="cannot be written"):
        append_decisions(tmp_path, [KEEP])


def test_each_append_reaches_the_disk(file, monkeypatch):
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(fsync(handle)))
    append_decisions(file, [KEEP])
    assert len(synced) == 2  # the file and, since it is new, its folder
    append_decisions(file, [RELABEL])
    assert len(synced) == 3


def test_parse_decision_fills_in_what_a_person_may_leave_out():
    found = parse_decision({"row": 7, "action": "drop", "given_label": "a", "new_label": 5})
    assert found == Decision(7, None, None, "a", "drop", None, "", "", "")
    with pytest.raises(InputError, match="its action is None"):
        parse_decision({"row": 7, "given_label": "a"})


def test_what_is_revoked_by_its_group_brings_back_what_was_decided_before(file):
    first, second = replace(KEEP, group="g1"), replace(KEEP, action="drop", group="g2")
    many = replace(RELABEL, group="g2")
    back = [replace(each, action="revoked", new_label=None) for each in (second, many)]
    append_decisions(file, [first, second, many])
    assert {row: d.action for row, d in read_decisions(file).last.items()} == {
        3: "drop",
        5: "relabel",
    }
    append_decisions(file, back)
    read = read_decisions(file)

    assert read.last == {3: first}
    assert read.standing == (first,)
    assert read.notices == ()


def test_a_line_that_revokes_without_a_group_takes_the_latest_decision_back(file):
    twice = write(file, KEEP, replace(KEEP, action="drop"), '{"row": 3, "action": "revoked"}\n')
    assert read_decisions(twice).last == {3: KEEP}

    with file.open("a") as opened:
        opened.write('{"row": 3, "action": "revoked"}\n{"row": 9, "action": "revoked"}\n')
    assert read_decisions(file).last == {}
    assert read_decisions(file).notices == ()


def test_revoke_names_all_of_a_group_and_nothing_else():
    group = [replace(KEEP, row=row, group="g") for row in (1, 2)]
    other = replace(KEEP, row=2, group="other")
    lines = revoke([*group, other], group="g", row=None, reviewer="Bob")

    assert [(each.row, each.action, each.group, each.reviewer) for each in lines] == [
        (1, "revoked", "g", "Bob"),
        (2, "revoked", "g", "Bob"),
    ]
    assert [each.row for each in revoke([*group, other], group="", row=2, reviewer="")] == [2]
    assert revoke(group, group="none", row=None, reviewer="") == []


def test_what_is_no_decision_is_told_with_all_fields_that_one_may_have():
    with pytest.raises(InputError) as caught:
        parse_decision({"row": 1})
    assert {each.name for each in fields(Decision)} <= set(re.findall(r"\w+", caught.value.hint))
