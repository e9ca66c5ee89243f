"""A table's file written anew: what is asked for changes, and not a byte beside it."""

from __future__ import annotations

import gzip
import io
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.feather as pafeather
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datacleanse.data import ReadOptions, read_data, write_table
from datacleanse.data.rewriting import REWRITERS, Edits, Rewriting, rewrite
from datacleanse.data.rewriting.csv import Grammar
from datacleanse.data.sources import locate
from datacleanse.errors import InputError
from tests.tries import tries


def rewrite_file(source, target, labels=None, dropped=(), *, label="label", delimiter=None):
    """Rewrite a file and give back what was written."""
    data = read_data(source, ReadOptions(label=label, delimiter=delimiter))
    edits = Edits(labels or {}, frozenset(dropped))
    task = Rewriting(locate(source), data.table, label, delimiter, edits)
    rewrite(task, target, check=lambda path: None)
    return target.read_bytes()


# --- separated text -------------------------------------------------------------------------------

ODD = (
    b'\xef\xbb\xbfid,label,"a ""b"", c",d\r\n'
    b"\r\n"
    b'1,yes,"two\r\nlines, ""quoted""",x\n'
    b'2,"no", spaced ,"""\n'
    b'"\n'
    b'\n3,yes,mid"quote,"a"behind\r\n'
    b"4,no,\xf0\x9f\x8d\x90\t=cmd(),\r"
    b"5,yes,,last"
)


def test_csv_changes_the_cells_and_drops_the_rows_asked_for_and_nothing_else(csv, tmp_path):
    source = csv(ODD)
    assert pacsv.read_csv(source, parse_options=pacsv.ParseOptions(newlines_in_values=True))[
        "id"
    ].to_pylist() == [1, 2, 3, 4, 5]
    assert rewrite_file(source, tmp_path / "same.csv") == ODD
    changed = rewrite_file(source, tmp_path / "c.csv", {1: "yes", 3: 'a "x", y', 4: "no"}, [0])
    expected = ODD.replace(b'1,yes,"two\r\nlines, ""quoted""",x\n', b"")
    expected = expected.replace(b'2,"no",', b'2,"yes",').replace(b"4,no,", b'4,"a ""x"", y",')
    assert changed == expected.replace(b"5,yes,", b"5,no,")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_csv_keeps_line_ends_and_their_absence(csv, tmp_path, end, last):
    lines = ["a,label", *(f"{i},{'xy'[i % 2]}" for i in range(6))]
    text = end.join(lines) + (end if last else "")
    out = rewrite_file(csv(text), tmp_path / "o.csv", {2: "y"}, [4])
    del lines[5]
    lines[3] = "2,y"
    assert out.decode() == end.join(lines) + (end if last else "")


def test_blank_lines_before_the_header_stay(csv, tmp_path):
    text = "\ufeff\r\n\na,label\n\n1,x\n2,y\n\n"
    out = rewrite_file(csv(text), tmp_path / "o.csv", {0: "y"})
    assert out.decode() == text.replace("1,x", "1,y")


def test_csv_of_another_delimiter_keeps_it(csv, tmp_path):
    text = "a;b;label\n1,5;x;yes\n2;y;no\n3;z;no\n"
    out = rewrite_file(csv(text), tmp_path / "o.csv", {1: "yes"}, delimiter=";")
    assert out.decode() == text.replace("y;no", "y;yes")


@pytest.mark.parametrize(("name", "pack"), [("d.csv.gz", gzip.compress), ("d.csv.zst", None)])
def test_packed_text_is_unpacked_and_packed_again(csv, tmp_path, name, pack):
    text = b"a,label\n1,yes\n2,no\n3,no\n"
    packed = pack(text) if pack else pa.compress(text, codec="zstd", asbytes=True)
    rewrite_file(csv(packed, name), tmp_path / ("out" + name[1:]), {1: "yes"})
    plain = b"".join(locate(tmp_path / ("out" + name[1:])).read_blocks())
    assert plain == b"a,label\n1,yes\n2,yes\n3,no\n"
    assert (
        rewrite_file(csv(packed, name), tmp_path / "plain.csv", {}, [0]) == b"a,label\n2,no\n3,no\n"
    )


cell = st.text(st.sampled_from("ab,\"\r\n; é🍐'"), max_size=5)


@settings(max_examples=tries(150), deadline=None)
@given(
    rows=st.lists(st.tuples(cell, st.sampled_from(["yes", "no"]), cell), min_size=3, max_size=8),
    quote_all=st.booleans(),
    end=st.sampled_from(["\n", "\r\n"]),
    data=st.data(),
)
def test_csv_of_any_cells_reads_back_as_asked_for(tmp_path_factory, rows, quote_all, end, data):
    """Against the slow obvious way: parse, change, and compare with what Arrow reads."""
    folder = tmp_path_factory.mktemp("any")

    def quoted(text):
        must = quote_all or not text or any(sign in text for sign in ',"\r\n')
        return '"' + text.replace('"', '""') + '"' if must else text

    lines = [",".join(map(quoted, (f"k{i}", *row))) + end for i, row in enumerate(rows)]
    (folder / "in.csv").write_bytes(("key,x,label,z" + end + "".join(lines)).encode())
    labels = {
        row: data.draw(st.sampled_from(["yes", "no", 'o"d,d']))
        for row in data.draw(st.sets(st.integers(0, len(rows) - 1)))
    }
    dropped = data.draw(st.sets(st.integers(0, len(rows) - 1), max_size=len(rows) - 1)) - set(
        labels
    )
    table = pa.table({"key": [f"k{i}" for i in range(len(rows))]})
    task = Rewriting(locate(folder / "in.csv"), table, "label", None, Edits(labels, dropped))
    rewrite(task, folder / "out.csv", check=lambda path: None)
    found = pacsv.read_csv(
        folder / "out.csv", parse_options=pacsv.ParseOptions(newlines_in_values=True)
    ).to_pylist()
    expected = [
        (f"k{i}", x, labels.get(i, label), z)
        for i, (x, label, z) in enumerate(rows)
        if i not in dropped
    ]
    assert [
        (str(r["key"]), str(r["x"] or ""), r["label"], str(r["z"] or "")) for r in found
    ] == expected
    out = (folder / "out.csv").read_bytes().decode()
    for i, line in enumerate(lines):
        assert (line in out) or i in labels or i in dropped


@settings(max_examples=tries(200), deadline=None)
@given(text=st.text(st.sampled_from('a,"\r\n'), max_size=30), size=st.integers(1, 7))
def test_records_are_the_same_however_the_bytes_arrive(text, size):
    content = text.encode()
    blocks = [content[at : at + size] for at in range(0, len(content), size)]
    records = list(Grammar(",").split_records(blocks))
    assert b"".join(records) == content
    assert records == list(Grammar(",").split_records([content]))


def test_a_million_lines_are_no_trouble_to_the_grammar():
    line = b'1,"a, b",yes\r\n'
    assert sum(1 for _ in Grammar(",").split_records([line * 20_000] * 5)) == 100_000


def test_csv_that_cannot_be_taken_apart_is_refused(csv, tmp_path):
    source = csv("a,label\n1,x\n2,y\n")
    task = Rewriting(locate(source), pa.table({"a": [1]}), "label", None, Edits({}, frozenset()))
    with pytest.raises(InputError, match="2 rows where 1 were read"):
        rewrite(task, tmp_path / "o.csv", check=lambda path: None)
    assert [path.name for path in tmp_path.iterdir()] == ["data.csv"]


# --- JSON Lines -----------------------------------------------------------------------------------


def test_jsonl_keeps_every_sign_but_the_label_s(csv, tmp_path):
    lines = [
        '{"a": 1.50, "label": "yes",  "n": {"label": "inner"}}\n',
        "\n",
        '{ "label" : "no", "t": "\\u00e9 \\"label\\": \\n" }\r\n',
        '{"t":"é 🍐","label":"no"}\n',
        '{"la\\u0062el": "yes", "a": [1, {"label": 2}]}',
    ]
    source = csv("\ufeff" + "".join(lines), "data.jsonl")
    assert rewrite_file(source, tmp_path / "same.jsonl").decode() == "\ufeff" + "".join(lines)
    out = rewrite_file(source, tmp_path / "o.jsonl", {0: "ñ", 1: "yes", 3: "no"}, [2]).decode()
    expected = ["\ufeff" + lines[0].replace('"yes"', '"\\u00f1"'), "\n"]
    expected[0] = "\ufeff" + lines[0].replace('"yes"', '"ñ"')  # the BOM is no ASCII
    expected.append(lines[2].replace('"no"', '"yes"'))
    expected.append(lines[4].replace('"yes"', '"no"'))
    assert out == "".join(expected)


@pytest.mark.parametrize(
    ("values", "label", "written"),
    [
        (["1", "2", "1"], "2", '"2"'),
        ([1, 2, 1], "2", "2"),
        ([1.0, 2.0, 1.0], "2.0", "2.0"),
        ([True, False, True], "false", "false"),
        ([1, "a", 1], "a", '"a"'),
    ],
)
def test_jsonl_labels_keep_their_type(csv, tmp_path, values, label, written):
    lines = [json.dumps({"a": i, "label": value}) + "\n" for i, value in enumerate(values)]
    out = rewrite_file(csv("".join(lines), "d.jsonl"), tmp_path / "o.jsonl", {0: label}).decode()
    assert out == '{"a": 0, "label": ' + written + "}\n" + "".join(lines[1:])


def test_jsonl_with_several_objects_a_line_is_refused_with_a_way_out(csv, tmp_path):
    text = '{"a": 1, "label": "x"} {"a": 2, "label": "y"}\n{"a": 3, "label": "y"}\n'
    source = csv(text, "d.jsonl")
    try:
        n_rows = read_data(source, ReadOptions()).n_rows
    except InputError:
        return  # the reader refuses it already
    assert n_rows == 3
    with pytest.raises(InputError, match=r"2 lines where 3 objects were read.*\.parquet"):
        rewrite_file(source, tmp_path / "o.jsonl")


# --- Parquet and Arrow's files --------------------------------------------------------------------


def make_typed_table():
    """Fourteen rows of many types, with metadata on the table and on a column."""
    n = 14
    table = pa.table(
        {
            "i": pa.array(range(n), pa.int16()),
            "when": pa.array(np.arange(n), pa.timestamp("ms", "Europe/Berlin")),
            "v": pa.array([[1.5, 2.5]] * n, pa.list_(pa.float32(), 2)),
            "s": pa.array([{"a": 1, "b": b"x"}] * n),
            "label": pa.array(["yes", "no"] * 7).dictionary_encode(),
        }
    )
    field = table.schema.field("i").with_metadata({"unit": "kg"})
    table = table.set_column(0, field, table.column(0))
    return table.replace_schema_metadata({"mine": "kept"})


def expect_rows(table, labels, dropped):
    rows = table.to_pylist()
    for row, label in labels.items():
        rows[row]["label"] = label
    return [row for place, row in enumerate(rows) if place not in dropped]


def test_parquet_keeps_schema_metadata_row_groups_and_compression(tmp_path):
    table = make_typed_table()
    codecs = {"i": "gzip", "when": "zstd", "label": "none"}
    pq.write_table(table, tmp_path / "d.parquet", row_group_size=5, compression=codecs)
    labels, dropped = {0: "no", 6: "maybe", 13: "yes"}, [1, 2, 12]
    rewrite_file(tmp_path / "d.parquet", tmp_path / "o.parquet", labels, dropped)
    with (
        pq.ParquetFile(tmp_path / "o.parquet") as new,
        pq.ParquetFile(tmp_path / "d.parquet") as old,
    ):
        found = new.read()
        assert found.schema.equals(old.schema_arrow, check_metadata=True)
        assert found.schema.metadata[b"mine"] == b"kept"
        groups = [new.metadata.row_group(i) for i in range(new.num_row_groups)]
        assert [group.num_rows for group in groups] == [3, 5, 3]
        before, after = old.metadata.row_group(0), groups[0]
        assert [after.column(i).compression for i in range(after.num_columns)] == [
            before.column(i).compression for i in range(before.num_columns)
        ]
    assert found.to_pylist() == expect_rows(table, labels, dropped)
    found.validate(full=True)


def test_parquet_that_pandas_wrote_is_read_by_pandas_as_before(tmp_path):
    frame = pd.DataFrame({"a": [1, 2, 3, 4], "label": pd.Categorical(["x", "y", "x", "y"])})
    frame.index = pd.Index(["p", "q", "r", "s"], name="who")
    frame.to_parquet(tmp_path / "named.parquet")
    frame.reset_index(drop=True).to_parquet(tmp_path / "plain.parquet")
    for name in ("named", "plain"):
        rewrite_file(tmp_path / f"{name}.parquet", tmp_path / "o.parquet", {0: "y"}, [1])
        before, after = (
            pd.read_parquet(tmp_path / f"{name}.parquet"),
            pd.read_parquet(tmp_path / "o.parquet"),
        )
        assert list(after["label"]) == ["y", "x", "y"]
        assert (after.dtypes == before.dtypes).all()
        assert list(after.index) == (["p", "r", "s"] if name == "named" else [0, 1, 2])


@pytest.mark.parametrize("kind", ["feather", "arrow", "stream"])
def test_arrow_s_files_keep_schema_and_metadata(tmp_path, kind):
    table = make_typed_table()
    source, target = tmp_path / "d.arrow", tmp_path / "o.arrow"
    if kind == "feather":
        source, target = tmp_path / "d.feather", tmp_path / "o.feather"
        pafeather.write_feather(table, source)
    else:
        new = pa.ipc.new_stream if kind == "stream" else pa.ipc.new_file
        with pa.OSFile(str(source), "wb") as sink, new(sink, table.schema) as writer:
            writer.write_table(table)
    labels, dropped = {0: "no", 6: "maybe"}, [1, 13]
    rewrite_file(source, target, labels, dropped)
    with pa.OSFile(str(target)) as handle:
        opened = pa.ipc.open_stream if kind == "stream" else pa.ipc.open_file
        found = opened(handle).read_all()
    assert found.schema.equals(table.schema, check_metadata=True)
    assert found.to_pylist() == expect_rows(table, labels, dropped)


@pytest.mark.parametrize(
    ("kind", "values", "label"),
    [
        (pa.int32(), [1, 2, 1, 2], "2"),
        (pa.bool_(), [True, False, True, False], "False"),
        (pa.float64(), [1.0, 2.0, 1.0, 2.0], "2.0"),
        (pa.large_string(), ["x", "y", "x", "y"], "y"),
        (pa.dictionary(pa.int8(), pa.int64()), [5, 7, 5, 7], "7"),
        (pa.dictionary(pa.int8(), pa.string(), ordered=True), ["x", "y", "x", "y"], "y"),
    ],
    ids=str,
)
def test_labels_keep_their_column_s_type(tmp_path, kind, values, label):
    cells = pa.array(values).cast(kind.value_type if pa.types.is_dictionary(kind) else kind)
    if pa.types.is_dictionary(kind):
        encoded = cells.dictionary_encode()
        cells = pa.DictionaryArray.from_arrays(
            encoded.indices.cast(kind.index_type), encoded.dictionary, ordered=kind.ordered
        )
    table = pa.table({"a": [1, 2, 3, 4], "label": cells})
    pq.write_table(table, tmp_path / "d.parquet")
    pafeather.write_feather(table, tmp_path / "d.feather")
    for name, read in (("parquet", pq.read_table), ("feather", pafeather.read_table)):
        rewrite_file(tmp_path / f"d.{name}", tmp_path / f"o.{name}", {0: label})
        before, found = read(tmp_path / f"d.{name}"), read(tmp_path / f"o.{name}")
        assert found.schema.equals(before.schema, check_metadata=True)
        assert found["label"].to_pylist() == [values[1], *values[1:]]


# --- all of them ----------------------------------------------------------------------------------

NAMES = (
    "d.csv",
    "d.tsv",
    "d.csv.gz",
    "d.jsonl",
    "d.jsonl.zst",
    "d.parquet",
    "d.feather",
    "d.arrow",
)


@pytest.mark.parametrize("source", NAMES)
@pytest.mark.parametrize("target", ["o.csv", "o.jsonl.gz", "o.parquet", "o.feather"])
def test_any_format_can_be_cleaned_into_any_other(mixed, tmp_path, source, target):
    write_table(pa.Table.from_pandas(mixed), tmp_path / source)
    labels, dropped = {0: "no", 7: "yes", 59: "yes"}, [1, 2, 30]
    rewrite_file(tmp_path / source, tmp_path / target, labels, dropped)
    before = read_data(tmp_path / source, ReadOptions(label="label"))
    after = read_data(tmp_path / target, ReadOptions(label="label"))
    expected = before.labels.copy()
    expected[[0, 7, 59]] = [0, 1, 1]
    stays = ~np.isin(np.arange(60), dropped)
    assert after.schema.classes == ("no", "yes")
    assert after.labels.tolist() == expected[stays].tolist()
    keys = before.table["key"].to_pylist()
    assert [int(k) for k in after.table["key"].to_pylist()] == [
        int(key) for key, stay in zip(keys, stays, strict=True) if stay
    ]


def test_shards_are_written_as_one_file(tmp_path):
    table = make_typed_table()
    (tmp_path / "shards").mkdir()
    pq.write_table(table.slice(0, 9), tmp_path / "shards" / "a.parquet")
    pq.write_table(table.slice(9), tmp_path / "shards" / "b.parquet")
    rewrite_file(tmp_path / "shards", tmp_path / "o.parquet", {10: "no"}, [0])
    found = pq.read_table(tmp_path / "o.parquet").to_pylist()
    assert [row["i"] for row in found] == list(range(1, 14))
    assert found[9]["label"] == "no"


def test_what_fails_its_check_does_not_come_to_stand(csv, tmp_path):
    source = csv("a,label\n1,x\n2,y\n")
    (tmp_path / "o.csv").write_text("mine")

    def refuse(path):
        assert path.read_bytes() == source.read_bytes()
        raise InputError("No.", slug="no", hint="No.")

    task = Rewriting(locate(source), pa.table({"a": [1, 2]}), "label", None, Edits({}, frozenset()))
    with pytest.raises(InputError):
        rewrite(task, tmp_path / "o.csv", check=refuse)
    assert (tmp_path / "o.csv").read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"data.csv", "o.csv"}


def test_every_format_that_is_read_is_rewritten():
    from datacleanse.data.readers import READERS

    read = {suffix for reader in READERS for suffix in reader.suffixes}
    assert read == {suffix for rewriter in REWRITERS for suffix in rewriter.suffixes}


def test_pandas_reads_the_csv_as_before(csv, tmp_path):
    out = rewrite_file(csv(ODD.replace(b"\r5", b"\n5")), tmp_path / "o.csv", {0: "no"})
    assert list(pd.read_csv(io.BytesIO(out))["label"]) == ["no", "no", "yes", "no", "yes"]
