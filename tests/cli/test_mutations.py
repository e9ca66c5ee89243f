"""Five hundred files broken at random: read rightly, or refused in a sentence; never a traceback.

Each is a valid file of a format with one thing done to it. It is given to `audit` up to its first
training, to `predict`, and to `apply`.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather as pafeather
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import people, run_here
from tests.tries import tries

N = 60
EACH = tries(25)
"""Mutations of a format for a command: 500 in all, where all are tried."""
FORMATS = ("csv", "tsv", "jsonl", "parquet", "feather", "csv.gz")
SUITES = [
    *((command, suffix) for suffix in FORMATS for command in ("audit", "predict", "apply")),
    ("audit", "ndjson"),
    ("predict", "ndjson"),
]
"""Those of a format beside each other, so that one process prepares it."""
DROP = {"action": "drop", "new_label": None}
AUDIT = ("--val", "clean.csv", "--epochs", "2", "--id", "key", "--label", "label", "-q")


def write(frame: pd.DataFrame, suffix: str) -> bytes:
    """The bytes of a table in a format."""
    sink = io.BytesIO()
    table = pa.Table.from_pandas(frame, preserve_index=False)
    if suffix == "parquet":
        pq.write_table(table, sink, row_group_size=25)
    elif suffix == "feather":
        pafeather.write_feather(table, sink)
    elif suffix in ("jsonl", "ndjson"):
        frame.to_json(sink, orient="records", lines=True, date_format="iso")
    else:
        frame.to_csv(sink, index=False, sep="\t" if suffix == "tsv" else ",")
    return gzip.compress(sink.getvalue(), mtime=0) if suffix == "csv.gz" else sink.getvalue()


def read(content: bytes, suffix: str) -> pd.DataFrame | None:
    """The cells as text by other readers than the program's; None where these give up."""
    try:
        if suffix == "parquet":
            return show(pq.read_table(io.BytesIO(content)))
        if suffix == "feather":
            return show(pafeather.read_table(io.BytesIO(content)))
        if suffix in ("jsonl", "ndjson"):
            lines = content.decode().removeprefix("\ufeff").splitlines()
            return pd.DataFrame([json.loads(line) for line in lines if line.strip()]).astype(str)
        text = gzip.decompress(content) if suffix == "csv.gz" else content
        sep = "\t" if suffix == "tsv" else ","
        return pd.read_csv(io.BytesIO(text), sep=sep, dtype=str, keep_default_na=False)
    except Exception:
        return None


def show(table: pa.Table) -> pd.DataFrame:
    """Each cell as text by itself, whatever the others of its column are."""
    return pd.DataFrame(table.to_pylist(), dtype=object).map(str)


# What is done to the bytes of a file.


def truncate(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))]


def swap_bytes(content: bytes, rng: random.Random) -> bytes:
    first, second = sorted(rng.sample(range(len(content)), 2))
    return (
        content[:first]
        + content[second : second + 1]
        + content[first + 1 : second]
        + content[first : first + 1]
        + content[second + 1 :]
    )


def change_byte(content: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(content))
    return content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :]


def cut_out(content: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(content))
    return content[:start] + content[start + rng.randrange(1, 200) :]


def double_start(content: bytes, rng: random.Random) -> bytes:
    """A header twice, as where files are joined."""
    del rng
    head, end, rest = content.partition(b"\n")
    return head + end + head + end + rest


def append_itself(content: bytes, rng: random.Random) -> bytes:
    del rng
    return content + content


def repack(change):
    """What `change` does to the text within a packed file."""
    return lambda content, rng: gzip.compress(change(gzip.decompress(content), rng), mtime=0)


# What is done to a table before it is written.


def drop_column(frame: pd.DataFrame, rng: random.Random) -> pd.DataFrame:
    return frame.drop(columns=rng.choice(list(frame.columns)))


def rename_column(frame: pd.DataFrame, rng: random.Random) -> pd.DataFrame:
    old = rng.choice(list(frame.columns))
    return frame.rename(columns={old: rng.choice([old.upper(), f" {old} ", "", "label", "ключ"])})


def retype_column(frame: pd.DataFrame, rng: random.Random) -> pd.DataFrame:
    name, n = rng.choice(list(frame.columns)), len(frame)
    other = {
        "text": [f"word {i % 3}" for i in range(n)],
        "numbers": np.arange(n) * 1.5,
        "flags": np.arange(n) % 2 == 0,
        "nothing": [None] * n,
        "lists": [[1, 2]] * n,
        "moments": pd.date_range("2020-01-01", periods=n),
        "bytes": [b"\xff\x00"] * n,
        "huge": [2**63 - 1 - i for i in range(n)],
        "one": ["same"] * n,
    }
    return frame.assign(**{name: other[rng.choice(list(other))]})


def blank_cells(frame: pd.DataFrame, rng: random.Random) -> pd.DataFrame:
    name = rng.choice(list(frame.columns))
    return frame.assign(**{name: frame[name].where(np.arange(len(frame)) % 3 > 0, None)})


def double_column(frame: pd.DataFrame, rng: random.Random) -> pd.DataFrame:
    return frame.assign(more=frame[rng.choice(list(frame.columns))])


def no_rows(frame: pd.DataFrame, rng: random.Random) -> pd.DataFrame:
    return frame[: rng.choice([0, 1])]


OF_BYTES = (truncate, swap_bytes, change_byte, cut_out, double_start, append_itself)
OF_TABLES = (drop_column, rename_column, retype_column, blank_cells, double_column, no_rows)


def mutate(frame: pd.DataFrame, suffix: str, rng: random.Random) -> tuple[str, bytes]:
    """The name of what was done to the table in a format, and the file's bytes."""
    of_bytes = [*OF_BYTES, *map(repack, OF_BYTES)] if suffix == "csv.gz" else OF_BYTES
    changes = [*of_bytes, *of_bytes, *OF_TABLES]  # of bytes more often: places in a file are many
    change = rng.choice(changes)
    if change in OF_TABLES:
        try:
            return change.__name__, write(change(frame, rng), suffix)
        except (ValueError, OverflowError):  # not in this format
            change = truncate
    return change.__name__, change(write(frame, suffix), rng)


class ReadToTheEndError(Exception):
    """Raised in place of the first training."""


@dataclass
class Prepared:
    """A table, and its runs by format."""

    folder: Path
    frame: pd.DataFrame
    predicted: dict[str, dict[tuple[str, ...], float]]
    """By format: P(yes) of each row by its cells as text."""

    def audit(self, suffix: str) -> None:
        """Audit the table in a format, if that was not done, and predict its rows."""
        if suffix in self.predicted:
            return
        content, name = write(self.frame, suffix), f"data.{suffix}"
        (self.folder / name).write_bytes(content)
        done = run_here("audit", name, *AUDIT, "--out", suffix, "--fast", cwd=self.folder)
        assert done.code == 0, done.err
        options = ("-o", "p.csv", "-q", "--ignore-extra", "--force")
        done = run_here("predict", suffix, name, *options, cwd=self.folder)
        assert done.code == 0, done.err
        chances = pd.read_csv(self.folder / "p.csv")["probability_yes"]
        self.predicted[suffix] = dict(zip(keys(read(content, suffix)), chances, strict=True))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """The table and the clean rows; no run yet."""
    folder = tmp_path_factory.mktemp("mutated")
    people(80, seed=1).to_csv(folder / "clean.csv", index=False)
    return Prepared(folder, people(N, seed=0, wrong=0.1), {})


def keys(frame: pd.DataFrame) -> list[tuple[str, ...]]:
    """The cells of each row, all but the label's."""
    features = frame.drop(columns="label", errors="ignore")
    return list(features.sort_index(axis=1).itertuples(index=False, name=None))


def assert_refused_well(done, left):
    assert done.code == 2, (done.code, done.err)
    assert done.err.startswith("error: "), done.err
    assert done.err.count("\nerror: ") == 0
    assert "Traceback" not in done.err
    assert left == []


@pytest.mark.parametrize(("command", "suffix"), SUITES, ids=lambda value: value)
def test_a_broken_file_is_read_rightly_or_refused_in_a_sentence(
    command, suffix, prepared, tmp_path, monkeypatch
):
    if command != "audit":
        prepared.audit(suffix)
    for name in ("clean.csv", *([] if command == "audit" else [suffix])):
        whole = prepared.folder / name
        (shutil.copytree if whole.is_dir() else shutil.copy)(whole, tmp_path / name)
    for seed in range(EACH):
        rng = random.Random(f"{command} {suffix} {seed}")
        what, content = mutate(prepared.frame, suffix, rng)
        (tmp_path / f"data.{suffix}").write_bytes(content)
        found = CHECKS[command](suffix, content, prepared, tmp_path, monkeypatch)
        note = f"{what}, seed {seed}"
        assert found is not None, note


def check_audit(suffix, content, prepared, folder, monkeypatch):
    """Whether it was read up to the first training, with the rows that are there."""
    seen = []

    def stop(audit):
        seen.append(audit.inputs.data)
        raise ReadToTheEndError

    monkeypatch.setattr("datacleanse.auditing.recipe._learn_and_judge", stop)
    done = run_here("audit", f"data.{suffix}", *AUDIT, "--out", "new", "--fast", cwd=folder)
    if seen:
        other = read(content, suffix)
        assert other is None or len(other) == seen[0].n_rows
        return True
    assert_refused_well(done, [*folder.glob("new*")])
    return False


def check_predict(suffix, content, prepared, folder, monkeypatch):
    """Whether it was predicted: rows that are as they were as before."""
    del monkeypatch
    target = folder / "p.csv"
    done = run_here(
        "predict",
        suffix,
        f"data.{suffix}",
        "-o",
        "p.csv",
        "-q",
        "--ignore-extra",
        "--force",
        cwd=folder,
    )
    if done.code == 0:
        chances = pd.read_csv(target)["probability_yes"]
        target.unlink()
        other, expected = read(content, suffix), prepared.predicted[suffix]
        if other is not None:
            assert len(other) == len(chances)
            for key, chance in zip(keys(other), chances, strict=True):
                assert expected.get(key, chance) == pytest.approx(chance, abs=1e-6)
        return True
    assert_refused_well(done, [*folder.glob("p.csv*")])
    return False


def check_apply(suffix, content, prepared, folder, monkeypatch):
    """Whether decisions were carried out on the rows that are as they were, or told not to be."""
    del monkeypatch
    rows = pq.read_table(folder / suffix / "audit.parquet").to_pylist()
    kept = ("row", "id", "row_sha256", "given_label")
    text = [json.dumps({name: rows[row][name] for name in kept} | DROP) for row in (3, 7)]
    (folder / suffix / "decisions.jsonl").write_text("\n".join(text) + "\n", encoding="utf-8")
    target = folder / f"cleaned.{suffix}"
    done = run_here("apply", suffix, "-o", target.name, "--json", "-q", cwd=folder)
    if done.code != 0:
        assert_refused_well(done, [*folder.glob("cleaned*")])
        return False
    told = json.loads(done.out)
    before, after = read(content, suffix), read(target.read_bytes(), suffix)
    for path in folder.glob("cleaned*"):
        path.unlink()
    # A row that is no longer there counts as done.
    assert told["dropped"] + told["done"] + len(told["refused"]) == 2
    if before is not None:
        whole = read(write(prepared.frame, suffix), suffix)
        decided = {row for n, row in enumerate(list_rows(whole)) if n in (3, 7)}
        left = [row for row in list_rows(before) if row not in decided]
        assert list_rows(after) == left
        assert len(before) - len(after) == told["dropped"]
    return True


def list_rows(frame: pd.DataFrame) -> list[tuple[tuple[str, str], ...]]:
    """Each row as names and cells."""
    return [tuple(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False)]


CHECKS = {"audit": check_audit, "predict": check_predict, "apply": check_apply}
