"""Broken files: one clear error that names the file, the place, the value and the cure."""

from __future__ import annotations

import codecs
import gzip
import os

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datacleanse.data import ReadOptions, read_data
from datacleanse.data.sources import make_unreadable_error
from datacleanse.errors import InputError, SettingsError

GOOD = b"x,label\n1,a\n2,b\n3,a\n4,b\n"
LONG = b"x,label\n" + b"cafe,a\nthe,b\n" * 200_000

BROKEN = {
    "empty": ("t.csv", b"", "file-empty", ["0 bytes"]),
    "blank lines": ("t.csv", b"\n \n", "file-empty", ["blank lines"]),
    "header cut off": ("t.csv", b"x,lab", "table-empty", ["header but no rows"]),
    "header only": ("t.csv", b"x,label\n", "table-empty", ["header but no rows"]),
    "semicolons": (
        "t.csv",
        GOOD.replace(b",", b";"),
        "delimiter-wrong",
        ["x;label", "delimiter=';'"],
    ),
    "tabs": ("t.csv", GOOD.replace(b",", b"\t"), "delimiter-wrong", ["x\\tlabel", r"\t"]),
    "commas in tsv": ("t.tsv", GOOD, "delimiter-wrong", ["x,label", "delimiter=','"]),
    "latin1 cell": (
        "t.csv",
        b"x,label\nb,a\ncaf\xe9,b\n",
        "encoding-not-utf8",
        ["column 'x'", "row 1", "0xe9", "iconv"],
    ),
    "latin1 late": (
        "t.csv",
        LONG + b"caf\xe9,a\n",
        "encoding-not-utf8",
        ["column 'x'", "row 400000", "0xe9"],
    ),
    "latin1 label": ("t.csv", b"x,label\n1,a\n2,\xe9\n", "encoding-not-utf8", ["line 3", "0xe9"]),
    "latin1 header": ("t.csv", b"\xe9,label\n1,a\n2,b\n", "encoding-not-utf8", ["header", "0xe9"]),
    "utf-16": (
        "t.csv",
        codecs.BOM_UTF16_LE + GOOD.decode().encode("utf-16-le"),
        "encoding-not-utf8",
        ["UTF-16"],
    ),
    "utf-16 unmarked": ("t.csv", GOOD.decode().encode("utf-16-le"), "nul-byte", ["UTF-16"]),
    "nul": ("t.csv", b"x,label\nu\0v,a\n2,b\n", "nul-byte", ["byte 9"]),
    "nul late": ("t.csv", LONG + b"u\0v,a\n", "nul-byte", ["column 'x'", "row 400000"]),
    "ragged": (
        "t.csv",
        b"x,label\n1,a\n2,b,3\n4\n5,a\n",
        "row-ragged",
        ["row 1 ", "3 cells", "header has 2", "1 more row", "'2,b,3'"],
    ),
    "ragged, too few": (
        "t.csv",
        b"x,y,label\n1,2,a\n3,b\n",
        "row-ragged",
        ["are missing, empty ones too"],
    ),
    "ragged, a delimiter within": (
        "t.csv",
        b"x,label\n1,a\n2,3,b\n",
        "row-ragged",
        ["3 cells", "Quote cells that hold the delimiter"],
    ),
    "row names by R": (
        "t.csv",
        b'"x","label"\n"1",2,"a"\n"2",3,"b"\n',
        "row-ragged",
        ["1 more row", "row.names=FALSE"],
    ),
    "a delimiter at every end": (
        "t.csv",
        b"x,label\r\n1,a,\r\n2,b,\r\n",
        "row-ragged",
        ["The rows end in ',', and the header does not"],
    ),
    "a delimiter at some ends": (
        "t.tsv",
        b"x\tlabel\n1\ta\n2\tb\t\n",
        "row-ragged",
        [r"The row ends in '\t'"],
    ),
    "a line for Excel": (
        "t.csv",
        b"\xef\xbb\xbfsep=;\r\nx;label\r\n1;a\r\n",
        "header-excel",
        ["begins with 'sep=;'", "tail -n +2", "say delimiter=';'"],
    ),
    "a line for Excel in quotes": (
        "t.csv",
        b'"SEP=\t"\nx\tlabel\n1\ta\n',
        "header-excel",
        [r"delimiter='\\t'"],
    ),
    "ragged late": ("t.csv", LONG + b"1\n", "row-ragged", ["row 400000", "1 cell,"]),
    "quote open": ("t.csv", b'x,label\n1,a\n2,b\n3,"a\n', "quote-unclosed", ["row 2"]),
    "ragged after other types": (
        "t.csv",
        b"x,label\n" + b"1,a\n2,b\n" * 700_000 + b"u,a\n1\n",
        "row-ragged",
        ["row 1400001", "1 cell,"],
    ),
    "quote open early": (
        "t.csv",
        b'x,label\n1,a\n"2,b\n' + b"3,a\n" * 9,
        "quote-unclosed",
        ["open quote", "row 1 ", '"2,b'],
    ),
    "quote open in a long file": (
        "t.csv",
        b'x,label\n1,a\n"2,b\n' + b"3,a\n" * 9_000_000,
        "quote-unclosed",
        ["open quote", "row 1 ", "16 MB"],
    ),
    "twice named": ("t.csv", b"x,x,label\n1,2,a\n2,3,b\n", "columns-duplicate", ["'x'"]),
    "truncated gzip": ("t.csv.gz", gzip.compress(LONG)[:-20], "file-damaged", ["Truncated"]),
    "early truncated gzip": ("t.csv.gz", gzip.compress(GOOD)[:-12], "file-damaged", ["cut off"]),
    "no gzip": ("t.jsonl.gz", GOOD, "file-damaged", ["cut off"]),
    "no zstd": ("t.csv.zst", GOOD, "file-damaged", ["cut off"]),
    "corrupt parquet": ("t.parquet", b"PAR1" * 9, "file-damaged", ["Parquet"]),
    "corrupt feather": ("t.feather", b"ARROW1" * 9, "file-damaged", ["Arrow"]),
    "corrupt stream": ("t.arrow", b"nothing of the sort", "file-damaged", ["Arrow"]),
    "excel": ("t.xlsx", b"PK", "format-unknown", [".xlsx", ".parquet", "CSV"]),
    "json array": ("t.json", b"[]", "format-unknown", [".json", "jq"]),
    "no ending": ("t", b"x", "format-unknown", ["no ending", ".csv"]),
    "gzipped parquet": ("t.parquet.gz", b"x", "format-unknown", ["Unpack"]),
    "no json": ("t.jsonl", b'{"x": 1}\nnope\n', "json-invalid", ["row 1", "line 2", "'nope'"]),
    "json list": ("t.jsonl", b'[{"x": 1}]\n', "json-invalid", ["row 0", "not an object"]),
    "json latin1": ("t.jsonl", b'{"x":"\xe9"}\n', "encoding-not-utf8", ["row 0", "0xe9"]),
    "json blank": ("t.jsonl", b"\n\n", "table-empty", ["neither"]),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_named_with_place_and_cure(case, csv):
    name, content, slug, said = BROKEN[case]
    path = csv(content, name)
    with pytest.raises(InputError) as caught:
        read_data(path, ReadOptions())
    assert caught.value.slug == slug
    assert str(path) in caught.value.message
    assert caught.value.hint.endswith(".")
    for words in said:
        assert words.strip("'") in str(caught.value)


def test_a_missing_file_is_answered_with_the_nearest_name(csv, tmp_path):
    csv(GOOD, "customers.csv")
    with pytest.raises(InputError, match=r"does not exist.*'customers\.csv'") as caught:
        read_data(tmp_path / "custmers.csv", ReadOptions())
    assert caught.value.slug == "file-missing"


@pytest.mark.parametrize("name", ["folder", "folder/*.parquet"])
def test_a_folder_or_glob_without_parquet_is_an_error(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "readme.txt").touch()
    with pytest.raises(InputError, match="no Parquet file") as caught:
        read_data(tmp_path / name, ReadOptions())
    assert caught.value.slug == "shards-missing"


def test_shards_with_other_columns_are_an_error(tmp_path):
    pq.write_table(pa.table({"x": [1], "label": ["a"]}), tmp_path / "0.parquet")
    pq.write_table(pa.table({"z": [1], "label": ["a"]}), tmp_path / "1.parquet")
    with pytest.raises(InputError, match=r"x, z.*0\.parquet.*1\.parquet") as caught:
        read_data(tmp_path, ReadOptions())
    assert caught.value.slug == "shards-differ"


def test_shards_of_other_types_are_an_error(tmp_path):
    pq.write_table(pa.table({"x": [1], "label": ["a"]}), tmp_path / "0.parquet")
    pq.write_table(pa.table({"x": [[1]], "label": ["a"]}), tmp_path / "1.parquet")
    with pytest.raises(InputError) as caught:
        read_data(tmp_path, ReadOptions())
    assert caught.value.slug == "shards-differ"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_said(csv):
    path = csv(GOOD)
    path.chmod(0)
    with pytest.raises(InputError) as caught:
        read_data(path, ReadOptions())
    assert caught.value.slug == "file-permission"


def test_refusals_of_the_system_are_told_apart():
    denied = make_unreadable_error("t.csv", PermissionError(13, "Permission denied"))
    assert (denied.slug, "chmod" in denied.hint) == ("file-permission", True)
    broken = make_unreadable_error("t.csv", OSError(5, "Input/output error"))
    assert (broken.slug, "Input/output error" in broken.message) == ("file-unreadable", True)


@pytest.mark.parametrize("address", ["nowhere://bucket/t.csv", "memory://missing/t.csv"])
def test_an_address_that_does_not_open_is_said(address):
    with pytest.raises(InputError) as caught:
        read_data(address, ReadOptions())
    assert caught.value.slug in ("address-unsupported", "file-missing")
    assert address in caught.value.message


@pytest.mark.parametrize("delimiter", [";;", "é", '"', "\n"])
def test_a_delimiter_that_is_none_is_refused(csv, delimiter):
    with pytest.raises(SettingsError) as caught:
        read_data(csv(GOOD), ReadOptions(delimiter=delimiter))
    assert caught.value.slug == "delimiter-invalid"


def test_text_that_is_no_utf8_in_an_arrow_table_is_said():
    bad = pa.Array.from_buffers(pa.string(), 2, pa.array([b"\xe9", b"a"]).buffers())
    with pytest.raises(InputError, match="'x' is damaged"):
        read_data(pa.table({"x": bad, "label": ["a", "b"]}), ReadOptions())


def test_a_frame_without_rows_or_with_a_name_twice_is_an_error():
    empty = pd.DataFrame({"x": [], "label": []})
    with pytest.raises(InputError, match="<DataFrame>") as caught:
        read_data(empty, ReadOptions())
    assert caught.value.slug == "table-empty"
    twice = pd.DataFrame([[1, 2, "a"]], columns=["x", "x", "label"])
    with pytest.raises(InputError) as caught:
        read_data(twice, ReadOptions())
    assert caught.value.slug == "columns-duplicate"


def test_a_line_for_excel_that_says_what_is_known_needs_no_option(csv):
    with pytest.raises(InputError) as caught:
        read_data(csv("sep=,\nx,label\n1,a\n"), ReadOptions())
    assert "--delimiter" not in caught.value.hint


def test_of_many_ragged_rows_none_but_the_first_is_kept(csv):
    with pytest.raises(InputError, match="19,999 more rows like it"):
        read_data(csv("x,label\n" + "1,a,b,c\n" * 20_000), ReadOptions())
