"""Broken input, as data: what is done to the two good files, and what must be said of it."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field

import pyarrow as pa

from tests.cli.tiny import (
    CLEAN,
    DATA,
    HEADER,
    arrow,
    cell,
    parquet,
    rows,
    swapped,
    without,
    zstd,
)


@dataclass(frozen=True)
class Case:
    """One thing that a person gets wrong.

    Attributes:
        name: for the test's name.
        said: words of the message: the file, then row, column and value as far as there are any.
        cure: words of the hint.
        files: written over data.csv and clean.csv, or beside them; None makes a folder.
        options: added to the audit's command line.
        data: first argument of the audit.
        val: what --val is given.
    """

    name: str
    said: tuple[str, ...]
    cure: str
    files: dict[str, str | bytes | None] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    data: str = "data.csv"
    val: str = "clean.csv"

    @property
    def arguments(self) -> tuple[str, ...]:
        return ("audit", self.data, "--val", self.val, "--epochs", "2", "--quiet", *self.options)


def _data(name: str, content: str | bytes, *said: str, cure: str, options=()) -> Case:
    """A case of a broken data.csv."""
    return Case(name, ("data.csv", *said), cure, {"data.csv": content}, options)


def _clean(name: str, content: str | bytes, *said: str, cure: str, options=()) -> Case:
    """A case of a broken clean.csv."""
    return Case(name, ("clean.csv", *said), cure, {"clean.csv": content}, options)


def _file(name: str, file: str, content: str | bytes | None, *said: str, cure: str) -> Case:
    """A case of DATA in another format."""
    return Case(name, (file, *said), cure, {file: content}, data=file)


def _vectors(*lengths: int) -> bytes:
    labels = ["yes", "no"] * (len(lengths) // 2)
    return parquet(pa.table({"vector": [[0.5] * n for n in lengths], "label": labels}))


def _overwritten(content: bytes) -> bytes:
    return content[:40] + b"\xff" * 400 + content[440:]


TEXT = (
    _data("empty file", b"", "0 bytes", cure="needs a header and rows"),
    _data("blank lines", b"\n  \n\n", "blank lines", cure="needs a header and rows"),
    _data("header only", HEADER, "header but no rows", cure="Check the program"),
    _clean("clean header only", HEADER, "header but no rows", cure="Check the program"),
    _data("no delimiter at all", "just some words\nand more\n", "just some", cure="--label"),
    _data("semicolons", DATA.replace(",", ";"), "key;age;score", cure="--delimiter ';'"),
    _data("tabs", DATA.replace(",", "\t"), r"key\tage", cure=r"--delimiter '\t'"),
    _clean("clean semicolons", CLEAN.replace(",", ";"), "key;age", cure="--delimiter ';'"),
    _data(
        "latin-1",
        DATA.encode("latin-1"),
        "not UTF-8",
        "'city'",
        "row 1 ",
        "0xf6",
        cure="iconv -f latin1",
    ),
    _data("latin-1 and ragged", DATA.encode("latin-1") + b"1\n", "line 3", "0xf6", cure="iconv"),
    _data("utf-16", DATA.encode("utf-16"), "UTF-16", cure="iconv -f UTF-16"),
    _clean("clean utf-16", CLEAN.encode("utf-16-le"), "NUL", cure="save it as UTF-8"),
    _data("nul bytes", cell(DATA, 5, "city", "Gen\0"), "NUL", "byte", cure="tr -d '\\000'"),
    _data(
        "too many cells",
        swapped(DATA, ("7.5,", "7.5,x,")),
        "row 7 ",
        "6 cells",
        "header has 5",
        "p7,",
        cure="Quote cells",
    ),
    _data(
        "too few cells",
        swapped(DATA, ("p9,", ""), ("p12,", "")),
        "row 9 ",
        "4 cells",
        "1 more row",
        cure="Write the cells that are missing",
    ),
    _data(
        "unclosed quote",
        swapped(DATA, ("p30,", '"p30,')),
        "open quote",
        "row 30 ",
        cure="Close the quote",
    ),
    _clean(
        "clean unclosed quote",
        swapped(CLEAN, ("p103,", '"p103,')),
        "open quote",
        "row 3 ",
        cure="Close the quote",
    ),
    _data("nothing but a quote", b'"\n', "open quote", cure="Close the quote"),
)

FORMATS = (
    _file("folder without parquet", "folder", None, "no Parquet file", cure="Name one table"),
    Case(
        "folder of csv",
        ("folder", "no Parquet file"),
        "Name one table",
        {"folder/a.csv": DATA},
        data="folder",
    ),
    _file("truncated gzip", "a.csv.gz", gzip.compress(DATA.encode())[:-30], cure="cut off"),
    _file("gzip that is none", "a.csv.gz", DATA, "cannot be", cure="cut off"),
    _file("truncated zst", "a.csv.zst", zstd(DATA.encode())[:-30], cure="cut off"),
    _file("zst that is none", "a.jsonl.zst", DATA, cure="cut off"),
    _file("corrupt parquet", "a.parquet", parquet(arrow(DATA))[:-400], "Parquet", cure="again"),
    _file(
        "parquet with wrong bytes inside",
        "a.parquet",
        _overwritten(parquet(arrow(DATA))),
        "Parquet",
        cure="again",
    ),
    _file("parquet that is csv", "a.parquet", DATA, "Parquet", cure="not what its ending says"),
    _file("feather that is csv", "a.feather", DATA, "Arrow", cure="not what its ending says"),
    _file("csv that is parquet", "a.csv", parquet(arrow(DATA)), "is Parquet", cure=".parquet"),
    _file("csv that is gzip", "a.csv", gzip.compress(DATA.encode()), "gzip", cure="Add .gz"),
    _file("csv that is excel", "a.csv", b"PK\3\4" + bytes(90), "Excel", cure="Export the sheet"),
    _file("excel", "a.xlsx", b"PK\3\4", ".xlsx", cure="Export the sheet to CSV"),
    _file("unknown ending", "a.dat", DATA, "'.dat'", ".csv", cure="one of these formats"),
    _file(
        "broken json line",
        "a.jsonl",
        '{"x": 1, "label": "a"}\n{"x": 2, "lab\n{"x": 3, "label": "b"}\n',
        "row 1 ",
        "line 2",
        '{"x": 2, "lab',
        cure="one object a line",
    ),
    _file("json null", "a.jsonl", '{"x": 1}\nnull\n', "row 1 ", "'null", cure="one object a line"),
    _file("json array", "a.jsonl", '[{"x": 1}]\n', "row 0 ", "[{", cure="one object a line"),
    _file(
        "ragged embeddings",
        "a.parquet",
        _vectors(3, 3, 3, 2),
        "'vector'",
        "row 3 ",
        "2",
        cure="--drop",
    ),
    _file(
        "label of lists",
        "a.parquet",
        parquet(pa.table({"x": [1, 2, 1, 4], "label": [["a"], ["b"], ["a"], ["b"]]})),
        "'label'",
        "list<",
        cure="--label",
    ),
)

PLACES = (
    Case("missing data", ("dta.csv", "does not exist"), "Did you mean 'data.csv'?", data="dta.csv"),
    Case("missing clean", ("claen.csv", "does not exist"), "'clean.csv'", val="claen.csv"),
    Case("missing folder", ("nowhere/data.csv",), "Check the path", data="nowhere/data.csv"),
    Case("missing test", ("truth.csv", "does"), "Check", options=("--test", "truth.csv")),
    Case("glob without match", ("*.parquet",), "Name one table file", data="*.parquet"),
    Case("clean is the data file", ("data.csv", "same file"), "datacleanse sample", val="data.csv"),
    Case(
        "clean is a link to data's folder",
        ("./data.csv", "same file"),
        "datacleanse sample",
        val="./data.csv",
    ),
    Case(
        "clean holds all of data",
        ("clean.csv", "all 40 rows of DATA"),
        "datacleanse sample",
        {"clean.csv": DATA + rows(2, first=90)},
    ),
    Case("unknown address", ("nowhere://t.csv",), "pyarrow or fsspec", data="nowhere://t.csv"),
)

LABELS = (
    _data(
        "one class",
        swapped(DATA, (",no\n", ",yes\n"), times=99),
        "'label'",
        "'yes'",
        "40 rows",
        cure="--label",
    ),
    _data(
        "no label column", swapped(DATA, ("label", "outcome")), "'city', 'outcome'", cure="--label"
    ),
    _data(
        "label column misspelt",
        DATA,
        "'lable'",
        cure="Did you mean 'label'?",
        options=("--label", "lable"),
    ),
    _data(
        "label column twice",
        swapped(DATA, ("city,", "label,")),
        "more than one column named 'label'",
        cure="its own name",
    ),
    _data("two candidates", swapped(DATA, ("city", "class")), "class, label", cure="--label"),
    _data(
        "labels missing",
        cell(cell(cell(DATA, 3, "label", ""), 17, "label", "NA"), 20, "label", ""),
        "'label'",
        "missing in 3 rows",
        "rows 3, 17, 20",
        cure="Fill in or remove",
    ),
    _clean(
        "clean labels missing", cell(CLEAN, 2, "label", ""), "'label'", "row 2 ", cure="Fill in"
    ),
    _clean(
        "label unknown to data",
        cell(CLEAN, 4, "label", "maybe"),
        "'maybe'",
        "CLEAN",
        "'label'",
        "row 4 ",
        cure="'no', 'yes'",
    ),
    _clean(
        "label in another case",
        cell(CLEAN, 4, "label", "Yes"),
        "'Yes'",
        "row 4 ",
        cure="DATA spells it 'yes'",
    ),
    _clean(
        "label with a space",
        cell(CLEAN, 5, "label", "yes "),
        "'yes '",
        "row 5 ",
        cure="DATA spells it 'yes'",
    ),
    _clean(
        "clean without labels", without(CLEAN, "label"), "no column 'label'", cure="'key', 'age'"
    ),
    _data(
        "label is a number to predict",
        DATA,
        "'score'",
        "0.5",
        "row 0 ",
        cure="--label",
        options=("--label", "score"),
    ),
    _data(
        "label is an id",
        DATA,
        "'key'",
        "40 distinct values",
        "'p0'",
        cure="--label",
        options=("--label", "key"),
    ),
)

COLUMNS = (
    _data(
        "duplicate ids",
        cell(DATA, 7, "key", "p3"),
        "'p3'",
        "'key'",
        "rows 3, 7",
        cure="Make ids unique",
        options=("--id", "key"),
    ),
    _data(
        "id missing",
        cell(DATA, 7, "key", ""),
        "'key'",
        "row 7 ",
        cure="Fill it in",
        options=("--id", "key"),
    ),
    _clean(
        "clean id missing",
        cell(CLEAN, 7, "key", ""),
        "'key'",
        "row 7 ",
        cure="Fill it in",
        options=("--id", "key"),
    ),
    _data("unknown id", DATA, "'kye'", cure="'key'", options=("--id", "kye")),
    _data("unknown drop", DATA, "'Scor'", "--drop", cure="'score'", options=("--drop", "Scor")),
    _data(
        "unknown categorical",
        DATA,
        "'town'",
        "--categorical",
        cure="'key', 'age', 'score', 'city'",
        options=("--categorical", "town"),
    ),
    _data(
        "unknown numeric",
        DATA,
        "'aeg'",
        "--numeric",
        cure="'age'",
        options=("--numeric", "aeg"),
    ),
    _data(
        "numeric on words",
        DATA,
        "'city'",
        "40 values",
        "'Ulm'",
        "row 0 ",
        cure="--numeric",
        options=("--numeric", "city"),
    ),
    Case(
        "numeric and categorical",
        ("'age'", "--categorical", "--numeric"),
        "Name it once",
        options=("--numeric", "age", "--categorical", "age"),
    ),
    Case(
        "label as drop",
        ("'label'", "--drop"),
        "Name it once",
        options=("--label", "label", "--drop", "label"),
    ),
    Case("label as id", ("'label'", "id"), "Name it once", options=("--id", "label")),
    _data(
        "drop takes the only label",
        DATA,
        "label",
        cure="--label",
        options=("--drop", "label"),
    ),
    _data(
        "nothing to learn from",
        DATA,
        "'city'",
        "--drop names it",
        cure="columns that describe the rows",
        options=("--drop", "age", "--drop", "score", "--drop", "city", "--drop", "key"),
    ),
    _clean(
        "clean lacks a column",
        without(CLEAN, "score"),
        "CLEAN",
        "lacks 1 column",
        "score",
        cure="Add them",
    ),
    _clean(
        "clean renames a column",
        swapped(CLEAN, ("score", "Score ")),
        "lacks 1 column",
        "score",
        cure="'score' may be 'Score ' here",
    ),
    _clean(
        "clean retypes a column",
        swapped(CLEAN, *((f",{100 + i}.5,", ",high,") for i in range(12))),
        "CLEAN",
        "'score' is numeric in DATA",
        "'high'",
        "row 0 ",
        cure="Mend the values",
    ),
)

INPUTS = (*TEXT, *FORMATS, *PLACES, *LABELS, *COLUMNS)
