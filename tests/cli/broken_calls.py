"""Wrong settings, places that cannot be written and damaged run folders, as data.

The good run, made once, is the folder ``run``; every case gets a copy of it to spoil.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.cli.tiny import DATA, cell, swapped, without, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AUDIT = ("audit", "data.csv", "--val", "clean.csv", "--epochs", "2", "--quiet")


@dataclass(frozen=True)
class Call:
    """A command line that cannot be carried out.

    Attributes:
        name: for the test's name.
        arguments: of the program.
        said: words of the message.
        cure: words of the hint.
        files: written beside data.csv and clean.csv; None makes a folder.
    """

    name: str
    arguments: tuple[str, ...]
    said: tuple[str, ...]
    cure: str
    files: dict[str, str | bytes | None] = field(default_factory=dict)


@dataclass(frozen=True)
class RunCall(Call):
    """The same beside a good run that ``spoil`` damages; it is given the folder."""

    spoil: Callable[[Path], object] = lambda folder: None


def _setting(flag: str, value: str, cure: str) -> Call:
    """The audit with one setting that cannot be."""
    return Call(f"{flag} {value}", (*AUDIT, f"--{flag}", value), (flag, value), cure)


def _alone(flag: str, value: str) -> Call:
    """An audit without verified rows that is told what to do with them."""
    arguments = ("audit", "data.csv", "--quiet", flag, value)
    said = (flag, value, "no row is verified")
    return Call(f"{flag} without a clean set", arguments, said, "with --val")


SETTINGS = (
    _setting("epochs", "0", "at least 2"),
    _setting("epochs", "1", "at least 2"),
    _setting("epochs", "abc", "--help"),
    _setting("batch-size", "1", "at least 2"),
    _setting("batch-size", "-4", "at least 2"),
    _setting("lr", "0", "above 0"),
    _setting("lr", "nan", "above 0"),
    _setting("lr", "-1", "above 0"),
    _setting("fdr", "0", "between 0 and 1"),
    _setting("fdr", "1", "between 0 and 1"),
    _setting("fdr", "1.5", "between 0 and 1"),
    _setting("fdr", "nan", "between 0 and 1"),
    _setting("seed", "-1", "at least 0"),
    _setting("seed", "99999999999", "up to 4294967295"),
    _setting("top", "0", "at least 1"),
    _setting("rule", "nonsense", "l2rw, lilaw, uniform, random"),
    _setting("model", "nonsense", "auto, mlp"),
    _setting("device", "nonsense", "auto, cpu, cuda"),
    _setting("fail-over", "2", "between 0 and 1"),
    _setting("fail-over", "nan", "between 0 and 1"),
    _setting("delimiter", ";;", "--delimiter ';'"),
    Call("unknown flag", (*AUDIT, "--nonsense"), ("--nonsense",), "--help"),
    Call("option without its value", ("sample", "data.csv", "-n"), ("-n",), "--help"),
    Call("no command of that name", ("audti",), ("audti",), "--help"),
    _alone("--rule", "l2rw"),
    _alone("--hold-back", "0.2"),
    _alone("--repeats", "2"),
    _alone("--fail-over", "0.02"),
    Call("sample of no rows", ("sample", "data.csv", "-n", "0", "-q"), ("-n", "0"), "at least 1"),
    Call(
        "sample with a wrong seed",
        ("sample", "data.csv", "--seed", "-1", "-q"),
        ("seed", "-1"),
        "at least 0",
    ),
    Call(
        "sample onto a file",
        ("sample", "data.csv", "-o", "mine.csv", "-q"),
        ("mine.csv", "exists"),
        "--force",
        {"mine.csv": "mine"},
    ),
    Call(
        "sample of an unknown format",
        ("sample", "data.csv", "-o", "s.xlsx", "-q"),
        ("s.xlsx", ".csv"),
        "one of these endings",
    ),
    Call(
        "sample onto the data",
        ("sample", "data.csv", "-o", "./data.csv", "--force", "-q"),
        ("data.csv", "is the table that is read"),
        "another name",
    ),
    Call(
        "sample into nowhere",
        ("sample", "data.csv", "-o", "nowhere/s.csv", "-q"),
        ("nowhere/s.csv", "cannot be written"),
        "folder",
    ),
)

PLACES = (
    Call(
        "out is a file",
        (*AUDIT, "--out", "mine"),
        ("mine", "is no run folder"),
        "--out",
        {"mine": "mine"},
    ),
    Call(
        "out is a folder that is no run",
        (*AUDIT, "--out", "mine", "--force"),
        ("mine", "no run.json"),
        "nothing was changed",
        {"mine/text.txt": "mine"},
    ),
    Call(
        "out lies below a file",
        (*AUDIT, "--out", "data.csv/run"),
        ("data.csv/run", "cannot be made"),
        "--out",
    ),
    Call(
        "out is the folder of the data",
        (*AUDIT, "--out", ".", "--force"),
        (".", "no run.json"),
        "nothing was changed",
    ),
    Call(
        "runs is a file",
        AUDIT,
        ("runs/data", "cannot be made"),
        "--out",
        {"runs": "mine"},
    ),
)

PREDICT = ("predict", "run", "new.csv", "-o", "p.csv", "--quiet")


def _edit(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    def spoil(folder: Path) -> None:
        path = folder / "run" / name
        path.write_bytes(change(path.read_bytes()))

    return spoil


def _set(name: str, **values: object) -> Callable[[Path], object]:
    return _edit(name, lambda text: json.dumps(json.loads(text) | values).encode())


def _half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _new(text: str) -> Callable[[Path], object]:
    return lambda folder: write(folder, {"new.csv": text})


def _predict(name: str, spoil: Callable[[Path], object], *said: str, cure: str) -> RunCall:
    return RunCall(name, PREDICT, said, cure, spoil=spoil)


RUNS = (
    RunCall(
        "a finished run is there",
        (*AUDIT, "--out", "run"),
        ("run already holds a run",),
        "--force",
    ),
    RunCall(
        "a finished run is there, and the data is not",
        ("audit", "missing.csv", "--out", "run"),
        ("missing.csv does not exist",),
        "typing error",
    ),
    RunCall(
        "a finished run is there, and the clean set is not",
        (*AUDIT[:3], "missing.csv", "--out", "run"),
        ("missing.csv does not exist",),
        "typing error",
    ),
    RunCall(
        "a finished run is there, and the label is another column",
        (*AUDIT, "--out", "run", "--label", "lable"),
        ("data.csv has no column 'lable' for the label",),
        "'label'",
    ),
    RunCall(
        "a finished run is there, and the clean set is another table",
        ("audit", "data.csv", "--val", "other.csv", "--out", "run"),
        ("other.csv (CLEAN) has no column 'label' for the label",),
        "",
        {"other.csv": "a,b\n1,2\n"},
    ),
    RunCall(
        "a finished run is there, and is the data",
        ("audit", "run", "--val", "clean.csv", "--out", "run"),
        ("run is the folder of a run",),
        "datacleanse report run",
    ),
    RunCall(
        "a run as data",
        ("audit", "run", "--val", "clean.csv", "-q"),
        ("run is the folder of a run",),
        "`datacleanse review run`. To audit the data again: `datacleanse audit data.csv`.",
    ),
    RunCall(
        "a run as clean set",
        ("audit", "data.csv", "--val", "run", "-q"),
        ("run is the folder of a run",),
        "datacleanse report run",
    ),
    RunCall(
        "a run to draw rows from",
        ("verify", "run", "-q"),
        ("run is the folder of a run",),
        "datacleanse audit data.csv",
    ),
    RunCall(
        "a damaged run is there",
        (*AUDIT, "--out", "run"),
        ("run.json is damaged",),
        "--force",
        spoil=_edit("run.json", _half),
    ),
    RunCall(
        "no run",
        ("predict", "nowhere", "new.csv", "-q"),
        ("nowhere", "no run.json"),
        "datacleanse audit",
    ),
    RunCall("no new rows", ("predict", "run", "nwe.csv", "-q"), ("nwe.csv",), "'new.csv'"),
    RunCall(
        "a report of no run", ("report", "nowhere"), ("nowhere", "no run.json"), "datacleanse audit"
    ),
    RunCall(
        "a report of a file",
        ("report", "data.csv"),
        ("data.csv", "no run.json"),
        "datacleanse audit",
    ),
    RunCall("report format", ("report", "run", "--format", "nonsense"), ("'nonsense'",), "html"),
    RunCall("report of none", ("report", "run", "--top", "0"), ("top", "0"), "at least 1"),
    RunCall(
        "a report without the table",
        ("report", "run"),
        ("audit.parquet", "is missing"),
        "Repeat the audit",
        spoil=lambda folder: (folder / "run" / "audit.parquet").unlink(),
    ),
    RunCall(
        "a report of a cut table",
        ("report", "run"),
        ("audit.parquet", "is damaged"),
        "Repeat the audit",
        spoil=_edit("audit.parquet", _half),
    ),
    RunCall(
        "predictions of an unknown format",
        ("predict", "run", "new.csv", "-o", "p.docx", "-q"),
        ("p.docx", ".csv"),
        "one of these endings",
    ),
    RunCall(
        "predictions onto the new rows",
        ("predict", "run", "new.csv", "-o", "new.csv", "-q"),
        ("new.csv", "is the table that is read"),
        "another name",
    ),
    RunCall(
        "predictions into nowhere",
        ("predict", "run", "new.csv", "-o", "nowhere/p.csv", "-q"),
        ("nowhere/p.csv", "cannot be written"),
        "folder",
    ),
    RunCall(
        "predictions onto a folder",
        ("predict", "run", "new.csv", "-o", "p.csv", "-q"),
        ("p.csv", "cannot be written"),
        "folder",
        {"p.csv": None},
    ),
    _predict(
        "unfinished",
        _set("run.json", status="running"),
        "run",
        "not finished",
        "'running'",
        cure="Repeat the audit",
    ),
    _predict(
        "run.json cut", _edit("run.json", _half), "run.json is damaged", cure="Repeat the audit"
    ),
    _predict(
        "run.json no object",
        _edit("run.json", lambda _: b"[1]"),
        "run.json is damaged",
        cure="Repeat the audit",
    ),
    _predict(
        "run.json not text",
        _edit("run.json", lambda _: b"\xff\0"),
        "run.json is damaged",
        cure="Repeat the audit",
    ),
    _predict(
        "run.json odd version",
        _set("run.json", schema_version="two"),
        "run.json is damaged",
        cure="Repeat the audit",
    ),
    _predict("later run", _set("run.json", schema_version=99), "run", "99", cure="pip install -U"),
    _predict(
        "later model",
        _set("model/model.json", format_version=99),
        "run/model",
        "99",
        cure="pip install -U",
    ),
    _predict(
        "model cut",
        _edit("model/model.safetensors", _half),
        "run/model",
        "damaged",
        cure="repeat the audit",
    ),
    _predict(
        "model.json cut",
        _edit("model/model.json", _half),
        "run/model",
        "damaged",
        cure="Repeat the audit",
    ),
    _predict(
        "new lacks a column",
        _new(without(DATA, "score")),
        "new.csv",
        "NEW",
        "score",
        cure="Add them",
    ),
    _predict(
        "new has further columns",
        _new(
            "".join(f"{line},{i}\n" for i, line in enumerate(DATA.splitlines())).replace(
                ",0\n", ",remark\n", 1
            )
        ),
        "new.csv",
        "1 column that DATA lacks: remark",
        cure="--ignore-extra",
    ),
    _predict(
        "new retypes a column",
        _new(swapped(without(DATA, "label"), *((f",{i}.5,", f",n{i},") for i in range(40)))),
        "new.csv",
        "'score' is numeric in DATA",
        "'n0'",
        "row 0 ",
        cure="Mend the values",
    ),
    _predict(
        "new lacks an id",
        _new(cell(DATA, 2, "key", "")),
        "new.csv",
        "'key'",
        "row 2 ",
        cure="Fill it in",
    ),
    _predict(
        "new is ragged",
        _new(swapped(DATA, ("p9,", "p9,,"))),
        "new.csv",
        "row 9 ",
        "6 cells",
        cure="Quote cells",
    ),
)
