"""Whole-process time of an audit over that of five-fold cross-validation plus a final fit.

`python -m benchmarks.cost.audit_time` runs both, and the audit with `--fast`, on the same made
table of 5,000 rows and 20 mixed columns, in turn, and writes the medians of the ratios.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.cost.made_table import write_made
from benchmarks.cost.processes import Measured, run_measured
from benchmarks.record import RESULTS, note, provenance
from benchmarks.results_files import write_result

RESULT = RESULTS / "audit_time.json"
AUDIT, FAST, PEER = "audit", "audit --fast", "cross-validation"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each, in turn")
    arguments = parser.parse_args()
    rounds = measure(arguments.rows, arguments.rounds)
    result: dict[str, Any] = {"provenance": provenance(), "rows": arguments.rows}
    for name in (AUDIT, FAST):
        wall = [each[name].seconds / each[PEER].seconds for each in rounds]
        cpu = [each[name].cpu_seconds / each[PEER].cpu_seconds for each in rounds]
        result[name] = {"ratio": median(wall), "ratio_cpu": median(cpu), "ratios": wall}
        print(
            f"{name} / (5-fold {PEER} + fit): median {median(wall):.2f} of wall time, "
            f"{median(cpu):.2f} of processor time"
        )
    result["runs"] = [{name: asdict(run) for name, run in each.items()} for each in rounds]
    write_result(RESULT, result, tables=())


def measure(n_rows: int, n_rounds: int) -> list[dict[str, Measured]]:
    """Run all programs in turn, once unmeasured to warm the file cache."""
    rounds = []
    with tempfile.TemporaryDirectory() as directory:
        data, clean = write_made(Path(directory), n_rows, suffix=".csv", seed=0)
        files = [str(data), "--val", str(clean), "--out", f"{directory}/run", "--force", "--quiet"]
        audit = [sys.executable, "-m", "datacleanse", "audit", *files]
        programs = {
            AUDIT: audit,
            FAST: [*audit, "--fast"],
            PEER: [sys.executable, "-m", "benchmarks.cost.cross_validation", str(data), str(clean)],
        }
        for number in range(n_rounds + 1):
            rounds.append({name: run_measured(program) for name, program in programs.items()})
            seconds = [f"{name} {run.seconds:.1f} s" for name, run in rounds[-1].items()]
            note(f"{number}: {', '.join(seconds)}")
    return rounds[1:]


if __name__ == "__main__":
    main()
