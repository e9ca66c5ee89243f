"""The program as a subprocess or within this process, and small tables to feed it."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest

SCREEN = {"COLUMNS": "80", "NO_COLOR": "1"}
"""What the output is laid out for."""

AUDIT = ("audit", "data.csv", "--val", "clean.csv", "--epochs", "2", "--id", "key", "--quiet")
"""What `audited` is made by."""


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


def run_program(*arguments: object, cwd: Path, **options) -> Done:
    """Run `datacleanse` in ``cwd``; warnings are errors there too."""
    environment = {**os.environ, **SCREEN, "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "datacleanse", *map(str, arguments)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
        **options,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@cache
def make_command():
    """The program's commands; made once, as their many options take a while."""
    import typer

    from datacleanse_cli.app import app

    return typer.main.get_command(app)


def run_here(*arguments: object, cwd: Path) -> Done:
    """The same within this process, which saves the start.

    For calls whose process is not what is tested: signals, limits, the last flush and what is
    imported need `run_program`.
    """
    from datacleanse_cli.app import _choose_exit_code

    out, err = io.StringIO(), io.StringIO()
    words = [*map(str, arguments)]
    command = mock.patch.object(sys, "argv", ["datacleanse", *words])
    screen = mock.patch.dict(os.environ, SCREEN)
    with command, screen, contextlib.chdir(cwd), redirect_stdout(out), redirect_stderr(err):
        try:
            code = make_command()(words, standalone_mode=False)
        except BaseException as error:
            code = _choose_exit_code(error)
    return Done(code or 0, out.getvalue(), err.getvalue())


@pytest.fixture
def program(folder, monkeypatch):
    """`run_here` in the ``folder`` of the test's own module."""
    monkeypatch.chdir(folder)
    return partial(run_here, cwd=folder)


def people(n: int, *, seed: int, wrong: float = 0.0) -> pd.DataFrame:
    """A mixed table whose label follows from age and city, with a share of wrong labels."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 90, n)
    city = rng.choice(["Ulm", "Köln", "Genf"], n)
    label = np.where((age > 50) ^ (city == "Genf"), "yes", "no")
    flipped = rng.random(n) < wrong
    label = np.where(flipped, np.where(label == "yes", "no", "yes"), label)
    frame = pd.DataFrame(
        {
            "key": [f"p{seed}-{i}" for i in range(n)],
            "age": age.astype(float),
            "income": rng.normal(3000, 500, n).round(2),
            "city": city,
            "member": rng.random(n) < 0.5,
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), "D"),
            "label": label,
        }
    )
    frame.loc[::17, "income"] = np.nan
    return frame


@pytest.fixture
def tables(tmp_path):
    """`data.csv` with wrong labels, `clean.csv` and `test.csv` without, in an empty folder."""
    people(300, seed=0, wrong=0.1).to_csv(tmp_path / "data.csv", index=False)
    people(80, seed=1).to_csv(tmp_path / "clean.csv", index=False)
    people(100, seed=2).to_csv(tmp_path / "test.csv", index=False)
    return tmp_path


@pytest.fixture(scope="session")
def audited(tmp_path_factory):
    """`data.csv` (labels partly wrong, odd bytes kept odd), audited once; for copying."""
    folder = tmp_path_factory.mktemp("audited")
    data = people(150, seed=0, wrong=0.1)
    data["note"] = ['=cmd|"/c calc"!A0', "plain, quoted"] * 75
    data.to_csv(folder / "data.csv", index=False, lineterminator="\r\n")
    clean = people(60, seed=1)
    clean["note"] = "x"
    clean.to_csv(folder / "clean.csv", index=False)
    done = run_here(*AUDIT, cwd=folder)
    assert done.code == 0, done.err
    return folder


@pytest.fixture
def audited_copy(audited, tmp_path):
    """A copy of it to change."""
    shutil.copytree(audited, tmp_path, dirs_exist_ok=True)
    return tmp_path
