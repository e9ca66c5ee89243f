"""A run killed at any moment and resumed ends with the bytes of one that was not."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
import threading

import pytest

from tests.auditing.test_text_audit import made
from tests.cli.conftest import people, run_here
from tests.cli.forked import forked
from tests.tries import IS_THOROUGH

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")

AUDIT = ("audit", "data.csv", "--val", "clean.csv", "--epochs", "4", "--batch-size", "16")
# A kill meets processes beside the one that is killed.
AUDIT += ("--jobs", "2")
STAGES = ("Reading ", "Encoding", "Training, rule l2rw", "Training, rule uniform", "Scoring")
STAGES += ("Reports",)
SECONDS = dict(zip(STAGES, (0.05, 0.1, 0.5, 0.3, 0.3, 0.3), strict=True))
"""How long after a stage's line a kill may come; about as long as it takes on a slow machine."""
CHAINS = 4 if IS_THOROUGH else 1
KILLS = 6
"""A chain, each stage once: 24 in all where all are tried."""
RESULTS = (
    "audit.parquet",
    "suspects.parquet",
    "likelihoods.parquet",
    "conflicts.parquet",
    "calibration.parquet",
    "model/model.safetensors",
)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """The tables, and the results of a run that was not interrupted."""
    folder = tmp_path_factory.mktemp("reference")
    people(200, seed=0, wrong=0.1).to_csv(folder / "data.csv", index=False)
    people(80, seed=1).to_csv(folder / "clean.csv", index=False)
    done = run_here(*AUDIT, "--out", "whole", "-q", cwd=folder)
    assert done.code == 0, done.err
    return folder


def files(run):
    return sorted(str(path.relative_to(run)) for path in run.rglob("*"))


def assert_whole(folder, run):
    for name in RESULTS:
        assert (folder / run / name).read_bytes() == (folder / "whole" / name).read_bytes(), name
    reports = {"reports"} | {name for name in files(folder / run) if name.startswith("reports/")}
    assert set(files(folder / run)) - reports == {
        name for name in files(folder / "whole") if not name.startswith("reports")
    }


def send(pid, number):
    with contextlib.suppress(ProcessLookupError):  # it was through before
        os.kill(pid, number)


def signalled(number, stage, delay, *arguments, cwd):
    """Start the program; send it a signal some time after a stage has begun. Its stderr."""
    with forked(*arguments, cwd=cwd) as (process, stderr):
        lines = []
        for line in stderr:
            lines.append(line)
            if line.startswith(stage):
                timer = threading.Timer(delay, send, [process.pid, number])
                timer.start()
                break
        lines += stderr
    return process, "".join(lines)


@pytest.mark.parametrize("chain", range(CHAINS))
def test_a_run_killed_again_and_again_ends_with_the_same_bytes(reference, chain):
    rng = random.Random(chain)
    stages = list(STAGES)
    rng.shuffle(stages)
    run, n_killed, pace = f"killed-{chain}-0", 0, 1.0
    for attempt in range(4 * KILLS):
        stage = stages[n_killed % len(stages)]
        delay = rng.random() * SECONDS[stage] * pace
        arguments = (*AUDIT, "--out", run, "--resume")
        process, err = signalled(signal.SIGKILL, stage, delay, *arguments, cwd=reference)
        code = process.exitcode
        if code == 0:  # it was through before
            assert_whole(reference, run)
            run, pace = f"killed-{chain}-{attempt + 1}", pace / 2
            continue
        assert code == -signal.SIGKILL, err
        n_killed += 1
        if n_killed == KILLS:
            break
    assert n_killed == KILLS
    done = run_here(*AUDIT, "--out", run, "--resume", "-q", cwd=reference)
    assert done.code == 0, done.err
    assert_whole(reference, run)
    assert (reference / run / "reports" / "report.html").is_file()


@pytest.mark.parametrize(
    ("number", "stage"),
    [(signal.SIGINT, "Training, rule l2rw"), (signal.SIGTERM, "Training, rule uniform")],
)
def test_a_request_to_stop_saves_and_says_how_to_go_on(reference, number, stage):
    run = f"stopped-{number}"
    # At once: plain training on these rows is through within a tenth of a second.
    process, err = signalled(number, stage, 0.0, *AUDIT, "--out", run, cwd=reference)
    assert process.exitcode == 3, err
    message, command = err.splitlines()[-2:]
    assert message.startswith("Stopped on request. Training with rule")
    assert run in message
    assert command == "To go on: datacleanse " + " ".join([*AUDIT, "--out", run, "--resume"])
    manifest = json.loads((reference / run / "run.json").read_text(encoding="utf-8"))
    assert manifest["status"] == "stopped"
    unasked = run_here(*AUDIT, "--out", run, "-q", cwd=reference)
    assert unasked.code == 2
    assert "--resume" in unasked.err
    other = run_here(*AUDIT, "--lr", "0.1", "--out", run, "--resume", "-q", cwd=reference)
    assert (other.code, "--lr not given; now it is 0.1" in other.err) == (2, True)
    done = run_here(*command.split()[4:], "-q", cwd=reference)
    assert done.code == 0, done.err
    assert_whole(reference, run)


def test_resume_without_a_run_starts_and_with_a_finished_one_ends_at_once(reference):
    again = run_here(*AUDIT, "--out", "whole", "--resume", cwd=reference)
    assert (again.code, "finished already" in again.err) == (0, True)
    both = run_here(*AUDIT, "--out", "whole", "--resume", "--force", "-q", cwd=reference)
    assert both.code == 2
    assert "contradict" in both.err


def test_a_run_on_texts_killed_while_it_learns_ends_with_the_same_bytes(tmp_path):
    for name, n, seed in (("data.csv", 120, 0), ("clean.csv", 45, 1)):
        made(n, seed=seed, wrong=0.1 * (name == "data.csv")).to_csv(tmp_path / name, index=False)
    arguments = ("--label", "label", "--out")
    done = run_here(*AUDIT, *arguments, "whole", "-q", cwd=tmp_path)
    assert done.code == 0, done.err
    command = (*AUDIT, *arguments, "killed")
    signalled(signal.SIGKILL, "Training, rule uniform", 0.0, *command, cwd=tmp_path)
    done = run_here(*command, "--resume", "-q", cwd=tmp_path)
    assert done.code == 0, done.err
    assert_whole(tmp_path, "killed")
    assert (tmp_path / "whole" / "terms.parquet").is_file()
