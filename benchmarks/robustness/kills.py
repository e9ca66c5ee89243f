"""Audits killed at random moments and resumed: do they end with the bytes of one that was not?

`python -m benchmarks.robustness.kills` kills an audit of a made table with SIGKILL, in each stage
as often as in any other, and resumes it, killed six times in a row; on one core and on all, each
against the same run on all cores that nobody killed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.cost.made_table import write_made
from benchmarks.record import RESULTS, note, provenance
from benchmarks.results_files import write_result

RESULT = RESULTS / "kills.json"

STAGES = {
    "Reading DATA": 0.1,
    "Encoding": 0.1,
    "Training, rule l2rw": 1.5,
    "Training, halves of CLEAN swapped": 1.0,
    "Training, rule uniform": 1.0,
    "Scoring": 0.5,
    "Training the final model": 0.5,
    "Writing": 0.2,
    "Reports": 0.5,
}
"""Stages as stderr names them, with the seconds within which the kill comes: about how long each
takes. One that is over by then meets the next."""

IN_A_ROW = 6
"""Kills of one audit, before it may end."""

VOLATILE = ("run.json", "reports/", "model/README.md")
"""What holds times or the name of the run, and so differs from run to run."""


@dataclass
class Tally:
    """What came of the kills on some number of cores."""

    kills: Counter[str] = field(default_factory=Counter)
    """By stage."""
    audits: int = 0
    """Resumed to their end."""
    kills_with_the_same_bytes: int = 0
    """Kills of audits that ended as the one that nobody killed."""
    differing: list[str] = field(default_factory=list)
    """Files with other bytes."""


def main() -> None:
    """Kill, resume, compare, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=60, help="on each number of cores")
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    arguments = parser.parse_args()
    result: dict[str, Any] = {"provenance": provenance(), "rows": arguments.rows}
    everything = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        data, clean = write_made(place, arguments.rows, suffix=".csv", seed=0)
        command = ["audit", str(data), "--val", str(clean), "--epochs", "6"]
        subprocess.run(_make_program([*command, "--out", str(place / "whole"), "-q"]), check=True)
        expected = hash_results(place / "whole")
        for cores in ({everything[0]}, {*everything}):
            os.sched_setaffinity(0, cores)  # what is started from here on inherits it
            rng = random.Random(arguments.seed)
            tally = kill_again_and_again(command, place, expected, n_kills=arguments.kills, rng=rng)
            result[f"{len(cores)} cores"] = tally.__dict__ | {"kills": dict(tally.kills)}
            print(
                f"{len(cores)} of {len(everything)} cores: "
                f"{tally.kills_with_the_same_bytes} of {tally.kills.total()} kills "
                f"led to the same bytes; {tally.audits} audits"
            )
    write_result(RESULT, result, tables=())


def kill_again_and_again(
    command: list[str],
    place: Path,
    expected: dict[str, str],
    *,
    n_kills: int,
    rng: random.Random,
) -> Tally:
    """Kill audits until there were so many kills, and let each end after `IN_A_ROW` of them."""
    tally, stages, in_a_row = Tally(), list[str](), list[str]()
    name, n_runs = f"killed-on-{len(os.sched_getaffinity(0))}", 0
    while tally.kills.total() < n_kills or in_a_row:
        stages = stages or rng.sample(list(STAGES), len(STAGES))
        is_last = len(in_a_row) == IN_A_ROW or tally.kills.total() >= n_kills
        stage = None if is_last else stages.pop()
        program = _make_program([*command, "--out", str(place / f"{name}-{n_runs}"), "--resume"])
        if _run(program, stage, rng.random() * STAGES.get(stage or "", 0)):
            assert stage is not None
            tally.kills[stage] += 1
            in_a_row.append(stage)
            continue
        found = hash_results(place / f"{name}-{n_runs}")
        differing = sorted(n for n in expected | found if expected.get(n) != found.get(n))
        tally.differing += differing
        tally.kills_with_the_same_bytes += 0 if differing else len(in_a_row)
        note(f"{tally.kills.total()} kills; killed in {in_a_row}: {differing or 'the same bytes'}")
        tally.audits += bool(in_a_row)
        in_a_row, n_runs = [], n_runs + 1
    return tally


def _run(program: list[str], stage: str | None, delay: float) -> bool:
    """Run it to its end, or kill it a while after a stage has begun; whether it was killed.

    Raises:
        RuntimeError: it ended otherwise.
    """
    with subprocess.Popen(
        program,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        lines: list[str] = []
        for line in process.stderr:
            lines.append(line)
            if stage is not None and line.startswith(stage):
                threading.Timer(delay, process.kill).start()
                stage = None
    if process.returncode not in (0, -signal.SIGKILL):
        raise RuntimeError("".join(lines))
    return process.returncode != 0


def hash_results(run: Path) -> dict[str, str]:
    """SHA-256 of each file of a run but of those that hold times, by its path there."""
    files = {str(p.relative_to(run)): p for p in sorted(run.rglob("*")) if p.is_file()}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in files.items()
        if not name.startswith(VOLATILE)
    }


def _make_program(arguments: list[str]) -> list[str]:
    return [sys.executable, "-m", "datacleanse", *arguments]


if __name__ == "__main__":
    main()
