"""`verified.jsonl`: what is recorded is read again, and what is damaged is never guessed at."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datacleanse.errors import InputError
from datacleanse.review.json_lines import append_records
from datacleanse.review.verified_file import Draw, Verdict, is_verified_file, read_verified_file
from tests.tries import tries

DRAW = Draw(200, 0, False, 6443, "ab" * 32)
KEEP = Verdict(
    3, "p3", "cd" * 32, "no", "keep", "no", False, False, "Ada", "2026-01-02", 0.03, DRAW
)
RELABEL = replace(KEEP, row=5, id="p5", action="relabel", label="yes")


def write(path, *lines):
    """A file of lines: text and bytes as they are, verdicts as they are written."""
    content = b""
    for line in lines:
        text = line if isinstance(line, str | bytes) else json.dumps(line.to_json()) + "\n"
        content += text if isinstance(text, bytes) else text.encode()
    path.write_bytes(content)
    return path


@pytest.fixture
def file(tmp_path):
    return tmp_path / "verified.jsonl"


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@st.composite
def verdicts(draw):
    action = draw(st.sampled_from(["keep", "relabel", "unsure", "revoked"]))
    label = draw(names)
    right = {"keep": label, "relabel": draw(names)}.get(action)
    return Verdict(
        row=draw(st.integers(0, 30)),
        id=draw(st.none() | text),
        row_sha256=draw(st.none() | text),
        given_label=label,
        action=action,
        label=right,
        new_class=draw(st.booleans()),
        blind=draw(st.booleans()),
        reviewer=draw(text),
        at=draw(text),
        probability=draw(st.floats(0, 1, exclude_min=True)),
        draw=DRAW,
    )


@settings(max_examples=tries(100), deadline=None)
@given(st.lists(verdicts(), min_size=1, max_size=12), st.data())
def test_a_file_gives_back_what_was_recorded_whatever_a_kill_cut_off(said, data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "verified.jsonl"
        confirmed = []
        for each in said:
            with mock.patch("datacleanse.review.json_lines.os.fsync"):
                append_records(path, [each.to_json()], drops_cut_line=True)
            confirmed.append(each)
            if data.draw(st.booleans()):
                line = (json.dumps(each.to_json(), ensure_ascii=False) + "\n").encode()
                with path.open("ab") as file:
                    file.write(line[: data.draw(st.integers(0, len(line) - 2))])
        last = {}
        for each in confirmed:
            last.pop(each.row, None)
            if each.action != "revoked":
                last[each.row] = each
        read = read_verified_file(path)

    assert read.last == last
    assert list(read.last) == list(last)
    assert len(read.notices) <= 1


def test_a_cut_last_line_is_dropped_and_told(file):
    write(file, KEEP, json.dumps(RELABEL.to_json())[:70])
    read = read_verified_file(file)

    assert list(read.last) == [3]
    assert [notice.slug for notice in read.notices] == ["verified-cut"]
    assert "line 2" in read.notices[0].message


def test_a_last_line_that_lacks_only_its_end_counts(file):
    write(file, KEEP, json.dumps(RELABEL.to_json()))
    append_records(file, [replace(KEEP, row=9).to_json()], drops_cut_line=True)

    assert list(read_verified_file(file).last) == [3, 5, 9]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"verified": 1, "row": 4, "gi\n', "it is not JSON"),
        ("[]\n", "it is no JSON object"),
        ({"row": -1}, "its row is -1"),
        ({"row": True}, "its row is True"),
        ({"action": "drop"}, "its action is 'drop', none of keep, relabel"),
        ({"action": "relabel", "label": ""}, "it has no label"),
        ({"given_label": None}, "it has no given_label"),
        ({"probability": 0}, "its probability is 0"),
        ({"probability": float("nan")}, "its probability is nan"),
        ({"seed": -1}, "its seed is -1"),
        ({"data_rows": "x"}, "its data_rows is 'x'"),
        ({"verified": 2}, "its format is 2"),
        ({"id": 5}, "its id is 5, no text"),
    ],
)
def test_a_damaged_line_within_the_file_is_named(line, why, file):
    if isinstance(line, dict):
        line = json.dumps({**KEEP.to_json(), **line}) + "\n"
    write(file, KEEP, line, RELABEL)
    with pytest.raises(InputError) as caught:
        read_verified_file(file)

    assert caught.value.slug == "verified-damaged"
    assert f"{file}, line 2: this is no verdict, since {why}" in caught.value.message


def test_a_file_is_known_by_its_content(file, tmp_path):
    plain = tmp_path / "verified.csv.jsonl"
    plain.write_text('{"verified": 1, "row": 3, "label": "x"}\n')

    assert is_verified_file(write(file, KEEP))
    assert is_verified_file(write(file, json.dumps(KEEP.to_json())[:25]))
    assert is_verified_file(str(write(tmp_path / "any.name", "\n", KEEP)))
    assert not is_verified_file(plain)
    assert not is_verified_file(tmp_path)
    assert not is_verified_file(tmp_path / "none")
    assert not is_verified_file(None)


def test_the_last_line_about_a_row_counts_and_revoked_ones_do_not(file):
    revoked = replace(RELABEL, action="revoked", label=None)
    write(file, KEEP, RELABEL, replace(KEEP, action="unsure", label=None), revoked)
    read = read_verified_file(file)

    assert {row: each.action for row, each in read.last.items()} == {3: "unsure"}


def test_verdicts_about_several_tables_are_refused(file):
    other = replace(KEEP, draw=replace(DRAW, data_sha256="ef" * 32))
    write(file, KEEP, other)
    with pytest.raises(InputError, match="line 2 is about another one than line 1"):
        read_verified_file(file)


@pytest.mark.parametrize("content", ["", "\n\n", '{"verified": 1, "row"'])
def test_a_file_without_a_verdict_is_refused(content, file):
    file.write_text(content)
    with pytest.raises(InputError) as caught:
        read_verified_file(file)

    assert caught.value.slug == "verified-empty"


def test_lines_hold_all_that_is_needed():
    assert list(KEEP.to_json()) == [
        *("verified", "row", "id", "row_sha256", "given_label", "action", "label", "new_class"),
        *("blind", "reviewer", "at", "probability", *asdict(DRAW)),
    ]
