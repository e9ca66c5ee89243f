"""`datacleanse gate` as a build calls it, and what the Action and the hook run."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import run_here, run_program
from tests.cli.tiny import CLEAN, DATA

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def place(audited_copy):
    """A finished run in `runs/data`, of the `data.csv` beside it."""
    return audited_copy


def flag_all(place, *rows):
    """Flag rows of the run and nothing else, so that tests know what is flagged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = place / "runs" / "data" / "audit.parquet"
    table = pq.read_table(path)
    at = table.schema.get_field_index("flagged")
    flags = pa.array([row in rows for row in range(table.num_rows)])
    pq.write_table(table.set_column(at, table.schema.field(at), flags), path)
    file = place / "runs" / "data" / "run.json"
    manifest = json.loads(file.read_text(encoding="utf-8"))
    manifest["flags"]["flagged"] = len(rows)
    file.write_text(json.dumps(manifest), encoding="utf-8")


def test_exit_codes_say_whether_the_gate_is_open(place):
    flag_all(place, 3, 17)

    shut = run_program("gate", "runs/data", "--max-flags", 1, cwd=place)
    assert (shut.code, shut.err) == (1, "")
    assert re.search(r"^max-flags +1 +2  exceeded$", shut.out, re.MULTILINE)
    # The header is line 1, and a note in quotes holds no line end.
    assert "line 19: labelled" in shut.out

    opened = run_here("gate", "runs/data", "--max-flags", 2, cwd=place)
    assert (opened.code, opened.err) == (0, "")
    assert "Gate open: data.csv (1 threshold kept, run runs/data)" in opened.out


def test_the_file_of_thresholds_may_name_the_run(place):
    flag_all(place, 3)
    keys = '[tool.datacleanse.gate]\nrun = "runs/data"\nmax-flags = 0\n'
    (place / "pyproject.toml").write_text(keys, encoding="utf-8")

    assert run_here("gate", cwd=place).code == 1
    assert run_here("gate", "--max-flags", 1, cwd=place).code == 0
    found = json.loads(run_here("gate", "--format", "json", cwd=place).out)
    assert (found["config"], found["checked"][0]["met"]) == (str(place / "pyproject.toml"), 1)


def test_a_summary_is_appended_whatever_the_format(place):
    flag_all(place, 3)
    summary = place / "summary.md"
    summary.write_text("before\n", encoding="utf-8")
    call = ("gate", "runs/data", "--max-flags", 0, "--format", "github", "--summary", summary)

    done = run_here(*call, cwd=place)

    assert done.code == 1
    assert "::error file=data.csv,line=5,title=max-flags::" in done.out
    text = summary.read_text(encoding="utf-8")
    assert text.startswith("before\n## Label gate shut: data.csv\n")
    assert "| `max-flags` | 0 | 1 | **exceeded** |" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("runs/data",), "No threshold"),
        (("--max-flags", "1"), "No run is named"),
        (("runs/none", "--max-flags", "1"), "runs/none"),
        (("runs/data", "--max-flags", "-1"), "max-flags is -1"),
        (("runs/data", "--max-noise-rate", "5"), "max-noise-rate is 5.0"),
        (("runs/data", "--max-noise-rate", "many"), "many"),
        (("runs/data", "--fail-on", "leakage"), "leaking-columns"),
        (("runs/data", "--max-flags", "1", "--format", "xml"), "text, github, markdown, json"),
        (("runs/data", "--max-new-flags", "0"), "no baseline"),
        (("runs/data", "--max-new-flags", "0", "--baseline", "none"), "none"),
        # A slip in the name is told although nothing is compared with the baseline.
        (("runs/data", "--max-flags", "100", "--baseline", "none"), "none"),
        (("runs/data", "--config", "none.toml"), "none.toml"),
        (("runs/data", "--max-flags", "0", "--summary", "no/such/file"), "no/such/file"),
    ],
)
def test_what_is_wrong_is_one_message_and_exit_code_2(audited, arguments, said):
    done = run_here("gate", *arguments, cwd=audited)
    assert done.code == 2
    assert done.out == ""
    assert said in done.err
    assert "Traceback" not in done.err


def test_an_unfinished_run_is_refused(place):
    file = place / "runs" / "data" / "run.json"
    manifest = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(manifest | {"status": "running"}), encoding="utf-8")

    done = run_here("gate", "runs/data", "--max-flags", 1, cwd=place)

    assert done.code == 2
    assert "not finished" in done.err


# --- the Action and the hook ----------------------------------------------------------------------

needs_bash = pytest.mark.skipif(sys.platform == "win32", reason="the steps are of bash")


@pytest.fixture(scope="module")
def action():
    return yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))


@pytest.fixture
def program_path(tmp_path_factory):
    """A folder with `python` and `datacleanse` of this environment, for scripts to call."""
    folder = tmp_path_factory.mktemp("bin")
    for name, words in (("python", ""), ("datacleanse", " -m datacleanse")):
        file = folder / name
        file.write_text(f'#!/bin/sh\nexec "{sys.executable}"{words} "$@"\n', encoding="utf-8")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return folder


def run_step(action, name, *, cwd, path, **inputs):
    """Run a step of the Action as the runner does: inputs by the environment, in bash."""
    (step,) = [each for each in action["runs"]["steps"] if each.get("name") == name]
    assert step["shell"] == "bash"
    known = {key: each.get("default", "") for key, each in action["inputs"].items()}
    assert inputs.keys() <= known.keys()
    values = known | inputs

    def fill(text):
        return re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: values[found[1]], text)

    given = {key: fill(value) for key, value in step["env"].items()}
    assert "${{" not in step["run"]
    environment = {
        **os.environ,
        **given,
        "PATH": f"{path}{os.pathsep}{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": str(cwd / "summary.md"),
        "GITHUB_WORKSPACE": str(cwd),
    }
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=cwd,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@needs_bash
def test_the_action_judges_the_run_and_writes_a_summary(place, action, program_path):
    flag_all(place, 3)
    options = {"run": "runs/data", "gate-options": "--max-flags 0 --noise-bound high"}

    done = run_step(action, "Gate", cwd=place, path=program_path, **options)

    assert done.returncode == 1, done.stderr
    assert "::error file=data.csv,line=5,title=max-flags::" in done.stdout
    assert "**exceeded**" in (place / "summary.md").read_text(encoding="utf-8")
    keys = place / "limits.toml"
    keys.write_text("max-flags = 1\n", encoding="utf-8")
    with_file = {"run": "runs/data", "config": "limits.toml", "baseline": "runs/data"}
    done = run_step(action, "Gate", cwd=place, path=program_path, **with_file)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("::notice ")


@needs_bash
def test_the_action_audits_what_it_is_given_and_runs_nothing_of_it(tmp_path, action, program_path):
    name = "data $(touch ran); x.csv"
    (tmp_path / name).write_text(DATA, encoding="utf-8")
    (tmp_path / "clean.csv").write_text(CLEAN, encoding="utf-8")
    given = {"data": name, "val": "clean.csv", "label": "label", "run": "runs/new"}

    done = run_step(
        action, "Audit", cwd=tmp_path, path=program_path, **given, **{"audit-options": "--epochs 2"}
    )

    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "runs/new/run.json").read_text())["status"] == "finished"
    assert not (tmp_path / "ran").exists()


def test_the_action_installs_the_code_that_it_is_part_of(action):
    steps = {each.get("name"): each for each in action["runs"]["steps"]}
    assert '"$GITHUB_ACTION_PATH"' in steps["Install"]["run"]
    assert steps["Audit"]["if"] == "inputs.data != ''"
    assert action["runs"]["using"] == "composite"


@needs_bash
def test_the_hook_calls_the_gate(place, program_path):
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert (hook["language"], hook["pass_filenames"], hook["always_run"]) == ("python", False, True)
    flag_all(place, 3)
    keys = '[tool.datacleanse.gate]\nrun = "runs/data"\nmax-flags = {}\n'
    environment = {**os.environ, "PATH": f"{program_path}{os.pathsep}{os.environ['PATH']}"}
    codes = []
    for allowed in (0, 1):
        (place / "pyproject.toml").write_text(keys.format(allowed), encoding="utf-8")
        program, *words = hook["entry"].split()
        found = shutil.which(program, path=environment["PATH"])
        done = subprocess.run(
            [found, *words], cwd=place, env=environment, capture_output=True, check=False
        )
        codes.append(done.returncode)
    assert codes == [1, 0]
