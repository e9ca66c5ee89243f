"""Pictures on the command line: what a person can get wrong, and drawing some to verify."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import run_here
from tests.cli.tiny import contents
from tests.pictures.made import class_folders, picture

AUDIT = ("audit", "data", "--val", "clean", "--epochs", "2", "--quiet")
CLASSES = ("cat", "dog")


@pytest.fixture
def folder(tmp_path):
    """`data` with two classes of six pictures each, `clean` with three each."""
    class_folders(tmp_path / "data", CLASSES, 6, size=(12, 12))
    class_folders(tmp_path / "clean", CLASSES, 3, first=50, size=(12, 12))
    return tmp_path


@dataclass(frozen=True)
class Case:
    """What is done to the good folder, and what must be said of it."""

    spoil: object
    said: tuple[str, ...]
    cure: str
    arguments: tuple[str, ...] = AUDIT


def _fill(content, *, share=1.0, where="data"):
    """Overwrite a share of the pictures of a folder."""

    def spoil(folder):
        paths = sorted((folder / where).rglob("*.png"))
        for path in paths[: round(share * len(paths))]:
            path.write_bytes(content)

    return spoil


def _rename(old, new):
    def spoil(folder):
        (folder / new).parent.mkdir(parents=True, exist_ok=True)
        (folder / old).rename(folder / new)

    return spoil


def _manifest(*paths, column="path"):
    def spoil(folder):
        frame = pd.DataFrame({column: paths, "label": ["cat", "dog"] * (len(paths) // 2)})
        frame.to_csv(folder / "list.csv", index=False)

    return spoil


def _by(data="data", val="clean", *more):
    return ("audit", data, "--val", val, "--epochs", "2", "--quiet", *more)


CASES = {
    "all empty": Case(_fill(b""), ("data (DATA): 12 of 12", "empty (0 bytes)"), "Mend"),
    "half text": Case(
        _fill(b"just text", share=0.5),
        ("6 of 12 pictures", "'cat/000.png'", "b'just text'", "and 3 more"),
        "--max-unreadable",
    ),
    "half cut off": Case(
        _fill(picture(0, size=(40, 40))[:400], share=0.5), ("6 of 12", "cut off"), "Mend"
    ),
    "clean unreadable": Case(
        _fill(b"x", where="clean"), ("clean (CLEAN): 6 of 6", "'cat/050.png'"), "Mend"
    ),
    "one class": Case(_rename("data/dog", "elsewhere"), ("single folder", "cat"), "at least two"),
    "one level too deep": Case(
        lambda folder: None, ("data/cat (DATA) holds 6 pictures",), "folder above", _by("data/cat")
    ),
    "one level too high": Case(
        _rename("data", "set/data"),
        ("set (DATA) holds a single folder, data",),
        "set/data",
        _by("set"),
    ),
    "no pictures": Case(
        lambda folder: (folder / "none" / "cat").mkdir(parents=True),
        ("none holds no Parquet file, and no pictures in folders",),
        "folder of pictures for each class",
        _by("none"),
    ),
    "pictures beside a table": Case(
        _manifest("a", "b", column="shape"),
        ("clean (CLEAN) holds pictures, but DATA's rows are those of a table.",),
        "the columns of DATA",
        (*_by("list.csv"), "--text", "shape"),
    ),
    "a picture": Case(
        lambda folder: None, ("data/cat/000.png", "'.png'"), "classes", _by("data/cat/000.png")
    ),
    "manifest that climbs out": Case(
        _manifest("data/cat/000.png", "../x.png"),
        ("row 1", "'../x.png'"),
        "above the pictures",
        _by("list.csv"),
    ),
    "manifest of missing files": Case(
        _manifest("a.png", "b.png"),
        ("2 of 2 pictures", "'a.png' does not exist"),
        "manifest's folder",
        _by("list.csv"),
    ),
    "manifest without its label": Case(
        _manifest("data/cat/000.png", "data/dog/006.png"),
        ("'species'", "'path', 'label'"),
        "--label",
        _by("list.csv", "clean", "--label", "species"),
    ),
    "clean is a table": Case(
        lambda folder: pd.DataFrame({"x": [1, 2], "label": CLASSES}).to_csv(folder / "c.csv"),
        ("c.csv (CLEAN) is a table without pictures",),
        "manifest",
        _by("data", "c.csv"),
    ),
    "clean has a class more": Case(
        _rename("clean/dog", "clean/dogs"), ("'dogs'", "unknown to DATA"), "Did you mean 'dog'?"
    ),
    "clean is data": Case(
        lambda folder: None,
        ("CLEAN (data) is DATA (data)", "12 rows"),
        "verified",
        _by("data", "data"),
    ),
    "kinds of columns": Case(
        lambda folder: None, ("--numeric",), "--drop", (*AUDIT, "--numeric", "path")
    ),
    "image size": Case(
        lambda folder: None, ("--image-size", "4"), "8", (*AUDIT, "--image-size", "4")
    ),
    "share": Case(
        lambda folder: None, ("--max-unreadable", "2"), "0 and 1", (*AUDIT, "--max-unreadable", "2")
    ),
    "sample of bytes into text": Case(
        lambda folder: pq.write_table(
            pa.table({"image": [picture(0), picture(1)], "label": CLASSES}), folder / "b.parquet"
        ),
        ("s.csv cannot hold the pictures",),
        "-o s.parquet",
        ("sample", "b.parquet", "-n", "1", "-o", "s.csv", "-q"),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_is_wrong_with_pictures_is_named_with_its_cure(folder, program, case):
    case.spoil(folder)
    before = contents(folder)
    done = program(*case.arguments)
    assert (done.code, done.out) == (2, ""), done.err
    message, hint = done.err.splitlines()
    for words in case.said:
        assert words in message
    assert case.cure in hint
    assert contents(folder) == before


@pytest.mark.skipif(
    os.name == "nt" or (hasattr(os, "geteuid") and os.geteuid() == 0), reason="root may read all"
)
def test_a_folder_that_may_not_be_read_is_named(folder, program):
    (folder / "data" / "cat").chmod(0)
    done = program(*AUDIT)
    (folder / "data" / "cat").chmod(0o700)
    assert (done.code, "data/cat may not be read" in done.err) == (2, True)


def test_a_sample_of_pictures_is_a_manifest_that_leads_to_them(folder):
    done = run_here("sample", "data", "-n", "4", "-o", "verify.csv", "-q", cwd=folder)
    assert done.code == 0, done.err
    assert "4 of 12 pictures drawn" in done.out
    frame = pd.read_csv(folder / "verify.csv")
    assert list(frame.columns) == ["path", "label"]
    assert frame["label"].tolist() == ["cat", "cat", "dog", "dog"]
    assert all(
        (folder / path).parent.name == label for path, label in frame.itertuples(index=False)
    )
    assert all((folder / path).is_file() for path in frame["path"])


def test_a_sample_of_a_manifest_spells_its_cells(folder):
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.glob("data/*/*"))
    rows = [
        f"{path},0050{at % 3},1.{at % 5}0,{['x', 'NA'][at % 2]},{path.split('/')[1]}"
        for at, path in enumerate(paths)
    ]
    (folder / "m.csv").write_text("path,code,size,note,label\n" + "\n".join(rows) + "\n")
    done = run_here("sample", "m.csv", "-n", "6", "-o", "s.csv", "-q", cwd=folder)
    assert done.code == 0, done.err
    drawn = (folder / "s.csv").read_text().splitlines()
    assert len(drawn) == 7
    assert set(drawn[1:]) < set(rows)


def test_a_sample_written_elsewhere_has_absolute_paths(folder, program):
    (folder / "out").mkdir()
    done = program("sample", "data", "-n", "2", "-o", "out/verify.csv", "-q")
    assert done.code == 0, done.err
    paths = pd.read_csv(folder / "out" / "verify.csv")["path"]
    assert all(os.path.isabs(path) and os.path.isfile(path) for path in paths)  # noqa: PTH113, PTH117


def test_a_sample_of_encoded_pictures_holds_their_bytes(folder, program):
    blobs = [picture(seed) for seed in range(10)]
    table = pa.table({"image": blobs, "label": ["a", "b"] * 5, "at": np.arange(10)})
    pq.write_table(table, folder / "b.parquet")
    done = program("sample", "b.parquet", "-n", "4", "-o", "s.parquet", "-q")
    assert done.code == 0, done.err
    drawn = pq.read_table(folder / "s.parquet").to_pylist()
    assert len(drawn) == 4
    assert all(row["image"] == blobs[row["at"]] for row in drawn)
