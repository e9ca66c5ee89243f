r"""Lines that end in ``\n``, ``\r\n``, ``\r`` or a mixture are read alike in every role."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datacleanse.data import ReadOptions, compare, hash_rows, read_data, read_like, read_portions
from datacleanse.data.interface import Request
from datacleanse.data.lines import cut_at_lines, split_lines
from datacleanse.data.readers import csv, find_reader
from datacleanse.data.rewriting import Edits, Rewriting, rewrite
from datacleanse.data.rewriting.csv import Grammar
from datacleanse.data.sources import locate
from datacleanse.data.spelled_rows import find_row_source
from datacleanse.data.write_spelled import write_spelled
from datacleanse.errors import InputError
from tests.tries import tries

ENDS = ("\n", "\r\n", "\r")
CELLS = ("w", "", " ", "a,b", 'say "x"', "two\nlines", "two\r\nlines", "old\rmac", '"', "ü", "NA")
FIXTURES = settings(
    deadline=None,
    max_examples=tries(40),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

some_ends = st.lists(
    st.sampled_from([*ENDS, "\n\n", "\r\r", "\r\n\r\n", "\n\r", "\r\r\n"]), min_size=1, max_size=9
)


def spell(cells, quotes):
    return ",".join(
        '"' + cell.replace('"', '""') + '"' if quotes or set(cell) & set('",\r\n') else cell
        for cell in cells
    )


def lay_out(words, ends, *, quotes=False, last=True, start=""):
    """Text of a CSV whose lines end as asked for, in turn; some ends make blank lines."""
    lines = [["x", "word", "label"]]
    lines += [[f"{at}.5", word, "uv"[at % 2]] for at, word in enumerate(words)]
    text = start
    for at, line in enumerate(lines):
        text += spell(line, quotes)
        if last or at < len(lines) - 1:
            text += ends[at % len(ends)]
    return text.encode(), lines


@FIXTURES
@given(
    words=st.lists(st.sampled_from(CELLS), min_size=4, max_size=30),
    ends=some_ends,
    quotes=st.booleans(),
    last=st.booleans(),
    start=st.sampled_from(["", "\ufeff", "\r", "\n\r\n", "\ufeff\r\n"]),
    block=st.sampled_from([64, 100, 1 << 21]),
)
def test_a_csv_is_the_same_in_every_role(tmp_path, words, ends, *, quotes, last, start, block):
    path, plain = tmp_path / "odd.csv", tmp_path / "plain.csv"
    content, lines = lay_out(words, ends, quotes=quotes, last=last, start=start)
    path.write_bytes(content)
    plain.write_bytes(lay_out(words, ["\n"])[0])
    options = ReadOptions(label="label", categorical=("word",))
    expected = read_data(str(plain), options)
    before, csv._BLOCK = csv._BLOCK, block
    try:
        data = read_data(str(path), options)
        assert data.schema == expected.schema
        assert data.table.to_pydict() == expected.table.to_pydict()
        clean = read_like(str(path), expected.schema, role="CLEAN")
        np.testing.assert_array_equal(hash_rows(clean), hash_rows(expected))
        new = list(read_portions(str(path), expected.schema))
        assert sum(each.n_rows for each in new) == len(words)
        peeked = find_reader(locate(str(path))).peek(locate(str(path)), request=Request())
        assert peeked.names == lines[0]
        rows = np.arange(0, len(words), 3)
        write_spelled(
            partial(find_row_source(str(path), data.table).read, rows), tmp_path / "s.csv"
        )
    finally:
        csv._BLOCK = before
    sample = read_like(str(tmp_path / "s.csv"), data.schema, role="CLEAN")
    overlap = compare(data, sample).overlap
    assert sorted(overlap.data_rows.tolist()) == rows.tolist()
    check_rewriting(path, data, content, lines)


@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_a_line_end_within_a_cell_may_lie_across_two_blocks(tmp_path, shift):
    path = tmp_path / "d.csv"
    head = b"word,x,label\n"
    filler = b"w,1.5,u\nw,2.5,v\n"
    cell = b'"two\r\nlines",1.5,u\n'
    # The block ends between \r and \n, or beside.
    room = csv._BLOCK + shift - len(head) - cell.index(b"\n")
    odd = b"w" * (room % len(filler)) + filler
    path.write_bytes(head + odd + filler * (room // len(filler) - 1) + cell + filler)
    content = path.read_bytes()
    assert content[: csv._BLOCK + shift].endswith(b"\r")
    data = read_data(str(path), ReadOptions(categorical=("word",)))
    assert "two\r\nlines" in data.table.column("word").unique().to_pylist()
    portions = read_portions(str(path), data.schema)
    assert any(
        "two\r\nlines" in each.table.column("word").unique().to_pylist() for each in portions
    )


def check_rewriting(path, data, content, lines):
    """The file taken apart holds the rows that were read, and no byte is lost."""
    grammar = Grammar(",")
    pieces = [content[at : at + 7] for at in range(0, len(content), 7)]
    records = list(grammar.split_records(pieces))
    assert b"".join(records) == content
    found = [grammar.split_cells(record) for record in records if record.strip(b"\xef\xbb\xbf\r\n")]
    assert found == [[cell.encode() for cell in line] for line in lines]
    task = Rewriting(locate(str(path)), data.table, "label", None, Edits({1: "u"}, frozenset({2})))
    rewrite(task, path.with_name("changed.csv"), check=lambda _: None)
    again = read_data(str(path.with_name("changed.csv")), ReadOptions(label="label"))
    labels = [line[2] for line in lines[1:]]
    labels[1] = "u"
    del labels[2]
    assert [again.given_labels[code] for code in again.labels] == labels


@FIXTURES
@given(ends=some_ends, start=st.sampled_from(["", "\ufeff", "\r"]), last=st.booleans())
def test_json_lines_are_the_same_in_every_role(tmp_path, ends, start, last):
    rows = [{"x": at + 0.5, "word": f"w{at % 3}", "label": "uv"[at % 2]} for at in range(12)]
    text = start
    for at, row in enumerate(rows):
        text += json.dumps(row) + (ends[at % len(ends)] if last or at < len(rows) - 1 else "")
    path = tmp_path / "d.jsonl"
    path.write_bytes(text.encode())
    data = read_data(str(path), ReadOptions())
    assert data.table.to_pylist() == rows
    assert sum(each.n_rows for each in read_portions(str(path), data.schema)) == len(rows)
    spelled = list(find_row_source(str(path), data.table).read(np.array([1, 5])))
    assert [word for each in spelled for word in each.table.column("word").to_pylist()] == [
        '"w1"',
        '"w2"',
    ]
    task = Rewriting(locate(str(path)), data.table, "label", None, Edits({}, frozenset()))
    rewrite(task, tmp_path / "t.jsonl", check=lambda _: None)
    assert (tmp_path / "t.jsonl").read_bytes() == path.read_bytes()


@given(
    pieces=st.lists(st.text("ab\r\n", max_size=6).map(str.encode), max_size=12),
)
def test_lines_are_cut_alike_whatever_the_blocks(pieces):
    whole = b"".join(pieces)
    assert list(split_lines(pieces)) == whole.splitlines(keepends=True)
    assert b"".join(cut_at_lines(pieces)) == whole


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"4,v,extra", "row 2 .* has 3 cells, the header has 2"),
        (b"4,\xff", "line 4 holds the byte 0xff|row 2 .*0xff"),
        (b'4,"v', "open quote"),
    ],
)
def test_what_is_wrong_is_said_by_the_same_line(tmp_path, end, line, said):
    path = tmp_path / "d.csv"
    lines = [b"x,label", b"1,u", b"2,v", line, b"5,u", b"6,v"]
    path.write_bytes(end.encode().join(lines) + end.encode())
    for read in (
        lambda: read_data(str(path), ReadOptions()),
        lambda: find_reader(locate(str(path))).read(locate(str(path)), request=Request()),
    ):
        with pytest.raises(InputError, match=said):
            read()


@pytest.mark.parametrize("end", ENDS)
def test_a_header_alone_is_one_without_rows(tmp_path, end):
    path = tmp_path / "d.csv"
    path.write_bytes(b"x,label" + end.encode())
    with pytest.raises(InputError, match="a header but no rows"):
        read_data(str(path), ReadOptions())
