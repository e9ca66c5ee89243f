"""Cells that are written for people or for a next step are spelled as DATA's file spells them."""

from __future__ import annotations

import csv as python_csv
import datetime
import decimal
import gzip
import io
import json
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.feather as pafeather
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datacleanse.data import ReadOptions, compare, read_data, read_like
from datacleanse.data.readers import csv
from datacleanse.data.rewriting import Edits, Rewriting, rewrite
from datacleanse.data.sources import locate
from datacleanse.data.spelled_rows import find_row_source, join_rows, type_rows
from datacleanse.data.write_spelled import write_spelled
from datacleanse.errors import InputError
from tests.tries import tries

SPELLINGS = (
    *("00501", "1.0", "1", "1.10", "1.1", "1e5", "1E5", "+3", "-0", "-0.0", ".5", "5.", "1e-7"),
    *("1234567890123456789", "12345678901234567890", "0.1000000000000000055", "1e400", "-7"),
    *("NA", "None", "null", "nan", "N/A", "", " ", " 7 ", "true", "True", "FALSE", "inf"),
    *("2020-01-01", "2020-01-01 12:00:00", "30/09/2019", "12:30:00", "a,b", 'say "x"', "a\nb"),
    *("=1+1", "ü", "x;y", "t\tb", "[1.50, 2]", "'"),
)
NUMBERS = ("1.0", "1", "2.5", "1e5", "-3", "0.10", "1e-7", "12345678901234567", "")
TARGETS = ("t.csv", "t.tsv", "t.csv.gz", "t.jsonl", "t.jsonl.zst", "t.parquet", "t.feather")
MODES = ({}, {"id": "key"}, {"categorical": ("code",)}, {"id": "key", "categorical": ("code",)})

odd_cells = st.sampled_from(SPELLINGS)
tables = st.lists(
    st.tuples(odd_cells, odd_cells, st.sampled_from(NUMBERS)), min_size=4, max_size=12
)


def lay_out(rows):
    """Header and rows: a key that tells rows apart as text does, odd cells, a label."""
    return [
        ["key", "code", "word", "size", "x", "label"],
        *(
            [f"{at:03d}.0", code, word, size, str(at + 0.5), ["u", "NA", "1.0"][at % 3]]
            for at, (code, word, size) in enumerate(rows)
        ),
    ]


def write_csv(path, lines, *, delimiter=",", end="\n", style="needed"):
    """A CSV as other programs write it, the label in quotes: it may be called NA."""

    def quote(cell, at):
        needs = at == len(lines[0]) - 1 or any(sign in cell for sign in f'"\r\n{delimiter}')
        return '"' + cell.replace('"', '""') + '"' if needs or style == "all" else cell

    text = end.join(delimiter.join(quote(c, at) for at, c in enumerate(line)) for line in lines)
    path.write_bytes((text + end).encode())
    return str(path)


def write_jsonl(path, lines):
    """Objects with the cells as numbers where JSON can have them, else as strings."""
    number = r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?"
    import re

    def spell(cell):
        return cell if re.fullmatch(number, cell) else json.dumps(cell)

    text = "".join(
        "{" + ", ".join(f'"{k}": {spell(c)}' for k, c in zip(lines[0], line, strict=True)) + "}\n"
        for line in lines[1:]
    )
    path.write_text(text, encoding="utf-8")
    return str(path)


def read_cells(path):
    """The cells as a reader that knows nothing of this package finds them; empty for none."""
    name = path.name
    if name.endswith((".csv", ".tsv", ".csv.gz")):
        content = path.read_bytes()
        content = gzip.decompress(content) if name.endswith(".gz") else content
        delimiter = "\t" if ".tsv" in name else ","
        text = io.StringIO(content.decode(), newline="")
        return list(python_csv.reader(text, delimiter=delimiter))
    if ".jsonl" in name:
        content = b"".join(locate(path).read_blocks()).decode()
        rows = [
            json.loads(line, parse_float=str, parse_int=str)
            for line in content.splitlines()  # JSON escapes line breaks within strings
        ]
        names = list(rows[0])
        cells = [[row[name] for name in names] for row in rows]
    else:
        table = pq.read_table(path) if name.endswith(".parquet") else pafeather.read_table(path)
        names, cells = table.column_names, [list(row.values()) for row in table.to_pylist()]
    return [names, *([("" if c is None else str(c)) for c in row] for row in cells)]


def draw(source, options, target, rows):
    """Write rows as `sample` does; DATA and the clean set that is read from there."""
    data = read_data(source, options)
    origin = find_row_source(source, data.table)
    write_spelled(partial(origin.read, np.array(rows)), target)
    return data, read_like(str(target), data.schema, role="CLEAN")


def check_found(data, clean, rows):
    """Every row of CLEAN is known to be the row of DATA that it was written from."""
    overlap = compare(data, clean).overlap
    found = dict(zip(overlap.clean_rows.tolist(), overlap.data_rows.tolist(), strict=True))
    assert found == dict(enumerate(rows))
    np.testing.assert_array_equal(clean.labels, data.labels[rows])


FIXTURES = settings(
    deadline=None,
    max_examples=tries(15),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize("target", TARGETS)
@FIXTURES
@given(rows=tables, mode=st.sampled_from(MODES), style=st.sampled_from(["needed", "all"]))
def test_sampled_rows_of_a_csv_hold_its_cells_and_are_found_again(
    tmp_path, target, rows, mode, style
):
    lines = lay_out(rows)
    source = write_csv(tmp_path / "d.csv", lines, style=style)
    chosen = list(range(0, len(rows), 2))
    data, clean = draw(source, ReadOptions(label="label", **mode), tmp_path / target, chosen)
    assert read_cells(tmp_path / target) == [lines[0], *(lines[1:][row] for row in chosen)]
    check_found(data, clean, chosen)


@pytest.mark.parametrize("target", TARGETS)
@FIXTURES
@given(rows=tables, mode=st.sampled_from(MODES))
def test_sampled_rows_of_json_lines_hold_its_literals_and_are_found_again(
    tmp_path, target, rows, mode
):
    lines = lay_out(rows)
    source = write_jsonl(tmp_path / "d.jsonl", lines)
    chosen = list(range(0, len(rows), 2))
    data, clean = draw(source, ReadOptions(label="label", **mode), tmp_path / target, chosen)
    assert read_cells(tmp_path / target) == [lines[0], *(lines[1:][row] for row in chosen)]
    check_found(data, clean, chosen)


typed_rows = st.lists(
    st.tuples(
        st.sampled_from([None, "NA", "", "007", "x, y", "1.0", "nan"]),
        st.sampled_from([None, 1.0, 1e5, 1e16, 1e-7, 0.1, -0.0, float("nan")]),
        st.sampled_from([None, 7, 1234567890123456789, -1]),
        st.sampled_from([None, decimal.Decimal("1.50"), decimal.Decimal("-2.00")]),
        st.sampled_from([None, True, False]),
        st.sampled_from([None, datetime.datetime(2020, 1, 1), datetime.datetime(1999, 1, 1, 3)]),
    ),
    min_size=4,
    max_size=12,
)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("ending", ["parquet", "feather"])
@FIXTURES
@given(rows=typed_rows, told=st.sampled_from([(), "text", "float", "int", "price", "flag"]))
def test_sampled_rows_of_typed_files_are_found_again(tmp_path, target, ending, rows, told):
    names = ["text", "float", "int", "price", "flag", "when"]
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    kinds = [pa.string(), pa.float64(), pa.int64(), pa.decimal128(6, 2), pa.bool_()]
    kinds.append(pa.timestamp("us"))
    arrays = [pa.array(columns[n], k) for n, k in zip(names, kinds, strict=True)]
    table = pa.table(dict(zip(names, arrays, strict=True)))
    table = table.append_column("key", pa.array(np.arange(len(rows)) * 1.0))
    table = table.append_column("n", pa.array(np.arange(len(rows)) + 0.1))
    labels = pa.array(["u", "NA"] * len(rows)).slice(0, len(rows))
    table = table.append_column("label", labels)
    source = tmp_path / f"d.{ending}"
    write = pq.write_table if ending == "parquet" else pafeather.write_feather
    write(table, source)
    chosen = list(range(0, len(rows), 2))
    categorical = (told,) if told else ()
    for id_ in ("key", None):
        options = ReadOptions(label="label", id=id_, categorical=categorical)
        data, clean = draw(str(source), options, tmp_path / target, chosen)
        check_found(data, clean, chosen)


def clean(source, target, labels=None, dropped=()):
    """Rewrite a file with changes as `apply` does."""
    data = read_data(source, ReadOptions(label="label"))
    edits = Edits(labels or {}, frozenset(dropped))
    task = Rewriting(locate(source), data.table, "label", None, edits)
    rewrite(task, target, check=lambda path: None)


@pytest.mark.parametrize("target", TARGETS)
@FIXTURES
@given(rows=tables, is_json=st.booleans())
def test_a_table_without_changes_keeps_its_cells_in_another_format(tmp_path, target, rows, is_json):
    lines = lay_out(rows)
    write, name = (write_jsonl, "d.jsonl") if is_json else (write_csv, "d.csv")
    source = write(tmp_path / name, lines)
    clean(source, tmp_path / target)
    if target == f"t{name[1:]}":
        assert (tmp_path / target).read_bytes() == (tmp_path / name).read_bytes()
    assert read_cells(tmp_path / target) == lines


@pytest.mark.parametrize("target", TARGETS)
def test_changes_are_made_in_another_format_too(tmp_path, target):
    lines = lay_out([("00501", "NA", "1")] * 5)
    source = write_csv(tmp_path / "d.csv", lines)
    clean(source, tmp_path / target, {1: "u", 3: "NA"}, [2])
    del lines[3]
    lines[2][-1], lines[3][-1] = "u", "NA"
    assert read_cells(tmp_path / target) == lines
    again = read_data(str(tmp_path / target), ReadOptions(label="label"))
    assert [again.given_labels[code] for code in again.labels] == ["u", "u", "NA", "NA"]


def test_a_name_in_quotes_keeps_them_and_a_missing_cell_stays_without(tmp_path):
    """Whether or not the column was said to hold names: a later step may say so."""
    source = tmp_path / "d.csv"
    source.write_text('key,x,label\n"NA",1,u\n"",NA,v\nb,"NA",u\n', encoding="utf-8")
    data = read_data(str(source), ReadOptions(label="label"))
    origin = find_row_source(str(source), data.table)
    for rows, target in ((None, "t.csv"), (np.array([0, 2]), "u.csv")):
        write_spelled(partial(origin.read, rows), tmp_path / target)
    whole = (tmp_path / "t.csv").read_text()
    assert whole == 'key,x,label\n"NA",1,u\n,NA,v\nb,"NA",u\n'
    assert (tmp_path / "u.csv").read_text() == 'key,x,label\n"NA",1,u\nb,"NA",u\n'


def test_many_blocks_are_spelled_like_one(tmp_path, monkeypatch):
    rows = [(SPELLINGS[at % len(SPELLINGS)], f"w{at}" * 9, "1.0") for at in range(300)]
    source = write_csv(tmp_path / "d.csv", lay_out(rows))
    data = read_data(source, ReadOptions(label="label"))
    monkeypatch.setattr(csv, "_BLOCK", 1024)
    portions = list(find_row_source(source, data.table).read())
    assert len(portions) > 5
    write_spelled(lambda: iter(portions), tmp_path / "t.csv")
    assert read_cells(tmp_path / "t.csv") == read_cells(tmp_path / "d.csv")
    assert (tmp_path / "t.csv").read_text().count(',"NA"\n') == 100


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "-20", ""], pa.int64()),
        (["1234567890123456789"], pa.int64()),
        (["12345678901234567890"], pa.string()),
        (["1", "007"], pa.string()),
        (["1.0", "2.5", "1e-07"], pa.float64()),
        (["1", "2.5"], pa.string()),
        (["1.10"], pa.string()),
        (["1e5"], pa.string()),
        (["1.5", "NA"], pa.string()),
        (["True", "False"], pa.bool_()),
        (["2020-01-31", ""], pa.date32()),
        (["2020-02-31"], pa.string()),
    ],
)
def test_values_are_typed_only_where_they_give_their_cells_back(tmp_path, cells, kind):
    cells = cells * 2
    lines = [["x", "n", "label"], *([c, str(at * at), "uv"[at % 2]] for at, c in enumerate(cells))]
    source = write_csv(tmp_path / "d.csv", lines)
    clean(source, tmp_path / "t.parquet")
    assert pq.read_schema(tmp_path / "t.parquet").field("x").type == kind


def test_what_json_says_of_types_stays_in_typed_formats(tmp_path):
    source = tmp_path / "d.jsonl"
    source.write_text(
        '{"s": "1", "b": true, "v": [0.5, 2.0], "w": [1.50], "label": "u"}\n'
        '{"s": "2", "b": null, "v": null, "w": [2], "label": "v"}\n'
    )
    clean(str(source), tmp_path / "t.parquet")
    table = pq.read_table(tmp_path / "t.parquet")
    assert table.schema.field("s").type == pa.string()
    assert table.column("b").to_pylist() == [True, None]
    assert table.column("v").to_pylist() == [[0.5, 2.0], None]
    assert table.column("w").to_pylist() == ["[1.50]", "[2]"]


def test_a_file_that_lost_rows_since_it_was_read_is_refused(tmp_path):
    lines = lay_out([("1", "2", "3")] * 6)
    source = write_csv(tmp_path / "d.csv", lines)
    data = read_data(source, ReadOptions(label="label"))
    write_csv(tmp_path / "d.csv", lines[:4])
    with pytest.raises(InputError, match="has changed since it was read: 3 of 6 rows"):
        write_spelled(find_row_source(source, data.table).read, tmp_path / "t.csv")
    assert not (tmp_path / "t.csv").exists()


def test_stored_rows_give_their_spelling_back(tmp_path):
    from datacleanse_reports.cells import spell_column

    lines = lay_out([(cell, cell, "1.0") for cell in SPELLINGS])
    source = write_csv(tmp_path / "d.csv", lines)
    data = read_data(source, ReadOptions(label="label"))
    table = type_rows(join_rows(list(find_row_source(source, data.table).read())))
    pq.write_table(table, tmp_path / "t.parquet")
    table = pq.read_table(tmp_path / "t.parquet")
    for at, name in enumerate(lines[0]):
        cells = spell_column(table.column(name), table.field(name))
        assert [cell or "" for cell in cells] == [line[at] for line in lines[1:]]
