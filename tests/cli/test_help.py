"""Help, version, and how little is imported before a command needs it."""

from __future__ import annotations

import subprocess
import sys

import pytest

import datacleanse
from tests.cli.conftest import run_here, run_program

COMMANDS = (*("audit", "sample", "report", "review", "apply", "gate", "predict", "export", "demo"),)
HEAVY = ("torch", "pandas", "pyarrow", "sklearn", "numpy", "jinja2")


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_every_command_explains_itself(tmp_path, command):
    done = run_here(*command, "--help", cwd=tmp_path)
    assert done.code == 0
    assert "Usage" in done.out
    assert max(len(line) for line in done.out.splitlines()) <= 80


def test_the_program_itself_explains_and_complains(tmp_path):
    done = run_program("--help", cwd=tmp_path)
    assert (done.code, done.err, "Usage" in done.out) == (0, "", True)
    done = run_program("nonsense", cwd=tmp_path)
    assert (done.code, done.out, "nonsense" in done.err) == (2, "", True)


def test_version_is_that_of_the_package(tmp_path):
    done = run_program("--version", cwd=tmp_path)
    assert done.out.strip() == f"datacleanse {datacleanse.__version__}"


@pytest.mark.parametrize("module", ["datacleanse", "datacleanse_cli.app", "datacleanse_reports"])
def test_nothing_heavy_is_imported_before_it_is_needed(module):
    program = f"import sys, {module}; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("audit",), "data"),
        (("audit", "data.csv", "--val", "clean.csv", "--nonsense"), "--nonsense"),
        (("audit", "data.csv", "--val", "clean.csv", "--epochs", "many"), "many"),
        (("nonsense",), "nonsense"),
    ],
)
def test_a_wrong_command_line_is_one_message_and_exit_code_2(tmp_path, arguments, word):
    done = run_here(*arguments, cwd=tmp_path)
    assert done.code == 2
    assert word in done.err
    assert "Traceback" not in done.err


def test_a_mistyped_option_names_the_closest_and_the_command(tmp_path):
    done = run_here("audit", "data.csv", "--vall", "clean.csv", cwd=tmp_path)
    assert done.code == 2
    assert done.err == (
        "error: No such option: --vall. Did you mean --val?\nTry `datacleanse audit --help`.\n"
    )
    done = run_here("verify", "data.csv", "-n", "many", cwd=tmp_path)
    assert done.err.endswith("Try `datacleanse verify --help`.\n")
    done = run_here("--zzz", cwd=tmp_path)
    assert done.err.endswith("Try `datacleanse --help`.\n")
