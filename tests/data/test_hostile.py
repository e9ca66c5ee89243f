"""Whatever a file holds, reading it gives a table or a message: no other error escapes."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datacleanse.data import ReadOptions, compare, hash_rows, read_data, read_ids, read_like
from datacleanse.errors import InputError, SettingsError
from tests.tries import tries

_TOKENS = ("label", "id", "0.5", "nan", "inf", "1e999", "true", "{}", "null", "é", "²", "\u2028")
_PIECES = st.sampled_from(
    [*(bytes([code]) for code in b',,\n\n"\r\t; \0\xff-\\?ab1'), b"\r\n", b"\xef\xbb\xbf"]
    + [text.encode() for text in _TOKENS]
    + [text.encode() for text in ("2020-01-01", "12:30:00", "9999-99-99", "[1, 2]", "[1e999]")]
    + [b"9" * 400, b"x" * 300]
)

_BYTES = st.lists(_PIECES, max_size=60).map(b"".join)
_NUMBERS = ("1", "-2.5", "1e300", "NaN", "inf", "007", "[1, 2]")
_WORDS = ("", "?", "word", "two words", "true", '"q,""\n"', "é", "\u202e")
_MOMENTS = ("2020-01-01", "12:30:00", "2020-01-01T00:00:00Z", "0001-01-01")
_CELLS = st.sampled_from((*_NUMBERS, *_WORDS, *_MOMENTS))
_NAMES = st.sampled_from(["", " ", "label ", "a", "id", "row", '"n\nl"', "rank", "é", "x" * 99])


@st.composite
def _tables(draw):
    """Text of a table that mostly reads, with a label column of two classes."""
    names = draw(st.lists(_NAMES, min_size=1, max_size=4, unique=True))
    n_rows = draw(st.integers(2, 30))
    rows = [draw(st.lists(_CELLS, min_size=len(names), max_size=len(names))) for _ in range(n_rows)]
    lines = [[*names, "label"], *([*row, "ab"[at % 2]] for at, row in enumerate(rows))]
    return "".join(",".join(line) + "\n" for line in lines).encode()


def _read(content: bytes, name: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        copy = Path(folder) / f"copy-{name}"
        copy.write_bytes(content)
        data, refusal = None, None
        try:
            data = read_data(path, ReadOptions())
        except (InputError, SettingsError) as error:
            refusal = error
        if data is None:
            assert name in refusal.message
            assert refusal.hint
            return
        assert len(read_ids(data)) == len(hash_rows(data)) == data.n_rows
        # A copy of DATA always fits DATA, and is found to be DATA.
        clean = read_like(copy, data.schema, role="CLEAN")
        assert (hash_rows(clean) == hash_rows(data)).all()
        with pytest.raises(InputError, match="is DATA"):
            compare(data, clean)


@settings(max_examples=tries(150), deadline=None)
@given(_BYTES, st.sampled_from(["t.csv", "t.tsv", "t.jsonl", "t.csv.gz", "t.parquet", "t.arrow"]))
def test_any_bytes_are_read_or_refused(content, name):
    _read(content, name)


@settings(max_examples=tries(150), deadline=None)
@given(_tables())
def test_any_table_is_read_or_refused(content):
    _read(content, "t.csv")


@settings(max_examples=tries(100), deadline=None)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["a", "b", "label", ""]),
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
            | st.lists(st.floats() | st.integers(), max_size=3)
            | st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
        ),
        max_size=12,
    )
)  # fmt: skip
def test_any_json_lines_are_read_or_refused(records):
    import json

    _read("".join(json.dumps(record) + "\n" for record in records).encode(), "t.jsonl")


@pytest.mark.parametrize(("markers", "warned"), [(1, True), (4, True), (0, False)])
def test_markers_among_numbers_are_warned_of_and_not_refused(csv, markers, warned):
    """A file with as many markers as DATA, or somewhat more, is of the same kind."""

    def table(n_markers):
        cells = ["?"] * n_markers + [str(row) for row in range(10 - n_markers)]
        rows = [f"{cell},{'ab'[at % 2]}\n" for at, cell in enumerate(cells)]
        return "x,label\n" + "".join(rows)

    data = read_data(csv(table(1)), ReadOptions())
    clean = read_like(csv(table(markers), "clean.csv"), data.schema, role="CLEAN")
    assert ["values-unreadable"] * warned == [notice.slug for notice in clean.notices]


@pytest.mark.parametrize(
    "content",
    [b'"a\n\xff",label\n1,a\n2,b\n', b"x,label\n1,a\n2,\xff,3\n", b'{"\xff": 1, "label": "a"}\n'],
)
def test_bytes_that_are_no_text_in_odd_places_are_named(csv, content, capfd):
    path = csv(content, "t.jsonl" if content.startswith(b"{") else "t.csv")
    with pytest.raises(InputError, match="not UTF-8") as caught:
        read_data(path, ReadOptions())
    assert "0xff" in caught.value.message
    assert capfd.readouterr().err == ""
