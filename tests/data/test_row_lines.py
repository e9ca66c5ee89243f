"""Lines on which rows begin, against the file taken apart by Python's own reader."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datacleanse.data.row_lines import find_lines

CELLS = st.text(alphabet='ab,"\n', max_size=6)


def list_starts(text: str) -> list[int]:
    """Slow and plain: the line before each record is where the one before it ended."""
    reader = csv.reader(io.StringIO(text, newline=""))
    starts, line = [], 0
    for record in reader:
        if record:
            starts.append(line + 1)
        line = reader.line_num
    return starts[1:]


@given(rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8))
def test_lines_of_a_csv_are_those_of_pythons_reader(tmp_path_factory, rows):
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([("x", "y"), *rows])
    path = tmp_path_factory.getbasetemp() / "lines.csv"
    path.write_text(sink.getvalue(), encoding="utf-8", newline="")
    expected = list_starts(sink.getvalue())

    found = find_lines(str(path), range(len(rows)))

    assert expected == [found[row] for row in range(len(rows))]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_blank_lines_are_counted_as_lines_and_not_as_rows(tmp_path, end):
    path = tmp_path / "data.tsv"
    path.write_text(end.join(["x\ty", "", "1\t2", "", "3\t4"]), encoding="utf-8", newline="")

    assert find_lines(str(path), [0, 1]) == {0: 3, 1: 5}
    assert find_lines(str(path), [1]) == {1: 5}


def test_json_lines_are_counted_and_other_formats_have_none(tmp_path):
    lines = tmp_path / "data.jsonl"
    lines.write_text("\n".join([json.dumps({"x": 1}), "", json.dumps({"x": 2})]), encoding="utf-8")
    other = tmp_path / "data.parquet"
    other.write_bytes(b"PAR1")

    assert find_lines(str(lines), [1]) == {1: 3}
    assert find_lines(str(other), [0]) == {}
    assert find_lines(str(lines), []) == {}
